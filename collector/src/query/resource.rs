//! What every list has in common: one statement, a key to continue from, and the change up to which it is true.

use orchestrix_common::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Filter, ListRequest, ParameterError, Sort, cursor, filter::EnvironmentTest, sequence, sort};
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
    /// List of the kind in the catalog whose rows these are.
    const OF: &'static str = Self::LIST;
    /// What the list can be ordered by besides its key, what it can be narrowed by, and the fields of the catalog.
    const SORTS: &'static [Sort] = &[];
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

    /// What names the stored row, for those who want to change it only as they have seen it, where no
    /// [`form`](crate::edit::form) says what may be changed.
    fn row_tag(&self) -> Option<String> {
        None
    }

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

/// The last row of a page: the next one begins behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct After {
    /// Its values of the fields that order the list.
    pub(super) compared: Vec<Value>,
    /// Its key.
    pub(super) key: Vec<Value>,
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
    let behind = request.after.as_ref().map(|after| {
        let (sql, bound) = sort::behind(&request.sort, R::KEYS, R::NEWEST_FIRST, &after.compared, &after.key);
        values.extend(bound);
        sql
    });
    conditions.extend(behind.as_deref());
    let narrowed = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    let select = sort::select(&R::select(&context), &request.sort, context.dialect);
    let order = sort::order_by(&request.sort, R::KEYS, R::NEWEST_FIRST);
    let sql = format!("{select}{narrowed} ORDER BY {order} LIMIT ?");
    values.push(Value::from(u64::try_from(request.limit + 1).unwrap_or(u64::MAX)));
    let mut executor = db;
    let mut rows = executor.fetch(sql, values).await?;
    let more = rows.len() > request.limit;
    rows.truncate(request.limit);
    let mut items = rows.iter().map(R::read).collect::<Result<Vec<_>, _>>()?;
    R::complete(db, &context, &mut items).await?;
    let next = match (more, items.last(), rows.last()) {
        (true, Some(item), Some(row)) => {
            let after = After { compared: sort::values(row, &request.sort)?, key: item.key() };
            Some(cursor::write(R::LIST, &sort::spelled(&request.sort), &after))
        }
        _ => None,
    };
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
        request.after = items.last().map(|item| After { compared: Vec::new(), key: item.key() });
    }
}
