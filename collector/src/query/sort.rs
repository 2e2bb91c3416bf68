//! The order of a list, and where in it the next page begins.
//!
//! A list is ordered by the fields that are asked for and then by its key, so that equal values have an order, too. As in
//! both databases, what is not known comes first, and last where the order is turned around.

use utoipa::openapi::{RefOr, Schema};

use super::{
    Context, Filter, Key, KeyKind, ParameterError, Resource, Test,
    filter::{invalid, nearest, quoted},
};
use crate::{
    catalog::{FieldKind, Kind},
    store::{Dialect, Row, StoreError, Value},
};

/// Parameter that names the order.
pub const SORT: &str = "sort";
/// Fields of one order.
pub const MOST_SORTS: usize = 4;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKind {
    /// Whole numbers, times in microseconds and truth values.
    Int,
    /// Texts.
    Text,
    /// Numbers.
    Real,
    /// Times as the existing tables hold them.
    DateTime,
}

/// Something that a list can be ordered by.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// Name of the field.
    pub name: &'static str,
    /// The column, as SQL.
    pub column: &'static str,
    /// What it holds.
    pub kind: SortKind,
}

impl Sort {
    /// A column of whole numbers or of times in microseconds.
    #[must_use]
    pub const fn int(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: SortKind::Int }
    }

    /// A column of texts.
    #[must_use]
    pub const fn text(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: SortKind::Text }
    }
}

/// A field of an order that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortBy {
    /// As it was asked for, for example `-name`.
    pub(super) asked: String,
    sql: String,
    kind: SortKind,
    descending: bool,
}

/// Names of the fields that a list can be ordered by.
#[must_use]
pub fn sortable<R: Resource>() -> Vec<&'static str> {
    let context =
        Context { dialect: Dialect::Sqlite, now: orchestrix_common::time::Timestamp::from_secs(0), past: false };
    columns::<R>(&context).into_iter().map(|(name, ..)| name).collect()
}

/// Every field that can be compared, with its SQL.
fn columns<R: Resource>(context: &Context) -> Vec<(&'static str, String, SortKind)> {
    let key = |key: &Key| match key.kind {
        KeyKind::Int => (key.name, key.column.to_owned(), SortKind::Int),
        KeyKind::Text => (key.name, key.column.to_owned(), SortKind::Text),
    };
    let mut all: Vec<_> = R::KEYS.iter().map(key).collect();
    all.extend(R::SORTS.iter().map(|sort| (sort.name, sort.column.to_owned(), sort.kind)));
    all.extend(R::FILTERS.iter().filter_map(|filter| of_filter(filter, context)));
    if let (Some(kind), Some((alias, _))) =
        (Kind::find(R::OF), R::KEYS.first().and_then(|key| key.column.split_once('.')))
    {
        all.extend(kind.fields.iter().filter_map(|field| {
            let kind = match field.kind {
                FieldKind::Text => SortKind::Text,
                FieldKind::Int | FieldKind::Bool | FieldKind::Micros => SortKind::Int,
                FieldKind::Real => SortKind::Real,
                FieldKind::DateTime => SortKind::DateTime,
                FieldKind::Json | FieldKind::Connection => return None,
            };
            Some((field.name, format!("{alias}.{}", field.column), kind))
        }));
    }
    let shown: Vec<String> = match R::schema() {
        RefOr::T(Schema::Object(view)) => view.properties.keys().cloned().collect(),
        _ => Vec::new(),
    };
    let mut seen: Vec<&str> = Vec::new();
    all.retain(|(name, ..)| {
        let first = !seen.contains(name) && shown.iter().any(|known| known == name);
        seen.push(name);
        first
    });
    all
}

/// What a filter tests can be compared, too, where that is one value.
fn of_filter(filter: &Filter, context: &Context) -> Option<(&'static str, String, SortKind)> {
    let (sql, kind) = match filter.test {
        Test::Int(column) | Test::Compute(column) | Test::Flag(column) | Test::Above(column) => {
            (column.to_owned(), SortKind::Int)
        }
        Test::Text(column) => (column.to_owned(), SortKind::Text),
        Test::Computed(expression) => (expression(context), SortKind::Text),
        Test::Label(_) | Test::Contains(_) | Test::Word(_) | Test::Environment(..) | Test::Inherited => return None,
    };
    Some((filter.name, sql, kind))
}

/// Reads `name,-createdAt`.
pub(super) fn parse<R: Resource>(context: &Context, text: &str) -> Result<Vec<SortBy>, ParameterError> {
    let known = columns::<R>(context);
    let mut order: Vec<SortBy> = Vec::new();
    for asked in text.split(',').filter(|_| !text.is_empty()) {
        let (name, descending) = asked.strip_prefix('-').map_or((asked, false), |name| (name, true));
        let Some((_, sql, kind)) = known.iter().find(|(known, ..)| *known == name) else {
            let names = || known.iter().map(|(name, ..)| *name);
            let near = nearest(name, names()).unwrap_or_default();
            let problem = format!("names {}, which is no field to sort by; did you mean {near}?", quoted(name));
            let all: Vec<_> = names().collect();
            return Err(invalid(SORT, &problem, &format!("some of {}", all.join(", "))));
        };
        // An enumeration is ordered by its numbers and compared by its texts, unless it is made one.
        let sql = match (context.dialect, kind) {
            (Dialect::MySql, SortKind::Text) => format!("CAST({sql} AS CHAR)"),
            _ => sql.clone(),
        };
        if !order.iter().any(|known| known.sql == sql) {
            order.push(SortBy { asked: asked.to_owned(), sql, kind: *kind, descending });
        }
    }
    if order.len() > MOST_SORTS {
        return Err(invalid(SORT, "names too many fields", &format!("at most {MOST_SORTS}")));
    }
    Ok(order)
}

