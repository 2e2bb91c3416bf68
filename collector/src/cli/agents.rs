//! `agents`: who reports, how well, and decisions about them.

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::{
    id::AgentId,
    time::{Clock as _, SystemClock, Timestamp},
};

use super::{
    DatabaseArgs, operator,
    output::{self, Output},
    text::{Paint, UNKNOWN, ago, plain, span},
};
use crate::{
    admin,
    query::{self, Agent},
    store::Db,
};

/// Flags of `agents`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector agents
  orchestrix-collector agents -o json | jq '.[] | select(.connected | not) | .hostname'
  orchestrix-collector agents revoke 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111 --reason 'host was sold'
  orchestrix-collector agents activate 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Withdraws an agent's identity for good: its sessions end within seconds, the host must enrol again
    Revoke {
        /// The agent
        #[arg(value_name = "ID", value_parser = agent_id)]
        id: AgentId,
        /// Why; it is kept with the agent and in the audit log
        #[arg(long, value_name = "TEXT", default_value = "")]
        reason: String,
    },
    /// Lets a quarantined agent report again, after you made sure that its identity exists on one host only
    Activate {
        /// The agent
        #[arg(value_name = "ID", value_parser = agent_id)]
        id: AgentId,
    },
}

fn agent_id(text: &str) -> Result<AgentId, String> {
    text.parse().map_err(|_| "expected the id of an agent as `agents` shows it".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let now = SystemClock.now();
    let (_, db) = args.database.open_current().await?;
    match args.command {
        None => {
            let agents = query::every::<Agent>(&db, now).await.context("read the agents")?;
            show(&agents, now, args.output)
        }
        Some(Command::Revoke { id, reason }) => {
            anyhow::ensure!(reason.chars().count() <= 255, "the reason has more than 255 characters");
            admin::revoke_agent(&db, now, id, &reason, &operator()).await?;
            one(&db, id, now, args.output).await
        }
        Some(Command::Activate { id }) => {
            admin::activate_agent(&db, now, id, &operator()).await?;
            one(&db, id, now, args.output).await
        }
    }
}

async fn one(db: &Db, id: AgentId, now: Timestamp, output: Output) -> anyhow::Result<()> {
    let agent = query::get::<Agent>(db, now, vec![id.into()]).await.context("read the agent")?;
    show(agent.as_slice(), now, output)
}

fn show(agents: &[Agent], now: Timestamp, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => output::print_json(&agents),
        Output::Table if agents.is_empty() => output::print("No agent has enrolled yet (token create)."),
        Output::Table => output::print(&table(agents, now, Paint::for_stdout())),
    }
}

fn table(agents: &[Agent], now: Timestamp, paint: Paint) -> String {
    let header =
        ["ID", "HOST", "STATE", "CONNECTED", "HEARD", "VERSION", "CERTIFICATE", "REPORT", "LOST", "SKEW", "COVERAGE"];
    let mut table = output::table(&header);
    for agent in agents {
        let state = match &agent.state_reason {
            Some(reason) => format!("{} ({})", paint.state(&agent.state), plain(reason, 48)),
            None => paint.state(&agent.state),
        };
        let certificate = agent.certificate.as_ref().map_or_else(
            || "none".to_owned(),
            |certificate| {
                let left = certificate.expires_at.0.since(now);
                if left.is_zero() { paint.bad("expired") } else { format!("{} left", span(left)) }
            },
        );
        table.add_row([
            plain(&agent.id, 36),
            plain(&agent.hostname, 40),
            state,
            paint.state(if agent.connected { "yes" } else { "no" }),
            format!("{} ago", ago(now, agent.last_seen_at.0)),
            plain(&agent.version, 16),
            certificate,
            agent.applied_sequence.to_string(),
            agent.lost_reports.to_string(),
            agent.clock_skew_ms.map_or(UNKNOWN.to_owned(), |skew| format!("{skew} ms")),
            coverage(agent, paint),
        ]);
    }
    table.to_string()
}

fn coverage(agent: &Agent, paint: Paint) -> String {
    let there: Vec<_> = agent.coverage.iter().filter(|source| source.health != "absent").collect();
    let troubled: Vec<String> = there
        .iter()
        .filter(|source| source.health != "healthy")
        .map(|source| paint.warn(&format!("{} {}", plain(&source.source, 16), plain(&source.health, 16))))
        .collect();
    let healthy = there.len() - troubled.len();
    let summary = format!("{healthy} of {} healthy", there.len());
    if troubled.is_empty() { summary } else { format!("{summary}: {}", troubled.join(", ")) }
}
