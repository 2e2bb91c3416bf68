//! Hosts that fit several computes, or none well enough.

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::Value as Json;

use super::cut;
use crate::store::{Executor, StoreError, Tx};

/// A match that waits for a person.
#[derive(Clone, Debug)]
pub struct MatchConflictRow {
    /// Its key.
    pub id: i64,
    /// The agent whose host it is.
    pub agent_id: AgentId,
    /// What identifies the host.
    pub machine: Json,
}

/// Stores an open conflict, or refreshes the one that the agent has. Returns whether it is new.
///
/// # Errors
/// When a statement fails.
pub async fn match_conflict_open_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    machine: &Json,
    candidates: &Json,
    at: Timestamp,
) -> Result<bool, StoreError> {
    if let Some(known) = match_conflict_of_agent(tx, agent).await? {
        let sql = "UPDATE match_conflicts SET machine = ?, candidates = ? WHERE id = ?";
        tx.execute(sql, vec![machine.into(), candidates.into(), known.into()]).await?;
        return Ok(false);
    }
    let sql = "INSERT INTO match_conflicts (agent_id, machine, candidates, state, created_at_us) \
               VALUES (?, ?, ?, 'OPEN', ?)";
    tx.execute(sql, vec![agent.into(), machine.into(), candidates.into(), at.into()]).await?;
    Ok(true)
}

/// Finds the open conflict of an agent.
///
/// # Errors
/// When the statement fails.
pub async fn match_conflict_of_agent(from: &mut impl Executor, agent: AgentId) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM match_conflicts WHERE agent_id = ? AND state = 'OPEN' ORDER BY id LIMIT 1";
    let row = from.fetch_optional(sql.to_owned(), vec![agent.into()]).await?;
    row.map(|row| row.get("id")).transpose()
}

/// Reads an open conflict and keeps others from resolving it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn match_conflict_lock_in_tx(tx: &mut Tx, id: i64) -> Result<Option<MatchConflictRow>, StoreError> {
    let sql = format!(
        "SELECT agent_id, {} AS machine FROM match_conflicts WHERE id = ? AND state = 'OPEN'{}",
        tx.dialect().json_text("machine"),
        tx.dialect().for_update()
    );
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    let machine = row.json("machine")?.unwrap_or(Json::Null);
    Ok(Some(MatchConflictRow { id, agent_id: super::agent::id_of(&row, "agent_id")?, machine }))
}

/// Closes a conflict with what was decided.
///
/// # Errors
/// When the statement fails.
pub async fn match_conflict_resolve_in_tx(
    tx: &mut Tx,
    id: i64,
    by: &str,
    resolution: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE match_conflicts SET state = 'RESOLVED', resolved_at_us = ?, resolved_by = ?, resolution = ? \
               WHERE id = ?";
    tx.execute(sql, vec![at.into(), cut(by, 64).into(), cut(resolution, 255).into(), id.into()]).await?;
    Ok(())
}

/// Closes the open conflict of an agent, if it has one, because it was decided otherwise.
///
/// # Errors
/// When the statement fails.
pub async fn match_conflict_close_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    by: &str,
    resolution: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    match match_conflict_of_agent(tx, agent).await? {
        Some(id) => match_conflict_resolve_in_tx(tx, id, by, resolution, at).await,
        None => Ok(()),
    }
}
