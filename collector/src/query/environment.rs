//! What things are for: environments, what belongs to them, tags, and what automation may act on.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Test, Time, tag_rows::tag_rows, time, value};
use crate::{
    connection,
    store::{Row, StoreError, Value},
};

const ID: &[Key] = &[Key::int("id", "t.id")];
const RESOURCE_TYPE: Filter =
    Filter::new("resourceType", Test::Text("t.resource_type"), "Those of resources of this type, for example compute.");
const RESOURCE_ID: Filter =
    Filter::new("resourceId", Test::Int("t.resource_id"), "Those of the resource with this id; give the type as well.");

/// Something like production or staging.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Environment {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Code, unique within the partner.
    pub code: String,
    /// Kind of environment.
    pub r#type: String,
    /// The partner that it belongs to.
    pub partner_id: Option<i64>,
    /// For people.
    pub description: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
}

impl Resource for Environment {
    const LIST: &'static str = "environments";
    const ONE: &'static str = "environment";
    const ABOUT: &'static str = "Environments such as production and staging.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("code", Test::Text("t.code"), "Exactly this code."),
        Filter::new("type", Test::Text("t.type"), "Exactly this kind of environment."),
        Filter::new("partnerId", Test::Int("t.partner_id"), "Those of this partner."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.code, t.type, t.partner_id, t.description, t.status, {} AS created_at, \
             {} AS updated_at FROM environments t",
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            code: row.get("code")?,
            r#type: row.get("type")?,
            partner_id: row.get("partner_id")?,
            description: row.get("description")?,
            status: row.get("status")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}

/// A resource that belongs to an environment, wholly or in part.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentAssociation {
    /// Identifier.
    pub id: i64,
    /// The environment.
    pub environment_id: i64,
    /// Type of the resource, for example `compute`.
    pub resource_type: String,
    /// The resource.
    pub resource_id: i64,
    /// It is the resource's main environment.
    pub is_primary: bool,
    /// Share of the resource in per cent: what a person declared, else what was measured; `null` when it is neither.
    pub allocated_percentage: Option<f64>,
    /// What a person declared, in per cent.
    pub declared_percentage: Option<f64>,
    /// What was measured, in per cent.
    pub measured_percentage: Option<f64>,
    /// `person`, `rule`, `legacy` (the existing inventory's column) or `measured`.
    pub origin: String,
    /// The rule that inferred it; kept when a person accepts it.
    pub rule_id: Option<i64>,
    /// What that rule was called.
    pub rule_name: Option<String>,
    /// What the rule decided by: a list of `evidence`, `key` and `value`.
    pub evidence: Option<Json>,
    /// How sure the rule is, from 0 to 1.
    pub confidence: Option<f64>,
    /// For programs and people.
    pub metadata: Option<Json>,
    /// When it was made.
    pub created_at: Option<Time>,
}

