//! Containers, whatever engine runs them.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Listener, Protocol};
use crate::time::Timestamp;

/// A container of Docker, Podman or another engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Full identifier, 64 hexadecimal digits for Docker.
    pub id: String,
    /// Name without the leading slash.
    pub name: String,
    /// Image reference as the engine was asked for it.
    pub image: String,
    /// Digest of the image's configuration.
    pub image_id: Option<String>,
    /// Engine: `docker`, `podman`, ….
    pub runtime: String,
    /// What it is doing.
    pub state: ContainerState,
    /// `starting`, `healthy` or `unhealthy`; `None` when it has no health check.
    pub health: Option<String>,
    /// Exit status of the last run; `None` while it runs or before the first run.
    pub exit_code: Option<i32>,
    /// The last run was ended by the kernel for lack of memory.
    pub out_of_memory_killed: Option<bool>,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// Start of the last run.
    pub started_at: Option<Timestamp>,
    /// End of the last run; `None` while it runs.
    pub finished_at: Option<Timestamp>,
    /// Restarts by the engine's policy.
    pub restart_count: Option<u32>,
    /// `no`, `always`, `unless-stopped` or `on-failure`.
    pub restart_policy: Option<String>,
    /// Thousandths of a core; `None` when unlimited.
    pub cpu_limit_millicores: Option<u32>,
    /// Bytes; `None` when unlimited.
    pub memory_limit_bytes: Option<u64>,
    /// The program it runs.
    pub command: Option<Command>,
    /// Names of environment variables, sorted; values are never collected.
    pub environment_names: Vec<String>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// Ports the engine maps or the image declares, sorted.
    pub ports: Vec<PublishedPort>,
    /// Networks it is attached to, sorted by name.
    pub networks: Vec<ContainerNetwork>,
    /// Mounts, sorted by target.
    pub mounts: Vec<Mount>,
    /// `bridge`, `host`, `none`, `container:<id>` or the name of a network.
    pub network_mode: Option<String>,
    /// It runs without isolation from the host's devices.
    pub privileged: Option<bool>,
    /// User that the image or the operator set; `None` when it is the default.
    pub user: Option<String>,
    /// Sockets that its processes listen on, joined from the process source, sorted.
    pub listeners: Vec<Listener>,
}

/// What a container is doing, in Docker's words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// Between two runs.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended, still there.
    Exited,
    /// Could not be removed.
    Dead,
    /// Another word, kept as it came.
    Other(String),
}

impl ContainerState {
    const KNOWN: [Self; 7] =
        [Self::Created, Self::Running, Self::Paused, Self::Restarting, Self::Removing, Self::Exited, Self::Dead];

    /// Docker's word for the state.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Other(word) => word,
        }
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<String> for ContainerState {
    fn from(word: String) -> Self {
        Self::KNOWN.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Other(word))
    }
}

impl From<ContainerState> for String {
    fn from(state: ContainerState) -> Self {
        state.as_str().to_owned()
    }
}

/// A program as it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// Path or name of the program.
    pub program: String,
    /// Number of arguments after the program.
    pub argument_count: u32,
    /// Scrubbed arguments; empty unless the configuration asks for them.
    pub arguments: Vec<String>,
}

/// A port that an engine maps or an image declares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishedPort {
    /// Port inside the container.
    pub container_port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Address on the host; `None` when the port is only declared, not published.
    pub host_address: Option<String>,
    /// Port on the host; `None` when the port is only declared, not published.
    pub host_port: Option<u16>,
}

/// A network that a container is attached to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerNetwork {
    /// Name of the network.
    pub name: String,
    /// IPv4 address; `None` while it does not run.
    pub address: Option<String>,
    /// IPv6 address.
    pub address_v6: Option<String>,
    /// Lower case with colons.
    pub mac_address: Option<String>,
}

/// Something mounted into a container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mount {
    /// Path inside the container.
    pub target: String,
    /// `bind`, `volume`, `tmpfs`, ….
    pub kind: String,
    /// Path on the host or name of the volume.
    pub source: String,
    /// It cannot be written to.
    pub read_only: bool,
}
