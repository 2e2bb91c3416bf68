-- History that tells the past: the stored row before each change.

-- What was recorded before this says nothing of rows: as far back as here the inventory can be read as it was.
INSERT INTO discovery_settings (name, content)
SELECT 'history-start', '{"sequence":' || MAX(sequence) || ',"recordedAtUs":' || MAX(recorded_at_us) || '}'
FROM history WHERE true HAVING COUNT(*) > 0
ON CONFLICT (name) DO NOTHING;

-- resource_key: what tells rows with the same resource_id apart; empty for those with an id of their own.
-- before_row: the row before the change, by column; {} when there was none; NULL when the entry says nothing of a row.
ALTER TABLE history ADD COLUMN resource_key TEXT NOT NULL DEFAULT '';
ALTER TABLE history ADD COLUMN before_row TEXT;
CREATE INDEX IF NOT EXISTS idx_history_row ON history (resource_type, resource_key, resource_id, sequence);
CREATE INDEX IF NOT EXISTS idx_history_type ON history (resource_type, sequence);
CREATE INDEX IF NOT EXISTS idx_history_recorded ON history (recorded_at_us);
