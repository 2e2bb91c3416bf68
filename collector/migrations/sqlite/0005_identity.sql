-- Which compute a host is, why, and what people decided about it. Times as in 0002.

-- Why a host was matched as it was, once for each different answer; the newest is the one in force.
-- outcome: EXISTING, NEW or UNDECIDED.
CREATE TABLE IF NOT EXISTS match_decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL,
    outcome TEXT NOT NULL,
    compute_id INTEGER,
    machine TEXT NOT NULL,
    explanation TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    decided_at_us INTEGER NOT NULL,
    FOREIGN KEY (agent_id) REFERENCES agents (id)
);
CREATE INDEX IF NOT EXISTS idx_decision_agent ON match_decisions (agent_id, id);

-- Values that identify nothing, beside those that the program knows.
CREATE TABLE IF NOT EXISTS identity_junk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    fact TEXT NOT NULL,
    content TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    created_by TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    CONSTRAINT unique_junk UNIQUE (fact, content)
);

-- What people did to computes that can be undone. kind: MATCH, CLAIM, MERGE, SPLIT, DRIFT; state: DONE or UNDONE.
-- report tells what was changed, undo_record holds all that undoing takes.
CREATE TABLE IF NOT EXISTS operations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    summary TEXT NOT NULL,
    compute_id INTEGER,
    other_compute_id INTEGER,
    agent_id TEXT,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    done_at_us INTEGER NOT NULL,
    undone_at_us INTEGER,
    undone_by TEXT,
    report TEXT NOT NULL,
    undo_record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_operation_compute ON operations (compute_id, id);
CREATE INDEX IF NOT EXISTS idx_operation_other ON operations (other_compute_id, id);

-- Computes that turned out to be another one. Their rows stay, with the status MERGED.
CREATE TABLE IF NOT EXISTS merged_computes (
    compute_id INTEGER NOT NULL PRIMARY KEY,
    into_compute_id INTEGER NOT NULL,
    operation_id INTEGER NOT NULL,
    merged_at_us INTEGER NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    FOREIGN KEY (into_compute_id) REFERENCES computes (id)
);
CREATE INDEX IF NOT EXISTS idx_merged_into ON merged_computes (into_compute_id);

-- Where a person's value and the discovered one differ, one row per field. kept is the discovered value beside which
-- a person kept theirs.
CREATE TABLE IF NOT EXISTS drifts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    resource_type TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    field TEXT NOT NULL,
    person_value TEXT NOT NULL,
    discovered_value TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    kept TEXT,
    kept_by TEXT,
    kept_at_us INTEGER,
    CONSTRAINT unique_drift UNIQUE (resource_type, resource_id, field)
);

-- What discovery sees in columns that it did not write because a person's value stands there.
ALTER TABLE compute_facts ADD COLUMN beside TEXT;
ALTER TABLE compute_workloads ADD COLUMN container_beside TEXT;
