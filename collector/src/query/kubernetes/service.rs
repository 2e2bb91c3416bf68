//! Services and ingresses.

use serde_json::Value as Json;

use super::super::{Context, Filter, Key, Resource, Test, Time};
use super::list::{ENDED, Field, listed};
use crate::store::{Row, StoreError, Value};

listed! {
    /// A service of a Kubernetes cluster.
    K8sService from "k8s_services" as "k8s-services", "Kubernetes service":
    "Services of Kubernetes clusters. Ended ones are listed only with `ended=true` or `ended=any`.",
    "t.ended_at_us IS NULL" unless "ended";
    filters [
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("namespaceId", Test::Int("t.namespace_id"), "Those in this namespace."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("serviceType", Test::Text("t.service_type"), "Exactly this type."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ]
    /// Identifier.
    id: i64,
    /// Its cluster.
    cluster_id: i64,
    /// Its namespace.
    namespace_id: Option<i64>,
    /// UID in the cluster.
    uid: String,
    /// Name.
    name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    service_type: Option<String>,
    /// Addresses inside the cluster, then those outside.
    addresses: Option<Json>,
    /// Host names outside the cluster.
    hosts: Option<Json>,
    /// Ports.
    ports: Option<Json>,
    /// Labels of the pods that it leads to.
    selector: Option<Json>,
    /// Labels.
    labels: Option<Json>,
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
    /// An ingress of a Kubernetes cluster.
    K8sIngress from "k8s_ingresses" as "k8s-ingresses", "Kubernetes ingress":
    "Ingresses of Kubernetes clusters and the host names that they answer to. Ended ones are listed only with `ended=true` or `ended=any`.",
    "t.ended_at_us IS NULL" unless "ended";
    filters [
        Filter::new("clusterId", Test::Int("t.cluster_id"), "Those of this cluster."),
        Filter::new("namespaceId", Test::Int("t.namespace_id"), "Those in this namespace."),
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("class", Test::Text("t.class"), "Those of this class."),
        Filter::new("label", Test::Label("t.labels"), "Has the label, or the label with this value: key or key=value."),
        ENDED,
    ]
    /// Identifier.
    id: i64,
    /// Its cluster.
    cluster_id: i64,
    /// Its namespace.
    namespace_id: Option<i64>,
    /// UID in the cluster.
    uid: String,
    /// Name.
    name: String,
    /// Class of the controller that carries it out.
    class: Option<String>,
    /// Addresses and host names of its load balancers.
    addresses: Option<Json>,
    /// Host names of its rules.
    hosts: Option<Json>,
    /// Host names that are served over TLS.
    tls_hosts: Option<Json>,
    /// Paths and the services that answer.
    rules: Option<Json>,
    /// Labels.
    labels: Option<Json>,
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
