//! What stands on resources already: the keys of targets and capabilities, in bulk.

use crate::store::{Executor, StoreError, Value};

/// Reads the automation targets of resources of a type: number, resource and name.
///
/// # Errors
/// When a statement fails.
pub async fn target_names(
    from: &mut impl Executor,
    target_type: &str,
    ids: Vec<Value>,
) -> Result<Vec<(i64, i64, String)>, StoreError> {
    let select = "SELECT id, target_id, name FROM automation_targets WHERE target_type = ? AND";
    let rows = from.fetch_in(select, "target_id", vec![target_type.into()], ids).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("target_id")?, row.get("name")?))).collect()
}

/// Reads the capabilities of computes: compute and type.
///
/// # Errors
/// When a statement fails.
pub async fn capability_names(
    from: &mut impl Executor,
    computes: Vec<Value>,
) -> Result<Vec<(i64, String)>, StoreError> {
    let select = "SELECT compute_id, capability_type FROM compute_capabilities WHERE";
    let rows = from.fetch_in(select, "compute_id", vec![], computes).await?;
    rows.iter().map(|row| Ok((row.get("compute_id")?, row.get("capability_type")?))).collect()
}
