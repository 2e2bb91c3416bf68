//! `matches`: which compute a host is: what waits for a person, why it was decided as it was, and what identifies nothing.

mod explain;
mod junk;

use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::{
    id::AgentId,
    time::{Clock as _, SystemClock, Timestamp},
};

use super::{
    DatabaseArgs, operator,
    output::{self, Output},
    text::{Paint, UNKNOWN, ago, plain},
};
use crate::{
    query::{self, Match},
    reconcile::{MatchChoice, Reconciler, identity::Fit},
};

/// Flags of `matches`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector matches
  orchestrix-collector matches -o json | jq '.[] | {id, hostname, candidates}'
  orchestrix-collector matches resolve 4 --compute 17     it is this compute
  orchestrix-collector matches resolve 4 --new            it is none of them
  orchestrix-collector matches explain 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111
  orchestrix-collector matches explain 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111 --compute 17     why is it not this one?
  orchestrix-collector matches junk add product_serial 'SN-0001' --note 'the whole batch has it'

Reports of such a host are held until somebody decides.")]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Also those that were decided
    #[arg(long)]
    all: bool,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t, global = true)]
    output: Output,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Decides which compute a host is; its reports are applied from the agent's next session on
    #[command(group = clap::ArgGroup::new("choice").required(true))]
    Resolve {
        /// The match, as `matches` shows it
        #[arg(value_name = "ID")]
        id: i64,
        /// It is this compute
        #[arg(long, value_name = "COMPUTE", group = "choice")]
        compute: Option<i64>,
        /// It is a new compute
        #[arg(long, group = "choice")]
        new: bool,
    },
    /// Tells why the host of an agent was matched as it was, or why it waits
    Explain {
        /// The agent, as `agents` shows it
        #[arg(value_name = "AGENT", value_parser = agent_id)]
        agent: AgentId,
        /// Also weigh this compute, as things stand now
        #[arg(long, value_name = "ID")]
        compute: Option<i64>,
    },
    /// Values that identify nothing, beside those that the program knows
    Junk(junk::Args),
}

fn agent_id(text: &str) -> Result<AgentId, String> {
    text.parse().map_err(|_| "expected the id of an agent as `agents` shows it".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let now = SystemClock.now();
    match args.command {
        None => {}
        Some(Command::Resolve { id, compute, new: _ }) => {
            let choice = compute.map_or(MatchChoice::New, MatchChoice::Claim);
            Reconciler::new(db.clone(), Arc::new(SystemClock)).resolve_match(id, choice, &operator()).await?;
            let decided = query::get::<Match>(&db, now, vec![id.into()]).await.context("read the match")?;
            return show(decided.as_slice(), now, args.output);
        }
        Some(Command::Explain { agent, compute }) => return explain::run(&db, now, agent, compute, args.output).await,
        Some(Command::Junk(junk)) => return junk::run(&db, now, junk, args.output).await,
    }
    let mut matches = query::every::<Match>(&db, now).await.context("read the matches")?;
    matches.retain(|one| args.all || one.state == "OPEN");
    show(&matches, now, args.output)
}

fn show(matches: &[Match], now: Timestamp, output: Output) -> anyhow::Result<()> {
    match output {
        Output::Json => output::print_json(&matches),
        Output::Table if matches.is_empty() => output::print("Nothing waits for a decision."),
        Output::Table => output::print(&table(matches, now, Paint::for_stdout())),
    }
}

fn table(matches: &[Match], now: Timestamp, paint: Paint) -> String {
    let mut table = output::table(&["ID", "HOST", "STATE", "WAITS", "CANDIDATES", "AGENT", "DECISION"]);
    for one in matches {
        let candidates: Vec<Fit> =
            one.candidates.clone().and_then(|candidates| serde_json::from_value(candidates).ok()).unwrap_or_default();
        let candidates: Vec<String> = candidates.iter().map(candidate).collect();
        table.add_row([
            one.id.to_string(),
            plain(one.hostname.as_deref().unwrap_or(UNKNOWN), 40),
            if one.state == "OPEN" { paint.warn("OPEN") } else { plain(&one.state, 16) },
            ago(one.resolved_at.map_or(now, |at| at.0), one.created_at.0),
            candidates.join("\n"),
            plain(&one.agent_id, 36),
            plain(one.resolution.as_deref().unwrap_or("none yet"), 64),
        ]);
    }
    table.to_string()
}

fn candidate(fit: &Fit) -> String {
    let Fit { compute_id, name, agrees, differs, .. } = fit;
    let differs = if differs.is_empty() { String::new() } else { format!(", other {}", differs.join(", ")) };
    plain(&format!("{compute_id} {name}: same {}{differs}", agrees.join(", ")), 120)
}
