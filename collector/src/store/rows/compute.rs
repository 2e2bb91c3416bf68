//! Computes, and what the operating system said of them.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::{
    cut,
    place::Place,
    stored::{Stored, stored_many_in_tx},
};
use crate::{
    catalog::COMPUTE,
    store::{Executor, Row, StoreError, Tx, Value},
};

/// Columns of `computes` that discovery may fill with text, and their sizes in characters.
const TEXTS: [(&str, usize); 18] = [
    ("name", 255),
    ("compute_type", 50),
    ("node_type", 50),
    ("hostname", 255),
    ("ip_address", 45),
    ("operating_system", 255),
    ("hypervisor", 50),
    ("brand", 100),
    ("model", 100),
    ("serial_number", 100),
    ("os_type", 50),
    ("os_distribution", 100),
    ("os_version", 50),
    ("kernel_version", 100),
    ("virtualization_type", 50),
    ("container_runtime", 50),
    ("orchestration_platform", 50),
    ("primary_mac_address", 17),
];
/// Columns of `computes` that discovery may fill with whole numbers.
const NUMBERS: [&str; 4] = ["cpu_cores", "memory_gb", "disk_gb", "is_physical"];

/// Columns by name; one that is NULL or empty is left out.
pub type Columns = BTreeMap<String, Json>;

/// Cuts a discovered value to its column; `None` for a column that discovery does not fill.
#[must_use]
pub fn fitted(column: &str, value: &Json) -> Option<Json> {
    if let Some((_, size)) = TEXTS.iter().find(|(name, _)| *name == column) {
        // Trailing blanks do not survive every database, and a value must compare equal to what was written.
        let text = cut(value.as_str()?.trim(), *size).trim_end();
        (!text.is_empty()).then(|| text.into())
    } else if NUMBERS.contains(&column) {
        Some(value.as_i64()?.clamp(0, i32::MAX.into()).into())
    } else {
        None
    }
}

/// Whether discovery fills this column.
#[must_use]
pub(crate) fn is_filled(column: &str) -> bool {
    TEXTS.iter().any(|(name, _)| *name == column) || NUMBERS.contains(&column)
}

/// A compute as matching sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputeRow {
    /// Its key.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its host name.
    pub hostname: Option<String>,
    /// Its address.
    pub ip_address: Option<String>,
    /// Its hardware address.
    pub mac_address: Option<String>,
    /// The maker's number.
    pub serial_number: Option<String>,
    /// Its status.
    pub status: Option<String>,
}

/// Status of a compute that turned out to be another one.
pub const MERGED: &str = "MERGED";
/// Status of a compute that is in use.
pub const ACTIVE: &str = "ACTIVE";
/// Status of one that is in use and does not answer.
pub const UNREACHABLE: &str = "UNREACHABLE";

const MATCHED: &str =
    "SELECT id, name, hostname, ip_address, primary_mac_address, serial_number, status FROM computes WHERE";

fn compute(row: &Row) -> Result<ComputeRow, StoreError> {
    Ok(ComputeRow {
        id: row.get("id")?,
        name: row.get("name")?,
        hostname: row.get("hostname")?,
        ip_address: row.get("ip_address")?,
        mac_address: row.get("primary_mac_address")?,
        serial_number: row.get("serial_number")?,
        status: row.get("status")?,
    })
}

/// Reads computes by key.
///
/// # Errors
/// When a statement fails.
pub async fn compute_find(
    from: &mut impl Executor,
    ids: impl IntoIterator<Item = i64> + Send,
) -> Result<Vec<ComputeRow>, StoreError> {
    let keys = ids.into_iter().map(Value::from).collect();
    from.fetch_in(MATCHED, "id", vec![], keys).await?.iter().map(compute).collect()
}

/// What people may have entered of a compute.
#[derive(Clone, Debug, Default)]
pub struct EnteredKeys {
    /// Names and host names, in lower case.
    pub names: Vec<String>,
    /// Main addresses.
    pub addresses: Vec<String>,
    /// Hardware addresses, in lower case.
    pub macs: Vec<String>,
    /// The makers' numbers, in lower case.
    pub serials: Vec<String>,
}

