//! Clusters, their namespaces and nodes.

use serde_json::Value as Json;

use super::super::{Context, Filter, Key, Resource, Test, Time};
use super::list::{ENDED, Field, listed};
use crate::store::{Row, StoreError, Value};

listed! {
    /// A Kubernetes cluster.
    K8sCluster from "k8s_clusters" as "k8s-clusters", "Kubernetes cluster":
    "Kubernetes clusters, by the agent that holds the Lease of each.";
    filters [
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("uid", Test::Text("t.uid"), "Exactly this UID."),
    ]
    /// Identifier.
    id: i64,
    /// UID of its namespace kube-system, which names the cluster.
    uid: String,
    /// Its name; its UID until somebody gives it one.
    name: String,
    /// Version of its API server.
    version: Option<String>,
    /// Status as recorded.
    status: String,
    /// Who may edit what in all namespaces; `null` when it could not be looked at.
    access: Option<Json>,
    /// Agent that tells of it at present.
    holder_agent_id: Option<String>,
    /// How often the Lease had changed hands when that agent got it; `null` as of the past.
    lease_transitions: Option<i64>,
    /// When discovery first saw it.
    first_seen_at: Time,
    /// When it last changed.
    changed_at: Time,
}

listed! {
    /// A namespace of a Kubernetes cluster.
    K8sNamespace from "k8s_namespaces" as "k8s-namespaces", "Kubernetes namespace":
    "Namespaces of Kubernetes clusters with what is set for them. Ended ones are listed only with `ended=true` or `ended=any`.",
    "t.ended_at_us IS NULL" unless "ended";
    filters [
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ]
    /// Identifier.
    id: i64,
    /// Its cluster.
    cluster_id: i64,
    /// Name; one that is made again under its name is the same.
    name: String,
    /// UID in the cluster; `null` while only its pods told of it.
    uid: Option<String>,
    /// `Active` or `Terminating`.
    status: Option<String>,
    /// Labels.
    labels: Option<Json>,
    /// Resource quotas and their use; `null` when they could not be looked at.
    quotas: Option<Json>,
    /// Limit ranges; `null` when they could not be looked at.
    limit_ranges: Option<Json>,
    /// Network policies; `null` when they could not be looked at.
    network_policies: Option<Json>,
    /// Who may edit what by bindings of the namespace; `null` when they could not be looked at.
    access: Option<Json>,
    /// When it was made in the cluster.
    made_at: Option<Time>,
    /// When discovery first saw it.
    first_seen_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// When it ceased to exist; `null` while it exists.
    ended_at: Option<Time>,
    /// How that is known.
    end_reason: Option<String>,
}

listed! {
    /// A node of a Kubernetes cluster.
    K8sNode from "k8s_nodes" as "k8s-nodes", "Kubernetes node":
    "Nodes of Kubernetes clusters, each with the compute that it is. Ended ones are listed only with `ended=true` or `ended=any`.",
    "t.ended_at_us IS NULL" unless "ended";
    filters [
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("computeId", Test::Int("t.compute_id"), "The one that is this compute."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
        Filter::new("zone", Test::Text("t.zone"), "Those in this zone."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ]
    /// Identifier.
    id: i64,
    /// Its cluster.
    cluster_id: i64,
    /// Name.
    name: String,
    /// UID in the cluster.
    uid: Option<String>,
    /// The compute that it is.
    compute_id: Option<i64>,
    /// Why there is no such compute.
    match_note: Option<String>,
    /// `Ready`, `NotReady` or `Unknown`, with `,SchedulingDisabled` when no new pods are placed on it.
    status: Option<String>,
    /// Identifier that the cloud gave it.
    provider_id: Option<String>,
    /// Region by its labels.
    region: Option<String>,
    /// Zone by its labels.
    zone: Option<String>,
    /// Version of its kubelet.
    kubelet_version: Option<String>,
    /// Labels.
    labels: Option<Json>,
    /// What it has, by resource.
    capacity: Option<Json>,
    /// What pods may use of it, by resource.
    allocatable: Option<Json>,
    /// Conditions.
    conditions: Option<Json>,
    /// Everything else that the cluster tells of it.
    details: Option<Json>,
    /// When it was made in the cluster.
    made_at: Option<Time>,
    /// When discovery first saw it.
    first_seen_at: Time,
    /// When it last changed.
    changed_at: Time,
    /// When it ceased to exist; `null` while it exists.
    ended_at: Option<Time>,
    /// How that is known.
    end_reason: Option<String>,
}
