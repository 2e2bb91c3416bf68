//! Rows of any kind of the catalog, as its fields: what people edit, and what the tag of a row is made of.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::stored::{Stored, stored_columns, stored_in_tx, stored_row};
use crate::{
    catalog::{Field, FieldKind, Kind},
    store::{Dialect, Executor, StoreError, Tx, Value, batch::padded, dialect::placeholders},
};

/// Columns with their values as they are shown, but for secrets, which [`Form::show`](crate::edit::form::Form::show)
/// masks. A column that is NULL is there as `null`.
pub(crate) type Shown = BTreeMap<&'static str, Json>;

/// A stored row.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// As it is shown.
    pub(crate) shown: Shown,
    /// As the history keeps it.
    pub(crate) stored: Stored,
}

fn condition(key: &[(&'static str, Value)]) -> (String, Vec<Value>) {
    let columns: Vec<String> = key.iter().map(|(column, _)| format!("{column} = ?")).collect();
    (columns.join(" AND "), key.iter().map(|(_, value)| value.clone()).collect())
}

/// A stored value as the field shows it.
fn shown(field: &Field, value: Option<&Json>) -> Json {
    match (field.kind, value) {
        (_, None) => Json::Null,
        (FieldKind::Bool, Some(Json::Number(number))) => (number.as_i64() != Some(0)).into(),
        (FieldKind::Micros, Some(Json::Number(number))) => {
            number.as_i64().map(|micros| Timestamp::from_micros(micros).to_string()).into()
        }
        (FieldKind::DateTime, Some(Json::String(text))) => format!("{}Z", text.replacen(' ', "T", 1)).into(),
        // Text that is no JSON, which the existing tables may hold, is shown as text.
        (FieldKind::Json | FieldKind::Connection, Some(Json::String(text))) => {
            serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
        }
        (_, Some(value)) => value.clone(),
    }
}

impl Record {
    fn new(kind: &Kind, stored: Stored) -> Self {
        let shown = kind.fields.iter().map(|field| (field.column, shown(field, stored.get(field.column)))).collect();
        Self { shown, stored }
    }
}

/// Reads a row; `None` when there is none.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_get(
    from: &mut impl Executor,
    dialect: Dialect,
    kind: &Kind,
    key: &[(&'static str, Value)],
) -> Result<Option<Record>, StoreError> {
    let (condition, values) = condition(key);
    let sql = format!("SELECT {} FROM {} WHERE {condition}", stored_columns(kind, "", dialect), kind.table);
    let row = from.fetch_optional(sql, values).await?;
    row.map(|row| Ok(Record::new(kind, stored_row(kind, &row)?))).transpose()
}

/// Reads the rows of a kind that have one of these keys, in bulk and in no particular order; those that are not there are
/// left out.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn record_find(
    from: &mut impl Executor,
    dialect: Dialect,
    kind: &Kind,
    columns: &[&'static str],
    keys: &[Vec<Value>],
) -> Result<Vec<Record>, StoreError> {
    let select = format!("SELECT {} FROM {} WHERE", stored_columns(kind, "", dialect), kind.table);
    let one = format!("({} = ?)", columns.join(" = ? AND "));
    let mut found = Vec::with_capacity(keys.len());
    for chunk in keys.chunks(Dialect::ROWS_PER_STATEMENT) {
        let chunk = padded(chunk);
        let condition = match columns {
            [column] => format!("{column} IN {}", placeholders(chunk.len())),
            _ => vec![one.as_str(); chunk.len()].join(" OR "),
        };
        let values = chunk.into_iter().flatten().cloned().collect();
        let rows = from.fetch(format!("{select} {condition}"), values).await?;
        for row in rows {
            found.push(Record::new(kind, stored_row(kind, &row)?));
        }
    }
    Ok(found)
}

/// Where rows of a kind are read from, and in which order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listing<'a> {
    pub(crate) kind: &'static Kind,
    /// The table, or what stands for it.
    pub(crate) table: &'a str,
    /// The columns that order the rows; no two rows share their values.
    pub(crate) key: &'a [&'static str],
}

/// Reads a page of the rows of a kind, behind a key.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_page(
    from: &mut impl Executor,
    dialect: Dialect,
    Listing { kind, table, key }: Listing<'_>,
    after: &[Value],
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let columns = key.join(", ");
    let behind =
        if after.is_empty() { String::new() } else { format!(" WHERE ({columns}) > {}", placeholders(after.len())) };
    let sql = format!(
        "SELECT {} FROM {table} t{behind} ORDER BY {columns} LIMIT {limit}",
        stored_columns(kind, "t.", dialect)
    );
    let rows = from.fetch(sql, after.to_vec()).await?;
    rows.iter().map(|row| Ok(Record::new(kind, stored_row(kind, row)?))).collect()
}

