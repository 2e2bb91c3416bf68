//! `computes`: which rows are the same host: merge, claim and split, and undo it.

use std::fmt::Write as _;

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::{
    id::AgentId,
    time::{Clock as _, SystemClock, Timestamp},
};
use serde_json::Value as Json;

use super::{
    GroupArgs, operator,
    output::{self, Output},
    text::{Paint, UNKNOWN, ago, plain},
};
use crate::{
    admin::operation::{self, Merge, OperationReport},
    query::{self, Agent, Operation},
    store::Db,
};

/// Flags of `computes`.
pub(super) type Args = GroupArgs<Command>;

/// What stands below the help of `computes`.
pub(super) const EXAMPLES: &str = "\
Examples:
  orchestrix-collector computes merge 12 --into 7 --dry-run      what would move, and what is in conflict
  orchestrix-collector computes merge 12 --into 7 --prefer notes
  orchestrix-collector computes claim 7 --agent 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111
  orchestrix-collector computes split 7 --agent 0190c1a2-7c3e-7c42-9b1d-5a2f63c0e111
  orchestrix-collector computes operations
  orchestrix-collector computes undo 31

Nothing is removed: a compute that was merged stays, with the status MERGED, until the operation is undone.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Makes two computes one: everything of the first moves to the other one, which goes on
    Merge {
        /// The compute that is merged
        #[arg(value_name = "ID")]
        from: i64,
        /// The compute that goes on
        #[arg(long, value_name = "ID")]
        into: i64,
        /// A field of which the merged one's value goes on where people entered one on both; may be repeated
        #[arg(long, value_name = "FIELD")]
        prefer: Vec<String>,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Tells which discovered host a compute is that was entered by hand
    Claim {
        /// The compute that was entered by hand
        #[arg(value_name = "ID")]
        compute: i64,
        /// The agent of the host
        #[arg(long, value_name = "AGENT", value_parser = agent_id)]
        agent: AgentId,
        /// A field of which the discovered compute's value goes on where people entered one on both; may be repeated
        #[arg(long, value_name = "FIELD")]
        prefer: Vec<String>,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives an agent a compute of its own, when two hosts were taken for one
    Split {
        /// The compute
        #[arg(value_name = "ID")]
        compute: i64,
        /// The agent
        #[arg(long, value_name = "AGENT", value_parser = agent_id)]
        agent: AgentId,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
    },
    /// Lists what was done and can be undone, newest first
    Operations,
    /// Undoes an operation
    Undo {
        /// The operation, as `computes operations` shows it
        #[arg(value_name = "ID")]
        operation: i64,
        /// Only tell what would be done
        #[arg(long)]
        dry_run: bool,
    },
}

fn agent_id(text: &str) -> Result<AgentId, String> {
    text.parse().map_err(|_| "expected the id of an agent as `agents` shows it".to_owned())
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (_, db) = args.database.open_current().await?;
    let (now, actor) = (SystemClock.now(), operator());
    let (report, dry_run) = match args.command {
        Command::Operations => return operations(&db, now, args.output).await,
        Command::Merge { from, into, prefer, dry_run } => {
            let merge = Merge { from, into, prefer: prefer.into_iter().collect(), claim: false };
            (operation::merge_computes(&db, now, &merge, dry_run, &actor).await?, dry_run)
        }
        Command::Claim { compute, agent, prefer, dry_run } => {
            let known = query::get::<Agent>(&db, now, vec![agent.into()]).await.context("read the agent")?;
            let Some(known) = known else { anyhow::bail!("there is no agent {agent}") };
            let Some(from) = known.compute_id else {
                anyhow::bail!("agent {agent} has no compute yet: use matches resolve ID --compute {compute}")
            };
            let merge = Merge { from, into: compute, prefer: prefer.into_iter().collect(), claim: true };
            (operation::merge_computes(&db, now, &merge, dry_run, &actor).await?, dry_run)
        }
        Command::Split { compute, agent, dry_run } => {
            (operation::split_compute(&db, now, compute, agent, dry_run, &actor).await?, dry_run)
        }
        Command::Undo { operation, dry_run } => {
            (operation::undo_operation(&db, now, operation, dry_run, &actor).await?, dry_run)
        }
    };
    match args.output {
        Output::Json => output::print_json(&report),
        Output::Table => output::print(&told(&report, dry_run, Paint::for_stdout())),
    }
}

async fn operations(db: &Db, now: Timestamp, output: Output) -> anyhow::Result<()> {
    let all = query::every::<Operation>(db, now).await.context("read the operations")?;
    match output {
        Output::Json => output::print_json(&all),
        Output::Table if all.is_empty() => output::print("Nothing was done yet that could be undone."),
        Output::Table => {
            let mut table = output::table(&["ID", "KIND", "STATE", "DONE", "BY", "WHAT"]);
            for one in &all {
                table.add_row([
                    one.id.to_string(),
                    plain(&one.kind, 16),
                    plain(&one.state, 16),
                    format!("{} ago", ago(now, one.done_at.0)),
                    plain(&one.actor_id, 40),
                    plain(&one.summary, 160),
                ]);
            }
            output::print(&table.to_string())
        }
    }
}

fn told(report: &OperationReport, dry_run: bool, paint: Paint) -> String {
    let mut text = String::new();
    let line = |text: &mut String, mark: &str, words: &str| {
        let _ = writeln!(text, "  {mark} {}", plain(words, 240));
    };
    let would = if dry_run { "Would do: " } else { "" };
    let _ = writeln!(text, "{would}{}", paint.strong(&plain(&report.summary, 240)));
    for (what, count) in &report.moved {
        line(&mut text, "moves  ", &format!("{count} {what}"));
    }
    for (what, count) in &report.stayed {
        line(&mut text, "stays  ", &format!("{count} {what} that the other one has too"));
    }
    for agent in &report.agents {
        line(&mut text, "agent  ", &format!("{} {} {}", agent.agent_id, agent.hostname, agent.fate));
    }
    for value in &report.values {
        let instead = shown(&value.instead_of);
        let words = format!(
            "{} {} {} = {} (was {instead})",
            value.resource_type,
            value.resource_id,
            value.field,
            shown(&value.value)
        );
        line(&mut text, "takes  ", &words);
    }
    for conflict in &report.conflicts {
        let words = format!(
            "{} {} {}: {} stays, {} remains on the merged one",
            conflict.resource_type,
            conflict.resource_id,
            conflict.field,
            shown(&conflict.kept),
            shown(&conflict.other)
        );
        line(&mut text, &paint.warn("conflict"), &words);
    }
    for left in &report.left {
        line(&mut text, &paint.warn("left   "), left);
    }
    for refusal in &report.refusals {
        line(&mut text, &paint.bad("refused"), refusal);
    }
    match report.operation_id {
        Some(id) => {
            let _ = writeln!(text, "Operation {id}; computes undo {id} takes it back.");
        }
        None if dry_run => text.push_str("Nothing was changed.\n"),
        None => {}
    }
    text
}

fn shown(value: &Json) -> String {
    match value {
        Json::Null => UNKNOWN.to_owned(),
        Json::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}
