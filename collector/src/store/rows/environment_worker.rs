//! Who infers environments at the moment, and how far that has come: one row for all collectors.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, Row, StoreError, Tx, Value};

const NAME: &str = "inference";

/// The row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerRow {
    /// Which collector infers; empty when none does.
    pub holder: String,
    /// Until when it alone may.
    pub lease_until: Timestamp,
    /// Every change of the history up to this number was heeded.
    pub sequence: i64,
    /// Number of the pass over everything that is wanted; it rises with each change of the rules.
    pub wanted_pass: i64,
    /// Number of the last pass that is done.
    pub done_pass: i64,
    /// Type of resources that the pass is at; empty at its beginning.
    pub pass_type: String,
    /// Key that it has come to.
    pub pass_after: i64,
    /// Measurements up to this time were heeded …
    pub usage_at: Timestamp,
    /// … of the same time up to this compute.
    pub usage_compute: i64,
}

fn worker(row: &Row) -> Result<WorkerRow, StoreError> {
    Ok(WorkerRow {
        holder: row.get("holder")?,
        lease_until: row.time("lease_until_us")?,
        sequence: row.get("sequence")?,
        wanted_pass: row.get("wanted_pass")?,
        done_pass: row.get("done_pass")?,
        pass_type: row.get("pass_type")?,
        pass_after: row.get("pass_after")?,
        usage_at: row.time("usage_at_us")?,
        usage_compute: row.get("usage_compute_id")?,
    })
}

/// Reads the row and keeps others from changing it until the transaction ends. The first time it is made: what was
/// recorded before is covered by the first pass.
///
/// # Errors
/// When a statement fails.
pub async fn worker_lock_in_tx(tx: &mut Tx) -> Result<WorkerRow, StoreError> {
    let sql = format!("SELECT * FROM environment_worker WHERE name = ?{}", tx.dialect().for_update());
    if let Some(row) = tx.fetch_optional(sql.clone(), vec![NAME.into()]).await? {
        return worker(&row);
    }
    let ending = tx.dialect().on_conflict(&["name"], &[]);
    let insert = format!(
        "INSERT INTO environment_worker (name, sequence) SELECT ?, COALESCE(MAX(sequence), 0) FROM history WHERE 1 = 1{ending}"
    );
    tx.execute(insert, vec![NAME.into()]).await?;
    let row = tx.fetch_optional(sql, vec![NAME.into()]).await?;
    row.as_ref().map(worker).transpose()?.ok_or_else(|| StoreError::Fenced("the worker's row".to_owned()))
}

/// Up to which change everything was heeded; `None` before the first round.
///
/// # Errors
/// When the statement fails.
pub async fn worker_sequence(from: &mut impl Executor) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT sequence FROM environment_worker WHERE name = ?";
    from.fetch_optional(sql.to_owned(), vec![NAME.into()]).await?.map(|row| row.get("sequence")).transpose()
}

/// Gives the lease to a holder, or takes it back (`until` in the past).
///
/// # Errors
/// When the statement fails.
pub async fn worker_lease_in_tx(tx: &mut Tx, holder: &str, until: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE environment_worker SET holder = ?, lease_until_us = ? WHERE name = ?";
    tx.execute(sql, vec![holder.into(), until.into(), NAME.into()]).await.map(drop)
}

/// Remembers how far the holder has come; `false` when the lease is another's by now.
///
/// # Errors
/// When a statement fails.
pub async fn worker_progress_in_tx(tx: &mut Tx, holder: &str, row: &WorkerRow) -> Result<bool, StoreError> {
    // Affected rows would not tell: MySQL counts only those that really changed.
    if worker_lock_in_tx(tx).await?.holder != holder {
        return Ok(false);
    }
    let sql = "UPDATE environment_worker SET sequence = ?, usage_at_us = ?, usage_compute_id = ? WHERE name = ?";
    let values: Vec<Value> = vec![row.sequence.into(), row.usage_at.into(), row.usage_compute.into(), NAME.into()];
    tx.execute(sql, values).await?;
    // A change of the rules meanwhile has put the pass back to its beginning: then it stays there.
    let sql =
        "UPDATE environment_worker SET done_pass = ?, pass_type = ?, pass_after = ? WHERE name = ? AND wanted_pass = ?";
    let values = vec![
        row.done_pass.into(),
        row.pass_type.as_str().into(),
        row.pass_after.into(),
        NAME.into(),
        row.wanted_pass.into(),
    ];
    tx.execute(sql, values).await?;
    Ok(true)
}

/// Wants a pass over everything, from its beginning.
///
/// # Errors
/// When a statement fails.
pub async fn worker_want_pass_in_tx(tx: &mut Tx) -> Result<(), StoreError> {
    worker_lock_in_tx(tx).await?;
    let sql =
        "UPDATE environment_worker SET wanted_pass = wanted_pass + 1, pass_type = '', pass_after = 0 WHERE name = ?";
    tx.execute(sql, vec![NAME.into()]).await.map(drop)
}
