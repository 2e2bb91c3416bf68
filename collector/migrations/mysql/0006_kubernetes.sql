-- Kubernetes: clusters, and what the holder of a cluster's Lease tells of them. Times ending in `_at_us` are microseconds
-- since 1970-01-01T00:00:00Z; a JSON column that is NULL was not looked at or could not be, one that is empty holds nothing.

-- A cluster is known by the UID of its namespace kube-system. holder_agent_id is the agent that tells of the cluster, with the
-- number of times that the Lease changed hands; access says who may edit what in all namespaces.
CREATE TABLE k8s_clusters (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    uid VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    version VARCHAR(64),
    status VARCHAR(50) NOT NULL DEFAULT 'ACTIVE',
    access JSON,
    holder_agent_id VARCHAR(36),
    lease_transitions BIGINT NOT NULL DEFAULT 0,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    UNIQUE KEY unique_k8s_cluster (uid)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- A namespace that is made again under its name is the same one: what people attached to it stays.
CREATE TABLE k8s_namespaces (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    cluster_id BIGINT NOT NULL,
    name VARCHAR(63) NOT NULL,
    uid VARCHAR(64),
    status VARCHAR(50),
    labels JSON,
    quotas JSON,
    limit_ranges JSON,
    network_policies JSON,
    access JSON,
    made_at_us BIGINT,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    UNIQUE KEY unique_k8s_namespace (cluster_id, name),
    KEY idx_k8s_namespace_name (name)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- compute_id is the compute that a node is; match_note says why there is none.
CREATE TABLE k8s_nodes (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    cluster_id BIGINT NOT NULL,
    name VARCHAR(255) NOT NULL,
    uid VARCHAR(64),
    compute_id BIGINT,
    match_note VARCHAR(512),
    status VARCHAR(50),
    provider_id VARCHAR(255),
    region VARCHAR(255),
    zone VARCHAR(255),
    kubelet_version VARCHAR(64),
    labels JSON,
    capacity JSON,
    allocatable JSON,
    conditions JSON,
    details JSON,
    made_at_us BIGINT,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    UNIQUE KEY unique_k8s_node (cluster_id, name),
    KEY idx_k8s_node_compute (compute_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Services, by UID: one that is made again is another one.
CREATE TABLE k8s_services (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    cluster_id BIGINT NOT NULL,
    namespace_id BIGINT,
    uid VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    service_type VARCHAR(32),
    addresses JSON,
    hosts JSON,
    ports JSON,
    selector JSON,
    labels JSON,
    made_at_us BIGINT,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (namespace_id) REFERENCES k8s_namespaces (id),
    UNIQUE KEY unique_k8s_service (cluster_id, uid),
    KEY idx_k8s_service_namespace (namespace_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- Ingresses, with the host names that they answer to.
CREATE TABLE k8s_ingresses (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    cluster_id BIGINT NOT NULL,
    namespace_id BIGINT,
    uid VARCHAR(64) NOT NULL,
    name VARCHAR(255) NOT NULL,
    class VARCHAR(255),
    addresses JSON,
    hosts JSON,
    tls_hosts JSON,
    rules JSON,
    labels JSON,
    made_at_us BIGINT,
    first_seen_at_us BIGINT NOT NULL,
    changed_at_us BIGINT NOT NULL,
    ended_at_us BIGINT,
    end_reason VARCHAR(32),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (namespace_id) REFERENCES k8s_namespaces (id),
    UNIQUE KEY unique_k8s_ingress (cluster_id, uid),
    KEY idx_k8s_ingress_namespace (namespace_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The cluster and node that an agent speaks from, fixed by the first report. attested: the cluster itself vouched for it when
-- the agent enrolled.
CREATE TABLE k8s_agents (
    agent_id VARCHAR(36) NOT NULL PRIMARY KEY,
    cluster_id BIGINT NOT NULL,
    node_name VARCHAR(255) NOT NULL,
    attested BOOLEAN NOT NULL DEFAULT FALSE,
    FOREIGN KEY (agent_id) REFERENCES agents (id),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    KEY idx_k8s_agent_cluster (cluster_id)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;

-- The namespace of a pod.
ALTER TABLE compute_workloads ADD COLUMN k8s_namespace_id BIGINT;
CREATE INDEX idx_workload_namespace ON compute_workloads (k8s_namespace_id);
