//! Clusters, their namespaces and nodes.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::super::{Context, Filter, Key, Resource, Test, Time, time, value};
use super::ENDED;
use crate::store::{Row, StoreError, Value};

/// A Kubernetes cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct K8sCluster {
    /// Identifier.
    pub id: i64,
    /// UID of its namespace kube-system, which names the cluster.
    pub uid: String,
    /// Its name; its UID until somebody gives it one.
    pub name: String,
    /// Version of its API server.
    pub version: Option<String>,
    /// Status as recorded.
    pub status: String,
    /// Who may edit what in all namespaces; `null` when it could not be looked at.
    pub access: Option<Json>,
    /// Agent that tells of it at present.
    pub holder_agent_id: Option<String>,
    /// How often the Lease had changed hands when that agent got it.
    pub lease_transitions: i64,
    /// When discovery first saw it.
    pub first_seen_at: Time,
    /// When it last changed.
    pub changed_at: Time,
}

impl Resource for K8sCluster {
    const LIST: &'static str = "k8s-clusters";
    const ONE: &'static str = "Kubernetes cluster";
    const ABOUT: &'static str = "Kubernetes clusters, by the agent that holds the Lease of each.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("uid", Test::Text("t.uid"), "Exactly this UID."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.uid, t.name, t.version, t.status, {} AS access, t.holder_agent_id, \
             t.lease_transitions, t.first_seen_at_us, t.changed_at_us FROM k8s_clusters t",
            context.dialect.json_text("t.access"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            uid: row.get("uid")?,
            name: row.get("name")?,
            version: row.get("version")?,
            status: row.get("status")?,
            access: value::read(row, "access")?,
            holder_agent_id: row.get("holder_agent_id")?,
            lease_transitions: row.get("lease_transitions")?,
            first_seen_at: time::read(row, "first_seen_at_us")?,
            changed_at: time::read(row, "changed_at_us")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}

/// A namespace of a Kubernetes cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct K8sNamespace {
    /// Identifier.
    pub id: i64,
    /// Its cluster.
    pub cluster_id: i64,
    /// Name; one that is made again under its name is the same.
    pub name: String,
    /// UID in the cluster; `null` while only its pods told of it.
    pub uid: Option<String>,
    /// `Active` or `Terminating`.
    pub status: Option<String>,
    /// Labels.
    pub labels: Option<Json>,
    /// Resource quotas and their use; `null` when they could not be looked at.
    pub quotas: Option<Json>,
    /// Limit ranges; `null` when they could not be looked at.
    pub limit_ranges: Option<Json>,
    /// Network policies; `null` when they could not be looked at.
    pub network_policies: Option<Json>,
    /// Who may edit what by bindings of the namespace; `null` when they could not be looked at.
    pub access: Option<Json>,
    /// When it was made in the cluster.
    pub made_at: Option<Time>,
    /// When discovery first saw it.
    pub first_seen_at: Time,
    /// When it last changed.
    pub changed_at: Time,
    /// When it ceased to exist; `null` while it exists.
    pub ended_at: Option<Time>,
    /// How that is known.
    pub end_reason: Option<String>,
}

impl Resource for K8sNamespace {
    const LIST: &'static str = "k8s-namespaces";
    const ONE: &'static str = "Kubernetes namespace";
    const ABOUT: &'static str = "Namespaces of Kubernetes clusters with what is set for them. Ended ones are listed only with `ended=true` or `ended=any`.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.cluster_id, t.name, t.uid, t.status, {} AS labels, {} AS quotas, {} AS \
             limit_ranges, {} AS network_policies, {} AS access, t.made_at_us, t.first_seen_at_us, \
             t.changed_at_us, t.ended_at_us, t.end_reason FROM k8s_namespaces t",
            context.dialect.json_text("t.labels"),
            context.dialect.json_text("t.quotas"),
            context.dialect.json_text("t.limit_ranges"),
            context.dialect.json_text("t.network_policies"),
            context.dialect.json_text("t.access"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            cluster_id: row.get("cluster_id")?,
            name: row.get("name")?,
            uid: row.get("uid")?,
            status: row.get("status")?,
            labels: value::read(row, "labels")?,
            quotas: value::read(row, "quotas")?,
            limit_ranges: value::read(row, "limit_ranges")?,
            network_policies: value::read(row, "network_policies")?,
            access: value::read(row, "access")?,
            made_at: time::read_opt(row, "made_at_us")?,
            first_seen_at: time::read(row, "first_seen_at_us")?,
            changed_at: time::read(row, "changed_at_us")?,
            ended_at: time::read_opt(row, "ended_at_us")?,
            end_reason: row.get("end_reason")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        (!given.contains(&"ended")).then_some("t.ended_at_us IS NULL")
    }
}

