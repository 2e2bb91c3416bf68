//! What discovery wrote into rows that people can edit.

use std::collections::HashMap;

use super::compute::Columns;
use crate::store::{Db, Executor as _, StoreError, Value};

/// Reads what discovery wrote into computes, by compute.
///
/// # Errors
/// When a statement fails.
pub async fn filled_of_computes(mut db: &Db, ids: Vec<Value>) -> Result<HashMap<i64, Columns>, StoreError> {
    let filled = db.dialect().json_text("filled");
    let select = format!("SELECT compute_id AS id, {filled} AS filled FROM compute_facts WHERE");
    let rows = db.fetch_in(&select, "compute_id", vec![], ids).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.json("filled")?.unwrap_or_default()))).collect()
}

/// Reads what discovery wrote into containers, by container.
///
/// # Errors
/// When a statement fails.
pub async fn filled_of_containers(mut db: &Db, ids: Vec<Value>) -> Result<HashMap<i64, Columns>, StoreError> {
    let filled = db.dialect().json_text("container_filled");
    let select = format!(
        "SELECT container_row_id AS id, {filled} AS filled FROM compute_workloads WHERE container_filled IS NOT NULL AND"
    );
    let rows = db.fetch_in(&select, "container_row_id", vec![], ids).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.json("filled")?.unwrap_or_default()))).collect()
}
