//! One statement per level, however many parents there are.
//!
//! The keys of the parents go in as one bound JSON list, which both databases turn into rows; so the text of a
//! statement does not depend on the data. Where a level is paged, rows are numbered per parent and cut; numbered are their
//! keys alone, since a database writes down all that it numbers, and rows with JSON are wide.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::{
    super::tag_rows::table_of,
    criteria::Condition,
    parse::{Direction, Level},
};
use crate::{
    catalog::{FieldKind, Link},
    store::{Dialect, Value},
};

/// A statement with its values.
#[derive(Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// Alias of the column that holds a row's own key.
pub(super) const KEY: &str = "row_key";
/// Alias of the column that holds the key of the parent.
pub(super) const PARENT: &str = "parent_key";

/// Alias of the nth selected field; later ones are keys that includes above need.
pub(super) fn alias(index: usize) -> String {
    format!("f{index}")
}

/// Alias of the column that an include above starts from.
pub(super) fn above_alias(index: usize) -> String {
    format!("a{index}")
}

/// Writes the statement of a level whose rows fulfil a condition. `parents` are the keys to hang it on; `None` at the
/// root. One row more than `most` is asked for, so that the caller sees when there are too many. `past`: tables are put
/// together as of the past, which is done once.
pub(super) fn statement(
    level: &Level,
    condition: Condition,
    parents: Option<(&str, &Json)>,
    most: usize,
    dialect: Dialect,
    past: bool,
) -> Statement {
    let mut columns = vec![format!("t.{} AS {KEY}", level.kind.key)];
    for (index, field) in level.select.iter().enumerate() {
        let column = format!("t.{}", field.column);
        let shown = match field.kind {
            FieldKind::DateTime => dialect.datetime_text(&column),
            FieldKind::Json | FieldKind::Connection => dialect.json_text(&column),
            FieldKind::Real => dialect.decimal(&column),
            FieldKind::Text | FieldKind::Int | FieldKind::Bool | FieldKind::Micros => column,
        };
        columns.push(format!("{shown} AS {}", alias(index)));
    }
    for (index, include) in level.includes.iter().enumerate() {
        if let Some(Link::Above { column }) = include.link {
            columns.push(format!("t.{column} AS {}", above_alias(index)));
        }
    }
    let order = order(level);
    let mut values = Vec::new();
    let mut from = format!("FROM {} t", table_of(level.kind, dialect));
    let mut conditions = vec![condition.sql];
    if let (Some(link), Some((resource_type, keys))) = (level.link, parents) {
        let on = match link {
            Link::Below { column } => format!("t.{column}"),
            Link::Above { .. } => format!("t.{}", level.kind.key),
            Link::Attached { kind_column, id_column } => {
                conditions.push(format!("t.{kind_column} = ?"));
                format!("t.{id_column}")
            }
        };
        columns.push(format!("{on} AS {PARENT}"));
        let list = match dialect {
            Dialect::Sqlite => "json_each(?) p ON p.value = ".to_owned(),
            Dialect::MySql => "JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$')) p ON p.value = ".to_owned(),
        };
        let _ = write!(from, " JOIN {list}{on}");
        values.push(Value::Text(keys.to_string()));
        values.extend(condition.values);
        if matches!(link, Link::Attached { .. }) {
            values.push(resource_type.into());
        }
    } else {
        values.extend(condition.values);
    }
    let condition = conditions.join(" AND ");
    let per_parent = parents.is_some() && !matches!(level.link, Some(Link::Above { .. }));
    let number = |number: usize| Value::from(u64::try_from(number).unwrap_or(u64::MAX));
    let columns = columns.join(", ");
    let sql = match level.page {
        Some(page) if per_parent => {
            values.extend([number(page.offset), number(page.offset + page.limit), number(most + 1)]);
            let place = format!("ROW_NUMBER() OVER (PARTITION BY p.value ORDER BY {order}) AS place");
            if past || level.kind.key != "id" {
                // Tags and capabilities have no key of one column.
                format!(
                    "SELECT * FROM (SELECT {columns}, {place} {from} WHERE {condition}) w \
                     WHERE place > ? AND place <= ? ORDER BY {PARENT}, place LIMIT ?"
                )
            } else {
                format!(
                    "SELECT {columns} FROM (SELECT t.id AS numbered, p.value AS parent, {place} {from} WHERE {condition}) w \
                     JOIN {} t ON t.id = w.numbered WHERE w.place > ? AND w.place <= ? \
                     ORDER BY w.parent, w.place LIMIT ?",
                    level.kind.table
                )
            }
        }
        Some(page) if parents.is_none() => {
            values.extend([number(page.limit.min(most + 1)), number(page.offset)]);
            format!("SELECT {columns} {from} WHERE {condition} ORDER BY {order} LIMIT ? OFFSET ?")
        }
        _ => {
            values.push(number(most + 1));
            format!("SELECT {columns} {from} WHERE {condition} ORDER BY {order} LIMIT ?")
        }
    };
    Statement { sql, values }
}

/// The order asked for, then the key: the same request always gives the same order.
fn order(level: &Level) -> String {
    let mut order = String::new();
    for (field, direction) in &level.sort {
        let word = if *direction == Direction::Descending { " DESC" } else { "" };
        let _ = write!(order, "t.{}{word}, ", field.column);
    }
    let _ = write!(order, "t.{}", level.kind.key);
    order
}
