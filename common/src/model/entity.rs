//! One thing seen, of whatever kind.

use serde::{Deserialize, Serialize};

use super::{
    Capability, Container, Host, Process, Source,
    kubernetes::{Cluster, Ingress, Namespace, Node, Pod, Service},
};

/// One thing seen by one source, joined with what other sources know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The source's own identifier, unique within the source and not empty.
    pub native_id: String,
    /// Every look that contributed, the owning source first.
    pub evidence: Vec<Evidence>,
    /// What it is.
    #[serde(flatten)]
    pub body: Body,
}

/// One look that saw an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Who looked.
    pub source: Source,
    /// What that source calls the entity.
    pub native_id: String,
}

/// The typed content of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Body {
    /// The host itself.
    Host(Box<Host>),
    /// A container.
    Container(Box<Container>),
    /// Processes that belong together.
    Process(Box<Process>),
    /// A capability of the host.
    Capability(Capability),
    /// A pod.
    #[serde(rename = "k8s_pod")]
    Pod(Box<Pod>),
    /// A Kubernetes cluster.
    #[serde(rename = "k8s_cluster")]
    KubernetesCluster(Box<Cluster>),
    /// A namespace of a cluster.
    #[serde(rename = "k8s_namespace")]
    KubernetesNamespace(Box<Namespace>),
    /// A node of a cluster.
    #[serde(rename = "k8s_node")]
    KubernetesNode(Box<Node>),
    /// A service of a cluster.
    #[serde(rename = "k8s_service")]
    KubernetesService(Box<Service>),
    /// An ingress of a cluster.
    #[serde(rename = "k8s_ingress")]
    KubernetesIngress(Box<Ingress>),
}

/// Kinds of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The host itself.
    Host,
    /// A container; a workload.
    Container,
    /// Processes that belong together; a workload.
    Process,
    /// A capability of the host.
    Capability,
    /// A pod; a workload.
    Pod,
    /// A Kubernetes cluster.
    KubernetesCluster,
    /// A namespace of a cluster.
    KubernetesNamespace,
    /// A node of a cluster.
    KubernetesNode,
    /// A service of a cluster.
    KubernetesService,
    /// An ingress of a cluster.
    KubernetesIngress,
}

impl Body {
    /// The kind of this body.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Host(_) => Kind::Host,
            Self::Container(_) => Kind::Container,
            Self::Process(_) => Kind::Process,
            Self::Capability(_) => Kind::Capability,
            Self::Pod(_) => Kind::Pod,
            Self::KubernetesCluster(_) => Kind::KubernetesCluster,
            Self::KubernetesNamespace(_) => Kind::KubernetesNamespace,
            Self::KubernetesNode(_) => Kind::KubernetesNode,
            Self::KubernetesService(_) => Kind::KubernetesService,
            Self::KubernetesIngress(_) => Kind::KubernetesIngress,
        }
    }
}

impl Kind {
    /// Every kind of this version.
    pub const ALL: [Self; 10] = [
        Self::Host,
        Self::Container,
        Self::Process,
        Self::Capability,
        Self::Pod,
        Self::KubernetesCluster,
        Self::KubernetesNamespace,
        Self::KubernetesNode,
        Self::KubernetesService,
        Self::KubernetesIngress,
    ];

    /// Name in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Container => "container",
            Self::Process => "process",
            Self::Capability => "capability",
            Self::Pod => "k8s_pod",
            Self::KubernetesCluster => "k8s_cluster",
            Self::KubernetesNamespace => "k8s_namespace",
            Self::KubernetesNode => "k8s_node",
            Self::KubernetesService => "k8s_service",
            Self::KubernetesIngress => "k8s_ingress",
        }
    }
}
