//! What an operation does or would do, for people.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

/// What an operation does, or would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationReport {
    /// The operation, to be named when it is undone; `null` when nothing was done.
    pub operation_id: Option<i64>,
    /// What was or would be done, in one sentence.
    pub summary: String,
    /// The compute that goes on.
    pub compute_id: i64,
    /// The other one: what was merged, or what was split off; `null` where it is not made yet.
    pub other_compute_id: Option<i64>,
    /// Rows that move, by what they are, for example `workloads`.
    pub moved: BTreeMap<String, usize>,
    /// Rows that stay where they are because the other compute has the same, by what they are.
    pub stayed: BTreeMap<String, usize>,
    /// Values that are taken over.
    pub values: Vec<TakenValue>,
    /// Where both have a value and only one can stay.
    pub conflicts: Vec<ValueConflict>,
    /// What becomes of agents.
    pub agents: Vec<AgentFate>,
    /// Why it cannot be done; empty when it can.
    pub refusals: Vec<String>,
    /// What could not be put back and why, when something is undone.
    pub left: Vec<String>,
}

/// A value that is taken over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct TakenValue {
    /// Type of the resource, for example `compute`.
    pub resource_type: String,
    /// The resource that gets it.
    pub resource_id: i64,
    /// The field.
    pub field: String,
    /// The value.
    pub value: Json,
    /// What stood there.
    pub instead_of: Json,
}

/// Two values of which one can stay.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueConflict {
    /// Type of the resource, for example `compute`.
    pub resource_type: String,
    /// The resource that goes on.
    pub resource_id: i64,
    /// The field, for example `notes`, or what it is, for example `tag`.
    pub field: String,
    /// The value that stays.
    pub kept: Json,
    /// The value that remains with what was merged, to be read there.
    pub other: Json,
}

/// What becomes of an agent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AgentFate {
    /// The agent.
    pub agent_id: String,
    /// Its host name.
    pub hostname: String,
    /// `speaks` (for the compute that goes on), `moves` or `succeeded` (it is revoked, another one speaks).
    pub fate: String,
}

impl OperationReport {
    pub(super) fn moved(&mut self, what: &str, count: usize) {
        if count > 0 {
            *self.moved.entry(what.to_owned()).or_default() += count;
        }
    }

    pub(super) fn stayed(&mut self, what: &str, count: usize) {
        if count > 0 {
            *self.stayed.entry(what.to_owned()).or_default() += count;
        }
    }
}
