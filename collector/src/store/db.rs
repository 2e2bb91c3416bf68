//! The two databases as one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sqlx::{
    Arguments as _, AssertSqlSafe, MySql, MySqlPool, Sqlite, SqlitePool, Transaction, mysql::MySqlArguments,
    sqlite::SqliteArguments,
};

use tracing::Instrument as _;

use super::{
    Dialect, Past, Row, StoreError, Value,
    batch::{padded, portion},
    dialect::placeholders,
    measure::{Operation, timed},
};

/// Steps of SQLite's machine between two looks at the clock: less than a millisecond.
const STEPS: i32 = 10_000;

/// An open inventory database.
#[derive(Clone, Debug)]
pub enum Db {
    /// SQLite: one writer, many readers.
    Sqlite {
        /// Pool of exactly one connection.
        writer: SqlitePool,
        /// Read-only connections.
        readers: SqlitePool,
    },
    /// MariaDB or MySQL.
    MySql(MySqlPool),
    /// Either of them as it was: it can only be read.
    Past {
        /// The database as it is.
        now: Box<Db>,
        /// As of when.
        past: Arc<Past>,
    },
}

impl Db {
    /// Which SQL it speaks.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite { .. } => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
            Self::Past { now, .. } => now.dialect(),
        }
    }

    /// The same database as of an earlier change. The caller has made sure that the history reaches that far.
    ///
    /// # Errors
    /// When a statement fails.
    pub(crate) async fn as_of(&self, sequence: i64) -> Result<Self, StoreError> {
        let past = Arc::new(Past::at(self, sequence).await?);
        Ok(Self::Past { now: Box::new(self.clone()), past })
    }

    /// As of when it is read; `None` for now.
    #[must_use]
    pub fn past(&self) -> Option<&Past> {
        match self {
            Self::Sqlite { .. } | Self::MySql(_) => None,
            Self::Past { past, .. } => Some(past),
        }
    }

    /// Reads all rows of a result, within a time that the database itself heeds where it can.
    ///
    /// # Errors
    /// When the statement fails or takes longer; see [`StoreError::is_too_slow`].
    pub(crate) async fn fetch_within(
        &self,
        sql: String,
        values: Vec<Value>,
        limit: Option<Duration>,
    ) -> Result<Vec<Row>, StoreError> {
        if let Self::Past { now, past } = self {
            let sql = past.statement(&sql, now.dialect(), None);
            return Box::pin(now.fetch_within(sql, values, limit)).await;
        }
        timed(Operation::Read, self.fetch_present(sql, values, limit)).await
    }

    async fn fetch_present(
        &self,
        sql: String,
        values: Vec<Value>,
        limit: Option<Duration>,
    ) -> Result<Vec<Row>, StoreError> {
        let rows = match self {
            Self::Past { .. } => return Err(StoreError::Past),
            Self::Sqlite { readers, .. } => {
                let mut connection = readers.acquire().await?;
                if let Some(limit) = limit {
                    let end = Instant::now() + limit;
                    connection.lock_handle().await?.set_progress_handler(STEPS, move || Instant::now() < end);
                }
                let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql), sqlite_arguments(values)?);
                let rows = query.fetch_all(&mut *connection).await;
                if limit.is_some() {
                    connection.lock_handle().await?.remove_progress_handler();
                }
                rows?.into_iter().map(Row::Sqlite).collect()
            }
            Self::MySql(pool) => {
                // MariaDB takes what stands in such a comment for a part of the statement, MySQL for a comment.
                let sql = match limit {
                    Some(limit) => {
                        format!("/*M! SET STATEMENT max_statement_time = {} FOR */ {sql}", limit.as_secs_f64())
                    }
                    None => sql,
                };
                let query = sqlx::query_with::<MySql, _>(AssertSqlSafe(sql), mysql_arguments(values)?);
                query.fetch_all(pool).await?.into_iter().map(Row::MySql).collect()
            }
        };
        Ok(rows)
    }

    /// The database as it is.
    #[must_use]
    pub fn present(&self) -> &Self {
        match self {
            Self::Sqlite { .. } | Self::MySql(_) => self,
            Self::Past { now, .. } => now,
        }
    }

    /// Begins a write transaction. Use [`transaction!`](crate::transaction), which also retries.
    ///
    /// SQLite begins with `IMMEDIATE`: a read that becomes a write later would fail without waiting.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        let begun = async {
            Ok(match self {
                Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
                Self::MySql(pool) => Tx::MySql(pool.begin().await?),
                Self::Past { .. } => return Err(StoreError::Past),
            })
        };
        timed(Operation::Begin, begun).await
    }

    /// Closes all connections after what they are doing.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::MySql(pool) => pool.close().await,
            Self::Past { now, .. } => Box::pin(now.close()).await,
        }
    }
}

