-- Where an association came from and what decided it. `allocated_percentage` is what a person declared, else what was
-- measured. `origin`: person, rule, legacy (copied from `datacenters.environment_id`), measured.
ALTER TABLE environment_associations ADD COLUMN origin TEXT NOT NULL DEFAULT 'person';
ALTER TABLE environment_associations ADD COLUMN rule_id INTEGER;
ALTER TABLE environment_associations ADD COLUMN rule_name TEXT;
ALTER TABLE environment_associations ADD COLUMN evidence TEXT;
ALTER TABLE environment_associations ADD COLUMN confidence REAL;
ALTER TABLE environment_associations ADD COLUMN declared_percentage REAL;
ALTER TABLE environment_associations ADD COLUMN measured_percentage REAL;
UPDATE environment_associations SET declared_percentage = allocated_percentage;

-- The primary environment of a workload stands in its row as well: NULL means that it has no association of its own.
CREATE INDEX IF NOT EXISTS idx_workload_environment ON compute_workloads (environment_id);
CREATE INDEX IF NOT EXISTS idx_workload_container ON compute_workloads (container_row_id);

-- What was copied from the legacy column: it is not copied again, unless the column changes.
CREATE TABLE IF NOT EXISTS environment_legacy (
    datacenter_id INTEGER NOT NULL PRIMARY KEY,
    environment_id INTEGER NOT NULL,
    copied_at_us INTEGER NOT NULL
);

-- kind: assign (evidence decides an environment) or separate (two environments must not share a compute).
-- default_key names a rule of the default set; it stays when the rule is edited.
CREATE TABLE IF NOT EXISTS environment_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    priority INTEGER NOT NULL,
    enabled INTEGER NOT NULL DEFAULT 1,
    environment_code TEXT NOT NULL,
    other_code TEXT,
    confidence REAL NOT NULL,
    conditions TEXT NOT NULL,
    scope TEXT NOT NULL,
    default_key TEXT,
    created_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    CONSTRAINT unique_rule_name UNIQUE (name)
);

-- Inferred associations that a person refused; they stay refused while the evidence is the same.
CREATE TABLE IF NOT EXISTS environment_refusals (
    resource_type TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    environment_id INTEGER NOT NULL,
    evidence_hash TEXT NOT NULL,
    refused_by TEXT NOT NULL,
    refused_at_us INTEGER NOT NULL,
    PRIMARY KEY (resource_type, resource_id, environment_id)
);

-- One row: who infers at the moment, up to which change of the history, and how far a pass over everything has come.
CREATE TABLE IF NOT EXISTS environment_worker (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL DEFAULT '',
    lease_until_us INTEGER NOT NULL DEFAULT 0,
    sequence INTEGER NOT NULL DEFAULT 0,
    wanted_pass INTEGER NOT NULL DEFAULT 1,
    done_pass INTEGER NOT NULL DEFAULT 0,
    pass_type TEXT NOT NULL DEFAULT '',
    pass_after INTEGER NOT NULL DEFAULT 0,
    usage_at_us INTEGER NOT NULL DEFAULT 0,
    usage_compute_id INTEGER NOT NULL DEFAULT 0
);

-- Latest share of a compute, in hundredths of a per cent: those of the environments, unclaimed and idle sum to 10000.
CREATE TABLE IF NOT EXISTS compute_allocations (
    compute_id INTEGER NOT NULL PRIMARY KEY,
    shares TEXT NOT NULL,
    unclaimed INTEGER NOT NULL,
    idle INTEGER NOT NULL,
    cpu_millicores INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);
CREATE INDEX IF NOT EXISTS idx_compute_usage_measured ON compute_usage (measured_at_us);
