//! The copies of a cluster's resources, and the bell of each source that is made of them.

use std::{fmt, pin::Pin, sync::Arc};

use kube::Client;
use orchestrix_common::model::Source;
use tokio::sync::watch;

use super::super::{
    mirror::{Bell, Mirror},
    objects::{
        BindingObject, ClusterBindingObject, ClusterRoleObject, IngressObject, LimitObject, NamespaceObject,
        NodeObject, PolicyObject, QuotaObject, RoleObject, ServiceObject,
    },
};

/// Keeps one copy up to date, or fills it once.
pub(super) type Keeping = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The bells of the sources.
#[derive(Clone)]
struct Bells {
    cluster: Bell,
    namespaces: Bell,
    nodes: Bell,
    services: Bell,
    ingresses: Bell,
}

/// All copies. Cheap to clone.
#[derive(Clone)]
pub(super) struct Copies {
    bells: Bells,
    pub(super) namespaces: Arc<Mirror<NamespaceObject>>,
    pub(super) quotas: Arc<Mirror<QuotaObject>>,
    pub(super) limits: Arc<Mirror<LimitObject>>,
    pub(super) policies: Arc<Mirror<PolicyObject>>,
    pub(super) roles: Arc<Mirror<RoleObject>>,
    pub(super) bindings: Arc<Mirror<BindingObject>>,
    pub(super) cluster_roles: Arc<Mirror<ClusterRoleObject>>,
    pub(super) cluster_bindings: Arc<Mirror<ClusterBindingObject>>,
    pub(super) nodes: Arc<Mirror<NodeObject>>,
    pub(super) services: Arc<Mirror<ServiceObject>>,
    pub(super) ingresses: Arc<Mirror<IngressObject>>,
}

impl fmt::Debug for Copies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Copies")
    }
}

/// Does the same with every copy, or with those of one source.
macro_rules! each {
    ($copies:expr, $copy:ident => $do:expr) => {
        each!(@ $copies, $copy => $do, namespaces, quotas, limits, policies, roles, bindings, cluster_roles,
            cluster_bindings, nodes, services, ingresses)
    };
    ($copies:expr, $copy:ident => $do:expr, [$($name:ident),*]) => { each!(@ $copies, $copy => $do, $($name),*) };
    (@ $copies:expr, $copy:ident => $do:expr, $($name:ident),*) => {
        vec![$({ let $copy = Arc::clone(&$copies.$name); $do }),*]
    };
}

impl Copies {
    pub(super) fn new() -> Self {
        let bell = || watch::Sender::new(0);
        let bells = Bells { cluster: bell(), namespaces: bell(), nodes: bell(), services: bell(), ingresses: bell() };
        let of_namespace = &bells.namespaces;
        Self {
            namespaces: Arc::new(Mirror::new(&[of_namespace])),
            quotas: Arc::new(Mirror::new(&[of_namespace])),
            limits: Arc::new(Mirror::new(&[of_namespace])),
            policies: Arc::new(Mirror::new(&[of_namespace])),
            roles: Arc::new(Mirror::new(&[of_namespace])),
            bindings: Arc::new(Mirror::new(&[of_namespace])),
            cluster_roles: Arc::new(Mirror::new(&[of_namespace, &bells.cluster])),
            cluster_bindings: Arc::new(Mirror::new(&[&bells.cluster])),
            nodes: Arc::new(Mirror::new(&[&bells.nodes])),
            services: Arc::new(Mirror::new(&[&bells.services])),
            ingresses: Arc::new(Mirror::new(&[&bells.ingresses])),
            bells,
        }
    }

    /// Rings when something changed that concerns a source.
    pub(super) fn bell(&self, source: &Source) -> watch::Receiver<u64> {
        let Bells { cluster, namespaces, nodes, services, ingresses } = &self.bells;
        match source {
            Source::KubernetesNamespaces => namespaces,
            Source::KubernetesNodes => nodes,
            Source::KubernetesServices => services,
            Source::KubernetesIngresses => ingresses,
            _ => cluster,
        }
        .subscribe()
    }

    /// Keeps all copies up to date.
    pub(super) fn keepers(&self, client: &Client) -> Vec<Keeping> {
        each!(self, copy => {
            let client = client.clone();
            Box::pin(async move { copy.keep(client).await }) as Keeping
        })
    }

    /// Fills the copies of one source once.
    pub(super) fn fillers(&self, source: &Source, client: &Client) -> Vec<Keeping> {
        macro_rules! fill {
            ($($name:ident),*) => {
                each!(self, copy => {
                    let client = client.clone();
                    Box::pin(async move { copy.fill(client).await }) as Keeping
                }, [$($name),*])
            };
        }
        match source {
            Source::KubernetesNamespaces => {
                fill!(namespaces, quotas, limits, policies, roles, bindings, cluster_roles)
            }
            Source::KubernetesNodes => fill!(nodes),
            Source::KubernetesServices => fill!(services),
            Source::KubernetesIngresses => fill!(ingresses),
            _ => fill!(cluster_roles, cluster_bindings),
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        each!(self, copy => copy.clear());
    }
}
