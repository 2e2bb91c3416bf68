-- What discovery adds. Times ending in `_at_us` are microseconds since 1970-01-01T00:00:00Z; absent means not known.

CREATE TABLE IF NOT EXISTS environment_associations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    environment_id INTEGER NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    is_primary INTEGER NOT NULL DEFAULT 0,
    allocated_percentage REAL,
    metadata TEXT,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    CONSTRAINT unique_environment_per_resource UNIQUE (environment_id, resource_type, resource_id),
    CHECK (allocated_percentage BETWEEN 0 AND 100)
);
CREATE INDEX IF NOT EXISTS idx_association_resource ON environment_associations (resource_type, resource_id);

-- container_row_id links a container to its row in `containers`; container_filled holds what discovery itself wrote there.
CREATE TABLE IF NOT EXISTS compute_workloads (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    compute_id INTEGER NOT NULL,
    environment_id INTEGER,
    workload_type TEXT NOT NULL,
    workload_name TEXT NOT NULL,
    workload_id TEXT NOT NULL,
    cpu_cores REAL,
    memory_mb INTEGER,
    disk_gb INTEGER,
    ip_address TEXT,
    ports TEXT,
    isolation_method TEXT,
    isolation_details TEXT,
    status TEXT NOT NULL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    source TEXT NOT NULL,
    image TEXT,
    labels TEXT,
    evidence TEXT,
    container_row_id INTEGER,
    container_filled TEXT,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    started_at_us INTEGER,
    finished_at_us INTEGER,
    ended_at_us INTEGER,
    end_reason TEXT,
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    CONSTRAINT unique_workload_per_compute UNIQUE (compute_id, source, workload_id)
);
CREATE INDEX IF NOT EXISTS idx_workload_name ON compute_workloads (compute_id, workload_name);

CREATE TABLE IF NOT EXISTS resource_tags (
    resource_type TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    tag_key TEXT NOT NULL,
    tag_value TEXT NOT NULL,
    origin TEXT NOT NULL DEFAULT 'person',
    PRIMARY KEY (resource_type, resource_id, tag_key)
);
CREATE INDEX IF NOT EXISTS idx_tag_value ON resource_tags (tag_key, tag_value);

CREATE TABLE IF NOT EXISTS compute_capabilities (
    compute_id INTEGER NOT NULL,
    capability_type TEXT NOT NULL,
    capability_version TEXT,
    configuration TEXT,
    PRIMARY KEY (compute_id, capability_type),
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);

CREATE TABLE IF NOT EXISTS automation_targets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    target_type TEXT NOT NULL,
    target_id INTEGER NOT NULL,
    connection_info TEXT,
    capabilities TEXT,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    CONSTRAINT unique_target UNIQUE (target_type, target_id, name)
);

-- Settings that every collector of an installation shares.
CREATE TABLE IF NOT EXISTS discovery_settings (
    name TEXT NOT NULL PRIMARY KEY,
    content TEXT NOT NULL
);

-- Everything the operating system said of a compute, as TEXT; one row per compute. `filled` holds what
-- discovery itself wrote into columns of `computes`: whatever differs from it was entered by a person.
CREATE TABLE IF NOT EXISTS compute_facts (
    compute_id INTEGER NOT NULL PRIMARY KEY,
    facts TEXT NOT NULL,
    filled TEXT NOT NULL,
    changed_at_us INTEGER NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);

-- What identifies a compute, one row per fact: the index that matching uses.
CREATE TABLE IF NOT EXISTS compute_identities (
    compute_id INTEGER NOT NULL,
    fact TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (fact, content, compute_id),
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);
CREATE INDEX IF NOT EXISTS idx_identity_compute ON compute_identities (compute_id);

-- removal_held_*: session and time of a report that would end most workloads and waits for a second one.
-- state: ACTIVE, HELD (a person must decide to which compute it belongs), QUARANTINED (identity seen twice), REVOKED.
CREATE TABLE IF NOT EXISTS agents (
    id TEXT NOT NULL PRIMARY KEY,
    compute_id INTEGER,
    hostname TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    state_reason TEXT NOT NULL DEFAULT '',
    join_token_id TEXT,
    datacenter_id INTEGER,
    tags TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    boot_id TEXT NOT NULL DEFAULT '',
    outbox_id TEXT NOT NULL DEFAULT '',
    applied_sequence INTEGER NOT NULL DEFAULT 0,
    lost_reports INTEGER NOT NULL DEFAULT 0,
    clock_skew_us INTEGER NOT NULL DEFAULT 0,
    reachable INTEGER NOT NULL DEFAULT 0,
    reachable_changed_at_us INTEGER NOT NULL DEFAULT 0,
    enrolled_at_us INTEGER NOT NULL,
    connected_at_us INTEGER,
    reported_at_us INTEGER,
    removal_held_epoch INTEGER,
    removal_held_at_us INTEGER,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);
CREATE INDEX IF NOT EXISTS idx_agent_compute ON agents (compute_id);

