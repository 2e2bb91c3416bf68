//! What happened: changes of resources, what people did, and what people have to decide.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Sort, Test, Time, time, value};
use crate::store::{Row, StoreError, Value};

/// A change of a resource.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// Its number; higher ones were stored later.
    pub sequence: i64,
    /// When it was stored.
    pub recorded_at: Time,
    /// When it happened, by the clock of the host where it did.
    pub happened_at: Time,
    /// Who caused it: `agent`, `person`, `rule` or `collector`.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: String,
    /// What happened, for example `appeared`, `altered` or `ended`.
    pub change_kind: String,
    /// Type of the resource, for example `workload`.
    pub resource_type: String,
    /// The resource.
    pub resource_id: i64,
    /// Its name at the time.
    pub resource_name: String,
    /// The compute it is on.
    pub compute_id: Option<i64>,
    /// The source that saw it.
    pub source: Option<String>,
    /// What it was before, as far as it changed; `null` when it was not there.
    pub before: Option<Json>,
    /// What it was afterwards, as far as it changed; `null` when it was no more.
    pub after: Option<Json>,
}

impl Resource for HistoryEntry {
    const LIST: &'static str = "history";
    const ONE: &'static str = "change";
    const ABOUT: &'static str = "Changes of resources, newest first. To follow them, read /api/v1/changes.";
    const KEYS: &'static [Key] = &[Key::int("sequence", "h.sequence")];
    const NEWEST_FIRST: bool = true;
    const SORTS: &'static [Sort] = &[
        Sort::int("recordedAt", "h.recorded_at_us"),
        Sort::int("happenedAt", "h.happened_at_us"),
        Sort::text("resourceName", "h.resource_name"),
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("since", Test::Above("h.sequence"), "Those after this number."),
        Filter::new("resourceType", Test::Text("h.resource_type"), "Those of resources of this type."),
        Filter::new("resourceId", Test::Int("h.resource_id"), "Those of this resource; give the type as well."),
        Filter::new(
            "computeId",
            Test::Compute("h.compute_id"),
            "Those on this compute, and on what was merged into it.",
        ),
        Filter::new("changeKind", Test::Text("h.change_kind"), "For example ended.").or("change"),
        Filter::new("actorKind", Test::Text("h.actor_kind"), "For example person."),
        Filter::new("actorId", Test::Text("h.actor_id"), "Caused by this one."),
        Filter::new("source", Test::Text("h.source"), "Seen by this source."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT h.sequence, h.recorded_at_us, h.happened_at_us, h.actor_kind, h.actor_id, h.change_kind, \
             h.resource_type, h.resource_id, h.resource_name, h.compute_id, h.source, {} AS before_state, \
             {} AS after_state FROM history h",
            context.dialect.json_text("h.before_state"),
            context.dialect.json_text("h.after_state"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            sequence: row.get("sequence")?,
            recorded_at: time::read(row, "recorded_at_us")?,
            happened_at: time::read(row, "happened_at_us")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            change_kind: row.get("change_kind")?,
            resource_type: row.get("resource_type")?,
            resource_id: row.get("resource_id")?,
            resource_name: row.get("resource_name")?,
            compute_id: row.get("compute_id")?,
            source: row.get("source")?,
            before: value::read(row, "before_state")?,
            after: value::read(row, "after_state")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.sequence.into()]
    }
}

/// Something that somebody did on purpose.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Time,
    /// What kind of actor, for example `api-token`.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: String,
    /// What was done, for example `agent.revoke`.
    pub action: String,
    /// Type of the resource.
    pub resource_type: String,
    /// The resource.
    pub resource_id: String,
    /// Further particulars; never a secret.
    pub detail: Option<Json>,
}

impl Resource for AuditEntry {
    const LIST: &'static str = "audit";
    const ONE: &'static str = "audit entry";
    const ABOUT: &'static str = "What was done on purpose, newest first.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const NEWEST_FIRST: bool = true;
    const SORTS: &'static [Sort] = &[Sort::int("at", "t.at_us")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("actorKind", Test::Text("t.actor_kind"), "Done by this kind of actor."),
        Filter::new("actorId", Test::Text("t.actor_id"), "Done by this one."),
        Filter::new("action", Test::Text("t.action"), "For example agent.revoke."),
        Filter::new("resourceType", Test::Text("t.resource_type"), "Done to resources of this type."),
        Filter::new("resourceId", Test::Text("t.resource_id"), "Done to this resource; give the type as well."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.at_us, t.actor_kind, t.actor_id, t.action, t.resource_type, t.resource_id, {} AS detail \
             FROM audit_log t",
            context.dialect.json_text("t.detail"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            at: time::read(row, "at_us")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            action: row.get("action")?,
            resource_type: row.get("resource_type")?,
            resource_id: row.get("resource_id")?,
            detail: value::read(row, "detail")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}

/// A host that fits several computes, or none well enough: a person decides.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// Identifier.
    pub id: i64,
    /// The agent that waits for the decision.
    pub agent_id: String,
    /// Host name of the agent.
    pub hostname: Option<String>,
    /// `OPEN` or `RESOLVED`.
    pub state: String,
    /// What identifies the host.
    pub machine: Option<Json>,
    /// The computes that it may be, each with what speaks for it.
    pub candidates: Option<Json>,
    /// Since when.
    pub created_at: Time,
    /// When it was decided.
    pub resolved_at: Option<Time>,
    /// Who decided.
    pub resolved_by: Option<String>,
    /// What was decided.
    pub resolution: Option<String>,
}

impl Resource for Match {
    const LIST: &'static str = "matches";
    const ONE: &'static str = "match";
    const ABOUT: &'static str = "Hosts that fit several computes, or none well enough: a person decides.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const SORTS: &'static [Sort] = &[
        Sort::int("createdAt", "t.created_at_us"),
        Sort::int("resolvedAt", "t.resolved_at_us"),
        Sort::text("hostname", "g.hostname"),
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("state", Test::Text("t.state"), "OPEN or RESOLVED.").or("status"),
        Filter::new("agentId", Test::Text("t.agent_id"), "Those of this agent."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.agent_id, g.hostname, t.state, {} AS machine, {} AS candidates, t.created_at_us, \
             t.resolved_at_us, t.resolved_by, t.resolution FROM match_conflicts t \
             LEFT JOIN agents g ON g.id = t.agent_id",
            context.dialect.json_text("t.machine"),
            context.dialect.json_text("t.candidates"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            agent_id: row.get("agent_id")?,
            hostname: row.get("hostname")?,
            state: row.get("state")?,
            machine: value::read(row, "machine")?,
            candidates: value::read(row, "candidates")?,
            created_at: time::read(row, "created_at_us")?,
            resolved_at: time::read_opt(row, "resolved_at_us")?,
            resolved_by: row.get("resolved_by")?,
            resolution: row.get("resolution")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}
