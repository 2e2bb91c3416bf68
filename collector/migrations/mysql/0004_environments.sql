-- Where an association came from and what decided it. `allocated_percentage` is what a person declared, else what was
-- measured. `origin`: person, rule, legacy (copied from `datacenters.environment_id`), measured.
ALTER TABLE environment_associations
    ADD COLUMN origin VARCHAR(16) NOT NULL DEFAULT 'person',
    ADD COLUMN rule_id BIGINT,
    ADD COLUMN rule_name VARCHAR(100),
    ADD COLUMN evidence JSON,
    ADD COLUMN confidence DECIMAL(3, 2),
    ADD COLUMN declared_percentage DECIMAL(5, 2),
    ADD COLUMN measured_percentage DECIMAL(5, 2);
UPDATE environment_associations SET declared_percentage = allocated_percentage;

-- The primary environment of a workload stands in its row as well: NULL means that it has no association of its own.
CREATE INDEX idx_workload_environment ON compute_workloads (environment_id);
CREATE INDEX idx_workload_container ON compute_workloads (container_row_id);

-- What was copied from the legacy column: it is not copied again, unless the column changes.
CREATE TABLE IF NOT EXISTS environment_legacy (
    datacenter_id BIGINT NOT NULL PRIMARY KEY,
    environment_id BIGINT NOT NULL,
    copied_at_us BIGINT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- kind: assign (evidence decides an environment) or separate (two environments must not share a compute).
-- default_key names a rule of the default set; it stays when the rule is edited.
CREATE TABLE IF NOT EXISTS environment_rules (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(100) NOT NULL,
    description VARCHAR(255),
    priority INT NOT NULL,
    enabled BOOLEAN NOT NULL DEFAULT TRUE,
    environment_code VARCHAR(64) NOT NULL,
    other_code VARCHAR(64),
    confidence DECIMAL(3, 2) NOT NULL,
    conditions JSON NOT NULL,
    scope JSON NOT NULL,
    default_key VARCHAR(64),
    created_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    UNIQUE KEY unique_rule_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Inferred associations that a person refused; they stay refused while the evidence is the same.
CREATE TABLE IF NOT EXISTS environment_refusals (
    resource_type VARCHAR(32) NOT NULL,
    resource_id BIGINT NOT NULL,
    environment_id BIGINT NOT NULL,
    evidence_hash CHAR(64) NOT NULL,
    refused_by VARCHAR(64) NOT NULL,
    refused_at_us BIGINT NOT NULL,
    PRIMARY KEY (resource_type, resource_id, environment_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- One row: who infers at the moment, up to which change of the history, and how far a pass over everything has come.
CREATE TABLE IF NOT EXISTS environment_worker (
    name VARCHAR(32) NOT NULL PRIMARY KEY,
    holder VARCHAR(64) NOT NULL DEFAULT '',
    lease_until_us BIGINT NOT NULL DEFAULT 0,
    sequence BIGINT NOT NULL DEFAULT 0,
    wanted_pass BIGINT NOT NULL DEFAULT 1,
    done_pass BIGINT NOT NULL DEFAULT 0,
    pass_type VARCHAR(32) NOT NULL DEFAULT '',
    pass_after BIGINT NOT NULL DEFAULT 0,
    usage_at_us BIGINT NOT NULL DEFAULT 0,
    usage_compute_id BIGINT NOT NULL DEFAULT 0
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Latest share of a compute, in hundredths of a per cent: those of the environments, unclaimed and idle sum to 10000.
CREATE TABLE IF NOT EXISTS compute_allocations (
    compute_id BIGINT NOT NULL PRIMARY KEY,
    shares JSON NOT NULL,
    unclaimed INT NOT NULL,
    idle INT NOT NULL,
    cpu_millicores BIGINT NOT NULL,
    memory_bytes BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
CREATE INDEX idx_compute_usage_measured ON compute_usage (measured_at_us);
