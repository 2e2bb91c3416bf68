//! From a configuration to an identity: loads it, or enrols with the join token.

use std::{fs, io, path::Path, sync::Arc};

use anyhow::{Context as _, anyhow};
use orchestrix_common::{model::Machine, time::SystemClock};

use crate::{
    config::{AgentConfig, DEFAULT_TOKEN_FILE, is_address},
    identity::{Identity, IdentityError, Pass},
    inspect::registry::Surroundings,
};

/// Version of this program.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// File in the state folder with the collector's address that `enroll` was told.
const COLLECTOR: &str = "collector";

/// The collector's address: the configuration's, or the one that this host was enrolled with.
pub(super) fn collector(config: &AgentConfig) -> anyhow::Result<String> {
    let remembered = || fs::read_to_string(config.state_dir.join(COLLECTOR)).ok().map(|text| text.trim().to_owned());
    let known = config.collector.clone().or_else(remembered).filter(|address| is_address(address));
    known.ok_or_else(|| {
        anyhow!(
            "no collector is configured; run `orchestrix-agent enroll`, set `collector` in the configuration file, or \
             give --collector HOST:PORT"
        )
    })
}

/// Stores the address that this host was enrolled with, for a configuration that names none.
pub(super) fn remember_collector(config: &AgentConfig, collector: &str) -> anyhow::Result<()> {
    let file = config.state_dir.join(COLLECTOR);
    fs::write(&file, format!("{collector}\n")).with_context(|| format!("cannot write {}", file.display()))
}

/// Forgets that address.
pub(super) fn forget_collector(config: &AgentConfig) -> anyhow::Result<()> {
    let file = config.state_dir.join(COLLECTOR);
    match fs::remove_file(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", file.display()))
        }
        _ => Ok(()),
    }
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

/// Reads what this host can enrol with: the token of its pod's service account, or a join token. The text comes along, to
/// tell one from another.
pub(super) fn pass(config: &AgentConfig) -> anyhow::Result<(String, Pass)> {
    let account = config.service_account_token_file.as_deref().filter(|_| config.token_file.is_none());
    match (account, &config.collector_pin) {
        (Some(file), Some(pin)) => {
            let collector = pin.parse().context("collector_pin")?;
            // Read at each try: the cluster replaces it.
            let token = read_token(file)?;
            Ok((token.clone(), Pass::ServiceAccount { token: token.into(), collector }))
        }
        (Some(_), None) => Err(anyhow!(
            "no collector_pin is configured; without a join token it says which collector to trust, and \
             `orchestrix-collector token pin` prints it"
        )),
        (None, _) => {
            let text = read_token(config.token_file.as_deref().unwrap_or(Path::new(DEFAULT_TOKEN_FILE)))?;
            let pass = Pass::token(&text).context("the join token cannot be read")?;
            Ok((text, pass))
        }
    }
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
