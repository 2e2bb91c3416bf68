//! The ways of looking at a host.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// One way of looking at a host. Written as its name, for example `docker`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Source {
    /// Identity, operating system and resources of the host itself.
    Host,
    /// Docker Engine.
    Docker,
    /// Podman's Docker-compatible service.
    Podman,
    /// Processes: services and listeners.
    Process,
    /// What the host can be used for or managed with.
    Capability,
    /// Pods of this node.
    Kubernetes,
    /// The cluster itself, by the holder of its Lease; so are the further ones.
    KubernetesCluster,
    /// Namespaces with their quotas, limits, policies and access.
    KubernetesNamespaces,
    /// Nodes.
    KubernetesNodes,
    /// Services.
    KubernetesServices,
    /// Ingresses.
    KubernetesIngresses,
    /// A source of another version; kept by name.
    Other(String),
}

impl Source {
    /// The sources this version knows.
    pub const KNOWN: [Self; 11] = [
        Self::Host,
        Self::Docker,
        Self::Podman,
        Self::Process,
        Self::Capability,
        Self::Kubernetes,
        Self::KubernetesCluster,
        Self::KubernetesNamespaces,
        Self::KubernetesNodes,
        Self::KubernetesServices,
        Self::KubernetesIngresses,
    ];

    /// The sources that tell of a whole cluster, not of one host. Only the holder of the cluster's Lease looks at them.
    pub const OF_CLUSTER: [Self; 5] = [
        Self::KubernetesCluster,
        Self::KubernetesNamespaces,
        Self::KubernetesNodes,
        Self::KubernetesServices,
        Self::KubernetesIngresses,
    ];

    /// Whether it tells of a whole cluster.
    #[must_use]
    pub fn is_of_cluster(&self) -> bool {
        Self::OF_CLUSTER.contains(self)
    }

    /// Name on the wire, in the inventory and in prose.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Host => "host",
            Self::Docker => "docker",
            Self::Podman => "podman",
            Self::Process => "process",
            Self::Capability => "capability",
            Self::Kubernetes => "kubernetes",
            Self::KubernetesCluster => "k8s-cluster",
            Self::KubernetesNamespaces => "k8s-namespaces",
            Self::KubernetesNodes => "k8s-nodes",
            Self::KubernetesServices => "k8s-services",
            Self::KubernetesIngresses => "k8s-ingresses",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::KNOWN.into_iter().find(|source| source.as_str() == name);
        Ok(known.unwrap_or_else(|| Self::Other(name.to_owned())))
    }
}

impl From<String> for Source {
    fn from(name: String) -> Self {
        let Ok(source) = name.parse();
        source
    }
}

impl From<Source> for String {
    fn from(source: Source) -> Self {
        source.as_str().to_owned()
    }
}