/// Finds computes by what people may have entered of them, at most a hundred for each value.
///
/// # Errors
/// When a statement fails.
pub async fn compute_find_entered(from: &mut impl Executor, keys: &EnteredKeys) -> Result<BTreeSet<i64>, StoreError> {
    let mut found = BTreeSet::new();
    for (column, keys) in [
        ("LOWER(hostname)", &keys.names),
        ("LOWER(name)", &keys.names),
        ("ip_address", &keys.addresses),
        ("LOWER(primary_mac_address)", &keys.macs),
        ("LOWER(serial_number)", &keys.serials),
    ] {
        for key in keys.iter().take(64) {
            let sql = format!("SELECT id FROM computes WHERE {column} = ? ORDER BY id LIMIT 100");
            for row in from.fetch(sql, vec![key.into()]).await? {
                found.insert(row.get("id")?);
            }
        }
    }
    Ok(found)
}

/// Makes a compute that discovery found.
///
/// # Errors
/// When the statement fails.
pub async fn compute_insert_in_tx(tx: &mut Tx, hostname: &str, place: Place) -> Result<i64, StoreError> {
    let now = tx.dialect().now_datetime();
    let hostname = cut(hostname, 255);
    tx.insert(
        format!(
            "INSERT INTO computes (name, hostname, status, cloud_id, datacenter_id, is_physical, created_at, \
             updated_at) VALUES (?, ?, 'ACTIVE', ?, ?, NULL, {now}, {now})"
        ),
        vec![hostname.into(), hostname.into(), place.cloud_id.into(), place.datacenter_id.into()],
    )
    .await
}

/// Remembers that discovery gave a new compute its names, so that it follows when the host gets another one.
///
/// # Errors
/// When the statement fails.
pub async fn compute_named_in_tx(tx: &mut Tx, id: i64, hostname: &str, at: Timestamp) -> Result<(), StoreError> {
    let named = |column: &str| Some((column.to_owned(), fitted(column, &hostname.into())?));
    let filled = ["name", "hostname"].into_iter().filter_map(named).collect();
    let facts = FactsRow { facts: serde_json::json!({}), filled, beside: Columns::new() };
    compute_facts_set_in_tx(tx, id, &facts, at).await
}

/// Makes a compute that discovery found, in the place of another one.
///
/// # Errors
/// When the statement fails.
pub async fn compute_insert_beside_in_tx(tx: &mut Tx, hostname: &str, other: i64) -> Result<i64, StoreError> {
    let now = tx.dialect().now_datetime();
    let hostname = cut(hostname, 255);
    let sql = format!(
        "INSERT INTO computes (name, hostname, status, cloud_id, datacenter_id, is_physical, created_at, updated_at) \
         SELECT ?, ?, 'ACTIVE', cloud_id, datacenter_id, NULL, {now}, {now} FROM computes WHERE id = ?"
    );
    tx.insert(sql, vec![hostname.into(), hostname.into(), other.into()]).await
}

/// Reads what stands in the columns that discovery may fill, and keeps others from writing them until the transaction
/// ends. `None` when there is no such compute.
///
/// # Errors
/// When the statement fails.
pub async fn compute_columns_in_tx(tx: &mut Tx, id: i64) -> Result<Option<Columns>, StoreError> {
    let names: Vec<&str> = TEXTS.iter().map(|(name, _)| *name).chain(NUMBERS).collect();
    let sql = format!("SELECT {} FROM computes WHERE id = ?{}", names.join(", "), tx.dialect().for_update());
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    let mut columns = Columns::new();
    for (name, _) in TEXTS {
        if let Some(text) = row.get::<Option<String>>(name)?.filter(|text| !text.is_empty()) {
            columns.insert(name.to_owned(), text.into());
        }
    }
    for name in NUMBERS {
        if let Some(number) = row.get::<Option<i64>>(name)? {
            columns.insert(name.to_owned(), number.into());
        }
    }
    Ok(Some(columns))
}

