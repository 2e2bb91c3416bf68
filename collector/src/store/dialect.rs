//! Where SQLite and MySQL part ways.

use std::fmt::Write as _;

/// The SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// MariaDB or MySQL.
    MySql,
}

impl Dialect {
    /// Rows per statement in bulk writes: far below both limits of bound values, and one cached statement.
    pub const ROWS_PER_STATEMENT: usize = 256;

    /// Ends an insert that replaces the `update` columns where a row with the same `keys` exists.
    ///
    /// With no column to update it leaves the existing row as it is.
    #[must_use]
    pub fn on_conflict(self, keys: &[&str], update: &[&str]) -> String {
        let mut sql = String::new();
        match self {
            Self::Sqlite => {
                let _ = write!(sql, " ON CONFLICT ({}) DO ", keys.join(", "));
                sql.push_str(if update.is_empty() { "NOTHING" } else { "UPDATE SET " });
            }
            Self::MySql => {
                sql.push_str(" ON DUPLICATE KEY UPDATE ");
                if let ([], Some(key)) = (update, keys.first()) {
                    let _ = write!(sql, "{key} = {key}");
                }
            }
        }
        for (index, column) in update.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = match self {
                Self::Sqlite => write!(sql, "{comma}{column} = excluded.{column}"),
                Self::MySql => write!(sql, "{comma}{column} = VALUES({column})"),
            };
        }
        sql
    }

    /// Ends an insert that replaces the `update` columns where a row with the same `keys` exists, but only when that row
    /// has the same content in `guard` as the new one.
    #[must_use]
    pub fn on_conflict_if(self, keys: &[&str], update: &[&str], guard: &str) -> String {
        let mut sql = match self {
            Self::Sqlite => format!(" ON CONFLICT ({}) DO UPDATE SET ", keys.join(", ")),
            Self::MySql => " ON DUPLICATE KEY UPDATE ".to_owned(),
        };
        for (index, column) in update.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let _ = match self {
                Self::Sqlite => write!(sql, "{comma}{column} = excluded.{column}"),
                Self::MySql => {
                    write!(sql, "{comma}{column} = IF({guard} = VALUES({guard}), VALUES({column}), {column})")
                }
            };
        }
        if self == Self::Sqlite {
            let _ = write!(sql, " WHERE {guard} = excluded.{guard}");
        }
        sql
    }

    /// Ends a `SELECT` whose rows the transaction is going to change. SQLite has one writer and needs no lock.
    #[must_use]
    pub const fn for_update(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            Self::MySql => " FOR UPDATE",
        }
    }

    /// The current time as the legacy DATETIME columns hold it, UTC.
    #[must_use]
    pub const fn now_datetime(self) -> &'static str {
        match self {
            Self::Sqlite => "CURRENT_TIMESTAMP",
            Self::MySql => "UTC_TIMESTAMP()",
        }
    }

    /// Reads a DATETIME or TIMESTAMP column as `YYYY-MM-DD HH:MM:SS` text.
    #[must_use]
    pub fn datetime_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::MySql => format!("DATE_FORMAT({column}, '%Y-%m-%d %H:%i:%S')"),
        }
    }

    /// Reads a JSON column as text on every server.
    #[must_use]
    pub fn json_text(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::MySql => format!("CAST({column} AS CHAR)"),
        }
    }

    /// Reads a DECIMAL column as a floating-point number.
    #[must_use]
    pub fn decimal(self, column: &str) -> String {
        match self {
            Self::Sqlite => column.to_owned(),
            Self::MySql => format!("CAST({column} AS DOUBLE)"),
        }
    }
}

/// Writes `(?, ?, …)` with `count` placeholders.
#[must_use]
pub(crate) fn placeholders(count: usize) -> String {
    let mut sql = String::with_capacity(count * 3 + 2);
    sql.push('(');
    for index in 0..count {
        sql.push_str(if index == 0 { "?" } else { ", ?" });
    }
    sql.push(')');
    sql
}
