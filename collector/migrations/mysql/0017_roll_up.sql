-- What counts of workloads are made of, in one place: by compute and by environment they are counted without reading the
-- workloads themselves.
CREATE INDEX idx_workload_roll_up ON compute_workloads
    (compute_id, ended_at_us, environment_id, workload_type, container_row_id, k8s_namespace_id);
