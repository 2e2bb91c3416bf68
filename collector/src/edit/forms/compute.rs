//! What runs things.

use crate::{
    catalog,
    edit::form::{Form, INT_MAX, Rule, TEXT_MAX, child, needed, optional, referrer},
};

const ID: &[&str] = &["id"];

/// A host, physical or virtual. A column that a person writes is a person's; one that is emptied is discovery's again.
pub(crate) static COMPUTE: Form = Form {
    kind: &catalog::COMPUTE,
    one: "compute",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(255)),
        optional("description", Rule::Line(255)),
        optional("computeType", Rule::Word(&["DEDICATED", "VM"], 50)),
        optional("nodeType", Rule::Word(&["dedicated_server", "vm"], 50)),
        optional("hostname", Rule::Line(255)),
        optional("ipAddress", Rule::Address),
        optional("operatingSystem", Rule::Line(255)),
        optional("cpuCores", Rule::Int(0, INT_MAX)),
        optional("memoryGb", Rule::Int(0, INT_MAX)),
        optional("diskGb", Rule::Int(0, INT_MAX)),
        optional("status", Rule::Word(&["ACTIVE", "INACTIVE", "MAINTENANCE"], 50)),
        optional("cloudId", Rule::Reference("cloud")),
        optional("datacenterId", Rule::Reference("datacenter")),
        optional("resourcePoolId", Rule::Reference("resourcepool")),
        optional("hypervisor", Rule::Line(50)),
        optional("isPhysical", Rule::Bool),
        optional("brand", Rule::Line(100)),
        optional("model", Rule::Line(100)),
        optional("serialNumber", Rule::Line(100)),
        optional("osType", Rule::Line(50)),
        optional("osDistribution", Rule::Line(100)),
        optional("osVersion", Rule::Line(50)),
        optional("kernelVersion", Rule::Line(100)),
        optional("virtualizationType", Rule::Line(50)),
        optional("containerRuntime", Rule::Line(50)),
        optional("orchestrationPlatform", Rule::Line(50)),
        optional("primaryMacAddress", Rule::Mac),
        optional("purpose", Rule::Text(TEXT_MAX)),
        optional("notes", Rule::Text(TEXT_MAX)),
    ],
    origin: None,
    unique: &[],
    hanging: &[
        child("workload", "compute_id"),
        child("container", "compute_id"),
        child("capability", "compute_id"),
        referrer("k8snode", "compute_id"),
    ],
    belongings: &[
        ("compute_facts", "compute_id"),
        ("compute_identities", "compute_id"),
        ("compute_usage", "compute_id"),
        ("compute_allocations", "compute_id"),
        ("merged_computes", "compute_id"),
        ("merged_computes", "into_compute_id"),
    ],
    example: r#"{"name": "web-1", "hostname": "web-1.example.org", "ipAddress": "10.0.1.10", "datacenterId": 1}"#,
};

/// A container as the existing table has it.
pub(crate) static CONTAINER: Form = Form {
    kind: &catalog::CONTAINER,
    one: "container",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(255)),
        needed("computeId", Rule::Reference("compute")),
        optional("description", Rule::Line(255)),
        optional("containerType", Rule::Word(&["LXC", "LXD", "DOCKER", "PODMAN", "CONTAINERD", "KUBERNETES"], 50)),
        optional("containerId", Rule::Line(255)),
        optional("image", Rule::Line(255)),
        optional("imageVersion", Rule::Line(255)),
        optional("status", Rule::Word(&["RUNNING", "STOPPED", "PAUSED", "RESTARTING"], 50)),
        optional("ipAddress", Rule::Address),
        optional("exposedPorts", Rule::Line(255)),
        optional("mountPoints", Rule::Text(TEXT_MAX)),
        optional("cpuLimit", Rule::Line(50)),
        optional("memoryLimit", Rule::Line(50)),
        optional("autoStart", Rule::Bool),
    ],
    origin: None,
    unique: &[],
    hanging: &[referrer("workload", "container_row_id")],
    belongings: &[],
    example: r#"{"name": "web", "computeId": 1, "containerType": "DOCKER", "image": "nginx", "imageVersion": "1.25"}"#,
};

/// What runs, or ran, on a compute. People do not write it: it goes with its compute.
pub(crate) static WORKLOAD: Form = Form {
    kind: &catalog::WORKLOAD,
    one: "workload",
    key: ID,
    inputs: &[],
    origin: None,
    unique: &[],
    hanging: &[],
    belongings: &[("workload_usage", "workload_id")],
    example: r#"{}"#,
};

/// A node of a cluster. People do not write it; it stays when its compute goes.
pub(crate) static K8S_NODE: Form = Form {
    kind: &catalog::K8S_NODE,
    one: "Kubernetes node",
    key: ID,
    inputs: &[],
    origin: None,
    unique: &[],
    hanging: &[],
    belongings: &[],
    example: "{}",
};
