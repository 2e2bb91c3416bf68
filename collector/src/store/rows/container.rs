//! The legacy table of containers, which the existing front end reads.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{compute::Columns, cut, stored::Stored};
use crate::store::{Executor, Row, StoreError, Tx, Value};

/// Columns that discovery may fill with text, and their sizes in characters. Never `environment_vars`.
const TEXTS: [(&str, usize); 10] = [
    ("name", 255),
    ("container_type", 50),
    ("container_id", 255),
    ("image", 255),
    ("image_version", 255),
    ("status", 50),
    ("ip_address", 45),
    ("exposed_ports", 255),
    ("cpu_limit", 50),
    ("memory_limit", 50),
];
/// The one that is a number.
const AUTO_START: &str = "auto_start";

/// Cuts a discovered value to its column; `None` for a column that discovery does not fill.
#[must_use]
pub fn fitted(column: &str, value: &Json) -> Option<Json> {
    if column == AUTO_START {
        return value.as_i64().map(Json::from);
    }
    let (_, size) = TEXTS.iter().find(|(name, _)| *name == column)?;
    let text = cut(value.as_str()?.trim(), *size).trim_end();
    (!text.is_empty()).then(|| text.into())
}

/// Whether discovery fills this column.
#[must_use]
pub(crate) fn is_filled(column: &str) -> bool {
    column == AUTO_START || TEXTS.iter().any(|(name, _)| *name == column)
}

/// A legacy container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerRow {
    /// Its key.
    pub id: i64,
    /// What stands in the columns that discovery may fill; an empty one is left out.
    pub columns: Columns,
}

impl ContainerRow {
    /// The text in a column, if any.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<&str> {
        self.columns.get(column).and_then(Json::as_str)
    }
}

impl From<&Stored> for ContainerRow {
    /// Takes what discovery may fill out of a stored row.
    fn from(stored: &Stored) -> Self {
        let filled = |(name, value): (&String, &Json)| {
            let ours = name == AUTO_START || TEXTS.iter().any(|(known, _)| known == name);
            (ours && value.as_str() != Some("")).then(|| (name.clone(), value.clone()))
        };
        let id = stored.get("id").and_then(Json::as_i64).unwrap_or(0);
        Self { id, columns: stored.iter().filter_map(filled).collect() }
    }
}

fn names() -> String {
    let names: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
    format!("{}, {AUTO_START}", names.join(", "))
}

fn container(row: &Row) -> Result<ContainerRow, StoreError> {
    let mut columns = Columns::new();
    for (name, _) in TEXTS {
        if let Some(text) = row.get::<Option<String>>(name)?.filter(|text| !text.is_empty()) {
            columns.insert(name.to_owned(), text.into());
        }
    }
    if let Some(number) = row.get::<Option<i64>>(AUTO_START)? {
        columns.insert(AUTO_START.to_owned(), number.into());
    }
    Ok(ContainerRow { id: row.get("id")?, columns })
}

/// Reads the containers of a compute whose `column` (`id`, `container_id` or `name`) is one of `keys`.
///
/// # Errors
/// When a statement fails.
pub async fn container_find_in_tx(
    tx: &mut Tx,
    compute: i64,
    column: &'static str,
    keys: Vec<Value>,
) -> Result<Vec<ContainerRow>, StoreError> {
    let select = format!("SELECT id, {} FROM containers WHERE compute_id = ? AND", names());
    tx.fetch_in(&select, column, vec![compute.into()], keys).await?.iter().map(container).collect()
}

/// Makes containers, each with a `container_id` of its own; returns their keys by that.
///
/// # Errors
/// When a statement fails.
pub async fn container_insert_in_tx(
    tx: &mut Tx,
    compute: i64,
    containers: &[Columns],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut columns: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).collect();
    columns.extend([AUTO_START, "compute_id", "created_at", "updated_at"]);
    // The time comes from the database, so that it has the form of the rows that are there.
    let sql = format!("SELECT {} AS at", tx.dialect().datetime_text(tx.dialect().now_datetime()));
    let now = tx.fetch_optional(sql, vec![]).await?.map(|row| row.get::<String>("at")).transpose()?;
    let mut ids = Vec::new();
    let rows = containers
        .iter()
        .map(|container| {
            let mut row: Vec<Value> =
                TEXTS.iter().map(|(name, _)| container.get(*name).and_then(Json::as_str).into()).collect();
            row.push(container.get(AUTO_START).and_then(Json::as_i64).unwrap_or(0).into());
            row.extend([compute.into(), now.as_deref().into(), now.as_deref().into()]);
            ids.push(Value::from(container.get("container_id").and_then(Json::as_str)));
            row
        })
        .collect();
    tx.insert_many("containers", &columns, rows, "").await?;
    let select = "SELECT id, container_id FROM containers WHERE compute_id = ? AND";
    let rows = tx.fetch_in(select, "container_id", vec![compute.into()], ids).await?;
    rows.iter().map(|row| Ok((row.get("container_id")?, row.get("id")?))).collect()
}

/// Writes columns of a container; values must be [`fitted`].
///
/// # Errors
/// When the statement fails.
pub async fn container_update_in_tx(tx: &mut Tx, id: i64, columns: &Columns) -> Result<(), StoreError> {
    let mut sql = "UPDATE containers SET ".to_owned();
    let mut values = Vec::with_capacity(columns.len() + 1);
    let known = TEXTS.iter().map(|(name, _)| *name).chain([AUTO_START]);
    for (name, value) in known.filter_map(|name| columns.get(name).map(|value| (name, value))) {
        sql.push_str(name);
        sql.push_str(" = ?, ");
        values.push(value.as_i64().map_or_else(|| Value::from(value.as_str()), Value::from));
    }
    sql.push_str("updated_at = ");
    sql.push_str(tx.dialect().now_datetime());
    sql.push_str(" WHERE id = ?");
    values.push(id.into());
    tx.execute(sql, values).await?;
    Ok(())
}
