//! `tree`: the whole inventory at a glance.

mod draw;

use orchestrix_common::time::{Clock as _, SystemClock};

use super::{
    DatabaseArgs,
    output::{self, Output},
    text::Paint,
};
use crate::query::tree;

/// Flags of `tree`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector tree                    everything in the configured inventory
  orchestrix-collector tree --depth 6          down to the computes, without what runs on them
  orchestrix-collector tree --env PROD         what belongs to production, and what leads there
  orchestrix-collector tree -o json | jq .summary
  orchestrix-collector tree --data-dir .orchestrix

A question mark stands for what is not known. `unknown` is a workload whose compute is silent, `stale` one whose source
cannot be looked at now: both are shown as they were last seen.

[PROD] is an environment of the thing itself, with its share where one is declared or was measured; (PROD) is inherited
from the nearest place above that has one.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Levels to show: 1 partners, 2 clouds, 3 regions, 4 zones, 5 datacenters, 6 computes, 7 everything
    #[arg(long, value_name = "N", default_value_t = tree::LEVELS, value_parser = clap::value_parser!(u8).range(1..=7))]
    depth: u8,
    /// Only what belongs to the environment with this code, by itself or inherited
    #[arg(long, value_name = "CODE")]
    env: Option<String>,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let now = SystemClock.now();
    let tree = match &args.env {
        Some(code) => tree::tree(&db, now, tree::LEVELS).await?.only(code, args.depth),
        None => tree::tree(&db, now, args.depth).await?,
    };
    match args.output {
        Output::Json => output::print_json(&tree),
        Output::Table => output::print(&draw::draw(&tree, now, Paint::for_stdout())),
    }
}

#[cfg(test)]
mod tests;
