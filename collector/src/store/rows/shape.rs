//! Single rows of a few tables as columns by name, so that what an operation changed can be kept and put back.
//!
//! NULL and the empty text are kept apart: a row must come back exactly.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::store::{Executor, StoreError, Tx, Value};

/// Columns by name; NULL is `null`.
pub type Row = BTreeMap<String, Json>;

/// A table whose rows can be kept and put back, with the columns that operations touch.
#[derive(Debug)]
pub struct Shape {
    /// Name of the table.
    pub table: &'static str,
    /// The column that identifies a row.
    pub key: &'static str,
    texts: &'static [&'static str],
    numbers: &'static [&'static str],
    jsons: &'static [&'static str],
    /// Has a column `updated_at` that tells when it was last altered.
    dated: bool,
}

/// Computes: what discovery fills, what only people fill, and where they stand.
pub static COMPUTES: Shape = Shape {
    table: "computes",
    key: "id",
    texts: &[
        "name",
        "description",
        "compute_type",
        "node_type",
        "hostname",
        "ip_address",
        "operating_system",
        "status",
        "hypervisor",
        "brand",
        "model",
        "serial_number",
        "os_type",
        "os_distribution",
        "os_version",
        "kernel_version",
        "virtualization_type",
        "container_runtime",
        "orchestration_platform",
        "primary_mac_address",
        "purpose",
        "notes",
    ],
    numbers: &["cpu_cores", "memory_gb", "disk_gb", "is_physical", "cloud_id", "datacenter_id", "resource_pool_id"],
    jsons: &[],
    dated: true,
};

/// Containers of the existing table. Never their environment.
pub static CONTAINERS: Shape = Shape {
    table: "containers",
    key: "id",
    texts: &[
        "name",
        "description",
        "container_type",
        "container_id",
        "image",
        "image_version",
        "status",
        "ip_address",
        "exposed_ports",
        "mount_points",
        "cpu_limit",
        "memory_limit",
    ],
    numbers: &["auto_start"],
    jsons: &[],
    dated: true,
};

/// Workloads: how they ended, and their link to a container.
pub static WORKLOADS: Shape = Shape {
    table: "compute_workloads",
    key: "id",
    texts: &["status", "end_reason"],
    numbers: &["ended_at_us", "container_row_id"],
    jsons: &["container_filled", "container_beside"],
    dated: false,
};

/// Agents: what they may do.
pub static AGENTS: Shape = Shape {
    table: "agents",
    key: "id",
    texts: &["state", "state_reason"],
    numbers: &["compute_id"],
    jsons: &[],
    dated: false,
};

/// Environments of resources: which is the primary one.
pub static ASSOCIATIONS: Shape = Shape {
    table: "environment_associations",
    key: "id",
    texts: &[],
    numbers: &["is_primary"],
    jsons: &[],
    dated: false,
};

/// Drifts: whether a person kept their value.
pub static DRIFTS: Shape =
    Shape { table: "drifts", key: "id", texts: &["kept_by"], numbers: &["kept_at_us"], jsons: &["kept"], dated: false };

/// What was discovered of computes.
pub static FACTS: Shape = Shape {
    table: "compute_facts",
    key: "compute_id",
    texts: &[],
    numbers: &["changed_at_us"],
    jsons: &["facts", "filled", "beside"],
    dated: false,
};

impl Shape {
    /// Finds a table by name.
    #[must_use]
    pub fn find(table: &str) -> Option<&'static Self> {
        [&COMPUTES, &CONTAINERS, &WORKLOADS, &AGENTS, &ASSOCIATIONS, &DRIFTS, &FACTS]
            .into_iter()
            .find(|shape| shape.table == table)
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.texts.iter().chain(self.numbers).chain(self.jsons).copied()
    }

    /// The values of some columns as they are bound: a text in a JSON column keeps its quotes.
    fn values(&self, known: &[&str], columns: &Row) -> Vec<Value> {
        let bound = known.iter().filter_map(|name| Some((*name, columns.get(*name)?)));
        bound
            .map(|(name, json)| match json {
                Json::Null => Value::Null,
                json if self.jsons.contains(&name) => json.into(),
                Json::String(text) => text.into(),
                Json::Number(number) => number.as_i64().into(),
                other => other.into(),
            })
            .collect()
    }
}

/// Reads a row and keeps others from writing it until the transaction ends; `None` when there is none.
///
/// # Errors
/// When the statement fails.
pub async fn shape_read_in_tx(tx: &mut Tx, shape: &Shape, key: &Json) -> Result<Option<Row>, StoreError> {
    let jsons = shape.jsons.iter().map(|name| format!("{} AS {name}", tx.dialect().json_text(name)));
    let plain = shape.texts.iter().chain(shape.numbers).map(|name| (*name).to_owned());
    let columns: Vec<String> = plain.chain(jsons).collect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ?{}",
        columns.join(", "),
        shape.table,
        shape.key,
        tx.dialect().for_update()
    );
    let Some(row) = tx.fetch_optional(sql, vec![key_value(key)]).await? else { return Ok(None) };
    let mut columns = Row::new();
    for name in shape.texts {
        columns.insert((*name).to_owned(), row.get::<Option<String>>(name)?.into());
    }
    for name in shape.numbers {
        columns.insert((*name).to_owned(), row.get::<Option<i64>>(name)?.into());
    }
    for name in shape.jsons {
        columns.insert((*name).to_owned(), row.json(name)?.unwrap_or(Json::Null));
    }
    Ok(Some(columns))
}

/// Writes some columns of a row.
///
/// # Errors
/// When the statement fails.
pub async fn shape_write_in_tx(tx: &mut Tx, shape: &Shape, key: &Json, columns: &Row) -> Result<(), StoreError> {
    let known: Vec<&str> = shape.columns().filter(|name| columns.contains_key(*name)).collect();
    if known.is_empty() {
        return Ok(());
    }
    let mut sets: Vec<String> = known.iter().map(|name| format!("{name} = ?")).collect();
    let mut values = shape.values(&known, columns);
    if shape.dated {
        sets.push(format!("updated_at = {}", tx.dialect().now_datetime()));
    }
    values.push(key_value(key));
    let sql = format!("UPDATE {} SET {} WHERE {} = ?", shape.table, sets.join(", "), shape.key);
    tx.execute(sql, values).await.map(drop)
}

/// Makes a row of these columns alone.
///
/// # Errors
/// When the statement fails.
pub async fn shape_insert_in_tx(tx: &mut Tx, shape: &Shape, key: &Json, columns: &Row) -> Result<(), StoreError> {
    let known: Vec<&str> = shape.columns().filter(|name| columns.contains_key(*name)).collect();
    let mut row = shape.values(&known, columns);
    row.push(key_value(key));
    let names: Vec<&str> = known.into_iter().chain([shape.key]).collect();
    tx.insert_many(shape.table, &names, vec![row], "").await
}

/// Removes a row.
///
/// # Errors
/// When the statement fails.
pub async fn shape_delete_in_tx(tx: &mut Tx, shape: &Shape, key: &Json) -> Result<(), StoreError> {
    let sql = format!("DELETE FROM {} WHERE {} = ?", shape.table, shape.key);
    tx.execute(sql, vec![key_value(key)]).await.map(drop)
}

/// A key as it is bound: a number or a text.
#[must_use]
pub fn key_value(key: &Json) -> Value {
    key.as_i64().map_or_else(|| Value::from(key.as_str()), Value::from)
}
