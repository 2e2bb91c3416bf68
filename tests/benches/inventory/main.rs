//! What it costs to ask and to change a large inventory, against the best statements written by hand for the same.
//!
//! A generated inventory on each database, served by a real collector. Every figure is a ratio to a yardstick that was
//! measured in turn with it, in the same minutes and on the same tables: absolute times tell of the machine, which may be
//! busy. Nothing is asserted by time; what is asserted is that both ways give the same answer.
//!
//! Bringing an inventory along (10,000 hosts, with `--full` 100,000) is measured on a database of its own; `--part=import`
//! measures only that, `--part=inventory` everything else.
//!
//! Without flags 1,000 hosts with 100,000 workloads; with `--full` 10,000 with 1,000,000.
//! `ORCHESTRIX_BENCH_EXPLAIN=1` prints how the database answers the statements of the yardstick.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark fails by panicking")]

use std::time::Duration;

use orchestrix_tests::{
    generate::{Scale, fill},
    http::Kept,
    installation::Installation,
    part, wait,
};

mod changes;
mod compare;
mod import;
mod questions;
mod raw;
mod storage;

use questions::Asker;
use raw::Raw;

/// Makes an installation on one of the databases; `None` when its server cannot be had.
type Make = fn() -> Option<Installation>;

fn main() {
    let flags: Vec<String> = std::env::args().collect();
    // `cargo test` asks every target for its list of tests.
    if flags.iter().any(|flag| flag == "--list") {
        return;
    }
    let full = flags.iter().any(|flag| flag == "--full");
    let scale = if full { Scale::new(10_000, 1_000_000) } else { Scale::new(1_000, 100_000) };
    let databases: [(&str, Make); 2] =
        [("SQLite", || Some(Installation::on_sqlite())), ("MariaDB", Installation::on_mariadb)];
    let wanted =
        |name: &str| !flags.iter().any(|flag| flag.starts_with("--only=") && *flag != format!("--only={name}"));
    let part = |name: &str| !flags.iter().any(|flag| flag.starts_with("--part=") && *flag != format!("--part={name}"));
    for (name, make) in databases.into_iter().filter(|(name, _)| wanted(name)) {
        if part("inventory") {
            measure(name, make, &scale);
        }
        if let Some(installation) = part("import").then(make).flatten() {
            import::measure(name, installation, if full { 100_000 } else { 10_000 });
        }
    }
}

/// What a change must cost about as much on as on the large one.
const SMALL: Scale = Scale::new(100, 10_000);

fn measure(name: &str, make: Make, scale: &Scale) {
    let Some(mut installation) = make() else { return };
    part::measured(&format!(
        "inventory of {} computes with {} workloads on {name} ({}, {} scale)",
        scale.computes,
        scale.workloads,
        if cfg!(debug_assertions) { "dev profile" } else { "release profile" },
        if scale.workloads < 1_000_000 { "light" } else { "full" },
    ));
    installation.stop();
    let url = installation.database_url();
    let filled = fill(&url, scale).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    part::measured(&format!(
        "  filled with {} rows in {:.1} s, {:.2} of the raw limit of the same statements",
        filled.rows(),
        filled.took.as_secs_f64(),
        filled.ratio()
    ));
    let mut raw = Raw::open(&url);
    // What is generated counts as inferred and measured: a collector would do both in the background, for long.
    raw.run("UPDATE environment_worker SET done_pass = wanted_pass, usage_at_us = 9000000000000000");
    installation.start();
    let http = Kept::open(installation.api_address(), &installation.admin_token()).unwrap();
    let mut asker = Asker { http, raw };
    settle(&mut asker.raw);
    questions::front_end(&mut asker);
    questions::pages(&mut asker);
    questions::searches(&mut asker);
    questions::environments(&mut asker);
    questions::places(&mut asker);
    questions::free_text(&mut asker);
    let Asker { mut raw, .. } = asker;
    let (goal, bytes) = if raw.is_sqlite() { (0.35, 250.0) } else { (0.5, 400.0) };
    storage::measure(&mut raw, bytes);
    // Nobody else writes now.
    installation.stop();
    changes::measure(&url, &mut raw, goal);
    let Some(mut small) = make() else { return };
    small.stop();
    fill(&small.database_url(), &SMALL).unwrap_or_else(|error| panic!("{error}: {error:?}"));
    changes::follow((&url, scale), (&small.database_url(), &SMALL));
}

/// Lets the collector finish what it does by itself with an inventory that it has not seen before.
fn settle(raw: &mut Raw) {
    let mut last = Vec::new();
    wait::until("the collector to come to rest", Duration::from_secs(300), || {
        std::thread::sleep(Duration::from_secs(2));
        let now = raw.numbers("SELECT COALESCE(MAX(sequence), 0) FROM history", &[]);
        let same = now == last;
        last.clone_from(&now);
        wait::check(same, || format!("the history grows: {now:?}"))
    });
}
