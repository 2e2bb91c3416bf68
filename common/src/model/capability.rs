//! What a host can be used for or managed with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The capabilities that this version looks for.
pub const KNOWN_CAPABILITIES: [&str; 10] =
    ["docker", "podman", "containerd", "kubernetes", "systemd", "libvirt", "lxd", "ansible", "python", "ssh"];

/// Something a host can be used for or managed with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// One of [`KNOWN_CAPABILITIES`], or a name of another version.
    pub name: String,
    /// Version as the program tells it.
    pub version: Option<String>,
    /// Facts about its set-up, for example `storage_driver`; no secrets.
    pub configuration: BTreeMap<String, String>,
}
