//! Services and ingresses.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{model::Protocol, time::Timestamp};

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Service {
    /// Cluster, by the UID of its namespace kube-system.
    pub cluster_uid: String,
    /// UID in the cluster.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub service_type: Option<String>,
    /// Addresses inside the cluster, then those outside.
    pub addresses: Vec<String>,
    /// External name, and host names of load balancers.
    pub hosts: Vec<String>,
    /// Ports.
    pub ports: Vec<ServicePort>,
    /// Labels of the pods that it leads to.
    pub selector: BTreeMap<String, String>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A port of a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePort {
    /// Name.
    pub name: Option<String>,
    /// Port.
    pub port: u16,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Number or name of the pods' port.
    pub target: Option<String>,
    /// Port on every node; `None` when it has none.
    pub node_port: Option<u16>,
}

/// An ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Cluster, by the UID of its namespace kube-system.
    pub cluster_uid: String,
    /// UID in the cluster.
    pub uid: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Class of the controller that carries it out.
    pub class: Option<String>,
    /// Host names of its rules, sorted.
    pub hosts: Vec<String>,
    /// Host names that are served over TLS.
    pub tls_hosts: Vec<String>,
    /// Addresses and host names of its load balancers.
    pub addresses: Vec<String>,
    /// What its paths lead to.
    pub rules: Vec<IngressRule>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// One path of an ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IngressRule {
    /// `None`: all hosts.
    pub host: Option<String>,
    /// Path; `None` for all.
    pub path: Option<String>,
    /// Service that answers; `None` for another kind of backend.
    pub service: Option<String>,
    /// Its port, number or name.
    pub port: Option<String>,
}
