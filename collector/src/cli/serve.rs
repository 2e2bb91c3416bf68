//! `serve`: the collector itself.

use orchestrix_common::log;

use super::{ConfigArgs, output};
use crate::{config, serve};

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

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let loader =
        args.config.loader().flag("--api", "api.address", args.api).flag("--agents", "agents.address", args.agents);
    let (config, ignored) = config::load(loader)?;
    if args.check_config {
        return output::print("configuration: no problems");
    }
    log::init(&config.log)?;
    for variable in ignored {
        tracing::warn!(variable, "environment variable names no setting");
    }
    let stop = serve::on_signal()?;
    serve::run(config, stop).await?;
    Ok(())
}
