//! `status`: how the running agent does.

use std::fmt::Write as _;

use anyhow::bail;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use super::{
    args::{CollectorArgs, ConfigArgs},
    output::{self, Output, bytes, plain, table},
};
use crate::{
    link::LinkState,
    status::{self, AgentStatus, OwnUse},
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
        Output::Table => output::print(&described(&status, SystemClock.now())),
    }?;
    match &status.link.state {
        LinkState::Connected { held: None, .. } => Ok(()),
        LinkState::Connected { held: Some(reason), .. } if connected => bail!("reports are kept here: {reason}"),
        state if connected => bail!("no collector: {}", link(state)),
        _ => Ok(()),
    }
}

fn described(status: &AgentStatus, now: Timestamp) -> String {
    let outbox = &status.outbox;
    let mut lines = vec![
        ("agent", format!("{} ({}) on {}", status.agent_id, status.version, plain(&status.hostname))),
        ("running since", status.started_at.to_string()),
        ("collector", plain(&status.collector)),
        ("link", link(&status.link.state)),
        (
            "certificate",
            format!("valid until {}, {}", status.certificate_not_after, left(status.certificate_not_after, now)),
        ),
        (
            "reports",
            format!(
                "{} written, {} acknowledged, {} dropped, {} refused",
                outbox.head_sequence, outbox.acknowledged_sequence, outbox.dropped_reports, status.link.refused_reports
            ),
        ),
        (
            "last accepted",
            status.link.acknowledged_at.map_or_else(|| "none since the start".into(), |at| at.to_string()),
        ),
        (
            "outbox",
            format!(
                "{} reports waiting, {} of {}",
                outbox.waiting_reports,
                bytes(outbox.bytes),
                bytes(outbox.max_bytes)
            ),
        ),
        ("own use", own_use(&status.own_use)),
    ];
    if let Some(skew) = status.link.clock_skew_ms.filter(|skew| skew.abs() > 1_000) {
        lines.push(("clock", format!("the collector's is {skew} ms ahead")));
    }
    if let Some(trouble) = &outbox.trouble {
        lines.push(("outbox's disk", format!("reports are in memory only: {}", plain(trouble))));
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
    let mut sources = table(&["SOURCE", "HEALTH", "SINCE", "ENTITIES", "LAST LOOK", "TOOK", "REASON"]);
    for line in &status.sources {
        let (health, since, reason) = line.status.as_ref().map_or_else(
            || ("not looked at yet", String::new(), String::new()),
            |status| (status.health.as_str(), status.since.to_string(), plain(&status.reason)),
        );
        let looked = line.look.at.map_or_else(String::new, |at| at.to_string());
        let took = line.look.at.map_or_else(String::new, |_| format!("{:.0} ms", line.look.seconds * 1e3));
        sources.add_row([line.source.as_str(), health, &since, &line.entities.to_string(), &looked, &took, &reason]);
    }
    format!("{text}\n{sources}")
}

/// Processor and memory, each beside its budget.
fn own_use(used: &OwnUse) -> String {
    let over = |bound: &str| if used.over_budget.iter().any(|name| name == bound) { ", over it" } else { "" };
    let mean =
        used.cpu_percent.map_or_else(String::new, |percent| format!(", {percent:.1} % of a core in the last minute"));
    format!(
        "{:.1} s of processor time{mean} (budget {} %{}); {} of memory (budget {}{})",
        used.cpu_seconds,
        used.budget_cpu_percent,
        over("cpu"),
        used.memory_bytes.map_or_else(|| "unknown".into(), bytes),
        bytes(used.budget_memory_bytes),
        over("memory"),
    )
}

/// How long something is still good for.
fn left(end: Timestamp, now: Timestamp) -> String {
    match (end > now, end.since(now).as_secs() / 60) {
        (false, _) => "which is over".to_owned(),
        (true, minutes @ 0..120) => format!("{minutes} min left"),
        (true, minutes) => format!("{} h left", minutes / 60),
    }
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

#[cfg(test)]
mod tests {
    use orchestrix_common::model::Source;

    use super::*;
    use crate::{
        inspect::{LookFigures, LookOutcome},
        link::LinkStatus,
        status::{OutboxStatus, SourceLine},
    };

    #[test]
    fn people_see_what_is_seen_accepted_waiting_and_used() {
        let at = Timestamp::from_secs;
        let status = AgentStatus {
            version: "1.2.3".into(),
            agent_id: "id".into(),
            hostname: "web\u{1b}-1".into(),
            collector: "c:1".into(),
            certificate_not_after: at(7_200 * 5),
            started_at: at(1),
            link: LinkStatus {
                state: LinkState::Connected { since: at(2), epoch: 3, held: None },
                acknowledged_at: Some(at(60)),
                ..LinkStatus::default()
            },
            outbox: OutboxStatus {
                head_sequence: 9,
                acknowledged_sequence: 8,
                waiting_reports: 1,
                dropped_reports: 0,
                bytes: 2_048,
                max_bytes: 64 << 20,
                trouble: None,
            },
            sources: vec![SourceLine {
                source: Source::Docker,
                status: None,
                entities: 7,
                look: LookFigures {
                    outcome: Some(LookOutcome::Observed),
                    at: Some(at(61)),
                    seconds: 0.012,
                    ..LookFigures::default()
                },
            }],
            own_use: OwnUse {
                cpu_seconds: 1.25,
                memory_bytes: Some(12 << 20),
                cpu_percent: Some(0.31),
                over_budget: vec!["memory".into()],
                budget_cpu_percent: 10.0,
                budget_memory_bytes: 8 << 20,
            },
        };
        let text = described(&status, at(100));
        for part in [
            "9 h left",
            "9 written, 8 acknowledged, 0 dropped, 0 refused",
            "last accepted  1970-01-01T00:01:00",
            "1 reports waiting, 2.0 KiB of 64.0 MiB",
            "1.2 s of processor time, 0.3 % of a core in the last minute (budget 10 %)",
            "12.0 MiB of memory (budget 8.0 MiB, over it)",
            "12 ms",
            "1970-01-01T00:01:01",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(left(at(100), at(100)), "which is over");
        assert_eq!(left(at(160), at(100)), "1 min left");
    }
}
