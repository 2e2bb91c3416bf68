//! What every list has in common: one statement, a key to continue from, and the change up to which it is true.

use orchestrix_common::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Filter, ListRequest, ParameterError, cursor, filter::EnvironmentTest, sequence};
use crate::{
    environment::sql::effective_condition,
    store::{Db, Dialect, Executor as _, Row, StoreError, Value},
};

/// A question could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// It makes no sense.
    #[error("{0}")]
    Parameter(#[from] ParameterError),
    /// The database did not answer it.
    #[error("read the inventory")]
    Store(#[from] StoreError),
}

/// What a statement depends on besides the question.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// The SQL to speak.
    pub dialect: Dialect,
    /// The current time.
    pub now: Timestamp,
    /// It is read as of the past: what is derived from the current time is not known.
    pub past: bool,
}

impl Context {
    /// That of a statement on a database.
    #[must_use]
    pub fn of(db: &Db, now: Timestamp) -> Self {
        Self { dialect: db.dialect(), now, past: db.past().is_some() }
    }
}

/// A column of a resource's key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Name in a path.
    pub name: &'static str,
    /// The column, as SQL.
    pub column: &'static str,
    /// What it holds.
    pub kind: KeyKind,
}

/// What a column of a key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Whole numbers.
    Int,
    /// Texts.
    Text,
}

impl Key {
    /// A column of whole numbers.
    #[must_use]
    pub const fn int(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: KeyKind::Int }
    }

    /// A column of texts.
    #[must_use]
    pub const fn text(name: &'static str, column: &'static str) -> Self {
        Self { name, column, kind: KeyKind::Text }
    }
}

/// Something that can be listed and read one by one.
pub trait Resource: Sized + Serialize + ToSchema + Send + Sync + 'static {
    /// Name of the list in paths.
    const LIST: &'static str;
    /// What one of them is called in prose.
    const ONE: &'static str;
    /// What they are, in one sentence.
    const ABOUT: &'static str;
    /// The unique key that orders the list.
    const KEYS: &'static [Key];
    /// The list begins with the largest key.
    const NEWEST_FIRST: bool = false;
    /// What the list can be narrowed by.
    const FILTERS: &'static [Filter];

    /// The statement up to its `WHERE`. It holds no bound values.
    fn select(context: &Context) -> String;

    /// Reads a row of that statement.
    ///
    /// # Errors
    /// When a column holds something else.
    fn read(row: &Row) -> Result<Self, StoreError>;

    /// The values of [`Self::KEYS`].
    fn key(&self) -> Vec<Value>;

    /// A condition that holds unless one of the given parameters says otherwise.
    fn implied(given: &[&str]) -> Option<&'static str> {
        let _ = given;
        None
    }

    /// Adds what takes further statements: one for the whole page, never one per row.
    ///
    /// # Errors
    /// When a statement fails.
    fn complete(db: &Db, context: &Context, items: &mut [Self]) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (db, context, items);
        async { Ok(()) }
    }
}

/// A part of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor of the next page; `null` on the last one.
    pub next: Option<String>,
    /// Every change up to this number is contained; `GET /api/v1/changes?since=` continues from here.
    pub sequence: i64,
}

