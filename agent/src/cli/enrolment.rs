//! From a configuration to an identity: loads it, or enrols with the join token.

use std::{fs, path::Path};

use anyhow::{Context as _, anyhow};
use orchestrix_common::model::Machine;

use crate::{
    config::AgentConfig,
    identity::{Identity, IdentityError},
};

/// Version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The collector's address, which the configuration must name.
pub(super) fn collector(config: &AgentConfig) -> anyhow::Result<String> {
    config.collector.clone().ok_or_else(|| {
        anyhow!("no collector is configured; set `collector` in the configuration file or give --collector HOST:PORT")
    })
}

/// What identifies this machine. Reads files, so it blocks for some milliseconds.
pub(super) async fn machine(config: &AgentConfig) -> anyhow::Result<Machine> {
    let root = crate::inspect::registry::host_root(&config.inspect.root);
    let machine = tokio::task::spawn_blocking(move || crate::inspect::host::machine_at(&root)).await;
    machine.context("cannot read what identifies this machine")
}

/// The identity of an earlier enrolment, if there is one.
pub(super) fn stored(config: &AgentConfig, machine: &Machine) -> anyhow::Result<Option<Identity>> {
    Ok(Identity::load(&config.state_dir, machine)?)
}

/// Reads the join token.
pub(super) fn token(config: &AgentConfig) -> anyhow::Result<String> {
    let file = config.token_file.as_deref().ok_or_else(|| {
        anyhow!(
            "this host is not enrolled and no join token is configured; make one on the collector with \
             `orchestrix-collector token create`, store it in a file and name that with --token-file"
        )
    })?;
    read_token(file)
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| {
        format!("cannot read the join token in {}; store there what `token create` printed", file.display())
    })?;
    let token = text.trim();
    if token.is_empty() {
        return Err(anyhow!("{} holds no join token; store there what `token create` printed", file.display()));
    }
    Ok(token.to_owned())
}

/// Enrols once.
pub(super) async fn enroll(
    config: &AgentConfig,
    collector: &str,
    token: &str,
    machine: &Machine,
) -> Result<Identity, IdentityError> {
    Identity::enroll(&config.state_dir, collector, token, machine, VERSION).await
}
