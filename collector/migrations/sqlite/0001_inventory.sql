-- The inventory as it exists in production. Every table is made only where it is missing: an existing one stays as it is.

CREATE TABLE IF NOT EXISTS partners (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    type TEXT NOT NULL,
    roles TEXT,
    contact_email TEXT,
    website TEXT,
    billing_account_id TEXT,
    api_key TEXT,
    api_secret TEXT,
    status TEXT DEFAULT 'ACTIVE',
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT DEFAULT CURRENT_TIMESTAMP
);

CREATE TABLE IF NOT EXISTS environments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    type TEXT NOT NULL,
    partner_id INTEGER,
    description TEXT,
    status TEXT DEFAULT 'ACTIVE',
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (partner_id) REFERENCES partners (id),
    CONSTRAINT unique_env_per_partner UNIQUE (partner_id, code)
);

CREATE TABLE IF NOT EXISTS clouds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT,
    client_name TEXT,
    partner_id INTEGER NOT NULL,
    deployment_region TEXT,
    status TEXT DEFAULT 'ACTIVE',
    created_at TEXT,
    updated_at TEXT,
    FOREIGN KEY (partner_id) REFERENCES partners (id)
);

CREATE TABLE IF NOT EXISTS regions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    code TEXT NOT NULL UNIQUE,
    geographic_area TEXT,
    cloud_id INTEGER NOT NULL,
    compliance_zones TEXT,
    description TEXT,
    status TEXT DEFAULT 'ACTIVE',
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS availability_zones (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    code TEXT NOT NULL,
    region_id INTEGER NOT NULL,
    zone_type TEXT DEFAULT 'STANDARD',
    is_default INTEGER DEFAULT 0,
    capabilities TEXT,
    status TEXT DEFAULT 'ACTIVE',
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (region_id) REFERENCES regions (id) ON DELETE CASCADE,
    CONSTRAINT unique_zone_per_region UNIQUE (region_id, code)
);

CREATE TABLE IF NOT EXISTS datacenters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    type TEXT,
    status TEXT DEFAULT 'ACTIVE',
    provider TEXT,
    partner_id INTEGER,
    cloud_id INTEGER,
    availability_zone_id INTEGER,
    environment_id INTEGER,
    is_dr_site INTEGER DEFAULT 0,
    dr_paired_with INTEGER,
    tier INTEGER DEFAULT 3,
    location_other TEXT,
    latitude REAL,
    longitude REAL,
    servers INTEGER DEFAULT 0,
    storage_tb INTEGER DEFAULT 0,
    utilization INTEGER DEFAULT 0,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP,
    updated_at TEXT DEFAULT CURRENT_TIMESTAMP,
    FOREIGN KEY (partner_id) REFERENCES partners (id) ON DELETE SET NULL,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id),
    FOREIGN KEY (availability_zone_id) REFERENCES availability_zones (id),
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    FOREIGN KEY (dr_paired_with) REFERENCES datacenters (id)
);

CREATE TABLE IF NOT EXISTS resource_pools (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    datacenter_id INTEGER,
    total_cpu_cores INTEGER DEFAULT 0,
    total_memory_gb INTEGER DEFAULT 0,
    hypervisor TEXT,
    orchestrator TEXT,
    status TEXT DEFAULT 'ACTIVE',
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS computes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT,
    compute_type TEXT,
    node_type TEXT,
    hostname TEXT,
    ip_address TEXT,
    operating_system TEXT,
    cpu_cores INTEGER,
    memory_gb INTEGER,
    disk_gb INTEGER,
    status TEXT DEFAULT 'ACTIVE',
    cloud_id INTEGER,
    datacenter_id INTEGER,
    resource_pool_id INTEGER,
    hypervisor TEXT,
    is_physical INTEGER DEFAULT 0,
    brand TEXT,
    model TEXT,
    serial_number TEXT,
    os_type TEXT,
    os_distribution TEXT,
    os_version TEXT,
    kernel_version TEXT,
    virtualization_type TEXT,
    container_runtime TEXT,
    orchestration_platform TEXT,
    primary_mac_address TEXT,
    purpose TEXT,
    notes TEXT,
    created_at TEXT,
    updated_at TEXT,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id),
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id),
    FOREIGN KEY (resource_pool_id) REFERENCES resource_pools (id)
);

CREATE TABLE IF NOT EXISTS containers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    description TEXT,
    container_type TEXT,
    container_id TEXT,
    image TEXT,
    image_version TEXT,
    status TEXT,
    ip_address TEXT,
    exposed_ports TEXT,
    environment_vars TEXT,
    mount_points TEXT,
    cpu_limit TEXT,
    memory_limit TEXT,
    auto_start INTEGER DEFAULT 0,
    compute_id INTEGER NOT NULL,
    created_at TEXT,
    updated_at TEXT,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
);

CREATE TABLE IF NOT EXISTS tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_name TEXT NOT NULL,
    value TEXT NOT NULL,
    entity_type TEXT NOT NULL,
    entity_id INTEGER NOT NULL,
    created_at TEXT DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_tags_entity ON tags (entity_type, entity_id);

CREATE TABLE IF NOT EXISTS network_devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    device_type TEXT NOT NULL,
    management_ip TEXT,
    datacenter_id INTEGER,
    status TEXT DEFAULT 'ACTIVE',
    last_seen TEXT,
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id)
);
