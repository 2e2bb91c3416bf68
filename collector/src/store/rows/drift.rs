//! Where a person's value and the discovered one differ, one row per field.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::cut;
use crate::store::{Executor, Row, StoreError, Tx, Value};

/// A drift as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftRow {
    /// Its key.
    pub id: i64,
    /// `compute` or `container`.
    pub resource_type: String,
    /// The resource.
    pub resource_id: i64,
    /// The field, as requests name it.
    pub field: String,
    /// What a person entered.
    pub persons: Json,
    /// What discovery sees.
    pub discovered: Json,
    /// The discovered value beside which a person kept theirs.
    pub kept: Option<Json>,
}

fn drift(row: &Row) -> Result<DriftRow, StoreError> {
    Ok(DriftRow {
        id: row.get("id")?,
        resource_type: row.get("resource_type")?,
        resource_id: row.get("resource_id")?,
        field: row.get("field")?,
        persons: row.json("person_value")?.unwrap_or(Json::Null),
        discovered: row.json("discovered_value")?.unwrap_or(Json::Null),
        kept: row.json("kept")?,
    })
}

fn select(tx: &Tx) -> String {
    let json = |column| tx.dialect().json_text(column);
    format!(
        "SELECT id, resource_type, resource_id, field, {} AS person_value, {} AS discovered_value, {} AS kept FROM drifts \
         WHERE",
        json("person_value"),
        json("discovered_value"),
        json("kept")
    )
}

/// Reads the drifts of some resources of one type, by resource and field.
///
/// # Errors
/// When a statement fails.
pub async fn drift_of_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    ids: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<(i64, String), DriftRow>, StoreError> {
    let select = format!("{} resource_type = ? AND", select(tx));
    let keys = ids.into_iter().map(Value::from).collect();
    let rows = tx.fetch_in(&select, "resource_id", vec![resource_type.into()], keys).await?;
    rows.iter()
        .map(|row| {
            let row = drift(row)?;
            Ok(((row.resource_id, row.field.clone()), row))
        })
        .collect()
}

/// Reads drifts by key.
///
/// # Errors
/// When a statement fails.
pub async fn drift_find_in_tx(tx: &mut Tx, ids: &[i64]) -> Result<Vec<DriftRow>, StoreError> {
    let select = select(tx);
    let keys = ids.iter().map(|id| Value::from(*id)).collect();
    tx.fetch_in(&select, "id", vec![], keys).await?.iter().map(drift).collect()
}

/// Stores a drift that was not known, or that is otherwise than it was: it begins now, and nobody has kept it.
///
/// # Errors
/// When the statement fails.
pub async fn drift_store_in_tx(
    tx: &mut Tx,
    (resource_type, resource_id, field): (&str, i64, &str),
    persons: &Json,
    discovered: &Json,
    since: Timestamp,
) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict(
        &["resource_type", "resource_id", "field"],
        &["person_value", "discovered_value", "since_us", "kept", "kept_by", "kept_at_us"],
    );
    let columns = [
        "resource_type",
        "resource_id",
        "field",
        "person_value",
        "discovered_value",
        "since_us",
        "kept",
        "kept_by",
        "kept_at_us",
    ];
    let row = vec![
        resource_type.into(),
        resource_id.into(),
        field.into(),
        persons.into(),
        discovered.into(),
        since.into(),
        Value::Null,
        Value::Null,
        Value::Null,
    ];
    tx.insert_many("drifts", &columns, vec![row], &ending).await
}

/// Stores what a person's value is now; since when it drifts stays.
///
/// # Errors
/// When the statement fails.
pub async fn drift_set_persons_in_tx(tx: &mut Tx, id: i64, persons: &Json) -> Result<(), StoreError> {
    tx.execute("UPDATE drifts SET person_value = ? WHERE id = ?", vec![persons.into(), id.into()]).await.map(drop)
}

/// Remembers that a person keeps their value beside this discovered one, or forgets it.
///
/// # Errors
/// When the statement fails.
pub async fn drift_keep_in_tx(
    tx: &mut Tx,
    id: i64,
    kept: Option<(&Json, &str)>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let (value, by) = kept.unzip();
    let sql = "UPDATE drifts SET kept = ?, kept_by = ?, kept_at_us = ? WHERE id = ?";
    let values = vec![value.into(), by.map(|by| cut(by, 64)).into(), value.map(|_| at).into(), id.into()];
    tx.execute(sql, values).await.map(drop)
}

/// Forgets drifts: the values agree.
///
/// # Errors
/// When a statement fails.
pub async fn drift_delete_in_tx(tx: &mut Tx, ids: Vec<i64>) -> Result<(), StoreError> {
    let keys = ids.into_iter().map(Value::from).collect();
    tx.execute_in("DELETE FROM drifts WHERE", "id", vec![], keys).await
}

/// Which of some resources exist and may drift: those after a key, in its order.
///
/// # Errors
/// When the statement fails.
pub async fn drift_subjects(
    from: &mut impl Executor,
    resource_type: &str,
    after: i64,
    most: u32,
) -> Result<Vec<i64>, StoreError> {
    let sql = if resource_type == "compute" {
        "SELECT compute_id AS id FROM compute_facts WHERE compute_id > ? ORDER BY compute_id LIMIT ?"
    } else {
        "SELECT t.id FROM containers t WHERE t.id > ? ORDER BY t.id LIMIT ?"
    };
    let rows = from.fetch(sql.to_owned(), vec![after.into(), most.into()]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}
