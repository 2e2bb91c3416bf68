//! What things are for, and what is said of them.

use crate::{
    catalog,
    edit::form::{Form, Rule, TEXT_MAX, child, defaulted, needed, optional, referrer},
};

/// Types of resources that tags and targets can be attached to.
pub(crate) const ATTACHABLE: &[&str] = &[
    "partner",
    "cloud",
    "region",
    "availability_zone",
    "datacenter",
    "compute",
    "container",
    "workload",
    "environment",
    "k8s_cluster",
    "k8s_namespace",
    "k8s_node",
    "k8s_service",
    "k8s_ingress",
];

/// Types of resources that belong to environments.
const ENVIRONMENTAL: &[&str] = &[
    "partner",
    "cloud",
    "region",
    "availability_zone",
    "datacenter",
    "compute",
    "container",
    "workload",
    "k8s_namespace",
];

/// Production, staging and the like.
pub(crate) static ENVIRONMENT: Form = Form {
    kind: &catalog::ENVIRONMENT,
    one: "environment",
    key: &["id"],
    inputs: &[
        needed("name", Rule::Line(100)),
        needed("code", Rule::Line(50)),
        needed("type", Rule::Word(&["PRODUCTION", "STAGING", "DEVELOPMENT", "TESTING", "QA", "DR"], 50)),
        optional("partnerId", Rule::Reference("partner")),
        optional("description", Rule::Text(TEXT_MAX)),
        optional("status", Rule::Line(50)),
    ],
    origin: None,
    unique: &[&["partner_id", "code"]],
    hanging: &[
        child("environmentassociation", "environment_id"),
        referrer("datacenter", "environment_id"),
        referrer("workload", "environment_id"),
    ],
    belongings: &[],
    example: r#"{"name": "Production", "code": "PROD", "type": "PRODUCTION", "partnerId": 1}"#,
};

/// Which resource belongs to an environment.
pub(crate) static ENVIRONMENT_ASSOCIATION: Form = Form {
    kind: &catalog::ENVIRONMENT_ASSOCIATION,
    one: "environment association",
    key: &["id"],
    inputs: &[
        needed("environmentId", Rule::Reference("environment")),
        needed("resourceType", Rule::Choice(ENVIRONMENTAL)).fixed(),
        needed("resourceId", Rule::Int(1, i64::MAX)).fixed(),
        defaulted("isPrimary", Rule::Bool),
        optional("allocatedPercentage", Rule::Real(0.0, 100.0, 2)),
        optional("metadata", Rule::Object),
    ],
    origin: None,
    unique: &[],
    hanging: &[],
    belongings: &[],
    example: r#"{"environmentId": 1, "resourceType": "datacenter", "resourceId": 1, "isPrimary": true}"#,
};

/// A key and a value on a resource.
pub(crate) static TAG: Form = Form {
    kind: &catalog::TAG,
    one: "tag",
    key: &["resource_type", "resource_id", "tag_key"],
    inputs: &[
        needed("resourceType", Rule::Choice(ATTACHABLE)).fixed(),
        needed("resourceId", Rule::Int(1, i64::MAX)).fixed(),
        needed("tagKey", Rule::Line(100)).fixed(),
        needed("tagValue", Rule::Exact(255)),
    ],
    origin: Some("origin"),
    unique: &[],
    hanging: &[],
    belongings: &[],
    example: r#"{"resourceType": "compute", "resourceId": 1, "tagKey": "team", "tagValue": "platform"}"#,
};

/// What a compute can be used for or managed with. What a person says stands in front of what discovery sees.
pub(crate) static CAPABILITY: Form = Form {
    kind: &catalog::CAPABILITY,
    one: "capability",
    key: &["compute_id", "capability_type"],
    inputs: &[
        needed("computeId", Rule::Reference("compute")).fixed(),
        needed("capabilityType", Rule::Line(64)).fixed(),
        optional("capabilityVersion", Rule::Line(255)),
        optional("configuration", Rule::Connection),
    ],
    origin: Some("origin"),
    unique: &[],
    hanging: &[],
    belongings: &[],
    example: r#"{"computeId": 1, "capabilityType": "ansible", "capabilityVersion": "2.16", "configuration": {"python": "/usr/bin/python3"}}"#,
};

/// What automation may act on.
pub(crate) static AUTOMATION_TARGET: Form = Form {
    kind: &catalog::AUTOMATION_TARGET,
    one: "automation target",
    key: &["id"],
    inputs: &[
        needed("name", Rule::Line(255)),
        needed("targetType", Rule::Choice(ATTACHABLE)),
        needed("targetId", Rule::Int(1, i64::MAX)),
        optional("connectionInfo", Rule::Connection),
        optional("capabilities", Rule::List(64)),
        defaulted("status", Rule::Line(50)),
    ],
    origin: None,
    unique: &[&["target_type", "target_id", "name"]],
    hanging: &[],
    belongings: &[],
    example: r#"{"name": "web-1 over ssh", "targetType": "compute", "targetId": 1, "connectionInfo": {"host": "10.0.1.10", "user": "deploy", "secretRef": "vault:ssh/web"}}"#,
};
