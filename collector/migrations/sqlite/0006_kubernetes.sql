-- Kubernetes: clusters, and what the holder of a cluster's Lease tells of them. Times ending in `_at_us` are microseconds
-- since 1970-01-01T00:00:00Z; a JSON column that is NULL was not looked at or could not be, one that is empty holds nothing.

-- A cluster is known by the UID of its namespace kube-system. holder_agent_id is the agent that tells of the cluster, with the
-- number of times that the Lease changed hands; access says who may edit what in all namespaces.
CREATE TABLE k8s_clusters (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    status TEXT NOT NULL DEFAULT 'ACTIVE',
    access TEXT,
    holder_agent_id TEXT,
    lease_transitions INTEGER NOT NULL DEFAULT 0,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    end_reason TEXT,
    CONSTRAINT unique_k8s_cluster UNIQUE (uid)
);

-- A namespace that is made again under its name is the same one: what people attached to it stays.
CREATE TABLE k8s_namespaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    uid TEXT,
    status TEXT,
    labels TEXT,
    quotas TEXT,
    limit_ranges TEXT,
    network_policies TEXT,
    access TEXT,
    made_at_us INTEGER,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    end_reason TEXT,
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    CONSTRAINT unique_k8s_namespace UNIQUE (cluster_id, name)
);
CREATE INDEX idx_k8s_namespace_name ON k8s_namespaces (name);

-- compute_id is the compute that a node is; match_note says why there is none.
CREATE TABLE k8s_nodes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    uid TEXT,
    compute_id INTEGER,
    match_note TEXT,
    status TEXT,
    provider_id TEXT,
    region TEXT,
    zone TEXT,
    kubelet_version TEXT,
    labels TEXT,
    capacity TEXT,
    allocatable TEXT,
    conditions TEXT,
    details TEXT,
    made_at_us INTEGER,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    end_reason TEXT,
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (compute_id) REFERENCES computes (id),
    CONSTRAINT unique_k8s_node UNIQUE (cluster_id, name)
);
CREATE INDEX idx_k8s_node_compute ON k8s_nodes (compute_id);

-- Services, by UID: one that is made again is another one.
CREATE TABLE k8s_services (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id INTEGER NOT NULL,
    namespace_id INTEGER,
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    service_type TEXT,
    addresses TEXT,
    hosts TEXT,
    ports TEXT,
    selector TEXT,
    labels TEXT,
    made_at_us INTEGER,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    end_reason TEXT,
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (namespace_id) REFERENCES k8s_namespaces (id),
    CONSTRAINT unique_k8s_service UNIQUE (cluster_id, uid)
);
CREATE INDEX idx_k8s_service_namespace ON k8s_services (namespace_id);

-- Ingresses, with the host names that they answer to.
CREATE TABLE k8s_ingresses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    cluster_id INTEGER NOT NULL,
    namespace_id INTEGER,
    uid TEXT NOT NULL,
    name TEXT NOT NULL,
    class TEXT,
    addresses TEXT,
    hosts TEXT,
    tls_hosts TEXT,
    rules TEXT,
    labels TEXT,
    made_at_us INTEGER,
    first_seen_at_us INTEGER NOT NULL,
    changed_at_us INTEGER NOT NULL,
    ended_at_us INTEGER,
    end_reason TEXT,
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id),
    FOREIGN KEY (namespace_id) REFERENCES k8s_namespaces (id),
    CONSTRAINT unique_k8s_ingress UNIQUE (cluster_id, uid)
);
CREATE INDEX idx_k8s_ingress_namespace ON k8s_ingresses (namespace_id);

-- The cluster and node that an agent speaks from, fixed by the first report. attested: the cluster itself vouched for it when
-- the agent enrolled.
CREATE TABLE k8s_agents (
    agent_id TEXT NOT NULL PRIMARY KEY,
    cluster_id INTEGER NOT NULL,
    node_name TEXT NOT NULL,
    attested INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (agent_id) REFERENCES agents (id),
    FOREIGN KEY (cluster_id) REFERENCES k8s_clusters (id)
);
CREATE INDEX idx_k8s_agent_cluster ON k8s_agents (cluster_id);

-- The namespace of a pod.
ALTER TABLE compute_workloads ADD COLUMN k8s_namespace_id INTEGER;
CREATE INDEX idx_workload_namespace ON compute_workloads (k8s_namespace_id);
