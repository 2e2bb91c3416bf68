//! One source of a cluster: what of the copies it shows, and when a look is worth it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{StreamExt as _, future::join_all, stream, stream::BoxStream};
use orchestrix_common::{
    model::{
        Body, Entity, Evidence, Source,
        kubernetes::{Access, Cluster as ClusterBody, Ingress, Namespace, Node, Service},
    },
    time::{Clock as _, SystemClock},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    super::{feed::Watched, lease::Tenure, mirror::Mirror, objects::BindingObject},
    Cluster, Part,
    access::{self, Roles},
    parse,
};
use crate::inspect::{InspectError, Inspector, Observation, Sighted, Sighting, Signal, Warning};

/// Identifier of the one entity of the source that tells of the cluster itself.
const CLUSTER_ID: &str = "cluster";
/// Changes of a cluster come in swarms; so long they are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// Everything is watched; a look without an event only shows how the watches do.
const INTERVAL: Duration = Duration::from_secs(300);
/// How often the way to the server is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Time for the version of the server.
const VERSION: Duration = Duration::from_secs(3);

/// Looks at one part of a cluster.
#[derive(Debug)]
pub(super) struct ClusterInspector {
    cluster: Arc<Cluster>,
    source: Source,
}

/// Entities of a look, and what could not be seen of them.
type Seen = (Vec<Entity>, Vec<Warning>);

impl ClusterInspector {
    pub(super) const fn new(cluster: Arc<Cluster>, source: Source) -> Self {
        Self { cluster, source }
    }

    async fn look(&self, transitions: u64) -> Result<Seen, InspectError> {
        if matches!(self.cluster.part, Part::Onlooker) {
            let client = self.cluster.link.client().await?;
            join_all(self.cluster.copies.fillers(&self.source, &client)).await;
        }
        let uid = self.cluster.link.cluster_uid().await?;
        let copies = &self.cluster.copies;
        match self.source {
            Source::KubernetesNamespaces => self.namespaces(&uid).await,
            Source::KubernetesNodes => self.listed(&copies.nodes, |node| parse::node(&uid, node)).await,
            Source::KubernetesServices => self.listed(&copies.services, |service| parse::service(&uid, service)).await,
            Source::KubernetesIngresses => {
                self.listed(&copies.ingresses, |ingress| parse::ingress(&uid, ingress)).await
            }
            _ => Ok(self.whole(uid, transitions).await),
        }
    }

    /// All objects of one copy.
    async fn listed<K: Watched + PartialEq, B: Into<Shown>>(
        &self,
        copy: &Mirror<K>,
        read: impl Fn(&K) -> Option<B>,
    ) -> Result<Seen, InspectError> {
        let entities = copy.current(|all| self.entities(all.values().filter_map(&read).map(Into::into)));
        Ok((entities.await?, Vec::new()))
    }

    /// Namespaces with what is set for them. What cannot be looked at is not known, and does not keep the rest.
    async fn namespaces(&self, uid: &str) -> Result<Seen, InspectError> {
        let copies = &self.cluster.copies;
        let read = |all: &BTreeMap<_, _>| all.values().filter_map(|one| parse::namespace(uid, one)).collect();
        let mut namespaces: Vec<Namespace> = copies.namespaces.current(read).await?;
        let mut warnings = Vec::new();
        let mut note = |error: InspectError| {
            warnings.push(Warning { item: self.source.to_string(), problem: error.to_string() });
        };
        let quotas = copies.quotas.current(|all| {
            for namespace in &mut namespaces {
                let mut quotas: Vec<_> = parse::within(all, &namespace.name).map(parse::quota).collect();
                quotas.sort();
                namespace.quotas = Some(quotas);
            }
        });
        quotas.await.unwrap_or_else(&mut note);
        let limits = copies.limits.current(|all| {
            for namespace in &mut namespaces {
                let mut limits: Vec<_> = parse::within(all, &namespace.name).flat_map(parse::limits).collect();
                limits.sort();
                namespace.limits = Some(limits);
            }
        });
        limits.await.unwrap_or_else(&mut note);
        let policies = copies.policies.current(|all| {
            for namespace in &mut namespaces {
                let mut policies: Vec<_> = parse::within(all, &namespace.name).map(parse::policy).collect();
                policies.sort();
                namespace.policies = Some(policies);
            }
        });
        policies.await.unwrap_or_else(&mut note);
        self.access(&mut namespaces).await.unwrap_or_else(&mut note);
        let bodies = namespaces.into_iter().map(Shown::from);
        Ok((self.entities(bodies), warnings))
    }

