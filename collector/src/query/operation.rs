//! What people did to computes, and can undo.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Test, Time, time, value};
use crate::store::{Row, StoreError, Value};

/// Something that was done to computes and can be undone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Identifier.
    pub id: i64,
    /// `MATCH` (an agent was given a compute that was there), `CLAIM`, `MERGE`, `SPLIT` or `DRIFT`.
    pub kind: String,
    /// `DONE` or `UNDONE`.
    pub state: String,
    /// What was done, in one sentence.
    pub summary: String,
    /// The compute that it is about; the one that goes on.
    pub compute_id: Option<i64>,
    /// The other one: what was merged, or what was split off.
    pub other_compute_id: Option<i64>,
    /// The agent that it is about.
    pub agent_id: Option<String>,
    /// Who did it: `person`, or `agent` when it was clear by itself.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: String,
    /// When.
    pub done_at: Time,
    /// When it was undone.
    pub undone_at: Option<Time>,
    /// Who undid it.
    pub undone_by: Option<String>,
    /// What it changed.
    pub report: Option<Json>,
}

impl Resource for Operation {
    const LIST: &'static str = "operations";
    const ONE: &'static str = "operation";
    const ABOUT: &'static str =
        "What was done to computes and can be undone, newest first: claims, merges, splits, decisions about drift.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const NEWEST_FIRST: bool = true;
    const FILTERS: &'static [Filter] = &[
        Filter::new("kind", Test::Text("t.kind"), "MATCH, CLAIM, MERGE, SPLIT or DRIFT."),
        Filter::new("state", Test::Text("t.state"), "DONE or UNDONE.").or("status"),
        Filter::new("computeId", Test::Int("t.compute_id"), "Those about this compute, which went on."),
        Filter::new("otherComputeId", Test::Int("t.other_compute_id"), "Those that merged or made this compute."),
        Filter::new("agentId", Test::Text("t.agent_id"), "Those about this agent."),
        Filter::new("actorId", Test::Text("t.actor_id"), "Done by this one."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.kind, t.state, t.summary, t.compute_id, t.other_compute_id, t.agent_id, t.actor_kind, \
             t.actor_id, t.done_at_us, t.undone_at_us, t.undone_by, {} AS report FROM operations t",
            context.dialect.json_text("t.report"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            state: row.get("state")?,
            summary: row.get("summary")?,
            compute_id: row.get("compute_id")?,
            other_compute_id: row.get("other_compute_id")?,
            agent_id: row.get("agent_id")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            done_at: time::read(row, "done_at_us")?,
            undone_at: time::read_opt(row, "undone_at_us")?,
            undone_by: row.get("undone_by")?,
            report: value::read(row, "report")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}
