//! The generated inventory that benchmarks and tests of the page use is one that the collector takes for its own.

use std::collections::BTreeMap;

use orchestrix_tests::{
    generate::{FillError, Filled, Scale, fill},
    installation::Installation,
};

const SCALE: Scale = Scale::new(60, 3_000);

/// A collector on a generated inventory.
fn filled(mut installation: Installation) -> (Installation, Filled) {
    installation.stop();
    let filled = fill(&installation.database_url(), &SCALE).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    installation.start();
    (installation, filled)
}

/// The collector finds no contradiction, and shows as many rows as were written.
fn holds_together(installation: Installation) {
    let (installation, filled) = filled(installation);
    let rows: BTreeMap<_, _> = filled.tables.iter().copied().collect();
    assert_eq!((rows["computes"], rows["compute_workloads"]), (60, 3_000), "{filled:?}");

    let found = installation.cli(&["check"]);
    assert_eq!(found.code, Some(0), "{found:#?}");
    for (list, table) in [("partners", "partners"), ("datacenters", "datacenters"), ("computes", "computes")] {
        assert_eq!(installation.list(list).len() as u64, rows[table], "{list}");
    }
    assert_eq!(installation.list("workloads?ended=any").len(), 3_000);
    let running = installation.list("workloads?status=running&computeId=1");
    assert!(!running.is_empty() && running.iter().all(|workload| workload["computeName"].is_string()), "{running:?}");
    assert!(installation.list("computes?status=UNREACHABLE").len() < 5, "agents count as answering");

    let again = fill(&installation.database_url(), &SCALE);
    assert!(matches!(again, Err(FillError::NotEmpty)), "{again:?}");
}

#[test]
fn a_generated_inventory_holds_together_on_sqlite() {
    holds_together(Installation::on_sqlite());
}

#[test]
fn a_generated_inventory_holds_together_on_mariadb() {
    if let Some(installation) = Installation::on_mariadb() {
        holds_together(installation);
    }
}

#[test]
fn the_same_seed_makes_the_same_inventory() {
    let names = || {
        let (installation, _) = filled(Installation::on_sqlite());
        let name = |workload: &serde_json::Value| (workload["workloadName"].clone(), workload["image"].clone());
        installation.list("workloads?ended=any").iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(names(), names());
}
