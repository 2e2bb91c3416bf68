//! `ca`: the CA of the installation, and its rotation.

use std::time::Duration;

use anyhow::Context as _;
use clap::Subcommand;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use super::{
    GroupArgs, operator,
    output::{self, Output},
    text::{Paint, ago, plain, span},
    token::duration,
};
use crate::{
    config::Config,
    pki::{CaOverview, Rotation, SEALING_KEY_FILE, SealingKey, overview},
    store::Db,
};

/// Flags of `ca`.
pub(super) type Args = GroupArgs<Command>;

/// What stands below the help of `ca`.
pub(super) const EXAMPLES: &str = "\
Examples:
  orchestrix-collector ca status
  orchestrix-collector ca prepare                    the next root is made; agents are told to trust it
  orchestrix-collector ca activate --renew-within 10m
  orchestrix-collector ca retire                     refused while agents still hold certificates of the old root

Every collector takes a step over within seconds, and agents renew without ending their session. Without these commands
the same happens by itself: prepared at half of the root's life, activated for its last sixth, retired after nine days.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the roots, at which step they are, and which agents still need the one that is to go
    Status,
    /// Makes the next root; nothing comes from it yet
    Prepare,
    /// Makes certificates come from the root that is prepared; agents renew
    Activate {
        /// Within what time agents renew, each at another moment, for example 90s or 10m
        #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5m")]
        renew_within: Duration,
    },
    /// Ends the trust in the old root
    Retire {
        /// Though agents or join tokens still need it: these hosts must enrol again
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (config, db) = args.database.open_current().await?;
    let (now, actor) = (SystemClock.now(), operator());
    let rotation = Rotation { db: &db, trust_domain: &config.agents.trust_domain, actor: &actor, now };
    match args.command {
        Command::Status => {}
        Command::Prepare => drop(rotation.prepare(&sealing_key(&config)?).await?),
        Command::Activate { renew_within } => drop(rotation.activate(&sealing_key(&config)?, renew_within).await?),
        Command::Retire { force } => drop(rotation.retire(force).await?),
    }
    show(&db, now, args.output).await
}

fn sealing_key(config: &Config) -> anyhow::Result<SealingKey> {
    let path = config.data_dir.join(SEALING_KEY_FILE);
    SealingKey::load(&path)?.with_context(|| {
        format!("the sealing key is not at {}; run this where a collector runs, or copy its file", path.display())
    })
}

async fn show(db: &Db, now: Timestamp, output: Output) -> anyhow::Result<()> {
    let overview = overview(db, now).await?;
    match output {
        Output::Json => output::print_json(&overview),
        Output::Table => output::print(&text(&overview, now, Paint::for_stdout())),
    }
}

fn text(overview: &CaOverview, now: Timestamp, paint: Paint) -> String {
    let CaOverview { roots, issuing_not_after, next_step, waiting_agents, waiting_tokens } = overview;
    let mut table = output::table(&["ROOT", "STAGE", "ENDS", "ACTIVE SINCE", "AGENTS", "PIN"]);
    for root in roots {
        let stage = match root.stage {
            "active" => paint.good(root.stage),
            "retired" => paint.soft(root.stage),
            _ => paint.warn(root.stage),
        };
        table.add_row([
            root.generation.to_string(),
            stage,
            root.not_after.to_string(),
            root.activated_at.map_or_else(|| "not yet".to_owned(), |at| at.to_string()),
            root.agents.to_string(),
            root.pin.clone(),
        ]);
    }
    let mut lines = vec![table.to_string()];
    if let Some(at) = issuing_not_after {
        lines.push(format!("\nThe issuing CA ends {at}; it is renewed by itself."));
    }
    if let Some(step) = next_step {
        let when = if step.at > now { format!("in {}", span(step.at.since(now))) } else { "now".to_owned() };
        lines.push(format!("Next by itself: {} {when} ({}).", step.action, step.at));
    }
    if !waiting_agents.is_empty() {
        lines.push(format!("\n{} agents still hold certificates of the outgoing root:", waiting_agents.len()));
        let mut table = output::table(&["ID", "HOST", "CERTIFICATE ENDS", "HEARD"]);
        for agent in waiting_agents {
            table.add_row([
                plain(&agent.id, 36),
                plain(&agent.hostname, 40),
                agent.certificate_not_after.to_string(),
                agent.last_seen_at.map_or_else(|| "never".to_owned(), |at| format!("{} ago", ago(now, at))),
            ]);
        }
        lines.push(table.to_string());
    }
    if !waiting_tokens.is_empty() {
        let tokens: Vec<_> = waiting_tokens.iter().map(|token| plain(token, 32)).collect();
        lines.push(format!("\nJoin tokens in force that know only the outgoing root: {}", tokens.join(", ")));
    }
    lines.join("\n")
}
