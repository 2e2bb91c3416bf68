//! Where things are.

use super::{Field, FieldKind, Kind, Link, Relation, attached, fields, relations};

/// An organisation.
pub(crate) static PARTNER: Kind = Kind {
    name: "partner",
    plural: "partners",
    list: "partners",
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
};

/// A cloud of a partner.
pub(crate) static CLOUD: Kind = Kind {
    name: "cloud",
    plural: "clouds",
    list: "clouds",
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
};

/// A region of a cloud.
pub(crate) static REGION: Kind = Kind {
    name: "region",
    plural: "regions",
    list: "regions",
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
};

/// An availability zone of a region.
pub(crate) static AVAILABILITY_ZONE: Kind = Kind {
    name: "availabilityzone",
    plural: "availabilityzones",
    list: "availability-zones",
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
};

/// A datacenter: where computes stand.
pub(crate) static DATACENTER: Kind = Kind {
    name: "datacenter",
    plural: "datacenters",
    list: "datacenters",
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
        "networkdevice" Below "datacenter_id", "resourcepool" Below "datacenter_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

/// A switch, router or the like, as people entered it.
pub(crate) static NETWORK_DEVICE: Kind = Kind {
    name: "networkdevice",
    plural: "networkdevices",
    list: "network-devices",
    table: "network_devices",
    key: "id",
    resource_type: "",
    fields: fields![
        "id" "id" Int, "name" "name" Text, "deviceType" "device_type" Text,
        "managementIp" "management_ip" Text, "datacenterId" "datacenter_id" Int, "status" "status" Text,
        "lastSeen" "last_seen" DateTime,
    ],
    relations: relations!["datacenter" Above "datacenter_id";],
};

/// A pool of resources of a datacenter, as people entered it.
pub(crate) static RESOURCE_POOL: Kind = Kind {
    name: "resourcepool",
    plural: "resourcepools",
    list: "resource-pools",
    table: "resource_pools",
    key: "id",
    resource_type: "",
    fields: fields![
        "id" "id" Int, "name" "name" Text, "type" "type" Text, "datacenterId" "datacenter_id" Int,
        "totalCpuCores" "total_cpu_cores" Int, "totalMemoryGb" "total_memory_gb" Int,
        "hypervisor" "hypervisor" Text, "orchestrator" "orchestrator" Text, "status" "status" Text,
    ],
    relations: relations!["datacenter" Above "datacenter_id", "compute" Below "resource_pool_id";],
};
