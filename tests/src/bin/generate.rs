//! Fills an empty inventory with a plausible one of any size: see `orchestrix_tests::generate`.

#![allow(clippy::print_stdout, reason = "a command tells what it did")]

use std::time::Duration;

use clap::Parser;
use orchestrix_tests::generate::{FillError, Scale, fill};

/// Fills the empty inventory that `orchestrix-collector migrate` made.
#[derive(Debug, Parser)]
struct Arguments {
    /// `sqlite://PATH` or `mysql://USER@HOST:PORT/NAME`
    #[arg(long, value_name = "URL")]
    database_url: String,
    /// Hosts
    #[arg(long, default_value_t = 10_000)]
    computes: u32,
    /// Containers, pods and processes
    #[arg(long, default_value_t = 1_000_000)]
    workloads: u32,
    /// The same seed gives the same inventory, but for the times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the agents count as answering, although nobody plays them
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
    alive_secs: u64,
}

fn main() -> Result<(), FillError> {
    let Arguments { database_url, computes, workloads, seed, alive_secs } = Arguments::parse();
    let scale = Scale { seed, alive: Duration::from_secs(alive_secs), ..Scale::new(computes, workloads) };
    let filled = fill(&database_url, &scale)?;
    for (table, rows) in &filled.tables {
        println!("{rows:>10}  {table}");
    }
    println!(
        "{:>10}  rows in {:.1} s: {:.0} per second, {:.2} of the raw limit of this run ({:.0})",
        filled.rows(),
        filled.took.as_secs_f64(),
        filled.rows_per_second,
        filled.ratio(),
        filled.raw_rows_per_second
    );
    Ok(())
}
