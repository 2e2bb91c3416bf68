//! Executes a plan level by level and hangs the rows below their parents.

use std::{collections::HashMap, time::Duration};

use orchestrix_common::time::Timestamp;
use serde_json::{Map, Value as Json, json};
use tokio::time::timeout;

use super::{
    Limits, Plan, QueryError, lazy, parse,
    parse::{EFFECTIVE, Level},
    sql::{KEY, PARENT, Statement, above_alias, alias, statement},
};
use crate::{
    catalog::{FieldKind, Link},
    connection,
    environment::ResourceType,
    query::{as_of, effective::environments_of, sequence},
    store::{Db, Narrowed, Past, Row, StoreError, Value},
};

/// The answer to a query.
#[derive(Debug)]
pub struct Answer {
    /// Rows of the root, each with what was included below it.
    pub data: Vec<Json>,
    /// Statements that it took: one per level, and one more where a level shows environments. A test of workloads by
    /// environment looks first, by indexes, whether they are few.
    pub statements: usize,
    /// Every change up to this number is contained, and as of the past none after it.
    pub sequence: i64,
}

/// Answers a request: checks it, and reads it as of the point that it names.
///
/// # Errors
/// When the request is wrong, the answer would have too many rows or take too long, or the database fails.
pub async fn answer(db: &Db, now: Timestamp, request: &Json, limits: Limits) -> Result<Answer, QueryError> {
    let plan = parse(request, limits)?;
    let past = match plan.as_of {
        Some(point) => Some(as_of::open(db, now, point).await?),
        None => None,
    };
    let db = past.as_ref().unwrap_or(db);
    // Before the rows: a change in between is then told again by the feed, and never missed.
    let sequence = sequence::current(db, now).await?;
    let answer = run(db, &plan).await?;
    as_of::confirm(db).await?;
    Ok(Answer { sequence, ..answer })
}

/// Executes a plan on a database as it is given.
///
/// # Errors
/// When the answer would have too many rows or take too long, or the database fails.
pub async fn run(db: &Db, plan: &Plan) -> Result<Answer, QueryError> {
    let limit = Duration::from_secs(plan.limits.seconds);
    let mut reader = Reader { db, limit, rows_left: plan.limits.rows, most: plan.limits.rows, statements: 0 };
    let rows = match timeout(limit, reader.read(&plan.root, None)).await {
        Ok(Err(QueryError::Store(error))) if error.is_too_slow() => Err(QueryError::TooSlow(plan.limits.seconds)),
        Ok(rows) => rows,
        Err(_) => Err(QueryError::TooSlow(plan.limits.seconds)),
    }?;
    let data = rows.into_iter().map(|row| Json::Object(row.shown)).collect();
    Ok(Answer { data, statements: reader.statements, sequence: 0 })
}

struct Reader<'a> {
    db: &'a Db,
    limit: Duration,
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
        let condition = level.criterion.resolve(self.db).await?;
        let statement =
            statement(level, condition, parents, self.rows_left, self.db.dialect(), self.db.past().is_some());
        self.statements += 1;
        let rows = self.fetch(level, parents.map(|(_, keys)| keys), statement).await?;
        self.rows_left = self.rows_left.checked_sub(rows.len()).ok_or(QueryError::TooManyRows(self.most))?;
        let mut rows: Vec<Read> =
            rows.iter().map(|row| read_row(level, row, parents.is_some())).collect::<Result<_, _>>()?;
        if let Some(resource) = level.environments {
            self.environments(resource, &mut rows).await?;
        }
        for (index, include) in level.includes.iter().enumerate() {
            self.include(level, index, include, &mut rows).await?;
        }
        Ok(rows)
    }

    /// As of the past, only the rows below the parents are put together.
    async fn fetch(&self, level: &Level, parents: Option<&Json>, asked: Statement) -> Result<Vec<Row>, StoreError> {
        let Statement { sql, values } = asked;
        let (Some(past), Some(keys), Some(link)) = (self.db.past(), parents, level.link) else {
            return self.db.fetch_within(sql, values, Some(self.limit)).await;
        };
        let column = match link {
            Link::Below { column } => column,
            Link::Above { .. } => level.kind.key,
            Link::Attached { id_column, .. } => id_column,
        };
        let narrowed = Narrowed { table: level.kind.table, column };
        let sql = past.statement(&sql, self.db.dialect(), Some(narrowed));
        let keys = Value::Text(keys.to_string());
        let values = [keys.clone(), keys].into_iter().chain(values).collect();
        self.db.present().fetch_within(sql, values, Some(self.limit)).await
    }

    /// Shows in each row the environments that count for it.
    async fn environments(&mut self, resource: ResourceType, rows: &mut [Read]) -> Result<(), StoreError> {
        let keys: Vec<i64> = rows.iter().filter_map(|row| row.key).collect();
        self.statements += 1;
        let mut found = environments_of(self.db, resource, &keys).await?;
        for row in rows {
            let badges = row.key.and_then(|key| found.remove(&key)).unwrap_or_default();
            row.shown.insert(EFFECTIVE.to_owned(), json!(badges));
        }
        Ok(())
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
            let past = self.db.past().map(Past::sequence);
            for row in rows {
                let key = if upwards { row.above[index] } else { row.key };
                let lazy = json!({ "lazy": true, lazy::MEMBER: lazy::key(level.kind, include, request, key, past) });
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
    let leaf = level.includes.is_empty() && level.environments.is_none();
    let key = if leaf { None } else { row.get::<Option<i64>>(KEY).ok().flatten() };
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
        FieldKind::Connection => row.json::<Json>(column)?.as_ref().map_or(Json::Null, connection::masked),
    })
}
