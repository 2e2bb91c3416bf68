//! What things are for.

use super::{Field, FieldKind, Kind, Link, Relation, attached, fields, relations};

/// Production, staging and the like.
pub(crate) static ENVIRONMENT: Kind = Kind {
    name: "environment",
    plural: "environments",
    list: "environments",
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
};

/// What belongs to an environment.
pub(crate) static ENVIRONMENT_ASSOCIATION: Kind = Kind {
    name: "environmentassociation",
    plural: "environmentassociations",
    list: "environment-associations",
    table: "environment_associations",
    key: "id",
    resource_type: "",
    fields: fields![
        "id" "id" Int, "environmentId" "environment_id" Int, "resourceType" "resource_type" Text,
        "resourceId" "resource_id" Int, "isPrimary" "is_primary" Bool,
        "allocatedPercentage" "allocated_percentage" Real, "declaredPercentage" "declared_percentage" Real,
        "measuredPercentage" "measured_percentage" Real, "origin" "origin" Text, "ruleId" "rule_id" Int,
        "ruleName" "rule_name" Text, "evidence" "evidence" Json, "confidence" "confidence" Real,
        "metadata" "metadata" Json, "createdAt" "created_at" DateTime,
    ],
    relations: relations!["environment" Above "environment_id";],
};

/// A key and a value on a resource.
pub(crate) static TAG: Kind = Kind {
    name: "tag",
    plural: "tags",
    list: "tags",
    table: "resource_tags",
    key: "tag_key",
    resource_type: "",
    fields: fields![
        "resourceType" "resource_type" Text, "resourceId" "resource_id" Int, "tagKey" "tag_key" Text,
        "tagValue" "tag_value" Text, "origin" "origin" Text,
    ],
    relations: &[],
};

/// What automation may act on.
pub(crate) static AUTOMATION_TARGET: Kind = Kind {
    name: "automationtarget",
    plural: "automationtargets",
    list: "automation-targets",
    table: "automation_targets",
    key: "id",
    resource_type: "",
    fields: fields![
        "id" "id" Int, "name" "name" Text, "targetType" "target_type" Text, "targetId" "target_id" Int,
        "connectionInfo" "connection_info" Connection, "capabilities" "capabilities" Json, "status" "status" Text,
    ],
    relations: &[],
};
