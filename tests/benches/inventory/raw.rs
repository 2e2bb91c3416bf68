//! The yardstick: statements written by hand for one answer, prepared, on a connection that is kept.

use std::{str::FromStr as _, time::Duration};

use orchestrix_tests::generate::Cell;
use sqlx::{
    Arguments as _, AssertSqlSafe, ConnectOptions as _, MySql, MySqlConnection, Sqlite, SqliteConnection,
    mysql::{MySqlArguments, MySqlConnectOptions},
    sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use tokio::runtime::Runtime;

/// A client of the database, without anything of ours in between.
pub(crate) struct Raw {
    runtime: Runtime,
    connection: Connection,
}

enum Connection {
    Sqlite(SqliteConnection),
    MySql(MySqlConnection),
}

impl Raw {
    pub(crate) fn open(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let connection = runtime.block_on(async {
            if let Some(path) = url.strip_prefix("sqlite://") {
                let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(10));
                // As durable as ours.
                let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
                Connection::Sqlite(options.connect().await.unwrap())
            } else {
                Connection::MySql(MySqlConnectOptions::from_str(url).unwrap().connect().await.unwrap())
            }
        });
        Self { runtime, connection }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.connection, Connection::Sqlite(_))
    }

    /// Type that a sum is cast to.
    pub(crate) fn integer(&self) -> &'static str {
        if self.is_sqlite() { "INTEGER" } else { "SIGNED" }
    }

    /// Fetches all rows; returns how many.
    pub(crate) fn rows(&mut self, sql: &str, values: &[Cell]) -> usize {
        let text = AssertSqlSafe(sql);
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let query = sqlx::query_with::<Sqlite, _>(text, sqlite_arguments(values)).fetch_all(connection);
                self.runtime.block_on(query).unwrap_or_else(|error| panic!("{sql}: {error}")).len()
            }
            Connection::MySql(connection) => {
                let query = sqlx::query_with::<MySql, _>(text, mysql_arguments(values)).fetch_all(connection);
                self.runtime.block_on(query).unwrap_or_else(|error| panic!("{sql}: {error}")).len()
            }
        }
    }

    /// Fetches one column of whole numbers.
    pub(crate) fn numbers(&mut self, sql: &str, values: &[Cell]) -> Vec<i64> {
        let text = AssertSqlSafe(sql);
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let query = sqlx::query_scalar_with::<Sqlite, i64, _>(text, sqlite_arguments(values));
                self.runtime.block_on(query.fetch_all(connection)).unwrap_or_else(|error| panic!("{sql}: {error}"))
            }
            Connection::MySql(connection) => {
                let query = sqlx::query_scalar_with::<MySql, i64, _>(text, mysql_arguments(values));
                self.runtime.block_on(query.fetch_all(connection)).unwrap_or_else(|error| panic!("{sql}: {error}"))
            }
        }
    }

    /// Fetches a column of texts and one of whole numbers.
    pub(crate) fn pairs(&mut self, sql: &str) -> Vec<(String, i64)> {
        let text = AssertSqlSafe(sql);
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let query = sqlx::query_as::<Sqlite, (String, i64)>(text);
                self.runtime.block_on(query.fetch_all(connection)).unwrap_or_else(|error| panic!("{sql}: {error}"))
            }
            Connection::MySql(connection) => {
                let query = sqlx::query_as::<MySql, (String, i64)>(text);
                self.runtime.block_on(query.fetch_all(connection)).unwrap_or_else(|error| panic!("{sql}: {error}"))
            }
        }
    }

    /// Runs a prepared statement that changes something.
    pub(crate) fn change(&mut self, sql: &str, values: &[Cell]) {
        let text = AssertSqlSafe(sql);
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => {
                let query = sqlx::query_with::<Sqlite, _>(text, sqlite_arguments(values)).execute(connection);
                self.runtime.block_on(query).map(drop)
            }
            Connection::MySql(connection) => {
                let query = sqlx::query_with::<MySql, _>(text, mysql_arguments(values)).execute(connection);
                self.runtime.block_on(query).map(drop)
            }
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Inserts rows by one statement.
    pub(crate) fn insert(&mut self, table: &str, columns: &str, cells: &[Cell]) {
        let sql = Self::insertion(table, columns, cells);
        self.change(&sql, cells);
    }

    /// The same; where the `keys` are there already, the named columns are replaced.
    pub(crate) fn upsert<const N: usize>(
        &mut self,
        table: &str,
        columns: &str,
        (keys, replaced): &(&str, [&str; N]),
        cells: &[Cell],
    ) {
        let (begin, new) = if self.is_sqlite() {
            (format!(" ON CONFLICT ({keys}) DO UPDATE SET "), "excluded.@")
        } else {
            (" ON DUPLICATE KEY UPDATE ".to_owned(), "VALUES(@)")
        };
        let set = replaced.map(|column| format!("{column} = {}", new.replace('@', column))).join(", ");
        let sql = format!("{}{begin}{set}", Self::insertion(table, columns, cells));
        self.change(&sql, cells);
    }

    fn insertion(table: &str, columns: &str, cells: &[Cell]) -> String {
        let width = columns.split(',').count();
        let row = format!("({})", vec!["?"; width].join(", "));
        format!("INSERT INTO {table} ({columns}) VALUES {}", vec![row.as_str(); cells.len() / width].join(", "))
    }

    /// Runs a statement that changes something, without preparing it.
    pub(crate) fn run(&mut self, sql: &str) {
        let text = sqlx::raw_sql(AssertSqlSafe(sql));
        let done = match &mut self.connection {
            Connection::Sqlite(connection) => self.runtime.block_on(text.execute(connection)).map(drop),
            Connection::MySql(connection) => self.runtime.block_on(text.execute(connection)).map(drop),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// How the database answers a statement, for whoever wants to know why it takes so long.
    pub(crate) fn explain(&mut self, sql: &str, values: &[Cell]) -> Vec<String> {
        use sqlx::Row as _;
        match &mut self.connection {
            Connection::Sqlite(connection) => {
                let sql = format!("EXPLAIN QUERY PLAN {sql}");
                let query = sqlx::query_with::<Sqlite, _>(AssertSqlSafe(sql), sqlite_arguments(values));
                let rows = self.runtime.block_on(query.fetch_all(connection)).unwrap();
                rows.iter().map(|row| row.get("detail")).collect()
            }
            Connection::MySql(connection) => {
                let sql = format!("EXPLAIN FORMAT=JSON {sql}");
                let query = sqlx::query_with::<MySql, _>(AssertSqlSafe(sql), mysql_arguments(values));
                let rows = self.runtime.block_on(query.fetch_all(connection)).unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

macro_rules! arguments {
    ($name:ident, $type:ty) => {
        fn $name(cells: &[Cell]) -> $type {
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
                .unwrap();
            }
            arguments
        }
    };
}

arguments!(sqlite_arguments, SqliteArguments);
arguments!(mysql_arguments, MySqlArguments);
