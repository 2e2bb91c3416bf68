//! Runs what is missing: under a lock, statement by statement on MySQL (which cannot undo a definition), as one
//! transaction on SQLite.
//!
//! A run that was cut short is taken up again: what is there already is not made twice. sqlx's own runner is not used:
//! it refuses a migration that was cut short until a person repairs its table, it cannot fit a statement to the
//! database, and its lock (`GET_LOCK` with a negative time) is none on MariaDB.

use std::time::Instant;

use sqlx::{AssertSqlSafe, MySql, mysql::MySqlDatabaseError, pool::PoolConnection};

use super::{
    super::{Db, Dialect, StoreError, Tx, Value},
    Migration, TABLE,
    fit::fit,
    statement::read,
    survey::Survey,
};

/// Seconds to wait for another collector that is migrating.
const LOCK_SECS: i64 = 120;

/// Columns of the table of migrations, as sqlx's own runner makes them.
const COLUMNS: &str = "version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                       installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
                       checksum BLOB NOT NULL, execution_time BIGINT NOT NULL";

/// Runs the migrations that are missing.
pub(super) async fn run(db: &Db, known: &'static [Migration]) -> Result<(), StoreError> {
    let survey = Survey::read_with_privileges(db, known).await?;
    survey.check()?;
    for (table, doubt) in survey.doubts() {
        tracing::warn!(table, doubt, "a table of the existing inventory cannot be relied on");
    }
    if survey.pending().next().is_none() {
        return Ok(());
    }
    let mut writer = Writer::lock(db).await?;
    // Another collector may have been first.
    let survey = Survey::read(db, known).await?;
    survey.check()?;
    let mut existing = survey.existing.clone();
    let engine = if db.dialect() == Dialect::MySql { " ENGINE = InnoDB" } else { "" };
    writer.execute(format!("CREATE TABLE IF NOT EXISTS {TABLE} ({COLUMNS}){engine}"), vec![]).await?;
    for migration in survey.pending() {
        let start = Instant::now();
        let named = |source| match source {
            StoreError::Sql(source) => StoreError::Migration { migration: migration.name, source },
            other => other,
        };
        writer.note(migration, false, -1).await?;
        for statement in read(migration.sql) {
            if let Some(fitted) = fit(&statement, &mut existing, db.dialect()) {
                for note in &fitted.notes {
                    tracing::info!(migration = migration.name, does = ?fitted.does, note, "fitted to the tables that are there");
                }
                writer.define(fitted.sql).await.map_err(named)?;
            }
        }
        writer.note(migration, true, i64::try_from(start.elapsed().as_nanos()).unwrap_or(i64::MAX)).await?;
    }
    writer.finish().await
}

/// The one connection that migrates.
enum Writer {
    /// Everything or nothing.
    Sqlite(Tx),
    /// Holds the lock as long as it is open.
    MySql(PoolConnection<MySql>),
}

impl Writer {
    async fn lock(db: &Db) -> Result<Self, StoreError> {
        let Db::MySql(pool) = db else { return Ok(Self::Sqlite(db.begin().await?)) };
        let mut connection = pool.acquire().await?;
        connection.close_on_drop();
        let sql = "SELECT GET_LOCK(CONCAT('orchestrix-migrate:', MD5(DATABASE())), ?)";
        let got: Option<i64> = sqlx::query_scalar(sql).bind(LOCK_SECS).fetch_one(&mut *connection).await?;
        if got == Some(1) { Ok(Self::MySql(connection)) } else { Err(StoreError::Migrating(LOCK_SECS)) }
    }

    /// Changes rows.
    async fn execute(&mut self, sql: String, values: Vec<Value>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.execute(sql, values).await.map(drop),
            Self::MySql(connection) => {
                let arguments = super::super::db::mysql_arguments(values)?;
                sqlx::query_with::<MySql, _>(AssertSqlSafe(sql), arguments).execute(&mut **connection).await?;
                Ok(())
            }
        }
    }

    /// Runs a statement of a migration. That something is there already means that another node of the cluster, where
    /// the lock does not reach, was first.
    async fn define(&mut self, sql: String) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.execute(sql, vec![]).await.map(drop),
            Self::MySql(connection) => match sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut **connection).await {
                Err(error) if is_there_already(&error) => Ok(()),
                done => Ok(done.map(drop)?),
            },
        }
    }

    async fn note(&mut self, migration: &Migration, success: bool, nanos: i64) -> Result<(), StoreError> {
        let dialect = match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
        };
        let ending = dialect.on_conflict(&["version"], &["success", "checksum", "execution_time"]);
        let sql = format!(
            "INSERT INTO {TABLE} (version, description, success, checksum, execution_time) VALUES (?, ?, ?, ?, ?){ending}"
        );
        let values = vec![
            migration.version.into(),
            migration.name.into(),
            success.into(),
            migration.checksum().into(),
            nanos.into(),
        ];
        self.execute(sql, values).await
    }

    async fn finish(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            // Closing the connection gives the lock back.
            Self::MySql(connection) => Ok(connection.close().await?),
        }
    }
}

/// 1050 table, 1060 column, 1061 index of this name exists.
fn is_there_already(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.try_downcast_ref::<MySqlDatabaseError>().is_some_and(|error| matches!(error.number(), 1050 | 1060 | 1061))
}
