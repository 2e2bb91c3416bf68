//! The kinds of resources that environments apply to.

/// A kind of resource that can belong to an environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// A partner.
    Partner,
    /// A cloud.
    Cloud,
    /// A region.
    Region,
    /// An availability zone.
    AvailabilityZone,
    /// A datacenter.
    Datacenter,
    /// A compute.
    Compute,
    /// A container of the existing inventory.
    Container,
    /// A workload.
    Workload,
    /// A namespace of a Kubernetes cluster.
    K8sNamespace,
}

impl ResourceType {
    /// All of them, from the top of the hierarchy to its leaves.
    pub const ALL: [Self; 9] = [
        Self::Partner,
        Self::Cloud,
        Self::Region,
        Self::AvailabilityZone,
        Self::Datacenter,
        Self::Compute,
        Self::K8sNamespace,
        Self::Container,
        Self::Workload,
    ];

    /// Word in `resource_type` columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Partner => "partner",
            Self::Cloud => "cloud",
            Self::Region => "region",
            Self::AvailabilityZone => "availability_zone",
            Self::Datacenter => "datacenter",
            Self::Compute => "compute",
            Self::Container => "container",
            Self::Workload => "workload",
            Self::K8sNamespace => "k8s_namespace",
        }
    }

    /// The kind with this word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What people call it, for example in "from datacenter Dhaka-DC1".
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::AvailabilityZone => "availability zone",
            Self::K8sNamespace => "namespace",
            other => other.as_str(),
        }
    }

    /// The table that holds them.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Partner => "partners",
            Self::Cloud => "clouds",
            Self::Region => "regions",
            Self::AvailabilityZone => "availability_zones",
            Self::Datacenter => "datacenters",
            Self::Compute => "computes",
            Self::Container => "containers",
            Self::Workload => "compute_workloads",
            Self::K8sNamespace => "k8s_namespaces",
        }
    }

    /// The column of that table that holds the name.
    #[must_use]
    pub const fn name_column(self) -> &'static str {
        match self {
            Self::Workload => "workload_name",
            _ => "name",
        }
    }
}