impl Resource for EnvironmentAssociation {
    const LIST: &'static str = "environment-associations";
    const ONE: &'static str = "environment association";
    const ABOUT: &'static str = "Which resource belongs to which environment, and by how much.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        Filter::new("environmentId", Test::Int("t.environment_id"), "Those of this environment."),
        RESOURCE_TYPE,
        RESOURCE_ID,
        Filter::new("isPrimary", Test::Flag("t.is_primary"), "Main environments only, or all others."),
        Filter::new("origin", Test::Text("t.origin"), "Those that came from person, rule, legacy or measured."),
        Filter::new("ruleId", Test::Int("t.rule_id"), "Those that this rule inferred."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.environment_id, t.resource_type, t.resource_id, t.is_primary, t.origin, t.rule_id, \
             t.rule_name, {} AS evidence, {} AS confidence, {} AS allocated_percentage, {} AS declared_percentage, \
             {} AS measured_percentage, {} AS metadata, {} AS created_at FROM environment_associations t",
            context.dialect.json_text("t.evidence"),
            context.dialect.decimal("t.confidence"),
            context.dialect.decimal("t.allocated_percentage"),
            context.dialect.decimal("t.declared_percentage"),
            context.dialect.decimal("t.measured_percentage"),
            context.dialect.json_text("t.metadata"),
            context.dialect.datetime_text("t.created_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            environment_id: row.get("environment_id")?,
            resource_type: row.get("resource_type")?,
            resource_id: row.get("resource_id")?,
            is_primary: row.get("is_primary")?,
            allocated_percentage: row.get("allocated_percentage")?,
            declared_percentage: row.get("declared_percentage")?,
            measured_percentage: row.get("measured_percentage")?,
            origin: row.get("origin")?,
            rule_id: row.get("rule_id")?,
            rule_name: row.get("rule_name")?,
            evidence: value::read(row, "evidence")?,
            confidence: row.get("confidence")?,
            metadata: value::read(row, "metadata")?,
            created_at: time::read_datetime(row, "created_at")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}

/// A key and a value on a resource.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tag {
    /// Type of the resource, for example `compute`.
    pub resource_type: String,
    /// The resource.
    pub resource_id: i64,
    /// The key.
    pub tag_key: String,
    /// The value.
    pub tag_value: String,
    /// Where it came from: `person`, `rule`, `join-token`, `legacy` (the existing inventory's own tags), or the labels of a
    /// source: `docker-label`, `podman-label`, `kubernetes-label`.
    pub origin: String,
}

impl Resource for Tag {
    const LIST: &'static str = "tags";
    const ONE: &'static str = "tag";
    const ABOUT: &'static str = "Keys and values on resources.";
    const KEYS: &'static [Key] = &[
        Key::text("resourceType", "t.resource_type"),
        Key::int("resourceId", "t.resource_id"),
        Key::text("tagKey", "t.tag_key"),
    ];
    const FILTERS: &'static [Filter] = &[
        RESOURCE_TYPE,
        RESOURCE_ID,
        Filter::new("tagKey", Test::Text("t.tag_key"), "Exactly this key.").or("key"),
        Filter::new("tagValue", Test::Text("t.tag_value"), "Exactly this value.").or("value"),
        Filter::new("origin", Test::Text("t.origin"), "Set by this origin."),
    ];

    fn select(context: &Context) -> String {
        let rows = tag_rows(context.dialect);
        format!("SELECT t.resource_type, t.resource_id, t.tag_key, t.tag_value, t.origin FROM {rows} t")
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            resource_type: row.get("resource_type")?,
            resource_id: row.get("resource_id")?,
            tag_key: row.get("tag_key")?,
            tag_value: row.get("tag_value")?,
            origin: row.get("origin")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.resource_type.as_str().into(), self.resource_id.into(), self.tag_key.as_str().into()]
    }
}

/// Something that automation may act on.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutomationTarget {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Type of the resource, for example `compute`.
    pub target_type: String,
    /// The resource.
    pub target_id: i64,
    /// How to connect to it; `[redacted]` stands in the place of secrets. A mask that is written back leaves what is stored.
    pub connection_info: Option<Json>,
    /// What can be done with it.
    pub capabilities: Option<Json>,
    /// For example `ACTIVE`.
    pub status: String,
}

impl Resource for AutomationTarget {
    const LIST: &'static str = "automation-targets";
    const ONE: &'static str = "automation target";
    const ABOUT: &'static str = "What automation may act on.";
    const KEYS: &'static [Key] = ID;
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("targetType", Test::Text("t.target_type"), "Resources of this type.").or("type"),
        Filter::new("targetId", Test::Int("t.target_id"), "The resource with this id; give the type as well."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.target_type, t.target_id, {} AS connection_info, {} AS capabilities, t.status \
             FROM automation_targets t",
            context.dialect.json_text("t.connection_info"),
            context.dialect.json_text("t.capabilities"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            target_type: row.get("target_type")?,
            target_id: row.get("target_id")?,
            connection_info: value::read(row, "connection_info")?.as_ref().map(connection::masked),
            capabilities: value::read(row, "capabilities")?,
            status: row.get("status")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}