/// Reads a row and keeps others from writing it until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_lock_in_tx(
    tx: &mut Tx,
    kind: &Kind,
    key: &[(&'static str, Value)],
) -> Result<Option<Record>, StoreError> {
    let (condition, values) = condition(key);
    let row = stored_in_tx(tx, kind, &condition, values).await?.into_iter().next();
    Ok(row.map(|row| Record::new(kind, row)))
}

/// Reads the rows of a kind that hold these values, at most `limit` and by key, and keeps others from writing them.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_lock_where_in_tx(
    tx: &mut Tx,
    kind: &Kind,
    holds: &[(&'static str, Value)],
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let (condition, values) = condition(holds);
    let condition = format!("{condition} ORDER BY {} LIMIT {limit}", kind.key);
    let rows = stored_in_tx(tx, kind, &condition, values).await?;
    Ok(rows.into_iter().map(|row| Record::new(kind, row)).collect())
}

/// Inserts a row; returns the key that the database gave it, where it gives one.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_insert_in_tx(
    tx: &mut Tx,
    table: &str,
    columns: Vec<(&'static str, Value)>,
) -> Result<i64, StoreError> {
    let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let marks = vec!["?"; names.len()].join(", ");
    tx.insert(format!("INSERT INTO {table} ({}) VALUES ({marks})", names.join(", ")), values).await
}

/// Inserts rows that fill the same columns of a table with numbers of its own; returns these, in the order of the rows.
///
/// # Errors
/// When a statement fails; then none of the rows of that statement is there. [`StoreError::Abandoned`] when somebody else's
/// rows show among them, as a database without repeatable reads lets them.
pub(crate) async fn record_insert_many_in_tx(
    tx: &mut Tx,
    table: &str,
    columns: &[&'static str],
    rows: Vec<Vec<Value>>,
) -> Result<Vec<i64>, StoreError> {
    let count = rows.len();
    let sql = format!("SELECT COALESCE(MAX(id), 0) AS largest FROM {table}");
    let largest: i64 = tx.fetch_optional(sql, vec![]).await?.map_or(Ok(0), |row| row.get("largest"))?;
    tx.insert_many(table, columns, rows, "").await?;
    // Numbers only grow, in the order of the rows; nodes of a cluster leave some out, so they are read and not counted.
    let sql = format!("SELECT id FROM {table} WHERE id > ? ORDER BY id LIMIT {}", count + 1);
    let ids = tx.fetch(sql, vec![largest.into()]).await?;
    let ids = ids.iter().map(|row| row.get("id")).collect::<Result<Vec<i64>, _>>()?;
    if ids.len() == count { Ok(ids) } else { Err(StoreError::Abandoned) }
}

/// Writes columns of a row, and none else.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_update_in_tx(
    tx: &mut Tx,
    table: &str,
    key: &[(&'static str, Value)],
    columns: Vec<(&'static str, Value)>,
) -> Result<(), StoreError> {
    let (names, mut values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let (condition, bound) = condition(key);
    values.extend(bound);
    tx.execute(format!("UPDATE {table} SET {} = ? WHERE {condition}", names.join(" = ?, ")), values).await.map(drop)
}

/// Deletes a row.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_delete_in_tx(
    tx: &mut Tx,
    table: &str,
    key: &[(&'static str, Value)],
) -> Result<(), StoreError> {
    let (condition, values) = condition(key);
    tx.execute(format!("DELETE FROM {table} WHERE {condition}"), values).await.map(drop)
}

/// Whether a row of `table` other than `except` holds these values, by the database's own rules of comparing.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_exists(
    from: &mut impl Executor,
    table: &str,
    holds: &[(&'static str, Value)],
    except: Option<&[(&'static str, Value)]>,
) -> Result<bool, StoreError> {
    let (mut sql, mut values) = condition(holds);
    if let Some(except) = except {
        let (condition, bound) = condition(except);
        sql = format!("{sql} AND NOT ({condition})");
        values.extend(bound);
    }
    let sql = format!("SELECT 1 AS found FROM {table} WHERE {sql} LIMIT 1");
    Ok(from.fetch_optional(sql, values).await?.is_some())
}

/// Counts the rows of `table` that hold these values.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn record_count(
    from: &mut impl Executor,
    table: &str,
    holds: &[(&'static str, Value)],
) -> Result<u64, StoreError> {
    let (condition, values) = condition(holds);
    let sql = format!("SELECT COUNT(*) AS found FROM {table} WHERE {condition}");
    from.fetch_optional(sql, values).await?.map_or(Ok(0), |row| row.get("found"))
}