    /// Who may edit what in each namespace by its own bindings.
    async fn access(&self, namespaces: &mut [Namespace]) -> Result<(), InspectError> {
        let copies = &self.cluster.copies;
        let cluster_roles = copies.cluster_roles.current(Clone::clone).await?;
        let roles = copies.roles.current(|roles| Roles::of(roles, &cluster_roles)).await?;
        let fill = |bindings: &BTreeMap<_, _>| {
            for namespace in namespaces {
                let of = parse::within(bindings, &namespace.name);
                let rules = of.flat_map(|(name, binding): (_, &BindingObject)| {
                    roles.granted(name, &binding.role_ref, &binding.subjects)
                });
                let (rules, truncated) = access::bounded(rules.collect());
                (namespace.access, namespace.access_truncated) = (Some(rules), truncated);
            }
        };
        copies.bindings.current(fill).await
    }

    /// The cluster itself: one entity, which says who tells of it.
    async fn whole(&self, uid: String, transitions: u64) -> Seen {
        let (access, warnings) = match self.cluster_access().await {
            Ok(access) => (Some(access), Vec::new()),
            Err(error) => (None, vec![Warning { item: self.source.to_string(), problem: error.to_string() }]),
        };
        let body = self.body(uid, transitions, access).await;
        (self.entities([Shown::from(body)]), warnings)
    }

    async fn cluster_access(&self) -> Result<(Vec<Access>, u32), InspectError> {
        let copies = &self.cluster.copies;
        let cluster_roles = copies.cluster_roles.current(Clone::clone).await?;
        let roles = Roles::of(&BTreeMap::new(), &cluster_roles);
        let bindings = copies.cluster_bindings.current(|bindings| {
            let granted =
                bindings.iter().flat_map(|(name, binding)| roles.granted(name, &binding.role_ref, &binding.subjects));
            access::bounded(granted.collect())
        });
        bindings.await
    }

    async fn body(&self, uid: String, lease_transitions: u64, access: Option<(Vec<Access>, u32)>) -> ClusterBody {
        let version = match self.cluster.link.client().await {
            Ok(client) => timeout(VERSION, client.apiserver_version()).await.ok().and_then(Result::ok),
            Err(_) => None,
        };
        let holder = match &self.cluster.part {
            Part::Candidate { identity, .. } => identity.clone(),
            Part::Onlooker => "nobody".to_owned(),
        };
        let (access, access_truncated) = access.unzip();
        ClusterBody {
            uid,
            name: self.cluster.name.clone(),
            version: version.map(|version| version.git_version),
            holder,
            lease_transitions,
            access,
            access_truncated: access_truncated.unwrap_or(0),
        }
    }

    /// The claim that goes ahead of everything else when the Lease is won: a collector must know who speaks before it
    /// hears what is said.
    async fn claim(&self, transitions: u64) -> Option<Signal> {
        let uid = self.cluster.link.cluster_uid().await.ok()?;
        let body = self.body(uid, transitions, None).await;
        let entity = self.entities([Shown::from(body)]).pop()?;
        Some(Signal::Changes(vec![Sighting { at: SystemClock.now(), what: Sighted::Present(entity) }]))
    }

    fn entities(&self, bodies: impl IntoIterator<Item = Shown>) -> Vec<Entity> {
        let entity = |Shown { native_id, uid, body }| {
            let evidence = vec![Evidence { source: self.source.clone(), native_id: uid }];
            Entity { native_id, evidence, body }
        };
        bodies.into_iter().map(entity).collect()
    }
}

/// A body with what identifies it: a namespace and a node by name, since one that is made again is the same to people; a
/// service and an ingress by UID, since their names do not fit a key.
struct Shown {
    native_id: String,
    uid: String,
    body: Body,
}

