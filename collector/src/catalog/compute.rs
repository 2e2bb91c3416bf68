//! What runs, where it runs and who looks at it.

use super::{Field, FieldKind, Kind, Link, Relation, attached, fields, relations};

/// A host, physical or virtual.
pub(crate) static COMPUTE: Kind = Kind {
    name: "compute",
    plural: "computes",
    list: "computes",
    table: "computes",
    key: "id",
    resource_type: "compute",
    fields: fields![
        "id" "id" Int, "name" "name" Text, "description" "description" Text, "computeType" "compute_type" Text,
        "nodeType" "node_type" Text, "hostname" "hostname" Text, "ipAddress" "ip_address" Text,
        "operatingSystem" "operating_system" Text, "cpuCores" "cpu_cores" Int, "memoryGb" "memory_gb" Int,
        "diskGb" "disk_gb" Int, "status" "status" Text, "cloudId" "cloud_id" Int,
        "datacenterId" "datacenter_id" Int, "resourcePoolId" "resource_pool_id" Int,
        "hypervisor" "hypervisor" Text, "isPhysical" "is_physical" Bool, "brand" "brand" Text,
        "model" "model" Text, "serialNumber" "serial_number" Text, "osType" "os_type" Text,
        "osDistribution" "os_distribution" Text, "osVersion" "os_version" Text,
        "kernelVersion" "kernel_version" Text, "virtualizationType" "virtualization_type" Text,
        "containerRuntime" "container_runtime" Text, "orchestrationPlatform" "orchestration_platform" Text,
        "primaryMacAddress" "primary_mac_address" Text, "purpose" "purpose" Text, "notes" "notes" Text,
        "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
    ],
    relations: relations![
        "datacenter" Above "datacenter_id", "cloud" Above "cloud_id", "resourcepool" Above "resource_pool_id",
        "container" Below "compute_id", "workload" Below "compute_id", "capability" Below "compute_id",
        "agent" Below "compute_id", "k8snode" Below "compute_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

/// A container as the legacy table has it.
pub(crate) static CONTAINER: Kind = Kind {
    name: "container",
    plural: "containers",
    list: "containers",
    table: "containers",
    key: "id",
    resource_type: "container",
    fields: fields![
        "id" "id" Int, "name" "name" Text, "description" "description" Text,
        "containerType" "container_type" Text, "containerId" "container_id" Text, "image" "image" Text,
        "imageVersion" "image_version" Text, "status" "status" Text, "ipAddress" "ip_address" Text,
        "exposedPorts" "exposed_ports" Text, "mountPoints" "mount_points" Text, "cpuLimit" "cpu_limit" Text,
        "memoryLimit" "memory_limit" Text, "autoStart" "auto_start" Bool, "computeId" "compute_id" Int,
        "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
    ],
    relations: relations![
        "compute" Above "compute_id", "workload" Below "container_row_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

/// What runs, or ran, on a compute.
pub(crate) static WORKLOAD: Kind = Kind {
    name: "workload",
    plural: "workloads",
    list: "workloads",
    table: "compute_workloads",
    key: "id",
    resource_type: "workload",
    fields: fields![
        "id" "id" Int, "computeId" "compute_id" Int, "environmentId" "environment_id" Int,
        "workloadType" "workload_type" Text, "workloadName" "workload_name" Text, "workloadId" "workload_id" Text,
        "cpuCores" "cpu_cores" Real, "memoryMb" "memory_mb" Int, "diskGb" "disk_gb" Int,
        "ipAddress" "ip_address" Text, "ports" "ports" Json, "isolationMethod" "isolation_method" Text,
        "isolationDetails" "isolation_details" Json, "status" "status" Text, "source" "source" Text,
        "image" "image" Text, "labels" "labels" Json, "firstSeenAt" "first_seen_at_us" Micros,
        "changedAt" "changed_at_us" Micros, "startedAt" "started_at_us" Micros,
        "finishedAt" "finished_at_us" Micros, "containerId" "container_row_id" Int, "k8sNamespaceId" "k8s_namespace_id" Int, "endedAt" "ended_at_us" Micros, "endReason" "end_reason" Text,
        "evidence" "evidence" Json, "createdAt" "created_at" DateTime,
    ],
    relations: relations![
        "compute" Above "compute_id", "environment" Above "environment_id", "container" Above "container_row_id",
            "k8snamespace" Above "k8s_namespace_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

/// What a compute can be used for.
pub(crate) static CAPABILITY: Kind = Kind {
    name: "capability",
    plural: "capabilities",
    list: "capabilities",
    table: "compute_capabilities",
    key: "capability_type",
    resource_type: "",
    fields: fields![
        "computeId" "compute_id" Int, "capabilityType" "capability_type" Text,
        "capabilityVersion" "capability_version" Text, "configuration" "configuration" Json, "origin" "origin" Text,
        "discovered" "discovered" Json,
    ],
    relations: relations!["compute" Above "compute_id";],
};

/// Who speaks for a compute.
pub(crate) static AGENT: Kind = Kind {
    name: "agent",
    plural: "agents",
    list: "agents",
    table: "agents",
    key: "id",
    resource_type: "",
    fields: fields![
        "id" "id" Text, "computeId" "compute_id" Int, "hostname" "hostname" Text, "version" "version" Text,
        "state" "state" Text, "stateReason" "state_reason" Text, "reachable" "reachable" Bool,
        "enrolledAt" "enrolled_at_us" Micros, "connectedAt" "connected_at_us" Micros,
        "reportedAt" "reported_at_us" Micros,
    ],
    relations: relations!["compute" Above "compute_id";],
};
