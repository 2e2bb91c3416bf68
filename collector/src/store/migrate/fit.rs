//! Makes a migration fit the tables that are there already: only what is missing is made, and foreign keys have the types
//! of the keys that they point to.

use super::{
    super::Dialect,
    existing::{Existing, same_integer},
    statement::{Change, Create, Item, Statement},
};

/// A statement as it is run on this database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fitted {
    pub(super) sql: String,
    pub(super) does: Does,
    /// Where it differs from what is written, and why.
    pub(super) notes: Vec<String>,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// Makes a table.
    Create { table: String },
    /// Adds columns and indexes to a table of ours.
    Extend { table: String, adds: Vec<String> },
    /// Changes rows of our own tables.
    Rows,
}

/// Fits a statement and notes in `existing` what it adds; `None` when everything that it adds is there.
pub(super) fn fit(statement: &Statement, existing: &mut Existing, dialect: Dialect) -> Option<Fitted> {
    match statement {
        Statement::Create(create) => {
            if existing.tables.contains_key(&create.table) {
                return None;
            }
            let (create, notes) = match dialect {
                Dialect::Sqlite => (create.clone(), Vec::new()),
                Dialect::MySql => fit_create(create, existing),
            };
            existing.add_table(&create);
            Some(Fitted { sql: create.sql(), does: Does::Create { table: create.table }, notes })
        }
        Statement::Alter { table, changes } => {
            let missing: Vec<&Change> = changes
                .iter()
                .filter(|change| match change {
                    Change::Column { name, .. } => !existing.has_column(table, name),
                    Change::Index { name, .. } => !existing.has_index(table, name),
                    Change::Other(_) => true,
                })
                .collect();
            let texts: Vec<&str> = missing.iter().map(|change| change.text()).collect();
            if texts.is_empty() {
                return None;
            }
            let sql = format!("ALTER TABLE {table}\n    {}", texts.join(",\n    "));
            let adds = missing.iter().map(|change| change.adds()).collect();
            for change in missing {
                if let Change::Column { name, .. } = change {
                    existing.add_column(table, name);
                }
            }
            Some(Fitted { sql, does: Does::Extend { table: table.clone(), adds }, notes: Vec::new() })
        }
        Statement::Index { name, table, sql } => {
            if existing.has_index(table, name) {
                return None;
            }
            let does = Does::Extend { table: table.clone(), adds: vec![format!("index {name}")] };
            Some(Fitted { sql: sql.clone(), does, notes: Vec::new() })
        }
        Statement::Rows(sql) => Some(Fitted { sql: sql.clone(), does: Does::Rows, notes: Vec::new() }),
    }
}

impl Change {
    fn text(&self) -> &str {
        match self {
            Self::Column { text, .. } | Self::Index { text, .. } | Self::Other(text) => text,
        }
    }

    fn adds(&self) -> String {
        match self {
            Self::Column { name, .. } => format!("column {name}"),
            Self::Index { name, .. } => format!("index {name}"),
            Self::Other(text) => text.clone(),
        }
    }
}

/// Gives columns of foreign keys the type of the key that they point to, and drops a foreign key that cannot be.
fn fit_create(create: &Create, existing: &Existing) -> (Create, Vec<String>) {
    let mut fitted = create.clone();
    let mut notes = Vec::new();
    for item in &create.items {
        let Item::Foreign { column, parent, key, .. } = item else { continue };
        // A table may point to itself.
        let Some(known) = existing.tables.get(parent) else { continue };
        let unfit =
            known.unfit.clone().or_else(|| (!known.indexed.contains(key)).then(|| format!("has no index on {key}")));
        if let Some(kind) = known.columns.get(key) {
            retype(&mut fitted, column, kind, parent, &mut notes);
        }
        if let Some(reason) = unfit {
            fitted.items.retain(|other| other != item);
            notes.push(format!("no foreign key {column} → {parent}.{key}: {parent} {reason}"));
        }
    }
    // A server whose tables are COMPACT by default has no room for our keys.
    fitted.options.push_str(" ROW_FORMAT = DYNAMIC");
    (fitted, notes)
}

fn retype(create: &mut Create, column: &str, wanted: &str, parent: &str, notes: &mut Vec<String>) {
    for item in &mut create.items {
        if let Item::Column { name, kind, .. } = item
            && name == column
            && super::existing::is_integer(kind)
            && !same_integer(kind, wanted)
        {
            wanted.clone_into(kind);
            notes.push(format!("{column} is {wanted}, as the key of {parent} is"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{existing::Table, statement::read},
        *,
    };

    const OURS: &str = "CREATE TABLE facts (compute_id BIGINT NOT NULL PRIMARY KEY, FOREIGN KEY (compute_id) REFERENCES computes (id)) ENGINE = InnoDB;";

    fn legacy(kind: &str, unfit: Option<&str>) -> Existing {
        let mut existing = Existing::default();
        let computes = Table {
            columns: [("id".to_owned(), kind.to_owned())].into(),
            indexed: ["id".to_owned()].into(),
            engine: None,
            unfit: unfit.map(str::to_owned),
        };
        existing.tables.insert("computes".to_owned(), computes);
        existing
    }

    fn fitted(mut existing: Existing) -> Fitted {
        fit(&read(OURS)[0], &mut existing, Dialect::MySql).unwrap()
    }

    #[test]
    fn a_foreign_key_has_the_type_of_its_parent() {
        let same = fitted(legacy("bigint(20)", None));
        assert!(same.sql.contains("compute_id BIGINT NOT NULL") && same.notes.is_empty(), "{same:?}");
        let unsigned = fitted(legacy("bigint(20) unsigned", None));
        assert!(unsigned.sql.contains("compute_id bigint(20) unsigned NOT NULL PRIMARY KEY"), "{}", unsigned.sql);
        assert!(unsigned.sql.contains("FOREIGN KEY"), "{}", unsigned.sql);
        assert_eq!(unsigned.notes, ["compute_id is bigint(20) unsigned, as the key of computes is"]);
    }

    #[test]
    fn a_foreign_key_that_cannot_be_is_left_out_with_a_reason() {
        let fitted = fitted(legacy("bigint(20)", Some("is a table of the engine MyISAM")));
        assert!(!fitted.sql.contains("FOREIGN"), "{}", fitted.sql);
        assert_eq!(fitted.notes, ["no foreign key compute_id → computes.id: computes is a table of the engine MyISAM"]);
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let mut existing = legacy("bigint", None);
        let alter = &read("ALTER TABLE computes ADD COLUMN a INT, ADD COLUMN b INT;")[0];
        existing.add_column("computes", "a");
        let fitted = fit(alter, &mut existing, Dialect::MySql).unwrap();
        assert_eq!(fitted.sql, "ALTER TABLE computes\n    ADD COLUMN b INT");
        assert_eq!(fit(alter, &mut existing, Dialect::MySql), None);
    }
}
