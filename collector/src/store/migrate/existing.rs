//! What stands in a database before it is migrated.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{Db, Dialect, Executor as _, StoreError};
use super::statement::Create;

/// The tables of a database, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Existing {
    pub(super) tables: BTreeMap<String, Table>,
    /// Names of indexes, each behind its table's.
    pub(super) indexes: BTreeSet<(String, String)>,
}

/// A table, or a view in the place of one.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    /// Type of each column, as the database writes it: `bigint(20) unsigned`.
    pub(super) columns: BTreeMap<String, String>,
    /// Columns that begin an index: a foreign key can point to these only.
    pub(super) indexed: BTreeSet<String>,
    /// Its engine, when that is one without transactions.
    pub(super) engine: Option<String>,
    /// Why no foreign key can point to this table; `None` when one can.
    pub(super) unfit: Option<String>,
}

impl Existing {
    /// Reads the tables of the database.
    pub(super) async fn read(db: &Db) -> Result<Self, StoreError> {
        match db.dialect() {
            Dialect::Sqlite => Self::read_sqlite(db).await,
            Dialect::MySql => Self::read_mysql(db).await,
        }
    }

    async fn read_sqlite(mut db: &Db) -> Result<Self, StoreError> {
        let mut existing = Self::default();
        let sql = "SELECT m.name AS tab, c.name AS col, c.type AS kind FROM sqlite_master m \
                   JOIN pragma_table_info(m.name) c WHERE m.type IN ('table', 'view')";
        for row in db.fetch(sql.to_owned(), vec![]).await? {
            let table = existing.tables.entry(row.get("tab")?).or_default();
            table.columns.insert(row.get("col")?, row.get::<String>("kind")?.to_lowercase());
        }
        let sql = "SELECT name, tbl_name AS tab FROM sqlite_master WHERE type = 'index'";
        for row in db.fetch(sql.to_owned(), vec![]).await? {
            existing.indexes.insert((row.get("tab")?, row.get("name")?));
        }
        Ok(existing)
    }

    async fn read_mysql(mut db: &Db) -> Result<Self, StoreError> {
        let mut existing = Self::default();
        let sql = "SELECT CAST(table_name AS CHAR) AS tab, CAST(table_type AS CHAR) AS kind, \
                   CAST(engine AS CHAR) AS engine, CAST(create_options AS CHAR) AS options \
                   FROM information_schema.tables WHERE table_schema = DATABASE()";
        for row in db.fetch(sql.to_owned(), vec![]).await? {
            let (kind, engine): (String, Option<String>) = (row.get("kind")?, row.get("engine")?);
            let options = row.get::<Option<String>>("options")?.unwrap_or_default();
            let other = engine.clone().filter(|engine| kind == "BASE TABLE" && !engine.eq_ignore_ascii_case("InnoDB"));
            let unfit = if kind != "BASE TABLE" {
                Some("is a view".to_owned())
            } else if !engine.as_deref().is_some_and(|engine| engine.eq_ignore_ascii_case("InnoDB")) {
                Some(format!("is a table of the engine {}", engine.as_deref().unwrap_or("?")))
            } else {
                options.contains("partitioned").then(|| "is partitioned".to_owned())
            };
            existing.tables.insert(row.get("tab")?, Table { unfit, engine: other, ..Table::default() });
        }
        let sql = "SELECT CAST(table_name AS CHAR) AS tab, CAST(column_name AS CHAR) AS col, \
                   CAST(column_type AS CHAR) AS kind FROM information_schema.columns WHERE table_schema = DATABASE()";
        for row in db.fetch(sql.to_owned(), vec![]).await? {
            if let Some(table) = existing.tables.get_mut(&row.get::<String>("tab")?) {
                table.columns.insert(row.get("col")?, row.get::<String>("kind")?.to_lowercase());
            }
        }
        let sql = "SELECT CAST(table_name AS CHAR) AS tab, CAST(index_name AS CHAR) AS name, \
                   CAST(column_name AS CHAR) AS col FROM information_schema.statistics \
                   WHERE table_schema = DATABASE() AND seq_in_index = 1";
        for row in db.fetch(sql.to_owned(), vec![]).await? {
            let table: String = row.get("tab")?;
            if let (Some(known), Some(column)) = (existing.tables.get_mut(&table), row.get::<Option<String>>("col")?) {
                known.indexed.insert(column);
            }
            existing.indexes.insert((table, row.get("name")?));
        }
        Ok(existing)
    }

    /// What cannot be relied on in a table whose engine knows no transactions, and what would mend it.
    pub(super) fn doubt(&self, table: &str) -> Option<String> {
        let engine = self.tables.get(table)?.engine.as_deref()?;
        Some(format!(
            "the engine {engine} knows no transactions: what is written here stays when the rest is taken back, two who \
             write at once may lose a value, and no foreign key guards what refers to it; ALTER TABLE {table} ENGINE = \
             InnoDB mends it, and is never done by us"
        ))
    }

    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|table| table.columns.contains_key(column))
    }

    pub(super) fn has_index(&self, table: &str, index: &str) -> bool {
        self.indexes.contains(&(table.to_owned(), index.to_owned()))
    }

    /// Notes a table that was made, or would be.
    pub(super) fn add_table(&mut self, create: &Create) {
        let columns = create.columns().map(|(name, kind)| (name.to_owned(), kind.to_lowercase())).collect();
        // Every table of ours has a key of its own, and foreign keys point to nothing else.
        let indexed = create.columns().map(|(name, _)| name.to_owned()).collect();
        self.tables.insert(create.table.clone(), Table { columns, indexed, engine: None, unfit: None });
    }

    /// Notes a column that was added, or would be.
    pub(super) fn add_column(&mut self, table: &str, column: &str) {
        if let Some(table) = self.tables.get_mut(table) {
            table.columns.insert(column.to_owned(), String::new());
        }
    }
}

/// Whether two types of whole numbers are the same for a foreign key: the width of display does not count.
pub(super) fn same_integer(one: &str, other: &str) -> bool {
    fn plain(kind: &str) -> Vec<&str> {
        kind.split(|letter: char| letter.is_whitespace() || letter == '(' || letter == ')')
            .filter(|word| !word.is_empty() && !word.starts_with(|letter: char| letter.is_ascii_digit()))
            .map(|word| if word == "integer" { "int" } else { word })
            .collect()
    }
    plain(&one.to_lowercase()) == plain(&other.to_lowercase())
}

/// Whether a type is one of whole numbers.
pub(super) fn is_integer(kind: &str) -> bool {
    ["tinyint", "smallint", "mediumint", "int", "bigint"].iter().any(|name| kind.to_lowercase().starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_width_of_display_does_not_count() {
        assert!(
            same_integer("BIGINT", "bigint(20)") && same_integer("INT", "int(11)") && same_integer("INTEGER", "int")
        );
        assert!(!same_integer("BIGINT", "bigint(20) unsigned") && !same_integer("BIGINT", "int(11)"));
        assert!(is_integer("mediumint(8) unsigned") && is_integer("INTEGER") && !is_integer("varchar(36)"));
    }
}