/// Writes columns that discovery may fill; values must be [`fitted`].
///
/// # Errors
/// When the statement fails.
pub async fn compute_update_in_tx(tx: &mut Tx, id: i64, columns: &Columns) -> Result<(), StoreError> {
    if columns.is_empty() {
        return Ok(());
    }
    let mut sql = "UPDATE computes SET ".to_owned();
    let mut values = Vec::with_capacity(columns.len() + 1);
    let known = TEXTS.iter().map(|(name, _)| *name).chain(NUMBERS);
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

/// Gives those of `ids` whose status is `from` the status `to`; returns their keys and the rows as they were. A compute does not
/// become UNREACHABLE while another agent of it answers.
///
/// # Errors
/// When a statement fails.
pub async fn compute_set_status_in_tx(
    tx: &mut Tx,
    ids: &BTreeSet<i64>,
    from: &str,
    to: &str,
) -> Result<BTreeMap<i64, Stored>, StoreError> {
    let unless = if to == UNREACHABLE {
        "NOT EXISTS (SELECT 1 FROM agents a WHERE a.compute_id = computes.id AND a.reachable = 1) AND"
    } else {
        ""
    };
    let keys: Vec<Value> = ids.iter().map(|id| Value::from(*id)).collect();
    let select = format!("SELECT id FROM computes WHERE status = ? AND {unless}");
    let rows = tx.fetch_in(&select, "id", vec![from.into()], keys).await?;
    let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect::<Result<_, _>>()?;
    let mut moved = stored_many_in_tx(tx, &COMPUTE, ids).await?;
    // A person may have given one another status since it was read; now it is locked.
    moved.retain(|_, row| row.get("status").and_then(Json::as_str) == Some(from));
    let keys = moved.keys().map(|id| Value::from(*id)).collect();
    let update = format!("UPDATE computes SET status = ?, updated_at = {} WHERE", tx.dialect().now_datetime());
    tx.execute_in(&update, "id", vec![to.into()], keys).await?;
    Ok(moved)
}

/// What the operating system said of a compute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactsRow {
    /// The host as its agent described it.
    pub facts: Json,
    /// What discovery itself wrote into columns of the compute.
    pub filled: Columns,
    /// What it sees in columns that it does not write because a person's value stands there.
    pub beside: Columns,
}

/// Reads the facts of a compute.
///
/// # Errors
/// When the statement fails.
pub async fn compute_facts_get(tx: &mut Tx, id: i64) -> Result<Option<FactsRow>, StoreError> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT {} AS facts, {} AS filled, {} AS beside FROM compute_facts WHERE compute_id = ?",
        dialect.json_text("facts"),
        dialect.json_text("filled"),
        dialect.json_text("beside")
    );
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    Ok(Some(FactsRow {
        facts: row.json("facts")?.unwrap_or(Json::Null),
        filled: row.json("filled")?.unwrap_or_default(),
        beside: row.json("beside")?.unwrap_or_default(),
    }))
}

/// Stores the facts of a compute.
///
/// # Errors
/// When the statement fails.
pub async fn compute_facts_set_in_tx(
    tx: &mut Tx,
    id: i64,
    facts: &FactsRow,
    changed_at: Timestamp,
) -> Result<(), StoreError> {
    let json = |columns: &Columns| Json::Object(columns.clone().into_iter().collect());
    let ending = tx.dialect().on_conflict(&["compute_id"], &["facts", "filled", "beside", "changed_at_us"]);
    let (filled, beside) = (json(&facts.filled), json(&facts.beside));
    let row = vec![id.into(), (&facts.facts).into(), (&filled).into(), (&beside).into(), changed_at.into()];
    let columns = ["compute_id", "facts", "filled", "beside", "changed_at_us"];
    tx.insert_many("compute_facts", &columns, vec![row], &ending).await
}
