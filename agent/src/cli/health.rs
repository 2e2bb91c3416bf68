//! `health`: whether what this agent reports is accepted, as an exit code.
//!
//! A process that runs and a socket that answers prove nothing: an agent is well when a collector has what it saw.

use std::time::Duration;

use anyhow::bail;
use orchestrix_common::time::{Clock as _, SystemClock, Timestamp};

use super::{
    args::{CollectorArgs, ConfigArgs},
    output,
};
use crate::{
    link::LinkState,
    status::{self, AgentStatus},
};

/// How long a start may take, and how long reports may wait for their acknowledgement.
const GRACE: Duration = Duration::from_secs(120);

/// Flags of `health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
}

pub(super) async fn run(Args { config }: Args) -> anyhow::Result<()> {
    let config = config.load(CollectorArgs::default())?.config;
    let status = status::ask(&config.state_dir).await?;
    match judged(&status, SystemClock.now()) {
        Ok(text) => output::print(&text),
        Err(reason) => bail!("{reason}"),
    }
}

/// Why the agent is well, or why it is not.
fn judged(status: &AgentStatus, now: Timestamp) -> Result<String, String> {
    let since = |begin: Timestamp| now.since(begin) <= GRACE;
    let accepted = || match status.link.acknowledged_at {
        Some(at) => format!("the last report was accepted {at}"),
        None => "no report was needed since the start".to_owned(),
    };
    match &status.link.state {
        LinkState::Connected { held: Some(reason), .. } => Err(format!("reports are kept here: {reason}")),
        LinkState::Connected { since: begin, .. } => {
            let progress = status.link.acknowledged_at.map_or(*begin, |at| at.max(*begin));
            match status.outbox.waiting_reports {
                0 => Ok(format!("connected; {}", accepted())),
                waiting if since(progress) => Ok(format!("connected, {waiting} reports on their way; {}", accepted())),
                waiting => Err(format!("{waiting} reports wait for the collector; {}", accepted())),
            }
        }
        LinkState::Starting | LinkState::Connecting if since(status.started_at) => Ok("starting".to_owned()),
        LinkState::Starting => Err("the first look at the host does not end".to_owned()),
        LinkState::Connecting => Err(format!("no session with {}", status.collector)),
        LinkState::Waiting { reason, .. } => Err(format!("no session: {reason}")),
        LinkState::Stopped => Err("the agent ends".to_owned()),
    }
}
