//! Opens a database by its address.

use std::{path::Path, str::FromStr as _, time::Duration};

use sqlx::{
    ConnectOptions as _, Connection as _,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{Db, StoreError};

const ACQUIRE_LIMIT: Duration = Duration::from_secs(15);
const BUSY_LIMIT: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
const MYSQL_CONNECTIONS: u32 = 16;
/// Prepared statements that a connection keeps, so that five collectors stay below the default limit of a server, 16,382.
/// One that is pushed out costs 40 ms: sqlx 0.9.0 does not turn off Nagle's algorithm, and what closes a statement has no
/// answer. The address may say another number, as `?statement-cache-capacity=`.
const MYSQL_STATEMENTS: usize = 200;

/// Opens `sqlite://PATH` (made when missing) or `mysql://USER[:PASSWORD]@HOST[:PORT]/NAME`.
///
/// # Errors
/// When the address is of another form or the database cannot be opened.
pub async fn open(address: &str) -> Result<Db, StoreError> {
    if let Some(path) = address.strip_prefix("sqlite://") {
        open_sqlite(Path::new(path)).await
    } else if address.starts_with("mysql://") || address.starts_with("mariadb://") {
        open_mysql(address).await
    } else {
        // A password may stand between the first colon and the last at sign.
        Err(StoreError::Address(address.split("://").next().unwrap_or_default().to_owned()))
    }
}

async fn open_sqlite(path: &Path) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_LIMIT);
    let writer = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_LIMIT)
        .connect_with(options.clone().create_if_missing(true))
        .await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        // Who gave up in the middle of a statement left its limit behind.
        .before_acquire(|connection, _| {
            Box::pin(async move {
                connection.lock_handle().await?.remove_progress_handler();
                Ok(true)
            })
        })
        .acquire_timeout(ACQUIRE_LIMIT)
        .connect_with(options.read_only(true))
        .await?;
    Ok(Db::Sqlite { writer, readers })
}

async fn open_mysql(address: &str) -> Result<Db, StoreError> {
    let mut options = MySqlConnectOptions::from_str(address)?.charset("utf8mb4").timezone(Some("+00:00".to_owned()));
    if !address.contains("statement-cache-capacity=") {
        options = options.statement_cache_capacity(MYSQL_STATEMENTS);
    }
    // The pool would try again until its limit and then tell only of the limit.
    options.connect().await?.close().await?;
    let pool = MySqlPoolOptions::new()
        .max_connections(MYSQL_CONNECTIONS)
        .acquire_timeout(ACQUIRE_LIMIT)
        .connect_with(options)
        .await?;
    Ok(Db::MySql(pool))
}
