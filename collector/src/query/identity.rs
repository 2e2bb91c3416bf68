//! Why hosts were matched as they were, and the list of values that identify nothing.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Agent, Context, Filter, Key, Resource, Sort, Test, Time, get, time, value};
use crate::{
    reconcile::identity::{Explanation, Fit},
    store::{Db, Executor as _, Row, StoreError, Value},
};

/// Decisions that an explanation tells, the newest first.
const DECISIONS: u32 = 20;

/// Why the host of an agent was matched as it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchExplanation {
    /// The agent.
    pub agent_id: String,
    /// Its host name.
    pub hostname: String,
    /// Its state; `HELD` while a person must decide.
    pub state: String,
    /// The compute that it speaks for; `null` while that is not decided.
    pub compute_id: Option<i64>,
    /// Name of that compute.
    pub compute_name: Option<String>,
    /// How things stand, in one sentence.
    pub summary: String,
    /// What was decided and why, the newest first.
    pub decisions: Vec<MatchDecision>,
    /// What speaks for and against the compute that was asked about, as things stand now; `null` when none was, or when
    /// it is not known what identifies the host.
    pub asked: Option<Fit>,
}

/// One decision about a host.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchDecision {
    /// Identifier.
    pub id: i64,
    /// `EXISTING`, `NEW` or `UNDECIDED`.
    pub outcome: String,
    /// The compute that it is.
    pub compute_id: Option<i64>,
    /// When it was decided.
    pub decided_at: Time,
    /// Who decided: `agent` when it was clear by itself, or `person`.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: String,
    /// Why.
    pub explanation: Explanation,
}

impl MatchExplanation {
    /// Tells why the host of an agent was matched as it was.
    #[must_use]
    pub fn of(agent: Agent, decisions: Vec<MatchDecision>, asked: Option<Fit>) -> Self {
        let Agent { id, hostname, state, compute_id, compute_name, .. } = agent;
        let summary = match (decisions.first(), compute_id) {
            (Some(last), Some(compute)) if last.compute_id != Some(compute) => {
                format!("it was given compute {compute} afterwards; the operations on that compute tell why")
            }
            (Some(last), _) => last.explanation.summary.clone(),
            (None, Some(_)) => "it was matched by a version that did not keep the reasons".to_owned(),
            (None, None) => "it has not connected yet: it is matched when it does".to_owned(),
        };
        Self { agent_id: id, hostname, state, compute_id, compute_name, summary, decisions, asked }
    }
}

/// Reads what was decided about the host of an agent; `None` when there is no such agent.
///
/// # Errors
/// When a statement fails.
pub async fn match_explanation(
    db: &Db,
    now: orchestrix_common::time::Timestamp,
    agent: &str,
    asked: Option<Fit>,
) -> Result<Option<MatchExplanation>, StoreError> {
    let Some(agent) = get::<Agent>(db, now, vec![agent.into()]).await? else { return Ok(None) };
    let sql = format!(
        "SELECT d.id, d.outcome, d.compute_id, d.decided_at_us, d.actor_kind, d.actor_id, {} AS explanation \
         FROM match_decisions d WHERE d.agent_id = ? ORDER BY d.id DESC LIMIT ?",
        db.dialect().json_text("d.explanation")
    );
    let mut executor = db;
    let rows = executor.fetch(sql, vec![agent.id.as_str().into(), DECISIONS.into()]).await?;
    let decisions = rows.iter().map(|row| {
        Ok(MatchDecision {
            id: row.get("id")?,
            outcome: row.get("outcome")?,
            compute_id: row.get("compute_id")?,
            decided_at: time::read(row, "decided_at_us")?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.get("actor_id")?,
            explanation: value::read_ours(row, "explanation")?,
        })
    });
    Ok(Some(MatchExplanation::of(agent, decisions.collect::<Result<_, StoreError>>()?, asked)))
}

/// A value that people found to identify nothing, beside those that the program knows.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JunkValue {
    /// Identifier.
    pub id: i64,
    /// Kind of evidence, for example `product_uuid`.
    pub evidence: String,
    /// The value, in the form in which it is compared.
    pub content: String,
    /// Why, for people.
    pub note: String,
    /// Who entered it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
}

impl Resource for JunkValue {
    const LIST: &'static str = "identity-junk";
    const ONE: &'static str = "junk value";
    const ABOUT: &'static str =
        "Values that identify no host, beside those that the collector knows: matching leaves them out.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const SORTS: &'static [Sort] =
        &[Sort::int("createdAt", "t.created_at_us"), Sort::text("createdBy", "t.created_by")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("evidence", Test::Text("t.fact"), "Those of this kind, for example product_uuid."),
        Filter::new("content", Test::Text("t.content"), "Exactly this value."),
    ];

    fn select(_: &Context) -> String {
        "SELECT t.id, t.fact, t.content, t.note, t.created_by, t.created_at_us FROM identity_junk t".to_owned()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            evidence: row.get("fact")?,
            content: row.get("content")?,
            note: row.get("note")?,
            created_by: row.get("created_by")?,
            created_at: time::read(row, "created_at_us")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}
