//! Rows of any kind of the catalog as the history keeps them: the columns of the catalog as they are stored, without
//! those that are NULL. Numbers stay numbers, truth values are 0 and 1, everything else is the column's text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use crate::{
    catalog::{FieldKind, Kind},
    store::{Dialect, Executor as _, Row, StoreError, Tx, Value, batch::padded, dialect::placeholders},
};

/// A stored row by column. An empty one stands for a row that is not there.
pub type Stored = Map<String, Json>;

/// The columns of a kind as this form needs them, for a `SELECT`; `table` is the prefix of each, for example `t.`.
pub(crate) fn stored_columns(kind: &Kind, table: &str, dialect: Dialect) -> String {
    let columns = kind.fields.iter().map(|field| {
        let column = format!("{table}{}", field.column);
        let read = match (field.kind, dialect) {
            (FieldKind::Real, _) => dialect.decimal(&column),
            (FieldKind::Json | FieldKind::Connection | FieldKind::DateTime, _) => dialect.json_text(&column),
            (FieldKind::Text | FieldKind::Int | FieldKind::Bool | FieldKind::Micros, _) => column,
        };
        format!("{read} AS {}", field.column)
    });
    columns.collect::<Vec<_>>().join(", ")
}

/// Reads a row that was selected with [`stored_columns`].
///
/// # Errors
/// When a column is missing or holds another type.
pub(crate) fn stored_row(kind: &Kind, row: &Row) -> Result<Stored, StoreError> {
    let mut stored = Stored::new();
    for field in kind.fields {
        let value = match field.kind {
            FieldKind::Int | FieldKind::Bool | FieldKind::Micros => {
                row.get::<Option<i64>>(field.column)?.map(Json::from)
            }
            FieldKind::Real => row.get::<Option<f64>>(field.column)?.map(Json::from),
            FieldKind::Text | FieldKind::Json | FieldKind::Connection | FieldKind::DateTime => {
                row.get::<Option<String>>(field.column)?.map(Json::from)
            }
        };
        if let Some(value) = value {
            stored.insert(field.column.to_owned(), value);
        }
    }
    Ok(stored)
}

/// Reads the rows of a kind that fulfil a condition and keeps others from changing them until the transaction ends.
///
/// # Errors
/// When the statement fails.
pub(crate) async fn stored_in_tx(
    tx: &mut Tx,
    kind: &Kind,
    condition: &str,
    values: Vec<Value>,
) -> Result<Vec<Stored>, StoreError> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT {} FROM {} WHERE {condition}{}",
        stored_columns(kind, "", dialect),
        kind.table,
        dialect.for_update()
    );
    tx.fetch(sql, values).await?.iter().map(|row| stored_row(kind, row)).collect()
}

/// Reads and locks the rows of a kind whose `column` is one of `keys`, in bulk.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn stored_among_in_tx(
    tx: &mut Tx,
    kind: &Kind,
    column: &str,
    keys: Vec<Value>,
) -> Result<Vec<Stored>, StoreError> {
    let mut rows = Vec::new();
    for chunk in keys.chunks(Dialect::ROWS_PER_STATEMENT) {
        let chunk = padded(chunk);
        let condition = format!("{column} IN {}", placeholders(chunk.len()));
        rows.extend(stored_in_tx(tx, kind, &condition, chunk.into_iter().cloned().collect()).await?);
    }
    Ok(rows)
}

/// Reads and locks the rows of a kind with these numbers, in bulk and by number. What is not there is left out.
///
/// # Errors
/// When a statement fails.
pub(crate) async fn stored_many_in_tx(
    tx: &mut Tx,
    kind: &Kind,
    ids: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, Stored>, StoreError> {
    let ids: BTreeSet<i64> = ids.into_iter().collect();
    let rows = stored_among_in_tx(tx, kind, kind.key, ids.into_iter().map(Value::from).collect()).await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.get(kind.key)?.as_i64()?, row))).collect())
}
