//! `status`: how the running agent does.

use std::fmt::Write as _;

use anyhow::bail;

use super::{
    args::{CollectorArgs, ConfigArgs},
    output::{self, Output, bytes, plain, table},
};
use crate::{
    link::LinkState,
    status::{self, AgentStatus},
};

/// Flags of `status`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// End with an error unless a collector takes what is reported
    #[arg(long)]
    connected: bool,
    /// Form of the answer
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(Args { config, connected, output }: Args) -> anyhow::Result<()> {
    let config = config.load(CollectorArgs::default())?.config;
    let status = status::ask(&config.state_dir).await?;
    match output {
        Output::Json => output::print_json(&status),
        Output::Table => output::print(&described(&status)),
    }?;
    match &status.link.state {
        LinkState::Connected { held: None, .. } => Ok(()),
        LinkState::Connected { held: Some(reason), .. } if connected => bail!("reports are kept here: {reason}"),
        state if connected => bail!("no collector: {}", link(state)),
        _ => Ok(()),
    }
}

fn described(status: &AgentStatus) -> String {
    let outbox = &status.outbox;
    let mut lines = vec![
        ("agent", format!("{} ({}) on {}", status.agent_id, status.version, plain(&status.hostname))),
        ("running since", status.started_at.to_string()),
        ("collector", plain(&status.collector)),
        ("link", link(&status.link.state)),
        ("certificate", format!("valid until {}", status.certificate_not_after)),
        (
            "reports",
            format!(
                "{} written, {} acknowledged, {} waiting ({}), {} dropped, {} refused",
                outbox.head_sequence,
                outbox.acknowledged_sequence,
                outbox.waiting_reports,
                bytes(outbox.bytes),
                outbox.dropped_reports,
                status.link.refused_reports
            ),
        ),
        (
            "last acknowledged",
            status.link.acknowledged_at.map_or_else(|| "none since the start".into(), |at| at.to_string()),
        ),
        (
            "own use",
            format!(
                "{:.1} s of processor time, {} of memory{}",
                status.own_use.cpu_seconds,
                status.own_use.memory_bytes.map_or_else(|| "unknown".into(), bytes),
                if status.own_use.over_budget.is_empty() { "" } else { ", over its budget" }
            ),
        ),
    ];
    if let Some(skew) = status.link.clock_skew_ms.filter(|skew| skew.abs() > 1_000) {
        lines.push(("clock", format!("the collector's is {skew} ms ahead")));
    }
    if let Some(trouble) = &outbox.trouble {
        lines.push(("outbox", format!("in memory only: {}", plain(trouble))));
    }
    if let Some(refusal) = &status.link.last_refusal {
        lines.push(("last refusal", plain(refusal)));
    }
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:width$}  {value}");
    }
    let mut sources = table(&["SOURCE", "HEALTH", "SINCE", "ENTITIES", "REASON"]);
    for line in &status.sources {
        let (health, since, reason) = line.status.as_ref().map_or_else(
            || ("not looked at yet", String::new(), String::new()),
            |status| (status.health.as_str(), status.since.to_string(), plain(&status.reason)),
        );
        sources.add_row([line.source.as_str(), health, &since, &line.entities.to_string(), &reason]);
    }
    format!("{text}\n{sources}")
}

fn link(state: &LinkState) -> String {
    match state {
        LinkState::Starting => "waits for the first look at the host".into(),
        LinkState::Connecting => "connecting".into(),
        LinkState::Connected { since, epoch, held: None } => format!("connected since {since}, session {epoch}"),
        LinkState::Connected { since, epoch, held: Some(reason) } => {
            format!("connected since {since}, session {epoch}; reports are held: {}", plain(reason))
        }
        LinkState::Waiting { reason, next_try, .. } => format!("no session: {}; next try {next_try}", plain(reason)),
        LinkState::Stopped => "ends".into(),
    }
}
