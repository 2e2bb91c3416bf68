//! Writes statements on a thread of its own, on either database.

use std::{
    collections::{BTreeMap, VecDeque},
    str::FromStr as _,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, Connection as _, MySql, MySqlConnection, Sqlite,
    SqliteConnection,
    mysql::{MySqlArguments, MySqlConnectOptions},
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    Cell, Filled,
    statement::{Statement, Table},
};

/// Statements between two commits.
const PER_COMMIT: usize = 128;
/// Statements that may wait for the database; then the making of rows waits.
const WAITING: usize = 16;
/// Latest full statements that are kept for the raw limit.
const KEPT: usize = 200;
/// Prefix of the tables that the raw limit writes into.
const RAW: &str = "raw_limit_";

/// Why an inventory could not be filled.
#[derive(Debug)]
pub enum FillError {
    /// The address is of another form.
    Address(String),
    /// The tables are missing.
    NoTables(sqlx::Error),
    /// There is an inventory already.
    NotEmpty,
    /// A statement failed.
    Sql(&'static str, sqlx::Error),
    /// The writing thread is gone.
    Gone,
}

impl std::fmt::Display for FillError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address} is neither sqlite://PATH nor mysql://USER@HOST:PORT/NAME"),
            Self::NoTables(_) => f.write_str("the tables are missing: run `orchestrix-collector migrate` first"),
            Self::NotEmpty => f.write_str("the database holds an inventory already; an empty one is needed"),
            Self::Sql(what, _) => write!(f, "{what} failed"),
            Self::Gone => f.write_str("the writing thread ended early"),
        }
    }
}

impl std::error::Error for FillError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NoTables(error) | Self::Sql(_, error) => Some(error),
            Self::Address(_) | Self::NotEmpty | Self::Gone => None,
        }
    }
}

/// Takes rows in, and has them written.
#[derive(Debug)]
pub(super) struct Writer {
    gathering: BTreeMap<&'static str, Statement>,
    rows: BTreeMap<&'static str, u64>,
    queue: SyncSender<Statement>,
    thread: JoinHandle<Result<Raw, FillError>>,
}

/// What the thread found out: when it was done, and the raw limit afterwards.
#[derive(Debug)]
struct Raw {
    done: Instant,
    rows_per_second: f64,
}

impl Writer {
    pub(super) fn open(url: &str) -> Result<Self, FillError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| FillError::Gone)?;
        let database = runtime.block_on(Database::open(url))?;
        let (queue, statements) = sync_channel(WAITING);
        let thread = std::thread::spawn(move || runtime.block_on(write_all(database, statements)));
        Ok(Self { gathering: BTreeMap::new(), rows: BTreeMap::new(), queue, thread })
    }

    /// Adds one row; it is written with others of its table.
    pub(super) fn add<const N: usize>(&mut self, table: &'static Table, row: [Cell; N]) -> Result<(), FillError> {
        debug_assert_eq!(N, table.columns.len(), "{}", table.name);
        *self.rows.entry(table.name).or_default() += 1;
        let statement = self.gathering.entry(table.name).or_insert_with(|| Statement::new(table));
        statement.cells.extend(row);
        if statement.is_full() {
            let full = std::mem::replace(statement, Statement::new(table));
            return self.queue.send(full).map_err(|_| FillError::Gone);
        }
        Ok(())
    }

    /// Writes what is left, and measures the raw limit.
    pub(super) fn finish(self, start: Instant) -> Result<Filled, FillError> {
        let Self { gathering, rows, queue, thread } = self;
        // When the thread is gone, it tells why below.
        let sent = gathering.into_values().filter(|last| last.rows() > 0).try_for_each(|last| queue.send(last));
        drop(queue);
        let raw = thread.join().map_err(|_| FillError::Gone)??;
        sent.map_err(|_| FillError::Gone)?;
        let took = raw.done.duration_since(start);
        let total: u64 = rows.values().sum();
        Ok(Filled {
            tables: rows.into_iter().collect(),
            took,
            rows_per_second: per_second(total, took),
            raw_rows_per_second: raw.rows_per_second,
        })
    }
}

fn per_second(rows: u64, took: Duration) -> f64 {
    f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / took.as_secs_f64()
}

