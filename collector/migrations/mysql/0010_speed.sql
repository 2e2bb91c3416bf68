-- What people search workloads by. Each index ends with the key, so that a page of a search comes in the order of keys.
CREATE INDEX idx_workload_image ON compute_workloads (image);
CREATE INDEX idx_workload_title ON compute_workloads (workload_name);
