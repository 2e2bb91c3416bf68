//! A cluster and its namespaces.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A cluster, told by the holder of its Lease alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cluster {
    /// UID of the namespace kube-system.
    pub uid: String,
    /// Name that the operator gave it.
    pub name: Option<String>,
    /// Version of the API server, for example `v1.32.1`.
    pub version: Option<String>,
    /// Node whose agent holds the Lease.
    pub holder: String,
    /// How often the Lease changed hands: the larger number speaks for the cluster.
    pub lease_transitions: u64,
    /// Who may edit what in all namespaces; `None` when it could not be looked at.
    pub access: Option<Vec<Access>>,
    /// How many of them were left out because of the limit.
    pub access_truncated: u32,
}

/// What one binding lets one subject do.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// `User`, `Group` or `ServiceAccount`.
    pub subject_kind: String,
    /// Name; of a service account with its namespace in front, `NAMESPACE/NAME`.
    pub subject: String,
    /// `Role/NAME` or `ClusterRole/NAME`.
    pub role: String,
    /// Name of the binding.
    pub binding: String,
    /// Resources that the subject may create, change or delete, for example `deployments.apps`; `*` is all.
    pub edits: Vec<String>,
}

/// A namespace with what is set for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// Cluster, by the UID of its namespace kube-system.
    pub cluster_uid: String,
    /// UID in the cluster.
    pub uid: String,
    /// Name, which identifies it within the cluster.
    pub name: String,
    /// `Active` or `Terminating`.
    pub phase: Option<String>,
    /// Labels; values that look like secrets are redacted.
    pub labels: BTreeMap<String, String>,
    /// How many labels were left out because of the limit.
    pub labels_truncated: u32,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Resource quotas, sorted by name; `None` when they could not be looked at.
    pub quotas: Option<Vec<Quota>>,
    /// Limit ranges, sorted; `None` when they could not be looked at.
    pub limits: Option<Vec<Limit>>,
    /// Network policies, sorted by name; `None` when they could not be looked at.
    pub policies: Option<Vec<NetworkPolicy>>,
    /// Who may edit what in it by its own bindings; `None` when they could not be looked at.
    pub access: Option<Vec<Access>>,
    /// How many of them were left out because of the limit.
    pub access_truncated: u32,
}

/// A resource quota. Amounts are in Kubernetes' own form, for example `500m`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Name.
    pub name: String,
    /// Limit by resource, for example `requests.cpu`.
    pub hard: BTreeMap<String, String>,
    /// What is used of it.
    pub used: BTreeMap<String, String>,
}

/// One limit of a LimitRange, for one resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    /// Name of the LimitRange.
    pub name: String,
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    pub applies_to: String,
    /// For example `cpu`.
    pub resource: String,
    /// Least amount.
    pub min: Option<String>,
    /// Greatest amount.
    pub max: Option<String>,
    /// Limit of what names none.
    pub default_limit: Option<String>,
    /// Request of what names none.
    pub default_request: Option<String>,
}

/// A network policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Name.
    pub name: String,
    /// Pods that it is for, as a label selector; empty for all of the namespace.
    pub pods: String,
    /// `Ingress`, `Egress`.
    pub types: Vec<String>,
    /// Rules that let something in; none of them: nothing is let in.
    pub ingress_rules: u32,
    /// Rules that let something out.
    pub egress_rules: u32,
}
