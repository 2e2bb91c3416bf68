//! What people did to computes and can undo, and which computes were merged into others.

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::Value as Json;

use super::{cut, history::Actor};
use crate::store::{Executor, StoreError, Tx};

/// An operation that is about to be stored.
#[derive(Clone, Debug)]
pub struct NewOperation<'a> {
    /// `CLAIM`, `MERGE`, `SPLIT` or `DRIFT`.
    pub kind: &'static str,
    /// What was done, in one sentence.
    pub summary: &'a str,
    /// The compute that it is about.
    pub compute_id: Option<i64>,
    /// The other one: the merged one, or the one that was split off.
    pub other_compute_id: Option<i64>,
    /// The agent that it is about.
    pub agent_id: Option<AgentId>,
    /// Who did it.
    pub actor: &'a Actor,
    /// What was changed, for people.
    pub report: &'a Json,
    /// All that undoing takes.
    pub record: &'a Json,
}

/// An operation as undoing needs it.
#[derive(Clone, Debug)]
pub struct OperationRow {
    /// Its key.
    pub id: i64,
    /// `CLAIM`, `MERGE`, `SPLIT` or `DRIFT`.
    pub kind: String,
    /// `DONE` or `UNDONE`.
    pub state: String,
    /// What was done.
    pub summary: String,
    /// The compute that it is about.
    pub compute_id: Option<i64>,
    /// The other one.
    pub other_compute_id: Option<i64>,
    /// The agent that it is about.
    pub agent_id: Option<AgentId>,
    /// All that undoing takes.
    pub record: Json,
}

/// Stores an operation; returns its key.
///
/// # Errors
/// When the statement fails.
pub async fn operation_insert_in_tx(tx: &mut Tx, new: &NewOperation<'_>, at: Timestamp) -> Result<i64, StoreError> {
    let sql = "INSERT INTO operations (kind, state, summary, compute_id, other_compute_id, agent_id, actor_kind, actor_id, \
               done_at_us, report, undo_record) VALUES (?, 'DONE', ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        new.kind.into(),
        cut(new.summary, 512).into(),
        new.compute_id.into(),
        new.other_compute_id.into(),
        new.agent_id.into(),
        new.actor.kind.into(),
        cut(&new.actor.id, 64).into(),
        at.into(),
        new.report.into(),
        new.record.into(),
    ];
    tx.insert(sql, values).await
}

/// Reads an operation and keeps others from undoing it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub async fn operation_lock_in_tx(tx: &mut Tx, id: i64) -> Result<Option<OperationRow>, StoreError> {
    let sql = format!(
        "SELECT id, kind, state, summary, compute_id, other_compute_id, agent_id, {} AS undo_record FROM operations \
         WHERE id = ?{}",
        tx.dialect().json_text("undo_record"),
        tx.dialect().for_update()
    );
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    let agent_id = row.get::<Option<String>>("agent_id")?.and_then(|id| id.parse().ok());
    Ok(Some(OperationRow {
        id: row.get("id")?,
        kind: row.get("kind")?,
        state: row.get("state")?,
        summary: row.get("summary")?,
        compute_id: row.get("compute_id")?,
        other_compute_id: row.get("other_compute_id")?,
        agent_id,
        record: row.json("undo_record")?.unwrap_or(Json::Null),
    }))
}

/// Finds a later operation on one of these computes that moved rows and was not undone.
///
/// # Errors
/// When the statement fails.
pub async fn operation_later_in_tx(
    tx: &mut Tx,
    id: i64,
    computes: &[i64],
) -> Result<Option<(i64, String)>, StoreError> {
    for compute in computes {
        let sql = "SELECT id, summary FROM operations WHERE id > ? AND state = 'DONE' AND kind <> 'DRIFT' \
                   AND (compute_id = ? OR other_compute_id = ?) ORDER BY id DESC LIMIT 1";
        let bound = vec![id.into(), (*compute).into(), (*compute).into()];
        if let Some(row) = tx.fetch_optional(sql.to_owned(), bound).await? {
            return Ok(Some((row.get("id")?, row.get("summary")?)));
        }
    }
    Ok(None)
}

/// Marks an operation as undone.
///
/// # Errors
/// When the statement fails.
pub async fn operation_undone_in_tx(tx: &mut Tx, id: i64, by: &str, at: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE operations SET state = 'UNDONE', undone_at_us = ?, undone_by = ? WHERE id = ?";
    tx.execute(sql, vec![at.into(), cut(by, 64).into(), id.into()]).await.map(drop)
}

/// Remembers into which compute one was merged.
///
/// # Errors
/// When the statement fails.
pub async fn merged_insert_in_tx(
    tx: &mut Tx,
    compute: i64,
    into: i64,
    operation: i64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let sql =
        "INSERT INTO merged_computes (compute_id, into_compute_id, operation_id, merged_at_us) VALUES (?, ?, ?, ?)";
    tx.execute(sql, vec![compute.into(), into.into(), operation.into(), at.into()]).await.map(drop)
}

/// Forgets that a compute was merged.
///
/// # Errors
/// When the statement fails.
pub async fn merged_delete_in_tx(tx: &mut Tx, compute: i64) -> Result<(), StoreError> {
    tx.execute("DELETE FROM merged_computes WHERE compute_id = ?", vec![compute.into()]).await.map(drop)
}

/// Into which compute one was merged; `None` when it was not.
///
/// # Errors
/// When the statement fails.
pub async fn merged_into(from: &mut impl Executor, compute: i64) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT into_compute_id FROM merged_computes WHERE compute_id = ?";
    let row = from.fetch_optional(sql.to_owned(), vec![compute.into()]).await?;
    row.map(|row| row.get("into_compute_id")).transpose()
}
