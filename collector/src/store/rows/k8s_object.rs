//! Namespaces, nodes, services and ingresses of a cluster: tables that differ only in their columns.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::{
    compute::Columns,
    cut,
    history::{Actor, history_insert_in_tx},
    row_change::RowChange,
    stored::{self, stored_many_in_tx},
};
use crate::{
    catalog::K8S_NAMESPACE,
    store::{Dialect, Executor as _, Row, StoreError, Tx, Value},
};

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Text, cut to so many characters.
    Text(usize),
    /// A whole number.
    Int,
    /// JSON.
    Json,
}

/// A table of a cluster's objects.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Column that identifies an object within its cluster: what the agent calls it.
    pub key: &'static str,
    /// What `resource_type` columns call its rows.
    pub resource_type: &'static str,
    /// What an agent tells, by column.
    pub columns: &'static [(&'static str, Stored)],
}

use Stored::{Int, Text};

/// Namespaces.
pub static NAMESPACES: Table = Table {
    name: "k8s_namespaces",
    key: "name",
    resource_type: "k8s_namespace",
    columns: &[
        ("name", Text(63)),
        ("uid", Text(64)),
        ("status", Text(50)),
        ("labels", Stored::Json),
        ("quotas", Stored::Json),
        ("limit_ranges", Stored::Json),
        ("network_policies", Stored::Json),
        ("access", Stored::Json),
        ("made_at_us", Int),
    ],
};

/// Nodes.
pub static NODES: Table = Table {
    name: "k8s_nodes",
    key: "name",
    resource_type: "k8s_node",
    columns: &[
        ("name", Text(255)),
        ("uid", Text(64)),
        ("status", Text(50)),
        ("provider_id", Text(255)),
        ("region", Text(255)),
        ("zone", Text(255)),
        ("kubelet_version", Text(64)),
        ("labels", Stored::Json),
        ("capacity", Stored::Json),
        ("allocatable", Stored::Json),
        ("conditions", Stored::Json),
        ("details", Stored::Json),
        ("made_at_us", Int),
    ],
};

/// Services.
pub static SERVICES: Table = Table {
    name: "k8s_services",
    key: "uid",
    resource_type: "k8s_service",
    columns: &[
        ("uid", Text(64)),
        ("namespace_id", Int),
        ("name", Text(255)),
        ("service_type", Text(32)),
        ("addresses", Stored::Json),
        ("hosts", Stored::Json),
        ("ports", Stored::Json),
        ("selector", Stored::Json),
        ("labels", Stored::Json),
        ("made_at_us", Int),
    ],
};

/// Ingresses.
pub static INGRESSES: Table = Table {
    name: "k8s_ingresses",
    key: "uid",
    resource_type: "k8s_ingress",
    columns: &[
        ("uid", Text(64)),
        ("namespace_id", Int),
        ("name", Text(255)),
        ("class", Text(255)),
        ("addresses", Stored::Json),
        ("hosts", Stored::Json),
        ("tls_hosts", Stored::Json),
        ("rules", Stored::Json),
        ("labels", Stored::Json),
        ("made_at_us", Int),
    ],
};

/// An object as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectRow {
    /// Its key; `None` until it is stored.
    pub id: Option<i64>,
    /// What an agent told; a column that is NULL is left out.
    pub columns: Columns,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// When it ended; `None` while it is there.
    pub ended_at: Option<Timestamp>,
    /// How that is known.
    pub end_reason: Option<String>,
}

impl ObjectRow {
    /// A text that an agent told.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(Json::as_str).unwrap_or_default()
    }
}

impl Table {
    /// Brings what an agent told into the form in which it is stored and compared; what is not known is left out.
    #[must_use]
    pub fn fitted<'a>(&self, told: impl IntoIterator<Item = (&'a str, Json)>) -> Columns {
        let told = told.into_iter().filter(|(_, value)| !value.is_null());
        let fitted = told.map(|(name, value)| {
            let stored = self.columns.iter().find(|(column, _)| *column == name).map(|(_, stored)| *stored);
            let value = match (stored, &value) {
                (Some(Text(most)), Json::String(text)) => cut(text, most).into(),
                _ => value,
            };
            (name.to_owned(), value)
        });
        fitted.collect()
    }

    fn select(&self, dialect: Dialect) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|(name, stored)| match stored {
                Stored::Json => format!("{} AS {name}", dialect.json_text(name)),
                Text(_) | Int => (*name).to_owned(),
            })
            .collect();
        format!(
            "SELECT id, {}, first_seen_at_us, changed_at_us, ended_at_us, end_reason FROM {} WHERE cluster_id = ? AND",
            columns.join(", "),
            self.name
        )
    }

    fn read(&self, row: &Row) -> Result<ObjectRow, StoreError> {
        let mut columns = Columns::new();
        for (name, stored) in self.columns {
            let value: Option<Json> = match stored {
                Text(_) => row.get::<Option<String>>(name)?.map(Json::from),
                Int => row.get::<Option<i64>>(name)?.map(Json::from),
                Stored::Json => row.json(name)?,
            };
            columns.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        Ok(ObjectRow {
            id: Some(row.get("id")?),
            columns,
            first_seen_at: row.time("first_seen_at_us")?,
            changed_at: row.time("changed_at_us")?,
            ended_at: row.time_opt("ended_at_us")?,
            end_reason: row.get("end_reason")?,
        })
    }
}

