//! Nodes, as their cluster knows them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A node, as the cluster knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// Cluster, by the UID of its namespace kube-system.
    pub cluster_uid: String,
    /// UID in the cluster.
    pub uid: String,
    /// Name.
    pub name: String,
    /// `Ready`, `NotReady` or `Unknown`.
    pub status: String,
    /// No new pods are placed on it.
    pub unschedulable: bool,
    /// Roles by its labels, sorted.
    pub roles: Vec<String>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// Addresses, sorted.
    pub addresses: Vec<NodeAddress>,
    /// What it has, by resource.
    pub capacity: BTreeMap<String, String>,
    /// What pods may use of it, by resource.
    pub allocatable: BTreeMap<String, String>,
    /// Conditions, sorted by kind.
    pub conditions: Vec<NodeCondition>,
    /// `KEY=VALUE:EFFECT`.
    pub taints: Vec<String>,
    /// Identifier that the cloud gave it, for example `aws:///zone/i-0123`.
    pub provider_id: Option<String>,
    /// Its `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// Its SMBIOS system UUID.
    pub system_uuid: Option<String>,
    /// Version of its kubelet.
    pub kubelet_version: Option<String>,
    /// Engine and version, for example `containerd://1.7.2`.
    pub container_runtime: Option<String>,
    /// For example `Debian GNU/Linux 12 (bookworm)`.
    pub os_image: Option<String>,
    /// Release of its kernel.
    pub kernel_version: Option<String>,
    /// For example `amd64`.
    pub architecture: Option<String>,
    /// Label `topology.kubernetes.io/region`, or its older name.
    pub region: Option<String>,
    /// Label `topology.kubernetes.io/zone`, or its older name.
    pub zone: Option<String>,
    /// Label `node.kubernetes.io/instance-type`.
    pub instance_type: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// An address of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeAddress {
    /// `InternalIP`, `ExternalIP`, `Hostname`, ….
    pub kind: String,
    /// The address.
    pub address: String,
}

/// A condition of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeCondition {
    /// For example `MemoryPressure`.
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word: why.
    pub reason: Option<String>,
    /// Last change of the status; heartbeats do not count.
    pub since: Option<Timestamp>,
}
