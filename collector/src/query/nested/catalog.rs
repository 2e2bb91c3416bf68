//! The kinds that a query can name, their fields, and how they hang together.
//!
//! What is not listed cannot be read: keys and secrets of partners and environment variables of containers are left out
//! on purpose.

use super::{QueryError, error::fold};

/// A kind of resource.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// Name that a list of them has in a result.
    pub(super) plural: &'static str,
    pub(super) table: &'static str,
    /// Column that identifies a row.
    pub(super) key: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) relations: &'static [Relation],
    /// What `resource_type` columns call it; empty when nothing is attached to it.
    pub(super) resource_type: &'static str,
}

/// A column that a query can read.
#[derive(Debug)]
pub(super) struct Field {
    /// Name in requests and results, camelCase.
    pub(super) name: &'static str,
    pub(super) column: &'static str,
    pub(super) kind: FieldKind,
}

/// How a column is read, compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldKind {
    Text,
    Int,
    /// DECIMAL, shown as a number.
    Real,
    Bool,
    /// DATETIME or TIMESTAMP in UTC, shown as RFC 3339.
    DateTime,
    /// Microseconds since the epoch, shown as RFC 3339.
    Micros,
    /// JSON text, shown as JSON.
    Json,
}

/// How one kind hangs on another.
#[derive(Debug)]
pub(super) struct Relation {
    /// The other kind.
    pub(super) kind: &'static str,
    pub(super) link: Link,
}

