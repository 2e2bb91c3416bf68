//! From a configuration to an identity: loads it, or enrols with the join token.

use std::{fs, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow};
use orchestrix_common::{model::Machine, time::SystemClock};

use crate::{
    config::{AgentConfig, DEFAULT_TOKEN_FILE},
    identity::{Identity, IdentityError, Pass},
    inspect::registry::Surroundings,
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
pub(super) async fn machine(surroundings: &Surroundings) -> anyhow::Result<Machine> {
    let root = surroundings.root.clone();
    let machine = tokio::task::spawn_blocking(move || crate::inspect::host::machine_at(&root)).await;
    machine.context("cannot read what identifies this machine")
}

/// The identity of an earlier enrolment, if there is one.
pub(super) fn stored(config: &AgentConfig, machine: &Machine) -> anyhow::Result<Option<Identity>> {
    Ok(Identity::load(&config.state_dir, machine)?)
}

/// Reads what this host can enrol with: the token of its pod's service account, or a join token.
pub(super) fn pass(config: &AgentConfig) -> anyhow::Result<Pass> {
    let account = config.service_account_token_file.as_deref().filter(|_| config.token_file.is_none());
    match (account, &config.collector_pin) {
        (Some(file), Some(pin)) => {
            let collector = pin.parse().context("collector_pin")?;
            // Read at each try: the cluster replaces it.
            Ok(Pass::ServiceAccount { token: read_token(file)?.into(), collector })
        }
        (Some(_), None) => Err(anyhow!(
            "no collector_pin is configured; without a join token it says which collector to trust, and \
             `orchestrix-collector token pin` prints it"
        )),
        (None, _) => Pass::token(&token(config)?).context("the join token cannot be read"),
    }
}

fn token(config: &AgentConfig) -> anyhow::Result<String> {
    read_token(config.token_file.as_deref().unwrap_or(Path::new(DEFAULT_TOKEN_FILE)))
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(file).with_context(|| {
        format!(
            "this host is not enrolled, and there is no join token in {}; make one on the collector with \
             `orchestrix-collector token create` and store it there, or name another file with --token-file",
            file.display()
        )
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
    pass: &Pass,
    machine: &Machine,
) -> Result<Identity, IdentityError> {
    Identity::enroll_as(&config.state_dir, collector, pass, machine, VERSION, Arc::new(SystemClock)).await
}
