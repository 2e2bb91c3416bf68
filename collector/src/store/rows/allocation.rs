//! The latest shares of computes, in hundredths of a per cent.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use crate::store::{Dialect, Executor, Row, StoreError, Tx, Value};

/// The shares of a compute: those of environments, unclaimed and idle are the whole together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllocationRow {
    /// The compute.
    pub compute_id: i64,
    /// By environment.
    pub shares: BTreeMap<i64, i64>,
    /// In use, and claimed by no environment.
    pub unclaimed: i64,
    /// Not in use.
    pub idle: i64,
    /// What the compute has, in thousandths of a core; zero is not known.
    pub cpu_millicores: u64,
    /// What it has, in bytes; zero is not known.
    pub memory_bytes: u64,
    /// When they last changed by a step.
    pub changed_at: Timestamp,
}

/// Reads a row of the table.
///
/// # Errors
/// When a column holds something else.
pub fn allocation_read(row: &Row) -> Result<AllocationRow, StoreError> {
    Ok(AllocationRow {
        compute_id: row.get("compute_id")?,
        shares: row.json("shares")?.unwrap_or_default(),
        unclaimed: row.get("unclaimed")?,
        idle: row.get("idle")?,
        cpu_millicores: row.get("cpu_millicores")?,
        memory_bytes: row.get("memory_bytes")?,
        changed_at: row.time("changed_at_us")?,
    })
}

/// Reads the shares of some computes, by key.
///
/// # Errors
/// When a statement fails.
pub async fn allocation_list(
    from: &mut impl Executor,
    dialect: Dialect,
    computes: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, AllocationRow>, StoreError> {
    let keys = computes.into_iter().map(Value::from).collect();
    let rows = from.fetch_in(&format!("{} WHERE", select(dialect)), "compute_id", vec![], keys).await?;
    rows.iter().map(|row| allocation_read(row).map(|row| (row.compute_id, row))).collect()
}

/// Reads the shares of all computes, in no order.
///
/// # Errors
/// When the statement fails.
pub async fn allocation_all(from: &mut impl Executor, dialect: Dialect) -> Result<Vec<AllocationRow>, StoreError> {
    from.fetch(select(dialect), vec![]).await?.iter().map(allocation_read).collect()
}

fn select(dialect: Dialect) -> String {
    format!(
        "SELECT compute_id, {} AS shares, unclaimed, idle, cpu_millicores, memory_bytes, changed_at_us \
         FROM compute_allocations",
        dialect.json_text("shares")
    )
}

/// Stores shares over those that are there. The caller sorts them by compute.
///
/// # Errors
/// When a statement fails.
pub async fn allocation_set_in_tx(tx: &mut Tx, rows: &[AllocationRow]) -> Result<(), StoreError> {
    let columns = ["compute_id", "shares", "unclaimed", "idle", "cpu_millicores", "memory_bytes", "changed_at_us"];
    let ending = tx.dialect().on_conflict(&columns[..1], &columns[1..]);
    let rows = rows
        .iter()
        .map(|row| {
            let AllocationRow { compute_id, shares, unclaimed, idle, cpu_millicores, memory_bytes, changed_at } = row;
            let shares = serde_json::to_value(shares).unwrap_or(Json::Null);
            vec![
                (*compute_id).into(),
                (&shares).into(),
                (*unclaimed).into(),
                (*idle).into(),
                (*cpu_millicores).into(),
                (*memory_bytes).into(),
                (*changed_at).into(),
            ]
        })
        .collect();
    tx.insert_many("compute_allocations", &columns, rows, &ending).await
}
