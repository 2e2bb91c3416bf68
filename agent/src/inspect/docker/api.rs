//! The part of the Engine API's answers that is read, and nothing more.
//!
//! What must not be collected has no field here: health check commands and their output, log options, and the values
//! of environment variables, of which only the name is kept while reading. Unknown words stay text, so that a newer
//! engine cannot make a container unreadable. Source of the format: Docker Engine API 1.41 to 1.47, and what Podman 4
//! and 5 answer on the same routes.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, Visitor},
};

use super::fingerprint::Fingerprint;

/// Answer of `/version`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Version {
    pub(super) api_version: Option<String>,
    #[serde(rename = "MinAPIVersion")]
    pub(super) min_api_version: Option<String>,
    pub(super) components: Option<Vec<Component>>,
}

/// One program that an engine consists of.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Component {
    pub(super) name: Option<String>,
}

/// One item of `/containers/json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Listed {
    pub(super) id: String,
    #[serde(default)]
    names: Fingerprint,
    #[serde(default)]
    image: Fingerprint,
    #[serde(rename = "ImageID", default)]
    image_id: Fingerprint,
    #[serde(default)]
    labels: Fingerprint,
    #[serde(default)]
    state: Fingerprint,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    ports: Fingerprint,
    #[serde(default)]
    host_config: Fingerprint,
    #[serde(default)]
    network_settings: Fingerprint,
    #[serde(default)]
    networks: Fingerprint,
    #[serde(default)]
    mounts: Fingerprint,
}

impl Listed {
    /// Everything that is listed of the container, but for times that pass.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of_all(&[
            self.names,
            self.image,
            self.image_id,
            self.labels,
            self.state,
            Fingerprint::of_status(self.status.as_deref().unwrap_or_default()),
            self.ports,
            self.host_config,
            self.network_settings,
            self.networks,
            self.mounts,
        ])
    }
}

/// Body of an answer that reports an error.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    pub(super) message: String,
}

/// Answer of `/containers/{id}/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Inspected {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) created: Option<String>,
    pub(super) path: Option<String>,
    pub(super) args: Option<Vec<String>>,
    pub(super) image: Option<String>,
    pub(super) restart_count: Option<i64>,
    pub(super) state: Option<State>,
    pub(super) config: Option<Config>,
    pub(super) host_config: Option<HostConfig>,
    pub(super) network_settings: Option<NetworkSettings>,
    pub(super) mounts: Option<Vec<MountPoint>>,
}

/// What the container is doing.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct State {
    pub(super) status: Option<String>,
    pub(super) exit_code: Option<i64>,
    #[serde(rename = "OOMKilled")]
    pub(super) oom_killed: Option<bool>,
    pub(super) started_at: Option<String>,
    pub(super) finished_at: Option<String>,
    #[serde(alias = "Healthcheck")]
    pub(super) health: Option<Health>,
}

/// State of the health check; its log is not read.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Health {
    pub(super) status: Option<String>,
}

/// What the image and the operator set, independent of the host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Config {
    pub(super) image: Option<String>,
    pub(super) user: Option<String>,
    pub(super) env: Option<Vec<VariableName>>,
    pub(super) labels: Option<BTreeMap<String, String>>,
    pub(super) exposed_ports: Option<BTreeMap<String, IgnoredAny>>,
}

/// What the operator set for this host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct HostConfig {
    pub(super) network_mode: Option<String>,
    pub(super) port_bindings: Option<BTreeMap<String, IgnoredAny>>,
    pub(super) restart_policy: Option<RestartPolicy>,
    pub(super) privileged: Option<bool>,
    pub(super) memory: Option<i64>,
    pub(super) nano_cpus: Option<i64>,
    pub(super) cpu_period: Option<i64>,
    pub(super) cpu_quota: Option<i64>,
    pub(super) tmpfs: Option<BTreeMap<String, String>>,
}

/// When the engine starts it again by itself.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RestartPolicy {
    pub(super) name: Option<String>,
}

/// How it is connected.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NetworkSettings {
    pub(super) ports: Option<BTreeMap<String, Option<Vec<PortBinding>>>>,
    pub(super) networks: Option<BTreeMap<String, Option<Endpoint>>>,
}

/// One mapping of a port of the container to a port of the host.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PortBinding {
    pub(super) host_ip: Option<String>,
    pub(super) host_port: Option<String>,
}

/// Connection to one network.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Endpoint {
    #[serde(rename = "IPAddress")]
    pub(super) ip_address: Option<String>,
    #[serde(rename = "GlobalIPv6Address")]
    pub(super) global_ipv6_address: Option<String>,
    pub(super) mac_address: Option<String>,
}

/// One mount.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MountPoint {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) source: Option<String>,
    pub(super) destination: Option<String>,
    #[serde(rename = "RW")]
    pub(super) writable: Option<bool>,
}

/// One line of `/events`.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    #[serde(rename = "Action")]
    pub(super) action: Option<String>,
    #[serde(rename = "Actor")]
    pub(super) actor: Option<Actor>,
    /// Seconds since 1970.
    pub(super) time: Option<i64>,
    /// Nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub(super) time_nano: Option<i64>,
}

/// What an event is about.
#[derive(Debug, Deserialize)]
pub(super) struct Actor {
    #[serde(rename = "ID")]
    pub(super) id: Option<String>,
    #[serde(rename = "Attributes")]
    pub(super) attributes: Option<BTreeMap<String, String>>,
}

/// Name of an environment variable, read from `NAME=value` without keeping the value for a moment.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VariableName(pub(super) String);

impl<'de> Deserialize<'de> for VariableName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct UpToEquals;

        impl Visitor<'_> for UpToEquals {
            type Value = VariableName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("NAME=value")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                let name = text.split_once('=').map_or(text, |(name, _)| name);
                Ok(VariableName(name.to_owned()))
            }
        }

        deserializer.deserialize_str(UpToEquals)
    }
}
