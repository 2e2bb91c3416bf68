//! Migrations as a whole, on both databases.

use super::{
    existing::Existing,
    statement::{Statement, read},
    *,
};
use crate::{
    query::testing::{on_both, run as change},
    store::{Executor as _, Value},
};

on_both!(
    migrating_again_changes_nothing,
    a_run_that_was_cut_short_is_taken_up,
    a_newer_database_is_refused_and_named,
    a_table_of_something_else_is_never_taken_for_ours,
    an_older_inventory_is_refused_by_name,
    the_preview_tells_what_is_done,
);

/// Everything that tells one definition from another.
async fn definitions(db: &Db) -> String {
    let existing = Existing::read(db).await.unwrap();
    let tables: Vec<_> = existing.tables.iter().map(|(name, table)| format!("{name} {:?}", table.columns)).collect();
    format!("{tables:#?} {:#?}", existing.indexes)
}

async fn number(mut db: &Db, sql: &str) -> i64 {
    db.fetch_optional(sql.to_owned(), vec![]).await.unwrap().unwrap().get("n").unwrap()
}

/// Undoes a migration that is not the first one, as if it had never run.
async fn forget(db: &Db, version: i64) {
    change(db, &format!("DELETE FROM {TABLE} WHERE version = ?"), vec![version.into()]).await;
}

async fn migrating_again_changes_nothing(db: &Db) {
    let before = definitions(db).await;
    migrate(db).await.unwrap();
    assert_eq!(definitions(db).await, before);
    let plan = migration_plan(db).await.unwrap();
    assert_eq!((plan.applied.len(), plan.pending.len()), (SQLITE.len(), 0));
}

async fn a_run_that_was_cut_short_is_taken_up(db: &Db) {
    let before = definitions(db).await;
    // As a crash leaves it on MySQL: begun, some statements done, the last table of the file missing.
    change(db, &format!("UPDATE {TABLE} SET success = 0 WHERE version = 2"), vec![]).await;
    change(db, "DROP TABLE dead_letters", vec![]).await;
    change(db, "INSERT INTO discovery_settings (name, content) VALUES ('kept', 'yes')", vec![]).await;
    assert_eq!(migration_plan(db).await.unwrap().pending, ["0002_discovery"]);
    migrate(db).await.unwrap();
    assert_eq!(definitions(db).await, before);
    assert_eq!(number(db, "SELECT COUNT(*) AS n FROM discovery_settings WHERE name = 'kept'").await, 1);
    assert_eq!(migration_plan(db).await.unwrap().pending, [""; 0]);
}

async fn a_newer_database_is_refused_and_named(db: &Db) {
    let sql = format!(
        "INSERT INTO {TABLE} (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, 'x', 0)"
    );
    change(db, &sql, vec![]).await;
    let refused = migrate(db).await.unwrap_err().to_string();
    assert!(refused.contains("migration 9999") && refused.contains("upgrade this collector"), "{refused}");
    assert_eq!(
        number(db, &format!("SELECT COUNT(*) AS n FROM {TABLE}")).await,
        i64::try_from(SQLITE.len()).unwrap() + 1
    );
}

async fn a_table_of_something_else_is_never_taken_for_ours(db: &Db) {
    forget(db, 2).await;
    change(db, "DROP TABLE dead_letters", vec![]).await;
    change(db, "CREATE TABLE dead_letters (id INT, note VARCHAR(9))", vec![]).await;
    let before = definitions(db).await;
    let refused = migrate(db).await.unwrap_err().to_string();
    assert!(refused.contains("table dead_letters belongs to something else"), "{refused}");
    assert_eq!(definitions(db).await, before);
}

async fn an_older_inventory_is_refused_by_name(db: &Db) {
    change(db, "ALTER TABLE computes DROP COLUMN notes", vec![]).await;
    let refused = migrate(db).await.unwrap_err().to_string();
    assert!(refused.contains("ALTER TABLE computes ADD COLUMN notes TEXT"), "{refused}");
}

async fn the_preview_tells_what_is_done(db: &Db) {
    let done = migration_preview(db).await.unwrap();
    assert!(done.tables.iter().all(|table| table.action == Action::Keep), "{done:#?}");
    forget(db, 2).await;
    change(db, "DROP TABLE dead_letters", vec![]).await;
    change(db, "CREATE TABLE somebody_elses (id INT)", vec![]).await;
    change(db, "INSERT INTO partners (id, name, display_name, type) VALUES (1, 'a', 'A', 'both')", vec![]).await;
    let preview = migration_preview(db).await.unwrap();
    assert_eq!(preview.pending, ["0002_discovery"]);
    let table = |name: &str| preview.tables.iter().find(|table| table.table == name).unwrap();
    assert_eq!((table("partners").owner, table("partners").rows), (Owner::Inventory, Some(1)));
    assert_eq!((table("dead_letters").action, table("dead_letters").rows), (Action::Create, None));
    assert_eq!((table("somebody_elses").owner, table("somebody_elses").action), (Owner::Other, Action::Keep));
    let created = preview.tables.iter().filter(|table| table.action == Action::Create).count();
    assert_eq!(created, 1, "{preview:#?}");
    migrate(db).await.unwrap();
    let mut executor = db;
    assert!(executor.fetch("SELECT id FROM dead_letters".to_owned(), Vec::<Value>::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_yet_means_that_everything_is_made() {
    let preview = migration_preview_of_nothing().await.unwrap();
    assert_eq!(preview.pending.len(), SQLITE.len());
    assert!(preview.tables.iter().all(|table| table.action == Action::Create && table.rows.is_none()));
}

#[test]
fn both_dialects_have_the_same_migrations() {
    let names =
        |list: &[Migration]| list.iter().map(|migration| (migration.version, migration.name)).collect::<Vec<_>>();
    assert_eq!(names(SQLITE), names(MYSQL));
    assert!(SQLITE.is_sorted_by_key(|migration| migration.version));
}

#[test]
fn every_statement_of_every_migration_is_understood() {
    for migration in SQLITE.iter().chain(MYSQL) {
        let mut foreign = 0;
        for statement in read(migration.sql) {
            match statement {
                Statement::Create(create) => {
                    assert!(create.columns().count() > 0 && !create.table.is_empty(), "{create:#?}");
                    foreign +=
                        create.items.iter().filter(|item| matches!(item, statement::Item::Foreign { .. })).count();
                }
                Statement::Alter { table, changes } => {
                    let inventory = read(SQLITE[0].sql);
                    let legacy =
                        inventory.iter().any(|made| matches!(made, Statement::Create(made) if made.table == table));
                    assert!(!legacy, "{} alters {table}, which is not ours", migration.name);
                    assert!(!changes.is_empty(), "{table}");
                }
                Statement::Index { name, table, .. } => assert!(!name.is_empty() && !table.is_empty()),
                Statement::Rows(sql) => {
                    let known = ["INSERT", "UPDATE", "DELETE"].iter().any(|verb| sql.starts_with(verb));
                    assert!(known, "{}: {sql}", migration.name);
                }
            }
        }
        assert_eq!(foreign, migration.sql.matches("FOREIGN KEY").count(), "{}", migration.name);
    }
}
