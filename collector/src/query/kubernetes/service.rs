//! Services and ingresses.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::super::{Context, Filter, Key, Resource, Test, Time, time, value};
use super::ENDED;
use crate::store::{Row, StoreError, Value};

/// A service of a Kubernetes cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct K8sService {
    /// Identifier.
    pub id: i64,
    /// Its cluster.
    pub cluster_id: i64,
    /// Its namespace.
    pub namespace_id: Option<i64>,
    /// UID in the cluster.
    pub uid: String,
    /// Name.
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    pub service_type: Option<String>,
    /// Addresses inside the cluster, then those outside.
    pub addresses: Option<Json>,
    /// Host names outside the cluster.
    pub hosts: Option<Json>,
    /// Ports.
    pub ports: Option<Json>,
    /// Labels of the pods that it leads to.
    pub selector: Option<Json>,
    /// Labels.
    pub labels: Option<Json>,
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

impl Resource for K8sService {
    const LIST: &'static str = "k8s-services";
    const ONE: &'static str = "Kubernetes service";
    const ABOUT: &'static str =
        "Services of Kubernetes clusters. Ended ones are listed only with `ended=true` or `ended=any`.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("namespaceId", Test::Int("t.namespace_id"), "Those in this namespace."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("serviceType", Test::Text("t.service_type"), "Exactly this type."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.cluster_id, t.namespace_id, t.uid, t.name, t.service_type, {} AS addresses, {} AS \
             hosts, {} AS ports, {} AS selector, {} AS labels, t.made_at_us, t.first_seen_at_us, \
             t.changed_at_us, t.ended_at_us, t.end_reason FROM k8s_services t",
            context.dialect.json_text("t.addresses"),
            context.dialect.json_text("t.hosts"),
            context.dialect.json_text("t.ports"),
            context.dialect.json_text("t.selector"),
            context.dialect.json_text("t.labels"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            cluster_id: row.get("cluster_id")?,
            namespace_id: row.get("namespace_id")?,
            uid: row.get("uid")?,
            name: row.get("name")?,
            service_type: row.get("service_type")?,
            addresses: value::read(row, "addresses")?,
            hosts: value::read(row, "hosts")?,
            ports: value::read(row, "ports")?,
            selector: value::read(row, "selector")?,
            labels: value::read(row, "labels")?,
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

/// An ingress of a Kubernetes cluster.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct K8sIngress {
    /// Identifier.
    pub id: i64,
    /// Its cluster.
    pub cluster_id: i64,
    /// Its namespace.
    pub namespace_id: Option<i64>,
    /// UID in the cluster.
    pub uid: String,
    /// Name.
    pub name: String,
    /// Class of the controller that carries it out.
    pub class: Option<String>,
    /// Addresses and host names of its load balancers.
    pub addresses: Option<Json>,
    /// Host names of its rules.
    pub hosts: Option<Json>,
    /// Host names that are served over TLS.
    pub tls_hosts: Option<Json>,
    /// Paths and the services that answer.
    pub rules: Option<Json>,
    /// Labels.
    pub labels: Option<Json>,
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

impl Resource for K8sIngress {
    const LIST: &'static str = "k8s-ingresses";
    const ONE: &'static str = "Kubernetes ingress";
    const ABOUT: &'static str = "Ingresses of Kubernetes clusters and the host names that they answer to. Ended ones are listed only with `ended=true` or `ended=any`.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("namespaceId", Test::Int("t.namespace_id"), "Those in this namespace."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("class", Test::Text("t.class"), "Those of this class."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.cluster_id, t.namespace_id, t.uid, t.name, t.class, {} AS addresses, {} AS hosts, \
             {} AS tls_hosts, {} AS rules, {} AS labels, t.made_at_us, t.first_seen_at_us, t.changed_at_us, \
             t.ended_at_us, t.end_reason FROM k8s_ingresses t",
            context.dialect.json_text("t.addresses"),
            context.dialect.json_text("t.hosts"),
            context.dialect.json_text("t.tls_hosts"),
            context.dialect.json_text("t.rules"),
            context.dialect.json_text("t.labels"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            cluster_id: row.get("cluster_id")?,
            namespace_id: row.get("namespace_id")?,
            uid: row.get("uid")?,
            name: row.get("name")?,
            class: row.get("class")?,
            addresses: value::read(row, "addresses")?,
            hosts: value::read(row, "hosts")?,
            tls_hosts: value::read(row, "tls_hosts")?,
            rules: value::read(row, "rules")?,
            labels: value::read(row, "labels")?,
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
