//! `matches`: hosts that fit several computes, or none well enough.

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use super::{
    DatabaseArgs,
    output::{self, Output},
    text::{Paint, UNKNOWN, ago, plain},
};
use crate::query::{self, Match};

/// Flags of `matches`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector matches
  orchestrix-collector matches -o json | jq '.[] | {id, hostname, candidates}'

Reports of such a host are held until somebody decides.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Also those that were decided
    #[arg(long)]
    all: bool,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let now = SystemClock.now();
    let mut matches = query::every::<Match>(&db, now).await.context("read the matches")?;
    matches.retain(|one| args.all || one.state == "OPEN");
    match args.output {
        Output::Json => output::print_json(&matches),
        Output::Table if matches.is_empty() => output::print("Nothing waits for a decision."),
        Output::Table => output::print(&table(&matches, now, Paint::for_stdout())),
    }
}

fn table(matches: &[Match], now: Timestamp, paint: Paint) -> String {
    let mut table = output::table(&["ID", "HOST", "STATE", "WAITS", "CANDIDATES", "AGENT", "DECISION"]);
    for one in matches {
        let candidates = one.candidates.as_ref().map_or_else(|| UNKNOWN.to_owned(), ToString::to_string);
        table.add_row([
            one.id.to_string(),
            plain(one.hostname.as_deref().unwrap_or(UNKNOWN), 40),
            if one.state == "OPEN" { paint.warn("OPEN") } else { plain(&one.state, 16) },
            ago(one.resolved_at.map_or(now, |at| at.0), one.created_at.0),
            plain(&candidates, 200),
            plain(&one.agent_id, 36),
            plain(one.resolution.as_deref().unwrap_or("none yet"), 64),
        ]);
    }
    table.to_string()
}