/// Reads the objects of a cluster that have one of `keys`, by key.
///
/// # Errors
/// When a statement fails.
pub async fn object_find_in_tx(
    tx: &mut Tx,
    table: &Table,
    cluster: i64,
    keys: impl IntoIterator<Item = &str> + Send,
) -> Result<BTreeMap<String, ObjectRow>, StoreError> {
    let keys = keys.into_iter().map(Value::from).collect();
    let rows = tx.fetch_in(&table.select(tx.dialect()), table.key, vec![cluster.into()], keys).await?;
    let read = |row: &Row| table.read(row).map(|row| (row.text(table.key).to_owned(), row));
    rows.iter().map(read).collect()
}

/// Stores objects over those with the same key, and returns the ids of all of them by key. The caller sorts them by key.
///
/// # Errors
/// When a statement fails.
pub async fn object_store_in_tx(
    tx: &mut Tx,
    table: &Table,
    cluster: i64,
    objects: &[ObjectRow],
) -> Result<BTreeMap<String, i64>, StoreError> {
    let mut columns: Vec<&str> = table.columns.iter().map(|(name, _)| *name).collect();
    columns.extend(["changed_at_us", "ended_at_us", "end_reason"]);
    let ending = tx.dialect().on_conflict(&["cluster_id", table.key], &columns);
    columns.extend(["cluster_id", "first_seen_at_us"]);
    let rows = objects.iter().map(|object| {
        let mut row: Vec<Value> = table.columns.iter().map(|(name, stored)| bound(object, name, *stored)).collect();
        row.extend([object.changed_at.into(), object.ended_at.into(), object.end_reason.as_deref().into()]);
        row.extend([cluster.into(), object.first_seen_at.into()]);
        row
    });
    let rows = rows.collect();
    tx.insert_many(table.name, &columns, rows, &ending).await?;
    object_ids_in_tx(tx, table, cluster, objects.iter().map(|object| object.text(table.key))).await
}

fn bound(object: &ObjectRow, column: &str, stored: Stored) -> Value {
    match (object.columns.get(column), stored) {
        (None, _) => Value::Null,
        (Some(value), Stored::Json) => value.into(),
        (Some(value), Int) => value.as_i64().into(),
        (Some(value), Text(_)) => value.as_str().into(),
    }
}

/// Reads the ids of the objects of a cluster that have one of `keys`, by key.
///
/// # Errors
/// When a statement fails.
pub async fn object_ids_in_tx(
    tx: &mut Tx,
    table: &Table,
    cluster: i64,
    keys: impl IntoIterator<Item = &str> + Send,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let select = format!("SELECT id, {} AS object_key FROM {} WHERE cluster_id = ? AND", table.key, table.name);
    let keys = keys.into_iter().map(Value::from).collect();
    let rows = tx.fetch_in(&select, table.key, vec![cluster.into()], keys).await?;
    rows.iter().map(|row| Ok((row.get("object_key")?, row.get("id")?))).collect()
}

/// Makes namespaces that only their pods or services told of so far; returns the ids of all `names`.
///
/// # Errors
/// When a statement fails.
pub async fn namespace_ensure_in_tx(
    tx: &mut Tx,
    cluster: i64,
    names: &[&str],
    now: Timestamp,
) -> Result<BTreeMap<String, i64>, StoreError> {
    let known = object_ids_in_tx(tx, &NAMESPACES, cluster, names.iter().copied()).await?;
    let missing: Vec<Vec<Value>> = names
        .iter()
        .filter(|name| !known.contains_key(**name))
        .map(|name| vec![cluster.into(), (*name).into(), now.into(), now.into()])
        .collect();
    if missing.is_empty() {
        return Ok(known);
    }
    let ending = tx.dialect().on_conflict(&["cluster_id", "name"], &[]);
    let columns = ["cluster_id", "name", "first_seen_at_us", "changed_at_us"];
    tx.insert_many(NAMESPACES.name, &columns, missing, &ending).await?;
    let all = object_ids_in_tx(tx, &NAMESPACES, cluster, names.iter().copied()).await?;
    let made = all.values().copied().filter(|id| !known.values().any(|other| other == id));
    let made = stored_many_in_tx(tx, &K8S_NAMESPACE, made.collect::<Vec<_>>()).await?;
    let actor = Actor::collector("kubernetes");
    let changes =
        made.into_values().map(|after| RowChange { kind: &K8S_NAMESPACE, before: stored::Stored::new(), after });
    let history: Vec<_> = changes.filter_map(|change| change.entry(&actor, now)).collect();
    history_insert_in_tx(tx, now, &history).await?;
    Ok(all)
}

/// The compute that a node is; `None` while it has none.
///
/// # Errors
/// When the statement fails.
pub async fn node_compute_in_tx(tx: &mut Tx, node: i64) -> Result<Option<i64>, StoreError> {
    let row = tx.fetch_optional("SELECT compute_id FROM k8s_nodes WHERE id = ?".to_owned(), vec![node.into()]).await?;
    row.map_or(Ok(None), |row| row.get("compute_id"))
}

/// Says which compute a node is, or why there is none.
///
/// # Errors
/// When the statement fails.
pub async fn node_link_in_tx(
    tx: &mut Tx,
    node: i64,
    compute: Option<i64>,
    note: Option<&str>,
) -> Result<(), StoreError> {
    let sql = "UPDATE k8s_nodes SET compute_id = ?, match_note = ? WHERE id = ?";
    tx.execute(sql, vec![compute.into(), note.map(|note| cut(note, 512)).into(), node.into()]).await?;
    Ok(())
}
