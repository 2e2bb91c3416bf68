//! Keys of all resources of a kind, part by part.

use super::ResourceType;
use crate::store::{Db, Executor as _, StoreError, Value};

/// Reads keys after one, at most `limit`. Workloads and namespaces that have ended are left out.
pub(super) async fn keys(db: &Db, kind: ResourceType, after: i64, limit: usize) -> Result<Vec<i64>, StoreError> {
    let only = match kind {
        ResourceType::Workload | ResourceType::K8sNamespace => " AND ended_at_us IS NULL",
        _ => "",
    };
    let sql = format!("SELECT id FROM {} WHERE id > ?{only} ORDER BY id LIMIT ?", kind.table());
    let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
    let mut executor = db;
    executor.fetch(sql, vec![after.into(), limit]).await?.iter().map(|row| row.get("id")).collect()
}

/// Reads the keys of resources of a kind that stand on some computes.
pub(super) async fn keys_on(db: &Db, kind: ResourceType, computes: Vec<i64>) -> Result<Vec<i64>, StoreError> {
    let only = if kind == ResourceType::Workload { "ended_at_us IS NULL AND" } else { "1 = 1 AND" };
    let mut executor = db;
    let computes = computes.into_iter().map(Value::from).collect();
    let select = format!("SELECT id FROM {} WHERE {only}", kind.table());
    executor.fetch_in(&select, "compute_id", vec![], computes).await?.iter().map(|row| row.get("id")).collect()
}
