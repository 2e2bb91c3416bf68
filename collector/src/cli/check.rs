//! `check`: looks for rows that contradict each other.

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock};

use super::{
    DatabaseArgs,
    output::{self, Output},
    text::{Paint, plain},
};
use crate::query::consistency::{self, Finding};

/// Flags of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector check
  orchestrix-collector check -o json | jq -r '.[].code' | sort | uniq -c

Ends with 0 when nothing was found, else with 1. It changes nothing.")]
pub struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let findings = consistency::findings(&db, SystemClock.now()).await.context("check the inventory")?;
    match args.output {
        Output::Json => output::print_json(&findings)?,
        Output::Table => output::print(&lines(&findings, Paint::for_stdout()))?,
    }
    anyhow::ensure!(findings.is_empty(), "the inventory contradicts itself in {} places", findings.len());
    Ok(())
}

fn lines(findings: &[Finding], paint: Paint) -> String {
    if findings.is_empty() {
        return "No contradictions found.".to_owned();
    }
    let line = |finding: &Finding| {
        let Finding { code, subject, detail, problem, advice } = finding;
        let detail = if detail.is_empty() { String::new() } else { format!(" ({})", plain(detail, 80)) };
        format!("{}  {}{detail} {problem}\n    → {advice}", paint.warn(code), plain(subject, 64))
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
