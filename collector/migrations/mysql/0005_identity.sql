-- Which compute a host is, why, and what people decided about it. Times as in 0002.

-- Why a host was matched as it was, once for each different answer; the newest is the one in force.
-- outcome: EXISTING, NEW or UNDECIDED.
CREATE TABLE IF NOT EXISTS match_decisions (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    agent_id CHAR(36) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    compute_id BIGINT,
    machine JSON NOT NULL,
    explanation JSON NOT NULL,
    actor_kind VARCHAR(16) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    decided_at_us BIGINT NOT NULL,
    FOREIGN KEY (agent_id) REFERENCES agents (id),
    KEY idx_decision_agent (agent_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Values that identify nothing, beside those that the program knows.
CREATE TABLE IF NOT EXISTS identity_junk (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    fact VARCHAR(32) NOT NULL,
    content VARCHAR(255) NOT NULL,
    note VARCHAR(255) NOT NULL DEFAULT '',
    created_by VARCHAR(64) NOT NULL,
    created_at_us BIGINT NOT NULL,
    UNIQUE KEY unique_junk (fact, content)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What people did to computes that can be undone. kind: MATCH, CLAIM, MERGE, SPLIT, DRIFT; state: DONE or UNDONE.
-- report tells what was changed, undo_record holds all that undoing takes.
CREATE TABLE IF NOT EXISTS operations (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    state VARCHAR(16) NOT NULL,
    summary VARCHAR(512) NOT NULL,
    compute_id BIGINT,
    other_compute_id BIGINT,
    agent_id CHAR(36),
    actor_kind VARCHAR(16) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    done_at_us BIGINT NOT NULL,
    undone_at_us BIGINT,
    undone_by VARCHAR(64),
    report JSON NOT NULL,
    undo_record JSON NOT NULL,
    KEY idx_operation_compute (compute_id, id),
    KEY idx_operation_other (other_compute_id, id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Computes that turned out to be another one. Their rows stay, with the status MERGED.
CREATE TABLE IF NOT EXISTS merged_computes (
    compute_id BIGINT NOT NULL PRIMARY KEY,
    into_compute_id BIGINT NOT NULL,
    operation_id BIGINT NOT NULL,
    merged_at_us BIGINT NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    FOREIGN KEY (into_compute_id) REFERENCES computes (id),
    KEY idx_merged_into (into_compute_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Where a person's value and the discovered one differ, one row per field. kept is the discovered value beside which
-- a person kept theirs.
CREATE TABLE IF NOT EXISTS drifts (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    resource_type VARCHAR(32) NOT NULL,
    resource_id BIGINT NOT NULL,
    field VARCHAR(64) NOT NULL,
    person_value JSON NOT NULL,
    discovered_value JSON NOT NULL,
    since_us BIGINT NOT NULL,
    kept JSON,
    kept_by VARCHAR(64),
    kept_at_us BIGINT,
    UNIQUE KEY unique_drift (resource_type, resource_id, field)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What discovery sees in columns that it did not write because a person's value stands there.
ALTER TABLE compute_facts ADD COLUMN beside JSON;
ALTER TABLE compute_workloads ADD COLUMN container_beside JSON;