-- Liveness apart from the agents, so that it can be flushed in batches without touching them.
CREATE TABLE IF NOT EXISTS agent_liveness (
    agent_id TEXT NOT NULL PRIMARY KEY,
    seen_at_us INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_liveness_seen ON agent_liveness (seen_at_us);

-- How well each source of an agent can be looked at: coverage.
CREATE TABLE IF NOT EXISTS agent_sources (
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    health TEXT NOT NULL,
    completeness TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    since_at_us INTEGER NOT NULL,
    warnings INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (agent_id, source),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
);

-- What each agent currently reports, by source: the base of digests. A row goes when its entity ends.
CREATE TABLE IF NOT EXISTS agent_entities (
    agent_id TEXT NOT NULL,
    source TEXT NOT NULL,
    native_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    hash BLOB NOT NULL,
    resource_id INTEGER,
    PRIMARY KEY (agent_id, source, native_id),
    FOREIGN KEY (agent_id) REFERENCES agents (id)
);

CREATE TABLE IF NOT EXISTS agent_certificates (
    serial TEXT NOT NULL PRIMARY KEY,
    agent_id TEXT NOT NULL,
    public_key_sha256 BLOB NOT NULL,
    not_before_at_us INTEGER NOT NULL,
    not_after_at_us INTEGER NOT NULL,
    issued_at_us INTEGER NOT NULL,
    used_at_us INTEGER,
    superseded_at_us INTEGER,
    FOREIGN KEY (agent_id) REFERENCES agents (id)
);
CREATE INDEX IF NOT EXISTS idx_certificate_agent ON agent_certificates (agent_id);

CREATE TABLE IF NOT EXISTS certificate_authorities (
    id TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    generation INTEGER NOT NULL,
    certificate_der BLOB NOT NULL,
    sealed_key BLOB NOT NULL,
    not_before_at_us INTEGER NOT NULL,
    not_after_at_us INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    CONSTRAINT unique_generation UNIQUE (role, generation)
);

CREATE TABLE IF NOT EXISTS join_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    secret_sha256 BLOB NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    uses_allowed INTEGER NOT NULL,
    uses_left INTEGER NOT NULL,
    datacenter_id INTEGER,
    tags TEXT,
    created_by TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER NOT NULL,
    revoked_at_us INTEGER
);

-- Who used a token: a repeated attempt with the same key gets the same agent again.
CREATE TABLE IF NOT EXISTS join_token_uses (
    token_id TEXT NOT NULL,
    public_key_sha256 BLOB NOT NULL,
    agent_id TEXT NOT NULL,
    used_at_us INTEGER NOT NULL,
    PRIMARY KEY (token_id, public_key_sha256),
    FOREIGN KEY (token_id) REFERENCES join_tokens (id)
);

CREATE TABLE IF NOT EXISTS api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    secret_sha256 BLOB NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    expires_at_us INTEGER,
    revoked_at_us INTEGER
);

-- Every change of a resource. The sequence is what readers resume from.
CREATE TABLE IF NOT EXISTS history (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    recorded_at_us INTEGER NOT NULL,
    happened_at_us INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    change_kind TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id INTEGER NOT NULL,
    resource_name TEXT NOT NULL,
    compute_id INTEGER,
    source TEXT,
    before_state TEXT,
    after_state TEXT
);
CREATE INDEX IF NOT EXISTS idx_history_resource ON history (resource_type, resource_id, sequence);
CREATE INDEX IF NOT EXISTS idx_history_compute ON history (compute_id, sequence);

CREATE TABLE IF NOT EXISTS audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT NOT NULL,
    action TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    detail TEXT
);

-- Hosts that fit several computes, or none well enough: a person decides.
CREATE TABLE IF NOT EXISTS match_conflicts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL,
    machine TEXT NOT NULL,
    candidates TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at_us INTEGER NOT NULL,
    resolved_at_us INTEGER,
    resolved_by TEXT,
    resolution TEXT,
    FOREIGN KEY (agent_id) REFERENCES agents (id)
);

CREATE TABLE IF NOT EXISTS workload_usage (
    workload_id INTEGER NOT NULL PRIMARY KEY,
    cpu_millicores INTEGER,
    memory_bytes INTEGER,
    measured_at_us INTEGER NOT NULL,
    FOREIGN KEY (workload_id) REFERENCES compute_workloads (id)
);

CREATE TABLE IF NOT EXISTS compute_usage (
    compute_id INTEGER NOT NULL PRIMARY KEY,
    cpu_millicores INTEGER,
    memory_bytes INTEGER,
    measured_at_us INTEGER NOT NULL,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);

-- Reports that could not be stored, kept for people; the agent goes on.
CREATE TABLE IF NOT EXISTS dead_letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    agent_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    code TEXT NOT NULL,
    field TEXT NOT NULL,
    message TEXT NOT NULL,
    received_at_us INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS idx_dead_letter_agent ON dead_letters (agent_id);
