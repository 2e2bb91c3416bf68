//! What can go wrong with the database, and which of it is worth another try.

use std::time::Duration;

use super::Obstacle;

/// The database did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is not one of a database that is supported.
    #[error("database address {0:?}: expected sqlite://PATH or mysql://USER@HOST/NAME")]
    Address(String),
    /// A statement failed.
    #[error("database")]
    Sql(#[from] sqlx::Error),
    /// A statement of a migration failed.
    #[error("run migration {migration}")]
    Migration {
        /// Its name.
        migration: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// The tables cannot be brought up to date before a person has acted.
    #[error("the database cannot be migrated: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Obstacles(Vec<Obstacle>),
    /// Another collector does not come to an end with it.
    #[error("another collector has been migrating the database for {0} s: look at its log, then start again")]
    Migrating(i64),
    /// A JSON column holds something else.
    #[error("read JSON column {column}")]
    Json {
        /// The column.
        column: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A column holds a value that the program never writes.
    #[error("column {column} holds {content:?}, expected {expected}")]
    Content {
        /// The column.
        column: &'static str,
        /// What it holds.
        content: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// The transaction was given up on purpose; whoever did so knows why.
    #[error("given up")]
    Abandoned,
    /// Somebody tried to change the past.
    #[error("the past can only be read")]
    Past,
    /// Another collector or session has taken over in the meantime.
    #[error("superseded: {0}")]
    Fenced(String),
}

impl StoreError {
    /// Whether the whole transaction may succeed when it is tried again: a lost lock, a lost node, a busy file.
    ///
    /// MySQL numbers: 1213 deadlock or Galera certification failure, 1205 lock wait, 1020 record changed, 1047 node not
    /// ready, 1180 error during commit, 2006 and 2013 connection lost. A commit whose outcome is unknown is repeated
    /// too; every transaction here checks what is stored before it writes.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        let Self::Sql(error) = self else { return false };
        match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
            sqlx::Error::Database(error) => {
                if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
                    let lost_connection = error.code().is_some_and(|state| state.starts_with("08"));
                    lost_connection || matches!(error.number(), 1020 | 1047 | 1180 | 1205 | 1213 | 2006 | 2013)
                } else {
                    // SQLITE_BUSY and SQLITE_LOCKED, with their extended codes.
                    let code = error.code().and_then(|code| code.parse::<u32>().ok());
                    code.is_some_and(|code| matches!(code & 0xff, 5 | 6))
                }
            }
            _ => false,
        }
    }

    /// Whether the database gave up because the statement took longer than it was allowed to: MariaDB's 1969, MySQL's
    /// 3024, and SQLite's INTERRUPT.
    #[must_use]
    pub fn is_too_slow(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return false };
        match error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
            Some(error) => matches!(error.number(), 1969 | 3024),
            None => error.code().is_some_and(|code| code == "9"),
        }
    }

    /// Whether the fault lies in what was to be stored, so that no further try can succeed: a broken constraint, a
    /// value out of range, a text that is too long.
    ///
    /// SQLSTATE classes 22 (data exception) and 23 (integrity constraint violation); SQLite's CONSTRAINT, TOOBIG and
    /// MISMATCH.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        match self {
            Self::Json { .. } | Self::Content { .. } | Self::Sql(sqlx::Error::Encode(_)) => true,
            Self::Sql(sqlx::Error::Database(error)) => {
                let code = error.code().unwrap_or_default();
                if error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().is_some() {
                    code.starts_with("22") || code.starts_with("23")
                } else {
                    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 18..=20))
                }
            }
            _ => false,
        }
    }
}

impl StoreError {
    /// The column of an existing inventory whose character set has no letters for a text, as Latin-1 has none for
    /// Japanese: 1366 names it.
    #[must_use]
    pub fn column_without_letters(&self) -> Option<String> {
        let Self::Sql(sqlx::Error::Database(error)) = self else { return None };
        let error = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()?;
        if error.number() == 1366 { column_of(error.message()) } else { None }
    }

    /// Whether the database refuses what it was given, so that the same will never be stored: too long, out of range,
    /// not JSON, a key twice. Anything else, a full disk for example, may pass.
    #[must_use]
    pub fn is_about_data(&self) -> bool {
        let Self::Sql(sqlx::Error::Database(error)) = self else {
            return matches!(self, Self::Sql(sqlx::Error::Encode(_)));
        };
        if let Some(error) = error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>() {
            // Duplicate key, packet or column too long, out of range, truncated, not of the character set, a failed check.
            matches!(error.number(), 1062 | 1153 | 1264 | 1265 | 1292 | 1366 | 1406 | 3140 | 3819 | 4025)
        } else {
            // SQLITE_TOOBIG, SQLITE_CONSTRAINT and SQLITE_MISMATCH, with their extended codes.
            let code = error.code().and_then(|code| code.parse::<u32>().ok());
            code.is_some_and(|code| matches!(code & 0xff, 18..=20))
        }
    }
}

/// The column in ``Incorrect string value: '…' for column `base`.`table`.`column` at row 1``; MySQL names only the column.
fn column_of(message: &str) -> Option<String> {
    let (_, place) = message.strip_prefix("Incorrect string value")?.rsplit_once(" for column ")?;
    let (column, _) = place.split_once(" at row")?;
    Some(column.rsplit('.').next()?.trim_matches(['`', '\'']).to_owned())
}

/// Counts the tries of one transaction and says how long to pause between them.
#[derive(Debug, Default)]
pub struct Attempts(u32);

impl Attempts {
    const MOST: u32 = 6;

    /// The pause before the next try: full jitter, 20 ms doubling up to 1 s. `None` when the error stands.
    ///
    /// A pool that gave no connection has tried for long already: whoever waits for it may wait no six times as long.
    pub fn after(&mut self, error: &StoreError) -> Option<Duration> {
        self.0 += 1;
        let waited = matches!(error, StoreError::Sql(sqlx::Error::PoolTimedOut));
        if self.0 >= Self::MOST || waited || !error.is_transient() {
            return None;
        }
        metrics::counter!("orchestrix_store_retries_total").increment(1);
        let cap = Duration::from_millis((20_u64 << self.0).min(1_000));
        Some(cap.mul_f64(fastrand::f64()))
    }
}

/// Runs a block in a write transaction and commits; runs it again as a whole when a lock or a node was lost.
///
/// `transaction!(db, |tx| { …; value })` evaluates to `Result<_, StoreError>`. Inside, `tx` is a `&mut Tx` and `?` ends
/// the try. A macro rather than a function, because a closure cannot lend its argument to the future it returns.
#[macro_export]
macro_rules! transaction {
    ($db:expr, |$tx:ident| $body:expr) => {{
        let mut attempts = $crate::store::Attempts::default();
        loop {
            let result: Result<_, $crate::store::StoreError> = async {
                let mut transaction = $db.begin().await?;
                let value = {
                    let $tx = &mut transaction;
                    $body
                };
                transaction.commit().await?;
                Ok(value)
            }
            .await;
            match result {
                Err(error) => match attempts.after(&error) {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => break Err(error),
                },
                done => break done,
            }
        }
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_without_letters_is_named_by_either_server() {
        let mariadb = "Incorrect string value: '\\xE5\\x90' for column `t_1`.`computes`.`description` at row 1";
        let mysql = "Incorrect string value: '\\xE5\\x90' for column 'description' at row 1";
        for message in [mariadb, mysql] {
            assert_eq!(column_of(message).as_deref(), Some("description"), "{message}");
        }
        assert_eq!(column_of("Incorrect integer value: 'x' for column `a`.`b`.`c` at row 1"), None);
    }
}