/// Columns that connect two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// The other kind's `column` holds this kind's key: there may be many.
    Below { column: &'static str },
    /// This kind's `column` holds the other kind's key: there is at most one.
    Above { column: &'static str },
    /// The other kind names this one by `resource_type` and `resource_id` columns: there may be many.
    Attached { kind_column: &'static str, id_column: &'static str },
}

impl Kind {
    pub(super) fn find(name: &str, path: &str) -> Result<&'static Self, QueryError> {
        let wanted = fold(name);
        KINDS
            .iter()
            .find(|kind| kind.name == wanted || kind.plural == wanted)
            .ok_or_else(|| QueryError::unknown("unknown-kind", path, name, KINDS.iter().map(|kind| kind.name)))
    }

    pub(super) fn field(&'static self, name: &str, path: &str) -> Result<&'static Field, QueryError> {
        let wanted = fold(name);
        self.fields
            .iter()
            .find(|field| fold(field.name) == wanted)
            .ok_or_else(|| QueryError::unknown("unknown-field", path, name, self.fields.iter().map(|field| field.name)))
    }

    pub(super) fn relation(&'static self, other: &Self, path: &str) -> Result<&'static Relation, QueryError> {
        self.relations.iter().find(|relation| relation.kind == other.name).ok_or_else(|| {
            let valid: Vec<&str> = self.relations.iter().map(|relation| relation.kind).collect();
            let message =
                format!("{} is not directly related to {}; it is to {}", other.name, self.name, valid.join(", "));
            QueryError::invalid("unrelated-kind", path, message)
        })
    }
}

macro_rules! fields {
    ($($name:literal $column:literal $kind:ident),* $(,)?) => {
        &[$(Field { name: $name, column: $column, kind: FieldKind::$kind }),*]
    };
}

macro_rules! relations {
    ($($kind:literal $direction:ident $column:literal),* ; $($attached:literal),* $(,)?) => {
        &[
            $(Relation { kind: $kind, link: Link::$direction { column: $column } },)*
            $(Relation { kind: $attached, link: attached($attached) },)*
        ]
    };
}

const fn attached(kind: &str) -> Link {
    // Targets name their resource in columns of their own.
    match kind.as_bytes() {
        b"automationtarget" => Link::Attached { kind_column: "target_type", id_column: "target_id" },
        _ => Link::Attached { kind_column: "resource_type", id_column: "resource_id" },
    }
}

pub(super) static KINDS: &[Kind] = &[
    Kind {
        name: "partner",
        plural: "partners",
        table: "partners",
        key: "id",
        resource_type: "partner",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "displayName" "display_name" Text, "type" "type" Text,
            "roles" "roles" Json, "contactEmail" "contact_email" Text, "website" "website" Text,
            "billingAccountId" "billing_account_id" Text, "status" "status" Text,
            "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "cloud" Below "partner_id", "environment" Below "partner_id", "datacenter" Below "partner_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "cloud",
        plural: "clouds",
        table: "clouds",
        key: "id",
        resource_type: "cloud",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "description" "description" Text, "clientName" "client_name" Text,
            "partnerId" "partner_id" Int, "deploymentRegion" "deployment_region" Text, "status" "status" Text,
            "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "partner" Above "partner_id", "region" Below "cloud_id", "datacenter" Below "cloud_id",
            "compute" Below "cloud_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "region",
        plural: "regions",
        table: "regions",
        key: "id",
        resource_type: "region",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "code" "code" Text, "geographicArea" "geographic_area" Text,
            "cloudId" "cloud_id" Int, "complianceZones" "compliance_zones" Text, "description" "description" Text,
            "status" "status" Text, "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "cloud" Above "cloud_id", "availabilityzone" Below "region_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "availabilityzone",
        plural: "availabilityzones",
        table: "availability_zones",
        key: "id",
        resource_type: "availability_zone",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "code" "code" Text, "regionId" "region_id" Int,
            "zoneType" "zone_type" Text, "isDefault" "is_default" Bool, "capabilities" "capabilities" Text,
            "status" "status" Text, "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "region" Above "region_id", "datacenter" Below "availability_zone_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "datacenter",
        plural: "datacenters",
        table: "datacenters",
        key: "id",
        resource_type: "datacenter",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "type" "type" Text, "status" "status" Text,
            "provider" "provider" Text, "partnerId" "partner_id" Int, "cloudId" "cloud_id" Int,
            "availabilityZoneId" "availability_zone_id" Int, "environmentId" "environment_id" Int,
            "isDrSite" "is_dr_site" Bool, "drPairedWith" "dr_paired_with" Int, "tier" "tier" Int,
            "locationOther" "location_other" Text, "latitude" "latitude" Real, "longitude" "longitude" Real,
            "servers" "servers" Int, "storageTb" "storage_tb" Int, "utilization" "utilization" Int,
            "createdAt" "created_at" DateTime, "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "availabilityzone" Above "availability_zone_id", "cloud" Above "cloud_id", "partner" Above "partner_id",
            "environment" Above "environment_id", "compute" Below "datacenter_id",
            "networkdevice" Below "datacenter_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "compute",
        plural: "computes",
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
            "datacenter" Above "datacenter_id", "cloud" Above "cloud_id", "container" Below "compute_id",
            "workload" Below "compute_id", "capability" Below "compute_id", "agent" Below "compute_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "container",
        plural: "containers",
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
    },
    Kind {
        name: "environment",
        plural: "environments",
        table: "environments",
        key: "id",
        resource_type: "environment",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "code" "code" Text, "type" "type" Text, "partnerId" "partner_id" Int,
            "description" "description" Text, "status" "status" Text, "createdAt" "created_at" DateTime,
            "updatedAt" "updated_at" DateTime,
        ],
        relations: relations![
            "partner" Above "partner_id", "environmentassociation" Below "environment_id",
            "datacenter" Below "environment_id", "workload" Below "environment_id";
            "tag"
        ],
    },
    Kind {
        name: "environmentassociation",
        plural: "environmentassociations",
        table: "environment_associations",
        key: "id",
        resource_type: "",
        fields: fields![
            "id" "id" Int, "environmentId" "environment_id" Int, "resourceType" "resource_type" Text,
            "resourceId" "resource_id" Int, "isPrimary" "is_primary" Bool,
            "allocatedPercentage" "allocated_percentage" Real, "metadata" "metadata" Json,
            "createdAt" "created_at" DateTime,
        ],
        relations: relations!["environment" Above "environment_id";],
    },
    Kind {
        name: "workload",
        plural: "workloads",
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
            "finishedAt" "finished_at_us" Micros, "containerId" "container_row_id" Int, "endedAt" "ended_at_us" Micros, "endReason" "end_reason" Text,
        ],
        relations: relations![
            "compute" Above "compute_id", "environment" Above "environment_id", "container" Above "container_row_id";
            "environmentassociation", "tag", "automationtarget"
        ],
    },
    Kind {
        name: "tag",
        plural: "tags",
        table: "resource_tags",
        key: "tag_key",
        resource_type: "",
        fields: fields![
            "resourceType" "resource_type" Text, "resourceId" "resource_id" Int, "tagKey" "tag_key" Text,
            "tagValue" "tag_value" Text, "origin" "origin" Text,
        ],
        relations: &[],
    },
    Kind {
        name: "capability",
        plural: "capabilities",
        table: "compute_capabilities",
        key: "capability_type",
        resource_type: "",
        fields: fields![
            "computeId" "compute_id" Int, "capabilityType" "capability_type" Text,
            "capabilityVersion" "capability_version" Text, "configuration" "configuration" Json,
        ],
        relations: relations!["compute" Above "compute_id";],
    },
    Kind {
        name: "automationtarget",
        plural: "automationtargets",
        table: "automation_targets",
        key: "id",
        resource_type: "",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "targetType" "target_type" Text, "targetId" "target_id" Int,
            "connectionInfo" "connection_info" Json, "capabilities" "capabilities" Json, "status" "status" Text,
        ],
        relations: &[],
    },
    Kind {
        name: "agent",
        plural: "agents",
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
    },
    Kind {
        name: "networkdevice",
        plural: "networkdevices",
        table: "network_devices",
        key: "id",
        resource_type: "",
        fields: fields![
            "id" "id" Int, "name" "name" Text, "deviceType" "device_type" Text,
            "managementIp" "management_ip" Text, "datacenterId" "datacenter_id" Int, "status" "status" Text,
            "lastSeen" "last_seen" DateTime,
        ],
        relations: relations!["datacenter" Above "datacenter_id";],
    },
];
