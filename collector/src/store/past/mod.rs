//! The inventory as it was: a database that shows its tables as of an earlier change.
//!
//! In front of a statement goes a `WITH` that names, for each table of the catalog which the statement mentions, the rows
//! of that time. Such a name hides the table from the statement that follows, so criteria, joins, order and pages stay
//! exactly as they are for the present. A row of that time is the current one when no later entry of the history is about
//! it, else the row before the first later one ([`rows`]).
//!
//! It knows nothing of requests. What is only kept as it is now, such as signs of life and use, is empty in the past: what
//! is not known any more is not known, and never today's. What other programs wrote into the tables left no history.

mod rows;

use std::collections::BTreeMap;

use super::{Db, Dialect, Executor as _, Row, StoreError, Value};
use crate::catalog::{KINDS, Kind};

/// Tables that hold only the latest.
const LATEST_ONLY: [&str; 5] = ["agent_liveness", "agent_sources", "compute_facts", "compute_usage", "workload_usage"];

/// A point in the past and what it takes to read as of it.
#[derive(Clone, Debug)]
pub struct Past {
    sequence: i64,
    /// Types of the columns of MySQL, by table and column: what comes out of the history must compare as the column does.
    types: BTreeMap<(String, String), String>,
}

/// Keys that the rows of one table are narrowed to, for a statement that would drop all others anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Narrowed<'a> {
    /// The table.
    pub(crate) table: &'a str,
    /// A column of whole numbers.
    pub(crate) column: &'a str,
}

impl Past {
    /// Prepares reading as of a change. The caller has made sure that the history reaches that far.
    ///
    /// # Errors
    /// When a statement fails.
    pub(crate) async fn at(db: &Db, sequence: i64) -> Result<Self, StoreError> {
        let types = match db.dialect() {
            Dialect::Sqlite => BTreeMap::new(),
            Dialect::MySql => column_types(db).await?,
        };
        Ok(Self { sequence, types })
    }

    /// The change as of which is read.
    #[must_use]
    pub const fn sequence(&self) -> i64 {
        self.sequence
    }

    /// Puts the rows of the past in front of a statement. With `narrowed`, the statement binds a JSON list of keys twice
    /// before everything else.
    pub(crate) fn statement(&self, sql: &str, dialect: Dialect, narrowed: Option<Narrowed<'_>>) -> String {
        let mut tables = Vec::new();
        for kind in KINDS.iter().filter(|kind| mentions(sql, kind.table)) {
            let narrowed = narrowed.filter(|narrowed| narrowed.table == kind.table).map(|narrowed| narrowed.column);
            let table = (kind.table, self.rows(kind, dialect, narrowed));
            // What needs bound values comes first, as they do.
            tables.insert(if narrowed.is_some() { 0 } else { tables.len() }, table);
        }
        for table in LATEST_ONLY.into_iter().filter(|table| mentions(sql, table)) {
            tables.push((table, format!("SELECT * FROM {} WHERE 1 = 0", rows::own(table, dialect))));
        }
        if tables.is_empty() {
            return sql.to_owned();
        }
        let tables: Vec<String> = tables.into_iter().map(|(table, rows)| format!("{table} AS ({rows})")).collect();
        format!("WITH {} {sql}", tables.join(", "))
    }

    fn rows(&self, kind: &Kind, dialect: Dialect, narrowed: Option<&str>) -> String {
        let type_of = |column: &str| self.types.get(&(kind.table.to_owned(), column.to_owned())).map(String::as_str);
        rows::Rows { kind, sequence: self.sequence, dialect, narrowed, type_of: &type_of }.sql()
    }
}

/// Whether a statement mentions a table, as a whole word.
fn mentions(sql: &str, table: &str) -> bool {
    let part = |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    sql.match_indices(table)
        .any(|(at, _)| !part(sql[..at].chars().next_back()) && !part(sql[at + table.len()..].chars().next()))
}

/// Types of text columns with their character sets and collations, and of the other columns that compare by type.
async fn column_types(db: &Db) -> Result<BTreeMap<(String, String), String>, StoreError> {
    let tables: Vec<Value> = KINDS.iter().map(|kind| kind.table.into()).collect();
    let select = "SELECT CAST(table_name AS CHAR) AS x_table, CAST(column_name AS CHAR) AS x_column, \
                  CAST(column_type AS CHAR) AS x_type, CAST(character_set_name AS CHAR) AS x_charset, \
                  CAST(collation_name AS CHAR) AS x_collation FROM information_schema.columns \
                  WHERE table_schema = DATABASE() AND";
    let mut executor = db;
    let rows = executor.fetch_in(select, "table_name", Vec::new(), tables).await?;
    rows.iter().map(column_type).collect()
}

fn column_type(row: &Row) -> Result<((String, String), String), StoreError> {
    let text = |column: &str| row.get::<Option<String>>(column);
    let mut named: String = row.get("x_type")?;
    if let (Some(charset), Some(collation)) = (text("x_charset")?, text("x_collation")?) {
        // Enumerations compare as texts do, but for their order.
        if !named.contains("char") && !named.contains("text") {
            "longtext".clone_into(&mut named);
        }
        named.push_str(&format!(" CHARACTER SET {charset} COLLATE {collation}"));
    }
    Ok(((row.get("x_table")?, row.get("x_column")?), named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_tables() {
        assert!(mentions("SELECT 1 FROM tags t", "tags") && mentions("tags", "tags"));
        assert!(!mentions("SELECT 1 FROM resource_tags t", "tags") && !mentions("FROM tagset", "tags"));
    }

    #[test]
    fn a_statement_without_tables_of_the_catalog_stays_as_it_is() {
        let past = Past { sequence: 7, types: BTreeMap::new() };
        let sql = "SELECT sequence FROM history";
        assert_eq!(past.statement(sql, Dialect::Sqlite, None), sql);
        assert!(past.statement("SELECT 1 FROM computes c", Dialect::Sqlite, None).starts_with("WITH computes AS ("));
    }
}
