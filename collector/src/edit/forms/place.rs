//! Where things are.

use crate::{
    catalog,
    edit::form::{Form, INT_MAX, Rule, TEXT_MAX, child, needed, optional, referrer},
};

const ID: &[&str] = &["id"];
const STATUS: Rule = Rule::Line(50);

/// An organisation. Its keys and secrets can neither be read nor written here.
pub(crate) static PARTNER: Form = Form {
    kind: &catalog::PARTNER,
    one: "partner",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(100)),
        needed("displayName", Rule::Line(100)),
        needed("type", Rule::Word(&["cloud-provider", "vendor", "both"], 50)),
        optional("roles", Rule::List(100)),
        optional("contactEmail", Rule::Line(255)),
        optional("website", Rule::Line(255)),
        optional("billingAccountId", Rule::Line(100)),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[&["name"]],
    hanging: &[child("cloud", "partner_id"), child("environment", "partner_id"), referrer("datacenter", "partner_id")],
    belongings: &[],
    example: r#"{"name": "acme", "displayName": "Acme Hosting", "type": "cloud-provider", "roles": ["cloud-provider"]}"#,
};

/// A cloud of a partner.
pub(crate) static CLOUD: Form = Form {
    kind: &catalog::CLOUD,
    one: "cloud",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(255)),
        needed("partnerId", Rule::Reference("partner")),
        optional("description", Rule::Line(255)),
        optional("clientName", Rule::Line(255)),
        optional("deploymentRegion", Rule::Line(255)),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[],
    hanging: &[child("region", "cloud_id"), child("datacenter", "cloud_id"), child("compute", "cloud_id")],
    belongings: &[],
    example: r#"{"name": "Main Cloud", "partnerId": 1, "clientName": "self"}"#,
};

/// A region of a cloud.
pub(crate) static REGION: Form = Form {
    kind: &catalog::REGION,
    one: "region",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(100)),
        needed("code", Rule::Line(50)),
        needed("cloudId", Rule::Reference("cloud")),
        optional("geographicArea", Rule::Line(100)),
        optional("complianceZones", Rule::Line(255)),
        optional("description", Rule::Text(TEXT_MAX)),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[&["code"]],
    hanging: &[child("availabilityzone", "region_id")],
    belongings: &[],
    example: r#"{"name": "North", "code": "north-1", "cloudId": 1}"#,
};

/// An availability zone of a region.
pub(crate) static AVAILABILITY_ZONE: Form = Form {
    kind: &catalog::AVAILABILITY_ZONE,
    one: "availability zone",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(100)),
        needed("code", Rule::Line(50)),
        needed("regionId", Rule::Reference("region")),
        optional("zoneType", Rule::Word(&["STANDARD", "EDGE", "LOCAL"], 50)),
        optional("isDefault", Rule::Bool),
        optional("capabilities", Rule::Line(255)),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[&["region_id", "code"]],
    hanging: &[child("datacenter", "availability_zone_id")],
    belongings: &[],
    example: r#"{"name": "North 1A", "code": "north-1a", "regionId": 1}"#,
};

/// A datacenter: where computes stand.
pub(crate) static DATACENTER: Form = Form {
    kind: &catalog::DATACENTER,
    one: "datacenter",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(100)),
        optional("type", Rule::Line(50)),
        optional("status", STATUS),
        optional("provider", Rule::Line(100)),
        optional("partnerId", Rule::Reference("partner")),
        optional("cloudId", Rule::Reference("cloud")),
        optional("availabilityZoneId", Rule::Reference("availabilityzone")),
        optional("environmentId", Rule::Reference("environment")),
        optional("isDrSite", Rule::Bool),
        optional("drPairedWith", Rule::Reference("datacenter")),
        optional("tier", Rule::Int(0, INT_MAX)),
        optional("locationOther", Rule::Line(255)),
        optional("latitude", Rule::Real(-90.0, 90.0, 8)),
        optional("longitude", Rule::Real(-180.0, 180.0, 8)),
        optional("servers", Rule::Int(0, INT_MAX)),
        optional("storageTb", Rule::Int(0, INT_MAX)),
        optional("utilization", Rule::Int(0, INT_MAX)),
    ],
    origin: None,
    unique: &[],
    hanging: &[
        child("compute", "datacenter_id"),
        child("networkdevice", "datacenter_id"),
        child("resourcepool", "datacenter_id"),
        referrer("datacenter", "dr_paired_with"),
    ],
    belongings: &[],
    example: r#"{"name": "Cellar", "availabilityZoneId": 1, "tier": 3}"#,
};

/// A switch, router or the like.
pub(crate) static NETWORK_DEVICE: Form = Form {
    kind: &catalog::NETWORK_DEVICE,
    one: "network device",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(255)),
        needed("deviceType", Rule::Line(50)),
        optional("managementIp", Rule::Address),
        optional("datacenterId", Rule::Reference("datacenter")),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[],
    hanging: &[],
    belongings: &[],
    example: r#"{"name": "core-router-1", "deviceType": "Router", "managementIp": "10.0.0.1", "datacenterId": 1}"#,
};

/// A pool of resources of a datacenter.
pub(crate) static RESOURCE_POOL: Form = Form {
    kind: &catalog::RESOURCE_POOL,
    one: "resource pool",
    key: ID,
    inputs: &[
        needed("name", Rule::Line(100)),
        needed("type", Rule::Word(&["COMPUTE", "STORAGE", "KUBERNETES", "VMWARE", "OPENSTACK"], 50)),
        optional("datacenterId", Rule::Reference("datacenter")),
        optional("totalCpuCores", Rule::Int(0, INT_MAX)),
        optional("totalMemoryGb", Rule::Int(0, INT_MAX)),
        optional("hypervisor", Rule::Line(50)),
        optional("orchestrator", Rule::Line(50)),
        optional("status", STATUS),
    ],
    origin: None,
    unique: &[],
    hanging: &[referrer("compute", "resource_pool_id")],
    belongings: &[],
    example: r#"{"name": "general", "type": "COMPUTE", "datacenterId": 1, "totalCpuCores": 256}"#,
};
