-- History that tells the past: the stored row before each change.

-- What was recorded before this says nothing of rows: as far back as here the inventory can be read as it was.
INSERT INTO discovery_settings (name, content)
SELECT 'history-start', CONCAT('{"sequence":', MAX(sequence), ',"recordedAtUs":', MAX(recorded_at_us), '}')
FROM history HAVING COUNT(*) > 0
ON DUPLICATE KEY UPDATE content = content;

-- resource_key: what tells rows with the same resource_id apart; empty for those with an id of their own.
-- before_row: the row before the change, by column; {} when there was none; NULL when the entry says nothing of a row.
ALTER TABLE history
    ADD COLUMN resource_key VARCHAR(160) NOT NULL DEFAULT '' AFTER resource_id,
    ADD COLUMN before_row JSON,
    ADD KEY idx_history_row (resource_type, resource_key, resource_id, sequence),
    ADD KEY idx_history_type (resource_type, sequence),
    ADD KEY idx_history_recorded (recorded_at_us);
