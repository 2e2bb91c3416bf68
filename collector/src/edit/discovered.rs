//! Whose a column is: a person's or discovery's.
//!
//! Discovery remembers what it wrote itself. A column that holds something else is a person's, and discovery leaves it
//! alone. So:
//!
//! - A column that a person writes is a person's from then on, also when discovery sees the same: what discovery
//!   remembers of it is forgotten.
//! - A column that a person empties is discovery's again. What discovery saw last is filled in at once, since a host
//!   that does not change does not report again.
//! - Writing what the column holds already changes nothing, also not whose it is: a form that is sent back whole must
//!   not take all columns from discovery.

use serde_json::Value as Json;

use super::{
    EditError,
    check::{Given, Question},
    form::Form,
};
use crate::{
    catalog::FieldKind,
    reconcile::columns_of_facts,
    store::{
        Executor as _, Tx, Value,
        rows::{
            compute::{self, Columns},
            container,
            record::Shown,
        },
    },
};

/// What discovery remembers of a row, to be stored.
#[derive(Debug)]
pub(super) struct HandedOver {
    table: &'static str,
    key: &'static str,
    id: Value,
    column: &'static str,
    filled: Columns,
}

impl HandedOver {
    pub(super) async fn store(self, tx: &mut Tx) -> Result<(), EditError> {
        let Self { table, key, id, column, filled } = self;
        let filled = Json::Object(filled.into_iter().collect());
        let sql = format!("UPDATE {table} SET {column} = ? WHERE {key} = ?");
        tx.execute(sql, vec![(&filled).into(), id]).await?;
        Ok(())
    }
}

/// What discovery knows of a row.
struct Known {
    handed: HandedOver,
    /// What it saw last, by column.
    seen: Columns,
}

/// Decides whose the given columns are from now on, and fills those that were emptied with what discovery saw last.
/// `None` when that changes nothing of what discovery remembers.
pub(super) async fn hand_over(
    tx: &mut Tx,
    form: &'static Form,
    key: &[Value],
    given: &mut Given,
    before: &Shown,
) -> Result<Option<HandedOver>, EditError> {
    let fills: fn(&str) -> bool = match form.word() {
        "compute" => compute::is_filled,
        "container" => container::is_filled,
        _ => return Ok(None),
    };
    let touched: Vec<&'static str> = given.columns.keys().copied().filter(|column| fills(column)).collect();
    let Some(id) = key.first().filter(|_| !touched.is_empty()) else { return Ok(None) };
    let known = if form.word() == "compute" { of_compute(tx, id).await? } else { of_container(tx, id).await? };
    let Some(Known { mut handed, seen }) = known else { return Ok(None) };
    let remembered = handed.filled.clone();
    for column in touched {
        let emptied = given.columns.get(column).is_some_and(Json::is_null);
        match seen.get(column).filter(|_| emptied) {
            Some(value) => {
                let value_shown = shown(form, column, value);
                given.columns.insert(column, value_shown);
                given
                    .questions
                    .retain(|question| !matches!(question, Question::Discovered { field } if field.column == column));
                handed.filled.insert(column.to_owned(), value.clone());
            }
            None => drop(handed.filled.remove(column)),
        }
    }
    given.columns.retain(|column, value| before.get(column) != Some(value));
    Ok((handed.filled != remembered).then_some(handed))
}

async fn of_compute(tx: &mut Tx, id: &Value) -> Result<Option<Known>, EditError> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT {} AS facts, {} AS filled FROM compute_facts WHERE compute_id = ?{}",
        dialect.json_text("facts"),
        dialect.json_text("filled"),
        dialect.for_update()
    );
    let Some(row) = tx.fetch_optional(sql, vec![id.clone()]).await? else { return Ok(None) };
    let filled: Columns = row.json("filled")?.unwrap_or_default();
    let facts: Json = row.json("facts")?.unwrap_or(Json::Null);
    let seen = columns_of_facts(&facts).unwrap_or_else(|| filled.clone());
    let handed = HandedOver { table: "compute_facts", key: "compute_id", id: id.clone(), column: "filled", filled };
    Ok(Some(Known { handed, seen }))
}

async fn of_container(tx: &mut Tx, id: &Value) -> Result<Option<Known>, EditError> {
    let dialect = tx.dialect();
    let sql = format!(
        "SELECT id, {} AS filled FROM compute_workloads WHERE container_row_id = ? ORDER BY id DESC LIMIT 1{}",
        dialect.json_text("container_filled"),
        dialect.for_update()
    );
    let Some(row) = tx.fetch_optional(sql, vec![id.clone()]).await? else { return Ok(None) };
    let filled: Columns = row.json("filled")?.unwrap_or_default();
    let seen = filled.clone();
    let id = Value::Int(row.get("id")?);
    let handed = HandedOver { table: "compute_workloads", key: "id", id, column: "container_filled", filled };
    Ok(Some(Known { handed, seen }))
}

/// A discovered value as the field shows it.
fn shown(form: &'static Form, column: &str, value: &Json) -> Json {
    let flag = form.kind.fields.iter().any(|field| field.column == column && field.kind == FieldKind::Bool);
    match value.as_i64().filter(|_| flag) {
        Some(number) => (number != 0).into(),
        None => value.clone(),
    }
}
