//! The flags that the subcommands share.

use std::{env, path::PathBuf};

use orchestrix_common::config::Problems;

use crate::config::{self, Configured, Overrides};

/// Where the configuration is, and what stands above it.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct ConfigArgs {
    /// Configuration file; without it /etc/orchestrix/agent.toml is read if it exists
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder for the identity, the outbox and the status socket
    #[arg(long, value_name = "DIR")]
    pub(super) state_dir: Option<PathBuf>,
}

/// Where the collector is, and how to enrol there.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct CollectorArgs {
    /// Where the collector listens for agents
    #[arg(long, value_name = "HOST:PORT")]
    pub(super) collector: Option<String>,
    /// File that holds the join token
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
}

impl ConfigArgs {
    /// Reads the configuration.
    pub(super) fn load(self, collector: CollectorArgs) -> Result<Configured, Problems> {
        // A variable that is not Unicode cannot be one of ours.
        let variables =
            env::vars_os().filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
        let overrides = Overrides {
            file: self.config,
            collector: collector.collector,
            token_file: collector.token_file,
            state_dir: self.state_dir,
        };
        config::load(overrides, variables)
    }
}
