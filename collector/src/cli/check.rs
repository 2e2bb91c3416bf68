//! `check`: looks for rows that contradict each other.

use anyhow::Context as _;
use orchestrix_common::time::{Clock as _, SystemClock};

use super::{
    DatabaseArgs,
    output::{self, Output},
    text::{Paint, plain},
};
use crate::query::consistency::{self, Finding, Severity};

/// Flags of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector check
  orchestrix-collector check -o json | jq -r '.[].code' | sort | uniq -c

Ends with 1 when it found an error, else with 0: a warning is unusual, or mends itself. It changes nothing.

Of the history the newest 100000 changes are looked at. Rules that contradict each other are looked for on all resources,
for 20 seconds. Not looked at: what a foreign key makes impossible, measurements, and history that retention has removed.")]
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
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    anyhow::ensure!(errors == 0, "the inventory contradicts itself in {errors} places");
    Ok(())
}

fn lines(findings: &[Finding], paint: Paint) -> String {
    if findings.is_empty() {
        return "No contradictions found.".to_owned();
    }
    let line = |finding: &Finding| {
        let Finding { code, severity, subject, detail, problem, advice } = finding;
        let code = match severity {
            Severity::Error => paint.bad(&format!("error    {code}")),
            Severity::Warning => paint.warn(&format!("warning  {code}")),
        };
        let detail = if detail.is_empty() { String::new() } else { format!(" ({})", plain(detail, 80)) };
        format!("{code}  {}{detail} {problem}\n    → {advice}", plain(subject, 64))
    };
    findings.iter().map(line).collect::<Vec<_>>().join("\n")
}
