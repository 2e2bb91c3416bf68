//! Each migration only expands what is there, so that a collector of the version before goes on beside it. Tests only: on
//! the text of the migrations, and level by level on both databases with the columns that the version before knows.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    MYSQL, Migration, SQLITE,
    existing::Existing,
    known, run,
    statement::{Change, Statement, read},
};
use crate::{
    query::testing::TestDb,
    store::{self, Db, Dialect, Executor as _},
};

/// Statements that change rows which are there already, by the migration: each was looked at by a person, and leaves what the
/// version before reads as it is.
const ROWS: [(&str, &str); 3] = [
    // Both set only what the same migration has added.
    ("0004_environments", "UPDATE environment_associations SET declared_percentage"),
    ("0014_certificate_rotation", "UPDATE certificate_authorities SET activated_at_us"),
    // A setting that the version before does not know.
    ("0003_history", "INSERT INTO discovery_settings"),
];

/// What is wrong with a statement, in the eyes of the version before.
fn narrows(migration: &str, statement: &Statement, made: &BTreeSet<String>) -> Option<String> {
    match statement {
        Statement::Create(create) => {
            made.contains(&create.table).then(|| format!("makes table {} a second time", create.table))
        }
        Statement::Alter { table, changes } => changes.iter().find_map(|change| match change {
            Change::Column { name, text } => {
                let text = text.to_uppercase();
                let filled = !text.contains("NOT NULL") || text.contains(" DEFAULT ");
                let unique = text.contains("UNIQUE") || text.contains("PRIMARY KEY");
                (!filled || unique)
                    .then(|| format!("{table}.{name} must be given, which the version before does not do"))
            }
            Change::Index { name, text } => {
                let unique = text.to_uppercase().contains("UNIQUE") && made.contains(table);
                unique.then(|| format!("{name} forbids rows of {table} that the version before may write"))
            }
            Change::Other(text) => Some(format!("ALTER TABLE {table} {text}")),
        }),
        Statement::Index { name, table, sql } => {
            let unique = sql.to_uppercase().starts_with("CREATE UNIQUE") && made.contains(table);
            unique.then(|| format!("{name} forbids rows of {table} that the version before may write"))
        }
        Statement::Rows(sql) => {
            let words = sql.split_whitespace().collect::<Vec<_>>().join(" ");
            let touches = made.iter().any(|table| words.split_whitespace().any(|word| word == table));
            let allowed = ROWS.iter().any(|(name, begin)| *name == migration && words.starts_with(begin));
            (touches && !allowed).then_some(words)
        }
    }
}

#[test]
fn no_migration_takes_anything_away_from_the_version_before() {
    for list in [SQLITE, MYSQL] {
        let mut made = BTreeSet::new();
        for Migration { name, sql, .. } in list {
            let statements = read(sql);
            for statement in &statements {
                let problem = narrows(name, statement, &made);
                assert_eq!(problem, None, "{name} must only add: expand now, and contract in a later version");
            }
            made.extend(statements.into_iter().filter_map(|statement| match statement {
                Statement::Create(create) => Some(create.table),
                _ => None,
            }));
        }
    }
}

#[test]
fn what_takes_something_away_is_found() {
    let made = BTreeSet::from(["computes".to_owned()]);
    let refused = [
        "ALTER TABLE computes DROP COLUMN notes",
        "ALTER TABLE computes MODIFY notes VARCHAR(10)",
        "ALTER TABLE computes RENAME COLUMN notes TO remarks",
        "ALTER TABLE computes ADD COLUMN size INT NOT NULL",
        "ALTER TABLE computes ADD UNIQUE KEY one (notes)",
        "CREATE UNIQUE INDEX one ON computes (notes)",
        "DROP TABLE computes",
        "UPDATE computes SET notes = NULL",
        "DELETE FROM computes WHERE notes IS NULL",
    ];
    for sql in refused {
        assert!(read(sql).iter().any(|statement| narrows("0099_x", statement, &made).is_some()), "{sql}");
    }
    let allowed = [
        "ALTER TABLE computes ADD COLUMN size INT",
        "ALTER TABLE computes ADD COLUMN size INT NOT NULL DEFAULT 0",
        "CREATE INDEX one ON computes (notes)",
        "CREATE TABLE sizes (id BIGINT PRIMARY KEY)",
    ];
    for sql in allowed {
        assert!(read(sql).iter().all(|statement| narrows("0099_x", statement, &made).is_none()), "{sql}");
    }
}

/// Columns of every table with their types, as the version before finds them.
type Tables = BTreeMap<String, BTreeMap<String, String>>;

async fn tables(db: &Db) -> Tables {
    Existing::read(db).await.unwrap().tables.into_iter().map(|(name, table)| (name, table.columns)).collect()
}

/// Runs one migration after the other, and after each does what the version before does with every table.
async fn each_level_serves_the_one_before(db: &Db) {
    let all = known(db.dialect());
    run::run(db, &all[..1]).await.unwrap();
    for level in 2..=all.len() {
        let before = tables(db).await;
        run::run(db, &all[..level]).await.unwrap();
        let now = tables(db).await;
        for (table, columns) in &before {
            for (column, kind) in columns {
                let found = now.get(table).and_then(|columns| columns.get(column));
                assert_eq!(found, Some(kind), "{table}.{column} after {}", all[level - 1].name);
            }
            read_and_write(db, table, columns.keys()).await;
        }
    }
}

/// Reads the columns, and writes a row of just them, which comes from the table itself: none is there, but the database
/// checks that nothing is missing.
async fn read_and_write(mut db: &Db, table: &str, columns: impl Iterator<Item = &String>) {
    let columns: Vec<_> = columns.map(|column| format!("`{column}`")).collect();
    let columns = columns.join(", ");
    db.fetch(format!("SELECT {columns} FROM `{table}` LIMIT 1"), vec![]).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let sql = format!("INSERT INTO `{table}` ({columns}) SELECT {columns} FROM `{table}` WHERE 1 = 0");
    tx.execute(sql, vec![]).await.unwrap_or_else(|error| panic!("{table}: {error:?}"));
    let demands = match db.dialect() {
        Dialect::Sqlite => {
            "SELECT name AS col FROM pragma_table_info(?) WHERE \"notnull\" = 1 AND dflt_value IS NULL AND pk = 0"
        }
        Dialect::MySql => {
            "SELECT CAST(column_name AS CHAR) AS col FROM information_schema.columns WHERE table_schema = DATABASE() \
             AND table_name = ? AND is_nullable = 'NO' AND column_default IS NULL AND extra NOT LIKE '%auto_increment%'"
        }
    };
    for row in tx.fetch(demands.to_owned(), vec![table.into()]).await.unwrap() {
        let column: String = row.get("col").unwrap();
        assert!(columns.contains(&format!("`{column}`")), "{table}.{column} must be given");
    }
}

#[tokio::test]
async fn each_level_serves_the_one_before_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let db = store::open(&format!("sqlite://{}", folder.path().join("inventory.db").display())).await.unwrap();
    each_level_serves_the_one_before(&db).await;
    db.close().await;
}

#[tokio::test]
async fn each_level_serves_the_one_before_on_mariadb() {
    let Some(test) = TestDb::empty_mariadb().await else { return };
    each_level_serves_the_one_before(&test.db).await;
    test.close().await;
}
