-- The inventory as it exists in production. Every table is made only where it is missing: an existing one stays as it is.

CREATE TABLE IF NOT EXISTS partners (
    id INT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL UNIQUE,
    display_name VARCHAR(100) NOT NULL,
    type VARCHAR(50) NOT NULL,
    roles JSON,
    contact_email VARCHAR(255),
    website VARCHAR(255),
    billing_account_id VARCHAR(100),
    api_key VARCHAR(255),
    api_secret VARCHAR(255),
    status VARCHAR(50) DEFAULT 'ACTIVE',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS environments (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    code VARCHAR(50) NOT NULL,
    type VARCHAR(50) NOT NULL,
    partner_id INT,
    description TEXT,
    status VARCHAR(50) DEFAULT 'ACTIVE',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    FOREIGN KEY (partner_id) REFERENCES partners (id),
    UNIQUE KEY unique_env_per_partner (partner_id, code)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS clouds (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description VARCHAR(255),
    client_name VARCHAR(255),
    partner_id INT NOT NULL,
    deployment_region VARCHAR(255),
    status VARCHAR(50) DEFAULT 'ACTIVE',
    created_at DATETIME,
    updated_at DATETIME,
    FOREIGN KEY (partner_id) REFERENCES partners (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS regions (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    code VARCHAR(50) NOT NULL UNIQUE,
    geographic_area VARCHAR(100),
    cloud_id BIGINT NOT NULL,
    compliance_zones VARCHAR(255),
    description TEXT,
    status VARCHAR(50) DEFAULT 'ACTIVE',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS availability_zones (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    code VARCHAR(50) NOT NULL,
    region_id BIGINT NOT NULL,
    zone_type VARCHAR(50) DEFAULT 'STANDARD',
    is_default BOOLEAN DEFAULT FALSE,
    capabilities VARCHAR(255),
    status VARCHAR(50) DEFAULT 'ACTIVE',
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    FOREIGN KEY (region_id) REFERENCES regions (id) ON DELETE CASCADE,
    UNIQUE KEY unique_zone_per_region (region_id, code)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS datacenters (
    id INT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    type VARCHAR(50),
    status VARCHAR(50) DEFAULT 'ACTIVE',
    provider VARCHAR(100),
    partner_id INT,
    cloud_id BIGINT,
    availability_zone_id BIGINT,
    environment_id BIGINT,
    is_dr_site BOOLEAN DEFAULT FALSE,
    dr_paired_with INT,
    tier INT DEFAULT 3,
    location_other VARCHAR(255),
    latitude DECIMAL(10, 8),
    longitude DECIMAL(11, 8),
    servers INT DEFAULT 0,
    storage_tb INT DEFAULT 0,
    utilization INT DEFAULT 0,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    FOREIGN KEY (partner_id) REFERENCES partners (id) ON DELETE SET NULL,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id),
    FOREIGN KEY (availability_zone_id) REFERENCES availability_zones (id),
    FOREIGN KEY (environment_id) REFERENCES environments (id),
    FOREIGN KEY (dr_paired_with) REFERENCES datacenters (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS resource_pools (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(100) NOT NULL,
    type VARCHAR(50) NOT NULL,
    datacenter_id INT,
    total_cpu_cores INT DEFAULT 0,
    total_memory_gb INT DEFAULT 0,
    hypervisor VARCHAR(50),
    orchestrator VARCHAR(50),
    status VARCHAR(50) DEFAULT 'ACTIVE',
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS computes (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description VARCHAR(255),
    compute_type VARCHAR(50),
    node_type VARCHAR(50),
    hostname VARCHAR(255),
    ip_address VARCHAR(45),
    operating_system VARCHAR(255),
    cpu_cores INT,
    memory_gb INT,
    disk_gb INT,
    status VARCHAR(50) DEFAULT 'ACTIVE',
    cloud_id BIGINT,
    datacenter_id INT,
    resource_pool_id BIGINT,
    hypervisor VARCHAR(50),
    is_physical BOOLEAN DEFAULT FALSE,
    brand VARCHAR(100),
    model VARCHAR(100),
    serial_number VARCHAR(100),
    os_type VARCHAR(50),
    os_distribution VARCHAR(100),
    os_version VARCHAR(50),
    kernel_version VARCHAR(100),
    virtualization_type VARCHAR(50),
    container_runtime VARCHAR(50),
    orchestration_platform VARCHAR(50),
    primary_mac_address VARCHAR(17),
    purpose TEXT,
    notes TEXT,
    created_at DATETIME,
    updated_at DATETIME,
    FOREIGN KEY (cloud_id) REFERENCES clouds (id),
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id),
    FOREIGN KEY (resource_pool_id) REFERENCES resource_pools (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS containers (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    description VARCHAR(255),
    container_type VARCHAR(50),
    container_id VARCHAR(255),
    image VARCHAR(255),
    image_version VARCHAR(255),
    status VARCHAR(50),
    ip_address VARCHAR(45),
    exposed_ports VARCHAR(255),
    environment_vars TEXT,
    mount_points TEXT,
    cpu_limit VARCHAR(50),
    memory_limit VARCHAR(50),
    auto_start BOOLEAN DEFAULT FALSE,
    compute_id BIGINT NOT NULL,
    created_at DATETIME,
    updated_at DATETIME,
    FOREIGN KEY (compute_id) REFERENCES computes (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS tags (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    key_name VARCHAR(100) NOT NULL,
    value VARCHAR(255) NOT NULL,
    entity_type VARCHAR(50) NOT NULL,
    entity_id BIGINT NOT NULL,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    INDEX idx_tags_entity (entity_type, entity_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS network_devices (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    device_type VARCHAR(50) NOT NULL,
    management_ip VARCHAR(45),
    datacenter_id INT,
    status VARCHAR(50) DEFAULT 'ACTIVE',
    last_seen DATETIME,
    FOREIGN KEY (datacenter_id) REFERENCES datacenters (id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
