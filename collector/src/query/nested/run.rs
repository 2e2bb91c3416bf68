//! Executes a plan level by level and hangs the rows below their parents.

use std::{collections::HashMap, time::Duration};

use serde_json::{Map, Value as Json, json};

use super::{
    Plan, QueryError, lazy,
    parse::Level,
    sql::{KEY, PARENT, above_alias, alias, statement},
};
use crate::{
    catalog::{FieldKind, Link},
    store::{Db, Executor as _, Row, StoreError},
};

/// The answer to a query.
#[derive(Debug)]
pub struct Answer {
    /// Rows of the root, each with what was included below it.
    pub data: Vec<Json>,
    /// Statements that it took: one per level.
    pub statements: usize,
}

/// Executes a plan.
///
/// # Errors
/// When the answer would have too many rows or take too long, or the database fails.
pub async fn run(db: &Db, plan: &Plan) -> Result<Answer, QueryError> {
    let limit = Duration::from_secs(plan.limits.seconds);
    let mut reader = Reader { db, rows_left: plan.limits.rows, most: plan.limits.rows, statements: 0 };
    let rows = tokio::time::timeout(limit, reader.read(&plan.root, None))
        .await
        .map_err(|_| QueryError::TooSlow(plan.limits.seconds))??;
    let data = rows.into_iter().map(|row| Json::Object(row.shown)).collect();
    Ok(Answer { data, statements: reader.statements })
}

struct Reader<'a> {
    db: &'a Db,
    rows_left: usize,
    most: usize,
    statements: usize,
}

/// A row that was read, and what it takes to hang others on it.
struct Read {
    shown: Map<String, Json>,
    /// Key of the row; `None` where rows have no numeric key.
    key: Option<i64>,
    parent: Option<i64>,
    /// Per include: the key of the row above, where the include goes upwards.
    above: Vec<Option<i64>>,
}

impl Reader<'_> {
    async fn read(&mut self, level: &Level, parents: Option<(&str, Vec<i64>)>) -> Result<Vec<Read>, QueryError> {
        let parents = parents.map(|(kind, keys)| (kind, Json::from(keys)));
        let parents = parents.as_ref().map(|(kind, keys)| (*kind, keys));
        let statement = statement(level, parents, self.rows_left, self.db.dialect());
        self.statements += 1;
        let mut db = self.db;
        let rows = db.fetch(statement.sql, statement.values).await?;
        self.rows_left = self.rows_left.checked_sub(rows.len()).ok_or(QueryError::TooManyRows(self.most))?;
        let mut rows: Vec<Read> =
            rows.iter().map(|row| read_row(level, row, parents.is_some())).collect::<Result<_, _>>()?;
        for (index, include) in level.includes.iter().enumerate() {
            self.include(level, index, include, &mut rows).await?;
        }
        Ok(rows)
    }

    async fn include(
        &mut self,
        level: &Level,
        index: usize,
        include: &Level,
        rows: &mut [Read],
    ) -> Result<(), QueryError> {
        let upwards = matches!(include.link, Some(Link::Above { .. }));
        let name = include.kind.plural;
        if let Some(request) = &include.lazy {
            for row in rows {
                let key = if upwards { row.above[index] } else { row.key };
                let lazy = json!({ "lazy": true, lazy::MEMBER: lazy::key(level.kind, include, request, key) });
                row.shown.insert(name.to_owned(), lazy);
            }
            return Ok(());
        }
        let key_of = |row: &Read| if upwards { row.above[index] } else { row.key };
        let mut keys: Vec<i64> = rows.iter().filter_map(key_of).collect();
        keys.sort_unstable();
        keys.dedup();
        let below = if keys.is_empty() {
            Vec::new()
        } else {
            Box::pin(self.read(include, Some((level.kind.resource_type, keys)))).await?
        };
        let mut by_parent: HashMap<i64, Vec<Json>> = HashMap::new();
        for row in below {
            if let Some(parent) = row.parent {
                by_parent.entry(parent).or_default().push(Json::Object(row.shown));
            }
        }
        for row in rows {
            let hung = key_of(row).and_then(|key| by_parent.get(&key).cloned()).unwrap_or_default();
            row.shown.insert(name.to_owned(), Json::Array(hung));
        }
        Ok(())
    }
}

fn read_row(level: &Level, row: &Row, hung: bool) -> Result<Read, StoreError> {
    let mut shown = Map::new();
    for (index, field) in level.select.iter().enumerate() {
        shown.insert(field.name.to_owned(), read_field(row, &alias(index), field.kind)?);
    }
    let above = level
        .includes
        .iter()
        .enumerate()
        .map(|(index, include)| match include.link {
            Some(Link::Above { .. }) => row.get::<Option<i64>>(&above_alias(index)),
            _ => Ok(None),
        })
        .collect::<Result<_, _>>()?;
    // Only numeric keys have rows below them; agents and capabilities are leaves.
    let key = if level.includes.is_empty() { None } else { row.get::<Option<i64>>(KEY).ok().flatten() };
    let parent = if hung { row.get::<Option<i64>>(PARENT)? } else { None };
    Ok(Read { shown, key, parent, above })
}

fn read_field(row: &Row, column: &str, kind: FieldKind) -> Result<Json, StoreError> {
    Ok(match kind {
        FieldKind::Text => row.get::<Option<String>>(column)?.into(),
        FieldKind::Int => row.get::<Option<i64>>(column)?.into(),
        FieldKind::Real => row.get::<Option<f64>>(column)?.into(),
        FieldKind::Bool => row.get::<Option<bool>>(column)?.into(),
        FieldKind::Micros => row.time_opt(column)?.map(|time| time.to_string()).into(),
        FieldKind::DateTime => {
            row.get::<Option<String>>(column)?.map(|text| format!("{}Z", text.replace(' ', "T"))).into()
        }
        FieldKind::Json => row.json::<Json>(column)?.unwrap_or(Json::Null),
    })
}
