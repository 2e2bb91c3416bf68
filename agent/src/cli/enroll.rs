//! `enroll`: gets this host a certificate. The one step of an installation that may ask a person.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;

use super::{
    args::{CollectorArgs, ConfigArgs},
    enrolment, output, state,
};
use crate::{config::AgentConfig, identity::Pass, inspect::registry};

/// Flags of `enroll`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    collector: CollectorArgs,
}

pub(super) async fn run(Args { config, collector }: Args) -> anyhow::Result<()> {
    let from_input = collector.token_file.as_deref().is_some_and(|file| file.as_os_str() == "-");
    let mut config = config.load(collector)?.config;
    let _lock = state::lock_identity(&config.state_dir)?;
    let enrolled = enrol(&mut config, from_input).await;
    // Also after a failure: the service must be able to go on with what was left.
    let handed_over = state::hand_over(&config.state_dir);
    let said = enrolled?;
    handed_over?;
    output::print(&said)
}

async fn enrol(config: &mut AgentConfig, from_input: bool) -> anyhow::Result<String> {
    let surroundings = registry::surroundings(&config.inspect, Some(&config.state_dir)).await;
    let machine = enrolment::machine(&surroundings).await?;
    // Asking again is no failure: a script may run this on every start.
    if let Some(identity) = enrolment::stored(config, &machine)? {
        return Ok(format!("this host is enrolled already, as agent {}", identity.agent_id()));
    }
    let is_attended = io::stdin().is_terminal() && io::stderr().is_terminal();
    let collector = match enrolment::collector(config) {
        Err(_) if is_attended && !from_input => {
            config.collector = Some(asked("Collector (HOST:PORT): ")?);
            enrolment::collector(config)?
        }
        collector => collector?,
    };
    let pass = if from_input {
        token(&line()?)?
    } else {
        match enrolment::pass(config) {
            Err(_) if is_attended && config.service_account_token_file.is_none() => {
                token(&asked("Join token (`orchestrix-collector token create` prints one): ")?)?
            }
            pass => pass?.1,
        }
    };
    let identity = enrolment::enroll(config, &collector, &pass, &machine).await?;
    enrolment::remember_collector(config, &collector)?;
    Ok(format!(
        "enrolled as agent {}; the certificate is valid until {} and renews itself",
        identity.agent_id(),
        identity.certificate_not_after()
    ))
}

fn token(text: &str) -> anyhow::Result<Pass> {
    Pass::token(text).context("the join token cannot be read")
}

/// Asks on the terminal; standard output stays free for the result.
fn asked(question: &str) -> anyhow::Result<String> {
    let mut terminal = io::stderr();
    terminal.write_all(question.as_bytes()).and_then(|()| terminal.flush()).context("cannot ask")?;
    line()
}

fn line() -> anyhow::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the standard input")?;
    Ok(line.trim().to_owned())
}
