//! `run`: the agent as a service.
//!
//! A reload puts the agent's parts up again with the new configuration: process, identity, folder and outbox stay, so that
//! nothing that was seen is lost and every key but a few can change.

use std::{fs, io, path::Path, pin::pin, sync::Arc};

use anyhow::Context as _;
use orchestrix_common::{
    config::Problems,
    log::{self, LogControl},
    time::SystemClock,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    admission::{self, Admitted},
    args::{CollectorArgs, ConfigArgs},
    enrolment, output, reload, state,
};
use crate::{
    config::{AgentConfig, Configured},
    daemon::Daemon,
    identity::Identity,
    inspect::{
        Hearing,
        registry::{self, Purpose, Surroundings},
    },
    outbox::Outbox,
    supervisor,
};
use orchestrix_common::model::Machine;

/// Flags of `run`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    #[command(flatten)]
    collector: CollectorArgs,
    /// Wait for a collector's address and a join token where they are missing, instead of ending
    #[arg(long)]
    wait: bool,
    /// Check the configuration and end
    #[arg(long)]
    check_config: bool,
}

/// Where the configuration comes from, to be read again.
#[derive(Debug)]
pub(super) struct Source {
    config: ConfigArgs,
    collector: CollectorArgs,
}

impl Source {
    pub(super) fn load(&self) -> Result<Configured, Problems> {
        self.config.clone().load(self.collector.clone())
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let Args { config, collector, wait, check_config } = args;
    let source = Source { config, collector };
    let Configured { config, ignored } = source.load()?;
    if check_config {
        return output::print("the configuration is fine");
    }
    let log = log::init(&config.log)?;
    if !ignored.is_empty() {
        tracing::info!(variables = ?ignored, "environment variables that mean nothing to an agent");
    }
    if !wait {
        enrolment::collector(&config)?;
    }
    let _lock = state::lock(&config.state_dir)?;
    let stop = stop_on_signals()?;
    let hangups = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    lower_priority(config.nice);
    let Some(admitted) = admission::admit(&source, config, wait, &stop).await? else { return Ok(()) };
    let Admitted { config, identity, machine, surroundings } = admitted;
    let outbox = Outbox::open(&config.state_dir.join("outbox"), config.outbox_max_bytes)?;
    let service = Service { source, identity, outbox, log };
    service.run(config, (machine, surroundings), hangups, stop).await?;
    tracing::info!("agent ends");
    Ok(())
}

/// What stays over reloads.
struct Service {
    source: Source,
    identity: Identity,
    outbox: Outbox,
    log: LogControl,
}

impl Service {
    /// Runs until `stop`, with parts that are put up again when a new configuration asks for it.
    async fn run(
        &self,
        mut config: AgentConfig,
        here: (Machine, Surroundings),
        mut hangups: Signal,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let mut here = Some(here);
        while !stop.is_cancelled() {
            let end = stop.child_token();
            let daemon = self.daemon(&config, here.take()).await?;
            let mut running = pin!(daemon.run(end.clone(), supervisor::ready));
            loop {
                // Cancel-safe: a signal that was not received stays pending, and the daemon is only polled.
                tokio::select! {
                    biased;
                    ended = &mut running => return Ok(ended?),
                    Some(()) = hangups.recv() => {}
                }
                let changed = reload::reload(&self.source, &self.log, &self.outbox, &config);
                let is_other = changed.parts;
                config = changed.config;
                if is_other {
                    end.cancel();
                    running.await?;
                    break;
                }
                supervisor::ready();
            }
        }
        Ok(())
    }

    async fn daemon(&self, config: &AgentConfig, here: Option<(Machine, Surroundings)>) -> anyhow::Result<Daemon> {
        let (machine, surroundings) = match here {
            Some(here) => here,
            None => {
                let surroundings = registry::surroundings(&config.inspect, Some(&config.state_dir)).await;
                (enrolment::machine(&surroundings).await?, surroundings)
            }
        };
        let (hearing, heard) = watch::channel(Hearing::start());
        let purpose = Purpose::Report(heard);
        let inspectors = registry::inspectors(&config.inspect, &surroundings, purpose, Some(&config.state_dir));
        let inspectors = inspectors.context("cannot set up the inspectors")?;
        let collector = enrolment::collector(config)?;
        let version = enrolment::VERSION.to_owned();
        tracing::info!(agent = %self.identity.agent_id(), collector, version, "agent starts");
        Ok(Daemon {
            identity: self.identity.clone(),
            collector,
            state_dir: config.state_dir.clone(),
            outbox: self.outbox.clone(),
            inspectors,
            hearing,
            machine,
            boot_id: boot_id(&config.inspect.root.proc),
            version,
            budget: config.budget.clone(),
            metrics: config.metrics.listens_at(),
            clock: Arc::new(SystemClock),
        })
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
            supervisor::stopping();
            stop.cancel();
        });
    }
    Ok(stop)
}

pub(super) fn lower_priority(nice: u8) {
    if let Err(error) = rustix::process::setpriority_process(None, i32::from(nice)) {
        tracing::debug!(%error, nice, "priority stays as it is");
    }
}

/// The kernel's identifier of this boot; where it cannot be read, one of this start, so that it is never empty.
fn boot_id(proc: &Path) -> String {
    let read = fs::read_to_string(proc.join("sys/kernel/random/boot_id"));
    let read = read
        .map(|text| text.trim().to_owned())
        .and_then(|text| if text.is_empty() { Err(io::Error::from(io::ErrorKind::InvalidData)) } else { Ok(text) });
    read.unwrap_or_else(|error| {
        tracing::warn!(%error, "the boot identifier cannot be read");
        uuid::Uuid::new_v4().to_string()
    })
}
