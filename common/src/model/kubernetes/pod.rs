//! Pods.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    model::{Listener, Protocol},
    time::Timestamp,
};

/// A pod, joined with what the host's engines and control groups tell of its containers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pod {
    /// Cluster, by the UID of its namespace kube-system.
    pub cluster_uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID in the cluster.
    pub uid: String,
    /// UID by which the host knows a static pod, whose UID in the API is that of its mirror; `None` for others.
    pub host_uid: Option<String>,
    /// Node that it is placed on; `None` before that.
    pub node_name: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// What it comes to, in the words that people know: `Running`, `CrashLoopBackOff`, `Completed`, `Evicted`,
    /// `Terminating`, ….
    pub status: String,
    /// All its containers are ready.
    pub ready: Option<bool>,
    /// `Guaranteed`, `Burstable` or `BestEffort`.
    pub qos_class: Option<String>,
    /// Service account that its processes act as.
    pub service_account: Option<String>,
    /// Priority class.
    pub priority_class: Option<String>,
    /// It has the network of the node.
    pub host_network: bool,
    /// Addresses, sorted.
    pub addresses: Vec<String>,
    /// Who made it, nearest first, for example ReplicaSet, then Deployment.
    pub owners: Vec<PodOwner>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// Containers: init containers first, in the order of the specification.
    pub containers: Vec<PodContainer>,
    /// Thousandths of a core that the scheduler counts; `None` when nothing is requested.
    pub cpu_request_millicores: Option<u32>,
    /// Bytes that the scheduler counts; `None` when nothing is requested.
    pub memory_request_bytes: Option<u64>,
    /// Sum of the containers' limits in thousandths of a core; `None` when one of them has none.
    pub cpu_limit_millicores: Option<u32>,
    /// Sum of the containers' limits in bytes; `None` when one of them has none.
    pub memory_limit_bytes: Option<u64>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When the kubelet took it on.
    pub started_at: Option<Timestamp>,
    /// End of the last container of a pod that is done.
    pub finished_at: Option<Timestamp>,
    /// When its deletion was asked for; `None` when it was not.
    pub deleted_at: Option<Timestamp>,
    /// Sockets that its processes listen on, joined from the process source, sorted.
    pub listeners: Vec<Listener>,
}

/// Something that made a pod, or made what made it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodOwner {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A container of a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodContainer {
    /// Name.
    pub name: String,
    /// `init`, `sidecar`, `main` or `ephemeral`.
    pub role: String,
    /// Image as it was asked for.
    pub image: String,
    /// Image that was pulled, by digest.
    pub image_id: Option<String>,
    /// Identifier without the engine's scheme; `None` before the first run.
    pub container_id: Option<String>,
    /// Scheme of the identifier: `containerd`, `docker`, `cri-o`.
    pub runtime: Option<String>,
    /// `waiting`, `running` or `terminated`; `None` when nothing was told.
    pub state: Option<String>,
    /// For example `CrashLoopBackOff` or `OOMKilled`.
    pub reason: Option<String>,
    /// Exit status of the last run; `None` while it runs.
    pub exit_code: Option<i32>,
    /// Restarts so far.
    pub restart_count: u32,
    /// It is ready.
    pub ready: bool,
    /// Start of the present or last run.
    pub started_at: Option<Timestamp>,
    /// End of the last run; `None` while it runs.
    pub finished_at: Option<Timestamp>,
    /// Thousandths of a core; `None` when nothing is requested.
    pub cpu_request_millicores: Option<u32>,
    /// Bytes; `None` when nothing is requested.
    pub memory_request_bytes: Option<u64>,
    /// Thousandths of a core; `None` when unlimited.
    pub cpu_limit_millicores: Option<u32>,
    /// Bytes; `None` when unlimited.
    pub memory_limit_bytes: Option<u64>,
    /// Ports.
    pub ports: Vec<PodPort>,
}

/// A port that a container of a pod declares.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodPort {
    /// Name.
    pub name: Option<String>,
    /// Port inside the pod.
    pub container_port: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: Protocol,
    /// Port on the node; `None` when it is not mapped.
    pub host_port: Option<u16>,
}
