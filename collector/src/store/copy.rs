//! Whole copies of the embedded database: making one while others write, and looking at one without touching it.

use std::{path::Path, time::Duration};

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};

use super::{Db, Executor as _, StoreError};

const BUSY_LIMIT: Duration = Duration::from_secs(30);
/// Faults that are told; the first ones say enough.
const FAULTS: usize = 10;

/// Copies a database into a new file, as one consistent state. Who writes meanwhile is not held up: the copy is of the
/// moment at which it began. Freed pages are left out.
///
/// # Errors
/// When the database cannot be read, or the file exists or cannot be written.
pub async fn copy_whole(from: &Path, to: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(from).busy_timeout(BUSY_LIMIT);
    let mut connection = options.connect().await?;
    let target = to.to_string_lossy().into_owned();
    let copied = sqlx::query(AssertSqlSafe("VACUUM INTO ?")).bind(target).execute(&mut connection).await;
    connection.close().await?;
    copied?;
    Ok(())
}

/// Opens a file that nobody writes to. Nothing is made beside it and not a byte of it changes.
///
/// # Errors
/// When it cannot be opened.
pub async fn open_copy(path: &Path) -> Result<Db, StoreError> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await?;
    Ok(Db::Sqlite { writer: pool.clone(), readers: pool })
}

/// What is wrong with the pages and indexes of an embedded database, and with rows that point to others; empty when it is
/// sound. At most ten lines.
///
/// # Errors
/// When it cannot be read at all.
pub async fn copy_faults(mut db: &Db) -> Result<Vec<String>, StoreError> {
    let mut faults = Vec::new();
    for row in db.fetch(format!("PRAGMA integrity_check({FAULTS})"), vec![]).await? {
        let line: String = row.get("integrity_check")?;
        if line != "ok" {
            faults.push(line);
        }
    }
    for row in db.fetch("SELECT \"table\" AS tab, parent FROM pragma_foreign_key_check".to_owned(), vec![]).await? {
        let (table, parent): (String, String) = (row.get("tab")?, row.get("parent")?);
        faults.push(format!("a row of {table} points to a row of {parent} that is not there"));
    }
    faults.truncate(FAULTS);
    Ok(faults)
}