/// A write transaction. Dropping it rolls it back.
#[derive(Debug)]
pub enum Tx {
    /// On SQLite.
    Sqlite(Transaction<'static, Sqlite>),
    /// On MariaDB or MySQL.
    MySql(Transaction<'static, MySql>),
}

impl Tx {
    /// Which SQL it speaks.
    #[must_use]
    pub const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    /// Commits.
    ///
    /// # Errors
    /// When the commit failed or its outcome is not known.
    pub async fn commit(self) -> Result<(), StoreError> {
        let committed = async {
            match self {
                Self::Sqlite(tx) => tx.commit().await?,
                Self::MySql(tx) => tx.commit().await?,
            }
            Ok(())
        };
        // What is not a part of something else is no trace worth telling.
        let whole = tracing::Span::current().is_none();
        let span = if whole { tracing::Span::none() } else { tracing::debug_span!("commit") };
        timed(Operation::Commit, committed).instrument(span).await
    }

    /// Changes rows; returns how many (MySQL counts an upsert that replaced as two).
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn execute(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<u64, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        let executed = async {
            Ok(match self {
                Self::Sqlite(tx) => {
                    let query = sqlx::query_with::<Sqlite, _>(sql, sqlite_arguments(values)?);
                    query.execute(&mut **tx).await?.rows_affected()
                }
                Self::MySql(tx) => {
                    let query = sqlx::query_with::<MySql, _>(sql, mysql_arguments(values)?);
                    query.execute(&mut **tx).await?.rows_affected()
                }
            })
        };
        timed(Operation::Write, executed).await
    }

    /// Inserts one row and returns the key that the database gave it.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn insert(&mut self, sql: impl Into<String>, values: Vec<Value>) -> Result<i64, StoreError> {
        let sql = AssertSqlSafe(sql.into());
        let inserted = async {
            Ok(match self {
                Self::Sqlite(tx) => {
                    let query = sqlx::query_with::<Sqlite, _>(sql, sqlite_arguments(values)?);
                    query.execute(&mut **tx).await?.last_insert_rowid()
                }
                Self::MySql(tx) => {
                    let done = sqlx::query_with::<MySql, _>(sql, mysql_arguments(values)?).execute(&mut **tx).await?;
                    i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX)
                }
            })
        };
        timed(Operation::Write, inserted).await
    }

    /// Changes rows whose `column` is one of `keys`, in chunks: `<statement> <column> IN (…)`, with `values` bound
    /// before. The caller sorts `keys`.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn execute_in(
        &mut self,
        statement: &str,
        column: &str,
        values: Vec<Value>,
        keys: Vec<Value>,
    ) -> Result<(), StoreError> {
        for chunk in keys.chunks(Dialect::ROWS_PER_STATEMENT) {
            let keys = padded(chunk);
            let sql = format!("{statement} {column} IN {}", placeholders(keys.len()));
            self.execute(sql, values.iter().chain(keys).cloned().collect()).await?;
        }
        Ok(())
    }

    /// Inserts many rows in chunks: `INSERT INTO <table> (<columns>) VALUES … <ending>`.
    ///
    /// The caller sorts `rows` by key; each must have as many values as there are columns.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn insert_many(
        &mut self,
        table: &str,
        columns: &[&str],
        rows: Vec<Vec<Value>>,
        ending: &str,
    ) -> Result<(), StoreError> {
        let row = placeholders(columns.len());
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let size = portion(rows.len());
            let chunk: Vec<_> = rows.by_ref().take(size).collect();
            let list = vec![row.as_str(); chunk.len()].join(", ");
            let sql = format!("INSERT INTO {table} ({}) VALUES {list}{ending}", columns.join(", "));
            self.execute(sql, chunk.into_iter().flatten().collect()).await?;
        }
        Ok(())
    }
}

/// Reads rows: from a pool, or from a transaction with its own changes.
#[async_trait]
pub trait Executor: Send {
    /// Reads all rows of a result. The caller limits it.
    ///
    /// # Errors
    /// When the statement fails.
    async fn fetch(&mut self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, StoreError>;

    /// Reads the first row, if any.
    ///
    /// # Errors
    /// When the statement fails.
    async fn fetch_optional(&mut self, sql: String, values: Vec<Value>) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    /// Reads rows whose `column` is one of `keys`, in chunks: `<select> <column> IN (…)`, with `values` bound before.
    ///
    /// # Errors
    /// When a statement fails.
    async fn fetch_in(
        &mut self,
        select: &str,
        column: &str,
        values: Vec<Value>,
        keys: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        for chunk in keys.chunks(Dialect::ROWS_PER_STATEMENT) {
            let keys = padded(chunk);
            let sql = format!("{select} {column} IN {}", placeholders(keys.len()));
            rows.extend(self.fetch(sql, values.iter().chain(keys).cloned().collect()).await?);
        }
        Ok(rows)
    }
}

#[async_trait]
impl Executor for Tx {
    async fn fetch(&mut self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        let sql = AssertSqlSafe(sql);
        let fetched = async {
            Ok(match self {
                Self::Sqlite(tx) => {
                    let query = sqlx::query_with::<Sqlite, _>(sql, sqlite_arguments(values)?);
                    query.fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
                }
                Self::MySql(tx) => {
                    let query = sqlx::query_with::<MySql, _>(sql, mysql_arguments(values)?);
                    query.fetch_all(&mut **tx).await?.into_iter().map(Row::MySql).collect()
                }
            })
        };
        timed(Operation::Read, fetched).await
    }
}

#[async_trait]
impl Executor for &Db {
    async fn fetch(&mut self, sql: String, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
        self.fetch_within(sql, values, None).await
    }
}

macro_rules! arguments {
    ($visibility:vis $name:ident, $type:ty) => {
        $visibility fn $name(values: Vec<Value>) -> Result<$type, StoreError> {
            let mut arguments = <$type>::default();
            for value in values {
                match value {
                    Value::Null => arguments.add(None::<i64>),
                    Value::Int(number) => arguments.add(number),
                    Value::Real(number) => arguments.add(number),
                    Value::Text(text) => arguments.add(text),
                    Value::Bytes(bytes) => arguments.add(bytes),
                }
                .map_err(|error| StoreError::Sql(sqlx::Error::Encode(error)))?;
            }
            Ok(arguments)
        }
    };
}

arguments!(sqlite_arguments, SqliteArguments);
arguments!(pub(super) mysql_arguments, MySqlArguments);
