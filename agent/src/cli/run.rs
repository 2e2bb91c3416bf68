//! `run`: the agent as a service.

use std::{fs, io, sync::Arc, time::Duration};

use anyhow::Context as _;
use orchestrix_common::{log, time::SystemClock};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{
    args::{CollectorArgs, ConfigArgs},
    enrolment, output, state,
};
use crate::{
    config::{AgentConfig, Configured},
    daemon::Daemon,
    identity::Identity,
    inspect::{
        Hearing,
        registry::{self, Purpose},
    },
    outbox::Outbox,
};
use orchestrix_common::model::Machine;

/// The shortest and the longest time between two tries to enrol.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    collector: CollectorArgs,
    /// Check the configuration and end
    #[arg(long)]
    check_config: bool,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Configured { config, ignored } = args.config.load(args.collector)?;
    if args.check_config {
        return output::print("the configuration is fine");
    }
    log::init(&config.log)?;
    if !ignored.is_empty() {
        tracing::info!(variables = ?ignored, "environment variables that mean nothing to an agent");
    }
    let collector = enrolment::collector(&config)?;
    let _lock = state::lock(&config.state_dir)?;
    let stop = stop_on_signals()?;
    lower_priority(config.nice);
    let surroundings = registry::surroundings(&config.inspect, Some(&config.state_dir)).await;
    let machine = enrolment::machine(&surroundings).await?;
    let identity = match enrolment::stored(&config, &machine)? {
        Some(identity) => identity,
        None => match enrol(&config, &collector, &machine, &stop).await? {
            Some(identity) => identity,
            None => return Ok(()),
        },
    };
    let outbox = Outbox::open(&config.state_dir.join("outbox"), config.outbox_max_bytes)?;
    let (hearing, heard) = watch::channel(Hearing::start());
    let purpose = Purpose::Report(heard);
    let inspectors = registry::inspectors(&config.inspect, &surroundings, purpose, Some(&config.state_dir));
    let inspectors = inspectors.context("cannot set up the inspectors")?;
    let version = enrolment::VERSION.to_owned();
    tracing::info!(agent = %identity.agent_id(), collector, version, "agent starts");
    let daemon = Daemon {
        identity,
        collector,
        state_dir: config.state_dir,
        outbox,
        inspectors,
        hearing,
        machine,
        boot_id: boot_id(&config.inspect.root.proc),
        version,
        budget: config.budget,
        clock: Arc::new(SystemClock),
    };
    daemon.run(stop, || notify(sd_notify::NotifyState::Ready)).await?;
    tracing::info!("agent ends");
    Ok(())
}

/// Enrols; tries again while the collector does not answer, since hosts of a rack start in any order. `None` when the
/// agent is stopped meanwhile.
async fn enrol(
    config: &AgentConfig,
    collector: &str,
    machine: &Machine,
    stop: &CancellationToken,
) -> anyhow::Result<Option<Identity>> {
    let (first, most) = RETRY;
    let mut pause = first;
    loop {
        let pass = enrolment::pass(config)?;
        // Cancel-safe: the key is stored before the token is used, so a try that was cut short is recognised.
        let tried = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            tried = enrolment::enroll(config, collector, &pass, machine) => tried,
        };
        match tried {
            Ok(identity) => return Ok(Some(identity)),
            Err(error) if error.is_permanent() => return Err(error.into()),
            Err(error) => tracing::warn!(reason = %error, retry_in_secs = pause.as_secs(), "not enrolled yet"),
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(None),
            () = sleep(pause.mul_f64(0.5 + 0.5 * fastrand::f64())) => {}
        }
        pause = (pause * 2).min(most);
    }
}

/// A token that SIGTERM and SIGINT cancel.
fn stop_on_signals() -> anyhow::Result<CancellationToken> {
    let stop = CancellationToken::new();
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let mut signals = signal(kind).context("cannot wait for signals")?;
        let stop = stop.clone();
        tokio::spawn(async move {
            signals.recv().await;
            notify(sd_notify::NotifyState::Stopping);
            stop.cancel();
        });
    }
    Ok(stop)
}

fn notify(state: sd_notify::NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!(%error, "systemd was not told");
    }
}

fn lower_priority(nice: u8) {
    if let Err(error) = rustix::process::setpriority_process(None, i32::from(nice)) {
        tracing::debug!(%error, nice, "priority stays as it is");
    }
}

/// The kernel's identifier of this boot; where it cannot be read, one of this start, so that it is never empty.
fn boot_id(proc: &std::path::Path) -> String {
    let read = fs::read_to_string(proc.join("sys/kernel/random/boot_id"));
    let read = read
        .map(|text| text.trim().to_owned())
        .and_then(|text| if text.is_empty() { Err(io::Error::from(io::ErrorKind::InvalidData)) } else { Ok(text) });
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "the boot identifier cannot be read");
        uuid::Uuid::new_v4().to_string()
    })
}