/// Reads a page.
///
/// # Errors
/// When a statement fails.
pub async fn list<R: Resource>(db: &Db, now: Timestamp, request: &ListRequest) -> Result<Page<R>, StoreError> {
    let context = Context::of(db, now);
    // Before the rows: a change in between is then told again by the feed, and never missed.
    let sequence = sequence::current(db, now).await?;
    let mut conditions: Vec<&str> = request.conditions.iter().map(|condition| condition.sql.as_str()).collect();
    let mut values: Vec<Value> =
        request.conditions.iter().flat_map(|condition| condition.values.iter().cloned()).collect();
    let environment = match &request.environment {
        Some(EnvironmentTest { kind, alias, wanted, inherited }) => {
            Some(effective_condition(db, *kind, alias, wanted, *inherited).await?)
        }
        None => None,
    };
    if let Some(condition) = &environment {
        conditions.push(&condition.sql);
        values.extend(condition.values.iter().cloned());
    }
    let after = request.after.as_ref().map(|key| {
        let (sql, bound) = after(R::KEYS, R::NEWEST_FIRST, key);
        values.extend(bound);
        sql
    });
    conditions.extend(after.as_deref());
    let narrowed = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let direction = if R::NEWEST_FIRST { " DESC" } else { "" };
    let order: Vec<_> = R::KEYS.iter().map(|key| format!("{}{direction}", key.column)).collect();
    let sql = format!("{}{narrowed} ORDER BY {} LIMIT ?", R::select(&context), order.join(", "));
    values.push(Value::from(u64::try_from(request.limit + 1).unwrap_or(u64::MAX)));
    let mut executor = db;
    let mut rows = executor.fetch(sql, values).await?;
    let more = rows.len() > request.limit;
    rows.truncate(request.limit);
    let mut items = rows.iter().map(R::read).collect::<Result<Vec<_>, _>>()?;
    R::complete(db, &context, &mut items).await?;
    let next = items.last().filter(|_| more).map(|last| cursor::write(R::LIST, &last.key()));
    Ok(Page { items, next, sequence })
}

/// Reads one resource by the values of its key; `None` when there is none.
///
/// # Errors
/// When a statement fails.
pub async fn get<R: Resource>(db: &Db, now: Timestamp, key: Vec<Value>) -> Result<Option<R>, StoreError> {
    let context = Context::of(db, now);
    let conditions: Vec<_> = R::KEYS.iter().map(|key| format!("{} = ?", key.column)).collect();
    let sql = format!("{} WHERE {}", R::select(&context), conditions.join(" AND "));
    let mut executor = db;
    let Some(row) = executor.fetch_optional(sql, key).await? else { return Ok(None) };
    let mut items = [R::read(&row)?];
    R::complete(db, &context, &mut items).await?;
    let [item] = items;
    Ok(Some(item))
}

/// Reads a whole list, page by page.
///
/// # Errors
/// When a statement fails.
pub async fn every<R: Resource>(db: &Db, now: Timestamp) -> Result<Vec<R>, StoreError> {
    every_of(db, now, ListRequest::all()).await
}

/// Reads all that a question finds, page by page.
pub(super) async fn every_of<R: Resource>(
    db: &Db,
    now: Timestamp,
    mut request: ListRequest,
) -> Result<Vec<R>, StoreError> {
    let mut items: Vec<R> = Vec::new();
    loop {
        let page = list::<R>(db, now, &request).await?;
        items.extend(page.items);
        if page.next.is_none() {
            return Ok(items);
        }
        request.after = items.last().map(Resource::key);
    }
}

/// `(a > ? OR (a = ? AND (b > ? …)))`: row values would be shorter, and MySQL would not use the index for them.
fn after(keys: &[Key], descending: bool, values: &[Value]) -> (String, Vec<Value>) {
    let compare = if descending { "<" } else { ">" };
    match (keys, values) {
        ([key, more @ ..], [value, further @ ..]) if !more.is_empty() => {
            let (rest, bound) = after(more, descending, further);
            let column = key.column;
            let sql = format!("({column} {compare} ? OR ({column} = ? AND {rest}))");
            (sql, [value.clone(), value.clone()].into_iter().chain(bound).collect())
        }
        ([key, ..], [value, ..]) => (format!("{} {compare} ?", key.column), vec![value.clone()]),
        _ => ("1 = 1".to_owned(), Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_several_columns_continues_in_order() {
        let keys = [Key::int("a", "a"), Key::text("b", "b")];
        let (sql, values) = after(&keys, false, &[Value::Int(1), Value::from("x")]);
        assert_eq!(sql, "(a > ? OR (a = ? AND b > ?))");
        assert_eq!(values, [Value::Int(1), Value::Int(1), Value::from("x")]);
        let (sql, _) = after(&keys[..1], true, &[Value::Int(1)]);
        assert_eq!(sql, "a < ?");
    }
}
