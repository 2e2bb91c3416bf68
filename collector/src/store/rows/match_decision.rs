//! Why hosts were matched as they were.

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::Value as Json;

use super::{cut, history::Actor};
use crate::store::{Executor, StoreError, Tx};

/// A decision as it is stored.
#[derive(Clone, Debug)]
pub struct MatchDecisionRow<'a> {
    /// The agent whose host it is.
    pub agent_id: AgentId,
    /// `EXISTING`, `NEW` or `UNDECIDED`.
    pub outcome: &'a str,
    /// The compute that it is.
    pub compute_id: Option<i64>,
    /// What identifies the host.
    pub machine: &'a Json,
    /// Why.
    pub explanation: &'a Json,
    /// Who decided.
    pub actor: &'a Actor,
}

/// Keeps a decision, unless it is the same as the agent's last one: a host that waits asks again and again.
///
/// # Errors
/// When a statement fails.
pub async fn match_decision_keep_in_tx(
    tx: &mut Tx,
    row: &MatchDecisionRow<'_>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT outcome, compute_id, {} AS explanation FROM match_decisions WHERE agent_id = ? ORDER BY id DESC LIMIT 1",
        tx.dialect().json_text("explanation")
    );
    if let Some(last) = tx.fetch_optional(sql, vec![row.agent_id.into()]).await?
        && last.get::<String>("outcome")? == row.outcome
        && last.get::<Option<i64>>("compute_id")? == row.compute_id
        && last.json::<Json>("explanation")?.as_ref() == Some(row.explanation)
    {
        return Ok(());
    }
    let sql = "INSERT INTO match_decisions (agent_id, outcome, compute_id, machine, explanation, actor_kind, actor_id, \
               decided_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        row.agent_id.into(),
        row.outcome.into(),
        row.compute_id.into(),
        row.machine.into(),
        row.explanation.into(),
        row.actor.kind.into(),
        cut(&row.actor.id, 64).into(),
        at.into(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Reads what identified the host of an agent when it was last matched; `None` when that was never kept.
///
/// # Errors
/// When the statement fails.
pub async fn match_decision_machine(
    from: &mut impl Executor,
    dialect: crate::store::Dialect,
    agent: AgentId,
) -> Result<Option<Json>, StoreError> {
    let sql = format!(
        "SELECT {} AS machine FROM match_decisions WHERE agent_id = ? ORDER BY id DESC LIMIT 1",
        dialect.json_text("machine")
    );
    let row = from.fetch_optional(sql, vec![agent.into()]).await?;
    Ok(row.map(|row| row.json("machine")).transpose()?.flatten())
}
