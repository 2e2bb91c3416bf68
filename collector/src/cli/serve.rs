//! `serve`: the collector itself.

use std::pin::pin;

use anyhow::Context as _;
use orchestrix_common::{
    config::{Loader, Problems},
    log::{self, LogControl},
};
use tokio::signal::unix::{SignalKind, signal};

use super::{ConfigArgs, output};
use crate::{
    config::{self, Config},
    serve::{self, Collector, Live, supervisor},
    telemetry,
};

/// Flags of `serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port of the admin API and the UI [default: 127.0.0.1:7480]
    #[arg(long, value_name = "ADDR:PORT")]
    api: Option<String>,
    /// Address and port where agents connect [default: 0.0.0.0:7443]
    #[arg(long, value_name = "ADDR:PORT")]
    agents: Option<String>,
    /// Checks the configuration, says what is wrong with it, and starts nothing
    #[arg(long)]
    check_config: bool,
}

impl Args {
    fn loader(&self) -> Loader {
        let Self { config, api, agents, check_config: _ } = self;
        config.loader().flag("--api", "api.address", api.clone()).flag("--agents", "agents.address", agents.clone())
    }

    fn load(&self) -> Result<(Config, Vec<String>), Problems> {
        config::load(self.loader())
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let (config, ignored) = args.load()?;
    if args.check_config {
        return output::print("configuration: no problems");
    }
    let (telemetry, log) = match telemetry::start(&config.telemetry).context("set up the traces")? {
        Some((telemetry, layer)) => (Some(telemetry), log::init_with(&config.log, layer)?),
        None => (None, log::init(&config.log)?),
    };
    let ended = collect(&args, config, ignored, &log).await;
    if let Some(telemetry) = telemetry {
        telemetry.finish().await;
    }
    ended
}

async fn collect(args: &Args, mut config: Config, ignored: Vec<String>, log: &LogControl) -> anyhow::Result<()> {
    for variable in ignored {
        tracing::warn!(variable, "environment variable names no setting");
    }
    let stop = serve::on_signal()?;
    let mut hangups = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    let collector = Collector::prepare(config.clone()).await?;
    let live = collector.live();
    let mut running = pin!(collector.run(stop));
    loop {
        // Cancel-safe: a signal that was not received stays pending, and the collector is only polled.
        tokio::select! {
            ended = &mut running => return Ok(ended?),
            Some(()) = hangups.recv() => {}
        }
        supervisor::reloading();
        reload(args, log, &live, &mut config);
        supervisor::ready();
    }
}

/// Reads the configuration again and takes over what can be. A mistake leaves everything as it is and is told in the log.
fn reload(args: &Args, log: &LogControl, live: &Live, current: &mut Config) {
    let next = match args.load() {
        Ok((next, _)) => next,
        Err(problems) => {
            for problem in &problems {
                tracing::error!(%problem, "configuration not taken over");
            }
            return;
        }
    };
    let waiting = next.waits_for_a_start(current);
    if !waiting.is_empty() {
        tracing::warn!(?waiting, "changes of these keys count from the next start");
    }
    if next.log.level != current.log.level
        && let Err(error) = log.set_level(&next.log)
    {
        tracing::error!(error = &error as &dyn std::error::Error, "the log's level stays as it is");
    }
    live.take_over(&next);
    current.take_over(next);
    tracing::info!("configuration read again");
}
