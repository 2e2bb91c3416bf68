-- What discovery adds. Times ending in `_at_us` are microseconds since 1970-01-01T00:00:00Z; absent means not known.

CREATE TABLE IF NOT EXISTS environment_associations (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    environment_id BIGINT NOT NULL,
    resource_type VARCHAR(32) NOT NULL,
    resource_id BIGINT NOT NULL,
    is_primary BOOLEAN NOT NULL DEFAULT FALSE,
    allocated_percentage DECIMAL(5, 2),
    metadata JSON,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    UNIQUE KEY unique_environment_per_resource (environment_id, resource_type, resource_id),
    KEY idx_association_resource (resource_type, resource_id),
    CHECK (allocated_percentage BETWEEN 0 AND 100)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- container_row_id links a container to its row in `containers`; container_filled holds what discovery itself wrote there.
CREATE TABLE IF NOT EXISTS compute_workloads (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    compute_id BIGINT NOT NULL,
    environment_id BIGINT,
    workload_type VARCHAR(32) NOT NULL,
    workload_name VARCHAR(255) NOT NULL,
    workload_id VARCHAR(255) NOT NULL,
    cpu_cores DECIMAL(5, 2),
    memory_mb BIGINT,
    disk_gb BIGINT,
    ip_address VARCHAR(45),
    ports JSON,
    isolation_method VARCHAR(32),
    isolation_details JSON,
    status VARCHAR(50) NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    source VARCHAR(32) NOT NULL,
    image VARCHAR(512),
    labels JSON,
    evidence JSON,
    container_row_id BIGINT,
    container_filled JSON,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    started_at_us BIGINT,
    finished_at_us BIGINT,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    UNIQUE KEY unique_workload_per_compute (compute_id, source, workload_id),
    KEY idx_workload_name (compute_id, workload_name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS resource_tags (
    resource_type VARCHAR(32) NOT NULL,
    resource_id BIGINT NOT NULL,
    tag_key VARCHAR(100) NOT NULL,
    tag_value VARCHAR(255) NOT NULL,
    origin VARCHAR(32) NOT NULL DEFAULT 'person',
    PRIMARY KEY (resource_type, resource_id, tag_key),
    KEY idx_tag_value (tag_key, tag_value)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS compute_capabilities (
    compute_id BIGINT NOT NULL,
    capability_type VARCHAR(64) NOT NULL,
    capability_version VARCHAR(255),
    configuration JSON,
    PRIMARY KEY (compute_id, capability_type),
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS automation_targets (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    target_type VARCHAR(32) NOT NULL,
    target_id BIGINT NOT NULL,
    connection_info JSON,
    capabilities JSON,
    status VARCHAR(50) NOT NULL DEFAULT 'ACTIVE',
    UNIQUE KEY unique_target (target_type, target_id, name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Settings that every collector of an installation shares.
CREATE TABLE IF NOT EXISTS discovery_settings (
    name VARCHAR(64) NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Everything the operating system said of a compute, as JSON; one row per compute. `filled` holds what
-- discovery itself wrote into columns of `computes`: whatever differs from it was entered by a person.
CREATE TABLE IF NOT EXISTS compute_facts (
    compute_id BIGINT NOT NULL PRIMARY KEY,
    facts JSON NOT NULL,
    filled JSON NOT NULL,
    changed_at_us BIGINT NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What identifies a compute, one row per fact: the index that matching uses.
CREATE TABLE IF NOT EXISTS compute_identities (
    compute_id BIGINT NOT NULL,
    fact VARCHAR(32) NOT NULL,
    content VARCHAR(255) NOT NULL,
    PRIMARY KEY (fact, content, compute_id),
    KEY idx_identity_compute (compute_id),
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- removal_held_*: session and time of a report that would end most workloads and waits for a second one.
-- state: ACTIVE, HELD (a person must decide to which compute it belongs), QUARANTINED (identity seen twice), REVOKED.
CREATE TABLE IF NOT EXISTS agents (
    id CHAR(36) NOT NULL PRIMARY KEY,
    compute_id BIGINT,
    hostname VARCHAR(255) NOT NULL,
    version VARCHAR(64) NOT NULL,
    state VARCHAR(16) NOT NULL,
    state_reason VARCHAR(255) NOT NULL DEFAULT '',
    join_token_id VARCHAR(32),
    datacenter_id BIGINT,
    tags JSON,
    epoch BIGINT NOT NULL DEFAULT 0,
    boot_id VARCHAR(64) NOT NULL DEFAULT '',
    outbox_id CHAR(36) NOT NULL DEFAULT '',
    applied_sequence BIGINT NOT NULL DEFAULT 0,
    lost_reports BIGINT NOT NULL DEFAULT 0,
    clock_skew_us BIGINT NOT NULL DEFAULT 0,
    reachable BOOLEAN NOT NULL DEFAULT FALSE,
    reachable_changed_at_us BIGINT NOT NULL DEFAULT 0,
    enrolled_at_us BIGINT NOT NULL,
    connected_at_us BIGINT,
    reported_at_us BIGINT,
    removal_held_epoch BIGINT,
    removal_held_at_us BIGINT,
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    KEY idx_agent_compute (compute_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Liveness apart from the agents, so that it can be flushed in batches without touching them.
CREATE TABLE IF NOT EXISTS agent_liveness (
    agent_id CHAR(36) NOT NULL PRIMARY KEY,
    seen_at_us BIGINT NOT NULL,
    KEY idx_liveness_seen (seen_at_us)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- How well each source of an agent can be looked at: coverage.
CREATE TABLE IF NOT EXISTS agent_sources (
    agent_id CHAR(36) NOT NULL,
    source VARCHAR(32) NOT NULL,
    health VARCHAR(16) NOT NULL,
    completeness VARCHAR(16) NOT NULL,
    reason VARCHAR(1024) NOT NULL DEFAULT '',
    since_at_us BIGINT NOT NULL,
    warnings INT NOT NULL DEFAULT 0,
    PRIMARY KEY (agent_id, source),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- What each agent currently reports, by source: the base of digests. A row goes when its entity ends.
CREATE TABLE IF NOT EXISTS agent_entities (
    agent_id CHAR(36) NOT NULL,
    source VARCHAR(32) NOT NULL,
    native_id VARCHAR(255) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    hash BINARY(16) NOT NULL,
    resource_id BIGINT,
    PRIMARY KEY (agent_id, source, native_id),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_certificates (
    serial VARCHAR(40) NOT NULL PRIMARY KEY,
    agent_id CHAR(36) NOT NULL,
    public_key_sha256 BINARY(32) NOT NULL,
    not_before_at_us BIGINT NOT NULL,
    not_after_at_us BIGINT NOT NULL,
    issued_at_us BIGINT NOT NULL,
    used_at_us BIGINT,
    superseded_at_us BIGINT,
    KEY idx_certificate_agent (agent_id),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS certificate_authorities (
    id VARCHAR(40) NOT NULL PRIMARY KEY,
    role VARCHAR(16) NOT NULL,
    generation INT NOT NULL,
    certificate_der BLOB NOT NULL,
    sealed_key BLOB NOT NULL,
    not_before_at_us BIGINT NOT NULL,
    not_after_at_us BIGINT NOT NULL,
    created_at_us BIGINT NOT NULL,
    UNIQUE KEY unique_generation (role, generation)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS join_tokens (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    secret_sha256 BINARY(32) NOT NULL,
    description VARCHAR(255) NOT NULL DEFAULT '',
    uses_allowed INT NOT NULL,
    uses_left INT NOT NULL,
    datacenter_id BIGINT,
    tags JSON,
    created_by VARCHAR(64) NOT NULL,
    created_at_us BIGINT NOT NULL,
    expires_at_us BIGINT NOT NULL,
    revoked_at_us BIGINT
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Who used a token: a repeated attempt with the same key gets the same agent again.
CREATE TABLE IF NOT EXISTS join_token_uses (
    token_id VARCHAR(32) NOT NULL,
    public_key_sha256 BINARY(32) NOT NULL,
    agent_id CHAR(36) NOT NULL,
    used_at_us BIGINT NOT NULL,
    PRIMARY KEY (token_id, public_key_sha256),
    FOREIGN KEY (token_id) REFERENCES join_tokens (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS api_tokens (
    id VARCHAR(32) NOT NULL PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    secret_sha256 BINARY(32) NOT NULL UNIQUE,
    role VARCHAR(16) NOT NULL,
    created_at_us BIGINT NOT NULL,
    expires_at_us BIGINT,
    revoked_at_us BIGINT
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Every change of a resource. The sequence is what readers resume from.
CREATE TABLE IF NOT EXISTS history (
    sequence BIGINT AUTO_INCREMENT PRIMARY KEY,
    recorded_at_us BIGINT NOT NULL,
    happened_at_us BIGINT NOT NULL,
    actor_kind VARCHAR(16) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    change_kind VARCHAR(16) NOT NULL,
    resource_type VARCHAR(32) NOT NULL,
    resource_id BIGINT NOT NULL,
    resource_name VARCHAR(255) NOT NULL,
    compute_id BIGINT,
    source VARCHAR(32),
    before_state JSON,
    after_state JSON,
    KEY idx_history_resource (resource_type, resource_id, sequence),
    KEY idx_history_compute (compute_id, sequence)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS audit_log (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    at_us BIGINT NOT NULL,
    actor_kind VARCHAR(16) NOT NULL,
    actor_id VARCHAR(64) NOT NULL,
    action VARCHAR(64) NOT NULL,
    resource_type VARCHAR(32) NOT NULL,
    resource_id VARCHAR(64) NOT NULL,
    detail JSON
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Hosts that fit several computes, or none well enough: a person decides.
CREATE TABLE IF NOT EXISTS match_conflicts (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    agent_id CHAR(36) NOT NULL,
    machine JSON NOT NULL,
    candidates JSON NOT NULL,
    state VARCHAR(16) NOT NULL,
    created_at_us BIGINT NOT NULL,
    resolved_at_us BIGINT,
    resolved_by VARCHAR(64),
    resolution VARCHAR(255),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS workload_usage (
    workload_id BIGINT NOT NULL PRIMARY KEY,
    cpu_millicores BIGINT,
    memory_bytes BIGINT,
    measured_at_us BIGINT NOT NULL,
    FOREIGN KEY (workload_id) REFERENCES compute_workloads (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

CREATE TABLE IF NOT EXISTS compute_usage (
    compute_id BIGINT NOT NULL PRIMARY KEY,
    cpu_millicores BIGINT,
    memory_bytes BIGINT,
    measured_at_us BIGINT NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Reports that could not be stored, kept for people; the agent goes on.
CREATE TABLE IF NOT EXISTS dead_letters (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    agent_id CHAR(36) NOT NULL,
    sequence BIGINT NOT NULL,
    code VARCHAR(64) NOT NULL,
    field VARCHAR(255) NOT NULL,
    message VARCHAR(1024) NOT NULL,
    received_at_us BIGINT NOT NULL,
    KEY idx_dead_letter_agent (agent_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
