//! Migrating: told before, done once, and only added to.

use std::{collections::BTreeSet, thread, time::Duration};

use orchestrix_tests::{
    legacy::{self, Picture, TABLES, Variant},
    mariadb::RealMariaDb,
    programs::{self, COLLECTOR, Ran},
};
use serde_json::Value;

/// How long a migration may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs `migrate` with further flags.
pub(crate) fn migrate(url: &str, flags: &[&str]) -> Ran {
    let arguments = [&["migrate", "--database-url", url][..], flags].concat();
    let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
    programs::run(COLLECTOR, &arguments, PATIENCE)
}

fn told(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

/// What is said of a table.
fn of_table<'a>(told: &'a Value, table: &str) -> &'a Value {
    told["tables"].as_array().unwrap().iter().find(|shown| shown["table"] == table).unwrap()
}

fn tables(database: &RealMariaDb) -> BTreeSet<String> {
    database.ask("SHOW TABLES").lines().map(str::to_owned).collect()
}

/// The whole story on one variant; returns what the dry run told.
fn play(variant: Variant) -> Option<Value> {
    let database = legacy::load(variant)?;
    let (picture, whole) = (Picture::of(&database), legacy::everything(&database));

    let dry = migrate(&database.url(), &["--dry-run", "-o", "json"]);
    assert_eq!(dry.code, Some(2), "something is pending: {dry:#?}");
    let said = told(&dry);
    assert_eq!(legacy::everything(&database), whole, "a dry run changes nothing at all");
    for table in TABLES {
        assert_eq!(of_table(&said, table)["action"], "keep", "{table}");
    }
    assert_eq!(said["copies"][0]["rows"], 3, "datacenters with an environment: {said}");
    assert_eq!(said["obstacles"], Value::Array(vec![]));

    let done = migrate(&database.url(), &[]).ok();
    assert!(done.contains("Applied: 0001_inventory"), "{done}");
    assert_eq!(Picture::of(&database), picture, "definitions, checksums and rows are what they were");
    let would: BTreeSet<String> =
        said["tables"].as_array().unwrap().iter().map(|shown| shown["table"].as_str().unwrap().to_owned()).collect();
    assert_eq!(tables(&database), would, "what was told is what was made");

    let whole = legacy::everything(&database);
    let again = migrate(&database.url(), &[]).ok();
    assert!(again.contains("nothing is pending"), "{again}");
    assert_eq!(migrate(&database.url(), &["--dry-run"]).code, Some(0));
    assert_eq!(legacy::everything(&database), whole);
    Some(said)
}

#[test]
fn an_existing_database_is_only_added_to() {
    play(Variant::AsItStands);
}

#[test]
fn keys_that_are_unsigned_are_referred_to_as_such() {
    let Some(said) = play(Variant::UnsignedKeys) else { return };
    let notes = of_table(&said, "compute_workloads")["notes"].to_string();
    assert!(notes.contains("compute_id is bigint(20) unsigned, as the key of computes is"), "{notes}");
}

#[test]
fn tables_in_older_character_sets_are_left_in_them() {
    play(Variant::Utf8mb3);
    play(Variant::Latin1);
}

#[test]
fn an_engine_without_transactions_is_told_and_done_without() {
    let Some(said) = play(Variant::MyIsam) else { return };
    let notes = of_table(&said, "computes")["notes"].to_string();
    assert!(notes.contains("MyISAM knows no transactions"), "{notes}");
    assert!(notes.contains("ALTER TABLE computes ENGINE = InnoDB"), "{notes}");
    let notes = of_table(&said, "compute_workloads")["notes"].to_string();
    assert!(
        notes.contains("no foreign key compute_id → computes.id: computes is a table of the engine MyISAM"),
        "{notes}"
    );
    assert!(!of_table(&said, "partners")["notes"].to_string().contains("MyISAM"), "partners is another table");
}

#[test]
fn two_that_migrate_at_once_make_everything_once() {
    let Some(database) = legacy::load(Variant::AsItStands) else { return };
    let picture = Picture::of(&database);
    let url = database.url();
    let ran: Vec<Ran> = thread::scope(|scope| {
        let both: Vec<_> = (0..2).map(|_| scope.spawn(|| migrate(&url, &[]))).collect();
        both.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for one in &ran {
        assert_eq!(one.code, Some(0), "{one:#?}");
    }
    assert_eq!(Picture::of(&database), picture);
    let sql = "SELECT COUNT(*), COUNT(DISTINCT version), MIN(success) FROM orchestrix_migrations";
    let counted = database.ask(sql);
    let counts: Vec<&str> = counted.split_whitespace().collect();
    assert!(counts[0] == counts[1] && counts[2] == "1", "each ran once, to its end: {counts:?}");
    assert_eq!(migrate(&url, &["--dry-run"]).code, Some(0));
}