macro_rules! shown {
    ($type:ty, $variant:ident, $of:ident => $id:expr) => {
        impl From<$type> for Shown {
            fn from($of: $type) -> Self {
                Self { native_id: $id, uid: $of.uid.clone(), body: Body::$variant(Box::new($of)) }
            }
        }
    };
}

shown!(ClusterBody, KubernetesCluster, cluster => { let _ = &cluster; CLUSTER_ID.to_owned() });
shown!(Namespace, KubernetesNamespace, namespace => namespace.name.clone());
shown!(Node, KubernetesNode, node => node.name.clone());
shown!(Service, KubernetesService, service => service.uid.clone());
shown!(Ingress, KubernetesIngress, ingress => ingress.uid.clone());

/// Waits for what makes a look worth it.
struct Watching {
    inspector: ClusterInspector,
    bell: watch::Receiver<u64>,
    tenure: watch::Receiver<Tenure>,
    /// The tenure that was claimed.
    claimed: Option<u64>,
}

impl Watching {
    async fn next(mut self) -> Option<(Signal, Self)> {
        // Cancel-safe: both only tell that there is something to look at.
        let tenure_changed = tokio::select! {
            biased;
            changed = self.tenure.changed() => {
                changed.ok()?;
                true
            }
            rung = self.bell.changed() => {
                rung.ok()?;
                false
            }
        };
        if !tenure_changed {
            sleep(GATHER).await;
            self.bell.mark_unchanged();
        }
        let tenure = self.tenure.borrow_and_update().clone();
        let Tenure::Held(transitions) = tenure else {
            self.claimed = None;
            return Some((Signal::Look, self));
        };
        if self.inspector.source == Source::KubernetesCluster
            && self.claimed != Some(transitions)
            && let Some(claim) = self.inspector.claim(transitions).await
        {
            self.claimed = Some(transitions);
            return Some((claim, self));
        }
        Some((Signal::Look, self))
    }
}

#[async_trait]
impl Inspector for ClusterInspector {
    fn source(&self) -> Source {
        self.source.clone()
    }

    async fn inspect(&self, budget: Duration) -> Result<Observation, InspectError> {
        if !self.cluster.link.is_there() {
            return Ok(Observation::Absent("there is no cluster here".to_owned()));
        }
        let limit = budget.mul_f32(0.9);
        let looked = timeout(limit, async {
            self.cluster.join().await?;
            match self.cluster.tenure().await {
                Tenure::Held(transitions) => self.look(transitions).await.map(Some),
                Tenure::Failed(error) => Err(error),
                Tenure::Elsewhere(_) | Tenure::Waived(_) | Tenure::Pending => Ok(None),
            }
        });
        let seen = looked.await.unwrap_or(Err(InspectError::TimedOut(limit)))?;
        // What was seen counts only as long as it is this agent's to tell.
        let held = matches!(self.cluster.part, Part::Onlooker) || self.cluster.tenure.borrow().is_held();
        Ok(match seen.filter(|_| held) {
            Some((entities, warnings)) if warnings.is_empty() => Observation::Complete(entities),
            Some((entities, warnings)) => Observation::Listed(entities, warnings),
            None => {
                let why = match &*self.cluster.tenure.borrow() {
                    Tenure::Elsewhere(holder) => format!("told by the agent of node {holder}"),
                    Tenure::Waived(why) => (*why).to_owned(),
                    _ => "told by another agent".to_owned(),
                };
                Observation::Elsewhere(why)
            }
        })
    }

    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        if !self.cluster.link.is_there() {
            return None;
        }
        if let Err(error) = self.cluster.join().await {
            tracing::debug!(source = %self.source, %error, "no part in the cluster's Lease yet");
            return Some(stream::once(sleep(RETRY)).filter_map(|()| async { None }).boxed());
        }
        let inspector = Self { cluster: Arc::clone(&self.cluster), source: self.source.clone() };
        let (bell, mut tenure) = (self.cluster.copies.bell(&self.source), self.cluster.tenure.subscribe());
        // What is the case already is news to this subscription.
        tenure.mark_changed();
        let watching = Watching { inspector, bell, tenure, claimed: None };
        Some(stream::unfold(watching, Watching::next).boxed())
    }

    async fn leave(&self) {
        self.cluster.leave().await;
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
