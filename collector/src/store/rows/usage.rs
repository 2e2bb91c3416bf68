//! Latest use of workloads and computes: one row each, replaced by the next measurement.

use orchestrix_common::time::Timestamp;

use crate::store::{StoreError, Tx};

/// Use of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Key of the workload or compute.
    pub resource_id: i64,
    /// Thousandths of a core; `None` when it could not be read.
    pub cpu_millicores: Option<u32>,
    /// Bytes; `None` when it could not be read.
    pub memory_bytes: Option<u64>,
}

/// Stores the latest use of workloads. The caller sorts them by key.
///
/// # Errors
/// When a statement fails.
pub async fn usage_set_workloads_in_tx(tx: &mut Tx, rows: &[UsageRow], at: Timestamp) -> Result<(), StoreError> {
    upsert(tx, "workload_usage", "workload_id", rows, at).await
}

/// Stores the latest use of computes. The caller sorts them by key.
///
/// # Errors
/// When a statement fails.
pub async fn usage_set_computes_in_tx(tx: &mut Tx, rows: &[UsageRow], at: Timestamp) -> Result<(), StoreError> {
    upsert(tx, "compute_usage", "compute_id", rows, at).await
}

async fn upsert(
    tx: &mut Tx,
    table: &'static str,
    key: &'static str,
    rows: &[UsageRow],
    at: Timestamp,
) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict(&[key], &["cpu_millicores", "memory_bytes", "measured_at_us"]);
    let rows = rows
        .iter()
        .map(|row| vec![row.resource_id.into(), row.cpu_millicores.into(), row.memory_bytes.into(), at.into()])
        .collect();
    tx.insert_many(table, &[key, "cpu_millicores", "memory_bytes", "measured_at_us"], rows, &ending).await
}