/// A node of a Kubernetes cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct K8sNode {
    /// Identifier.
    pub id: i64,
    /// Its cluster.
    pub cluster_id: i64,
    /// Name.
    pub name: String,
    /// UID in the cluster.
    pub uid: Option<String>,
    /// The compute that it is.
    pub compute_id: Option<i64>,
    /// Why there is no such compute.
    pub match_note: Option<String>,
    /// `Ready`, `NotReady` or `Unknown`, with `,SchedulingDisabled` when no new pods are placed on it.
    pub status: Option<String>,
    /// Identifier that the cloud gave it.
    pub provider_id: Option<String>,
    /// Region by its labels.
    pub region: Option<String>,
    /// Zone by its labels.
    pub zone: Option<String>,
    /// Version of its kubelet.
    pub kubelet_version: Option<String>,
    /// Labels.
    pub labels: Option<Json>,
    /// What it has, by resource.
    pub capacity: Option<Json>,
    /// What pods may use of it, by resource.
    pub allocatable: Option<Json>,
    /// Conditions.
    pub conditions: Option<Json>,
    /// Everything else that the cluster tells of it.
    pub details: Option<Json>,
    /// When it was made in the cluster.
    pub made_at: Option<Time>,
    /// When discovery first saw it.
    pub first_seen_at: Time,
    /// When it last changed.
    pub changed_at: Time,
    /// When it ceased to exist; `null` while it exists.
    pub ended_at: Option<Time>,
    /// How that is known.
    pub end_reason: Option<String>,
}

impl Resource for K8sNode {
    const LIST: &'static str = "k8s-nodes";
    const ONE: &'static str = "Kubernetes node";
    const ABOUT: &'static str = "Nodes of Kubernetes clusters, each with the compute that it is. Ended ones are listed only with `ended=true` or `ended=any`.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("computeId", Test::Int("t.compute_id"), "The one that is this compute."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
        Filter::new("zone", Test::Text("t.zone"), "Those in this zone."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.cluster_id, t.name, t.uid, t.compute_id, t.match_note, t.status, t.provider_id, \
             t.region, t.zone, t.kubelet_version, {} AS labels, {} AS capacity, {} AS allocatable, {} AS \
             conditions, {} AS details, t.made_at_us, t.first_seen_at_us, t.changed_at_us, t.ended_at_us, \
             t.end_reason FROM k8s_nodes t",
            context.dialect.json_text("t.labels"),
            context.dialect.json_text("t.capacity"),
            context.dialect.json_text("t.allocatable"),
            context.dialect.json_text("t.conditions"),
            context.dialect.json_text("t.details"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            cluster_id: row.get("cluster_id")?,
            name: row.get("name")?,
            uid: row.get("uid")?,
            compute_id: row.get("compute_id")?,
            match_note: row.get("match_note")?,
            status: row.get("status")?,
            provider_id: row.get("provider_id")?,
            region: row.get("region")?,
            zone: row.get("zone")?,
            kubelet_version: row.get("kubelet_version")?,
            labels: value::read(row, "labels")?,
            capacity: value::read(row, "capacity")?,
            allocatable: value::read(row, "allocatable")?,
            conditions: value::read(row, "conditions")?,
            details: value::read(row, "details")?,
            made_at: time::read_opt(row, "made_at_us")?,
            first_seen_at: time::read(row, "first_seen_at_us")?,
            changed_at: time::read(row, "changed_at_us")?,
            ended_at: time::read_opt(row, "ended_at_us")?,
            end_reason: row.get("end_reason")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        (!given.contains(&"ended")).then_some("t.ended_at_us IS NULL")
    }
}
