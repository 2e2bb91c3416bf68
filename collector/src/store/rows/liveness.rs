//! Signs of life, apart from the agents so that they can be flushed in batches.

use orchestrix_common::{id::AgentId, time::Timestamp};

use crate::store::{Executor, StoreError, Tx, Value};

/// Stores when agents were last seen. The caller sorts them by id.
///
/// # Errors
/// When a statement fails.
pub async fn liveness_upsert_in_tx(tx: &mut Tx, seen: &[(AgentId, Timestamp)]) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict(&["agent_id"], &["seen_at_us"]);
    let rows = seen.iter().map(|(agent, at)| vec![(*agent).into(), (*at).into()]).collect();
    tx.insert_many("agent_liveness", &["agent_id", "seen_at_us"], rows, &ending).await
}

/// Of `agents`, tells which are marked as not reachable. Revoked ones stay so.
///
/// # Errors
/// When a statement fails.
pub async fn liveness_unreachable(
    from: &mut impl Executor,
    agents: impl IntoIterator<Item = AgentId> + Send,
) -> Result<Vec<AgentId>, StoreError> {
    let keys = agents.into_iter().map(Value::from).collect();
    let select = "SELECT id FROM agents WHERE reachable = 0 AND state <> 'REVOKED' AND";
    let rows = from.fetch_in(select, "id", vec![], keys).await?;
    rows.iter().map(|row| super::agent::id_of(row, "id")).collect()
}

/// Reads and locks agents that answered until now and were not seen since `before`, with their computes.
///
/// # Errors
/// When the statement fails.
pub async fn liveness_silent_in_tx(
    tx: &mut Tx,
    before: Timestamp,
    most: usize,
) -> Result<Vec<(AgentId, Option<i64>)>, StoreError> {
    let sql = format!(
        "SELECT a.id, a.compute_id FROM agents a LEFT JOIN agent_liveness l ON l.agent_id = a.id WHERE a.reachable = 1 \
         AND (l.seen_at_us IS NULL OR l.seen_at_us < ?) AND (a.connected_at_us IS NULL OR a.connected_at_us < ?) \
         ORDER BY a.id LIMIT {most}{}",
        tx.dialect().for_update()
    );
    let rows = tx.fetch(sql, vec![before.into(), before.into()]).await?;
    rows.iter().map(|row| Ok((super::agent::id_of(row, "id")?, row.get("compute_id")?))).collect()
}

/// Marks agents as reachable or not. The caller sorts them by id.
///
/// # Errors
/// When a statement fails.
pub async fn liveness_mark_in_tx(
    tx: &mut Tx,
    agents: impl IntoIterator<Item = AgentId> + Send,
    reachable: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let keys = agents.into_iter().map(Value::from).collect();
    let sql = "UPDATE agents SET reachable = ?, reachable_changed_at_us = ? WHERE";
    tx.execute_in(sql, "id", vec![reachable.into(), at.into()], keys).await
}