async fn write_all(mut database: Database, statements: Receiver<Statement>) -> Result<Raw, FillError> {
    let mut kept: VecDeque<Statement> = VecDeque::with_capacity(KEPT + 1);
    let mut texts = BTreeMap::new();
    let mut since_commit = 0;
    database.run("BEGIN").await?;
    for statement in statements {
        database.insert(&statement, "", &mut texts).await?;
        since_commit += 1;
        if since_commit == PER_COMMIT {
            database.run("COMMIT").await?;
            database.run("BEGIN").await?;
            since_commit = 0;
        }
        if statement.is_full() {
            kept.push_back(statement);
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
    }
    database.run("COMMIT").await?;
    let done = Instant::now();
    let rows_per_second = raw_limit(&mut database, kept).await?;
    database.close().await?;
    Ok(Raw { done, rows_per_second })
}

/// Sends some statements again, into tables without keys that are dropped afterwards.
async fn raw_limit(database: &mut Database, statements: VecDeque<Statement>) -> Result<f64, FillError> {
    let tables: BTreeMap<&str, &Table> =
        statements.iter().map(|statement| (statement.table.name, statement.table)).collect();
    for table in tables.values() {
        let columns = table.columns.join(", ");
        database.run(&format!("CREATE TABLE {RAW}{0} AS SELECT {columns} FROM {0} WHERE 1 = 0", table.name)).await?;
    }
    let rows = statements.iter().map(|statement| statement.rows() as u64).sum();
    let mut texts = BTreeMap::new();
    let start = Instant::now();
    database.run("BEGIN").await?;
    for statement in &statements {
        database.insert(statement, RAW, &mut texts).await?;
    }
    database.run("COMMIT").await?;
    let took = start.elapsed();
    for table in tables.keys() {
        database.run(&format!("DROP TABLE {RAW}{table}")).await?;
    }
    Ok(per_second(rows, took))
}

/// Texts of full statements, by table: they are prepared once.
type Texts = BTreeMap<&'static str, Arc<str>>;

#[derive(Debug)]
enum Database {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Database {
    async fn open(url: &str) -> Result<Self, FillError> {
        let opening = |error| FillError::Sql("opening the database", error);
        let mut database = if let Some(path) = url.strip_prefix("sqlite://") {
            // What is half written after a crash is thrown away: nothing needs to reach the disk before the end.
            let options = SqliteConnectOptions::new()
                .filename(path)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Off)
                .foreign_keys(false)
                .pragma("cache_size", "-262144");
            Self::Sqlite(options.connect().await.map_err(opening)?)
        } else if url.starts_with("mysql://") || url.starts_with("mariadb://") {
            let options = MySqlConnectOptions::from_str(url).map_err(opening)?.charset("utf8mb4");
            Self::MySql(options.timezone(Some("+00:00".to_owned())).connect().await.map_err(opening)?)
        } else {
            return Err(FillError::Address(url.split("://").next().unwrap_or_default().to_owned()));
        };
        if database.holds_partners().await.map_err(FillError::NoTables)? {
            return Err(FillError::NotEmpty);
        }
        if matches!(database, Self::MySql(_)) {
            database.run("SET foreign_key_checks = 0, unique_checks = 0").await?;
        }
        Ok(database)
    }

    async fn holds_partners(&mut self) -> Result<bool, sqlx::Error> {
        let sql = "SELECT id FROM partners LIMIT 1";
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query(sql).fetch_optional(connection).await?.is_some(),
            Self::MySql(connection) => sqlx::query(sql).fetch_optional(connection).await?.is_some(),
        })
    }

    async fn run(&mut self, sql: &str) -> Result<(), FillError> {
        let text = sqlx::raw_sql(AssertSqlSafe(sql));
        match self {
            Self::Sqlite(connection) => text.execute(connection).await.map(|_| ()),
            Self::MySql(connection) => text.execute(connection).await.map(|_| ()),
        }
        .map_err(failed("a statement"))
    }

    async fn insert(&mut self, statement: &Statement, prefix: &str, texts: &mut Texts) -> Result<(), FillError> {
        let table = statement.table.name;
        let sql = if statement.is_full() {
            Arc::clone(texts.entry(table).or_insert_with(|| statement.sql(prefix)))
        } else {
            statement.sql(prefix)
        };
        let sql = AssertSqlSafe(sql);
        match self {
            Self::Sqlite(connection) => {
                let arguments = sqlite_arguments(&statement.cells).map_err(failed(table))?;
                sqlx::query_with::<Sqlite, _>(sql, arguments).execute(connection).await.map_err(failed(table))?;
            }
            Self::MySql(connection) => {
                let arguments = mysql_arguments(&statement.cells).map_err(failed(table))?;
                sqlx::query_with::<MySql, _>(sql, arguments).execute(connection).await.map_err(failed(table))?;
            }
        }
        Ok(())
    }

    async fn close(mut self) -> Result<(), FillError> {
        if matches!(self, Self::Sqlite(_)) {
            self.run("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        let closed = match self {
            Self::Sqlite(connection) => connection.close().await,
            Self::MySql(connection) => connection.close().await,
        };
        closed.map_err(failed("closing the database"))
    }
}

fn failed(what: &'static str) -> impl Fn(sqlx::Error) -> FillError {
    move |error| FillError::Sql(what, error)
}

macro_rules! arguments {
    ($name:ident, $type:ty) => {
        fn $name(cells: &[Cell]) -> Result<$type, sqlx::Error> {
            let mut arguments = <$type>::default();
            for cell in cells {
                match cell {
                    Cell::Null => arguments.add(None::<i64>),
                    Cell::Int(number) => arguments.add(*number),
                    Cell::Real(number) => arguments.add(*number),
                    Cell::Text(text) => arguments.add(text.as_str()),
                    Cell::Word(text) => arguments.add(*text),
                    Cell::Bytes(bytes) => arguments.add(bytes.as_slice()),
                }
                .map_err(sqlx::Error::Encode)?;
            }
            Ok(arguments)
        }
    };
}

arguments!(sqlite_arguments, SqliteArguments);
arguments!(mysql_arguments, MySqlArguments);