/// The order as text: a page goes on in the same one only.
pub(super) fn spelled(order: &[SortBy]) -> String {
    order.iter().map(|by| by.asked.as_str()).collect::<Vec<_>>().join(",")
}

/// Adds the compared values to a statement, for the next page to begin behind those of the last row.
pub(super) fn select(statement: &str, order: &[SortBy], dialect: Dialect) -> String {
    let columns: String = order
        .iter()
        .enumerate()
        .map(|(index, SortBy { sql, kind, .. })| {
            let read = match kind {
                SortKind::Int | SortKind::Text => sql.clone(),
                SortKind::Real => dialect.decimal(sql),
                SortKind::DateTime => dialect.json_text(sql),
            };
            format!("{read} AS {}, ", alias(index))
        })
        .collect();
    statement.replacen("SELECT ", &format!("SELECT {columns}"), 1)
}

fn alias(index: usize) -> String {
    format!("sorted_by_{index}")
}

/// The compared values of a row.
pub(super) fn values(row: &Row, order: &[SortBy]) -> Result<Vec<Value>, StoreError> {
    let read = |(index, by): (usize, &SortBy)| {
        let column = alias(index);
        Ok(match by.kind {
            SortKind::Int => row.get::<Option<i64>>(&column)?.into(),
            SortKind::Real => row.get::<Option<f64>>(&column)?.into(),
            SortKind::Text | SortKind::DateTime => row.get::<Option<String>>(&column)?.as_deref().into(),
        })
    };
    order.iter().enumerate().map(read).collect()
}

/// What follows `ORDER BY`.
pub(super) fn order_by(order: &[SortBy], keys: &[Key], newest_first: bool) -> String {
    let asked = order.iter().map(|by| (by.sql.as_str(), by.descending));
    let all = asked.chain(keys.iter().map(|key| (key.column, newest_first)));
    all.map(|(sql, descending)| format!("{sql}{}", if descending { " DESC" } else { "" }))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The condition that a row comes behind the one with these compared values and this key.
///
/// `(a > ? OR (a = ? AND (b > ? …)))`: row values would be shorter, and MySQL would not use the index for them.
pub(super) fn behind(
    order: &[SortBy],
    keys: &[Key],
    newest_first: bool,
    compared: &[Value],
    key: &[Value],
) -> (String, Vec<Value>) {
    let asked = order.iter().zip(compared).map(|(by, value)| (by.sql.as_str(), by.descending, value));
    let parts: Vec<_> =
        asked.chain(keys.iter().zip(key).map(|(key, value)| (key.column, newest_first, value))).collect();
    nested(&parts)
}

fn nested(parts: &[(&str, bool, &Value)]) -> (String, Vec<Value>) {
    let Some(((sql, descending, value), rest)) = parts.split_first() else { return ("1 = 1".to_owned(), Vec::new()) };
    let (further, bound) = if rest.is_empty() { ("1 = 0".to_owned(), Vec::new()) } else { nested(rest) };
    if matches!(value, Value::Null) {
        return match descending {
            true => (format!("({sql} IS NULL AND {further})"), bound),
            false => (format!("({sql} IS NOT NULL OR ({sql} IS NULL AND {further}))"), bound),
        };
    }
    // A key is never NULL and its index is used; what is not known comes last in a descending order.
    let (compare, unknown) = match (descending, rest.is_empty()) {
        (true, false) => ("<", format!("{sql} IS NULL OR ")),
        (true, true) => ("<", String::new()),
        (false, _) => (">", String::new()),
    };
    if rest.is_empty() {
        return (format!("{sql} {compare} ?"), vec![(*value).clone()]);
    }
    let values = [(*value).clone(), (*value).clone()].into_iter().chain(bound).collect();
    (format!("({unknown}{sql} {compare} ? OR ({sql} = ? AND {further}))"), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(sql: &str, descending: bool) -> SortBy {
        SortBy { asked: sql.to_owned(), sql: sql.to_owned(), kind: SortKind::Int, descending }
    }

    #[test]
    fn a_key_of_several_columns_continues_in_order() {
        let keys = [Key::int("a", "a"), Key::text("b", "b")];
        let (sql, values) = behind(&[], &keys, false, &[], &[Value::Int(1), Value::from("x")]);
        assert_eq!(sql, "(a > ? OR (a = ? AND b > ?))");
        assert_eq!(values, [Value::Int(1), Value::Int(1), Value::from("x")]);
        let (sql, _) = behind(&[], &keys[..1], true, &[], &[Value::Int(1)]);
        assert_eq!(sql, "a < ?");
    }

    #[test]
    fn what_is_not_known_comes_first_or_last() {
        let keys = [Key::int("id", "id")];
        let sql = |order: SortBy, value: Value| behind(&[order], &keys, false, &[value], &[Value::Int(7)]).0;
        assert_eq!(sql(by("x", false), Value::Null), "(x IS NOT NULL OR (x IS NULL AND id > ?))");
        assert_eq!(sql(by("x", true), Value::Null), "(x IS NULL AND id > ?)");
        assert_eq!(sql(by("x", true), Value::Int(3)), "(x IS NULL OR x < ? OR (x = ? AND id > ?))");
        assert_eq!(order_by(&[by("x", true)], &keys, false), "x DESC, id");
    }
}
