//! Pods of this node.
//!
//! Every agent watches those that were placed on its node, and nothing else. A pod is one entity with its containers; the
//! view adds what engines and control groups tell of them.

mod owners;
pub(super) mod parse;
mod status;

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream, stream::BoxStream};
use kube::{Api, Client, api::ListParams};
use orchestrix_common::{
    model::{Body, Entity, Evidence, RemovalReason, Source},
    time::{Clock as _, SystemClock, Timestamp},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};

use super::{
    feed::{Fed, feed},
    link::{Link, problem},
    mirror::Standing,
    objects::PodObject,
};
use crate::inspect::{InspectError, Inspector, Observation, Sighted, Sighting, Signal};
use owners::Owners;

/// How often the server is asked whether it still answers, when nothing happens.
const INTERVAL: Duration = Duration::from_secs(60);
/// Time for that question.
const PROBE: Duration = Duration::from_secs(5);
/// How often the way to the server is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Looks at the pods of one node.
#[derive(Debug)]
pub struct PodInspector {
    link: Arc<Link>,
    node: String,
    known: Arc<Known>,
}

/// What the watch knows, shared with looks.
#[derive(Debug)]
struct Known {
    pods: watch::Sender<Pods>,
    owners: Owners,
    /// There is a watch.
    live: AtomicBool,
}

#[derive(Debug, Default)]
struct Pods {
    standing: Standing,
    by_uid: BTreeMap<String, Entity>,
}

impl PodInspector {
    /// Makes an inspector of the pods that were placed on `node`.
    #[must_use]
    pub fn new(link: Arc<Link>, node: String) -> Self {
        let pods = watch::Sender::new(Pods::default());
        Self { link, node, known: Arc::new(Known { pods, owners: Owners::default(), live: AtomicBool::new(false) }) }
    }

    fn fields(&self) -> String {
        format!("spec.nodeName={}", self.node)
    }

    /// Lists once, for a look without a watch.
    async fn fill(&self) -> Result<(), InspectError> {
        let client = self.link.client().await?;
        let cluster = self.link.cluster_uid().await?;
        let mut fed = pin!(feed::<PodObject>(Api::all(client.clone()), Some(&self.fields())));
        if let Some(fed) = fed.next().await {
            self.known.take(&client, &cluster, fed).await;
        }
        Ok(())
    }

    /// Asks for next to nothing, to know whether the server still answers and still allows it.
    async fn probe(&self) -> Result<(), InspectError> {
        let api: Api<PodObject> = Api::all(self.link.client().await?);
        let params = ListParams::default().fields(&self.fields()).limit(1).match_any();
        match timeout(PROBE, api.list_metadata(&params)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(problem("pods", &error)),
            Err(_) => Err(InspectError::TimedOut(PROBE)),
        }
    }
}

impl Known {
    /// Takes in what the feed told; returns what the view should hear.
    async fn take(&self, client: &Client, cluster: &str, fed: Fed<PodObject>) -> Option<Signal> {
        match fed {
            Fed::Listed(objects) => {
                let mut by_uid = BTreeMap::new();
                for object in objects {
                    let read = self.entity(client, cluster, &object).await;
                    by_uid.extend(read.map(|entity| (entity.native_id.clone(), entity)));
                }
                self.pods.send_replace(Pods { standing: Standing::Current, by_uid });
                Some(Signal::Look)
            }
            Fed::Applied(object) => {
                let entity = self.entity(client, cluster, &object).await?;
                let sighting = self.keep(entity)?;
                Some(Signal::Changes(vec![sighting]))
            }
            Fed::Deleted(object) => {
                let entity = self.entity(client, cluster, &object).await?;
                let native_id = entity.native_id.clone();
                let last = self.keep(entity);
                self.pods.send_modify(|pods| drop(pods.by_uid.remove(&native_id)));
                let gone = Sighted::Gone { native_id, reason: RemovalReason::Removed };
                let gone = Sighting { at: SystemClock.now(), what: gone };
                Some(Signal::Changes(last.into_iter().chain([gone]).collect()))
            }
            Fed::Failed(error) => self.stand(Standing::Failed(error)),
            Fed::Resumed => self.stand(Standing::Current),
        }
    }

    /// Notes how well the pods are known; a change is worth a look.
    fn stand(&self, standing: Standing) -> Option<Signal> {
        let changed = self.pods.send_if_modified(|pods| {
            let changed = pods.standing != standing;
            pods.standing = standing;
            changed
        });
        changed.then_some(Signal::Look)
    }

    /// What there is, once something came.
    async fn current(&self) -> Result<Vec<Entity>, InspectError> {
        let mut pods = self.pods.subscribe();
        let known = pods.wait_for(|pods| pods.standing != Standing::Pending).await;
        // The sender lives as long as this inspector.
        let pods = known.map_err(|_| InspectError::Unavailable("the agent is ending".to_owned()))?;
        match &pods.standing {
            Standing::Failed(error) => Err(error.clone()),
            Standing::Pending | Standing::Current => Ok(pods.by_uid.values().cloned().collect()),
        }
    }

    async fn entity(&self, client: &Client, cluster: &str, object: &PodObject) -> Option<Entity> {
        let owners = self.owners.of(client, object).await;
        let pod = parse::pod(cluster, object, owners)?;
        let evidence = vec![Evidence { source: Source::Kubernetes, native_id: pod.uid.clone() }];
        Some(Entity { native_id: pod.uid.clone(), evidence, body: Body::Pod(Box::new(pod)) })
    }

    /// Keeps a pod; returns what is new about it.
    fn keep(&self, entity: Entity) -> Option<Sighting> {
        let mut at = SystemClock.now();
        let changed = self.pods.send_if_modified(|pods| {
            let before = pods.by_uid.get(&entity.native_id);
            if before.is_none() {
                at = made_at(&entity).unwrap_or(at);
            }
            let changed = before != Some(&entity);
            if changed {
                pods.by_uid.insert(entity.native_id.clone(), entity.clone());
            }
            changed
        });
        changed.then_some(Sighting { at, what: Sighted::Present(entity) })
    }
}

fn made_at(entity: &Entity) -> Option<Timestamp> {
    match &entity.body {
        Body::Pod(pod) => pod.created_at,
        _ => None,
    }
}

/// Notes that there is no watch any more.
struct Live(Arc<Known>);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.store(false, Ordering::Relaxed);
        self.0.pods.send_modify(|pods| pods.standing = Standing::Pending);
    }
}

#[async_trait]
impl Inspector for PodInspector {
    fn source(&self) -> Source {
        Source::Kubernetes
    }

    async fn inspect(&self, budget: Duration) -> Result<Observation, InspectError> {
        if !self.link.is_there() {
            return Ok(Observation::Absent("no service account of a pod here and no kubeconfig set".to_owned()));
        }
        let live = self.known.live.load(Ordering::Relaxed);
        if !live {
            self.fill().await?;
        }
        let entities = timeout(budget.mul_f32(0.5), self.known.current()).await;
        let entities = entities.unwrap_or(Err(InspectError::TimedOut(budget.mul_f32(0.5))))?;
        if live {
            self.probe().await?;
        }
        Ok(Observation::Complete(entities))
    }

    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        if !self.link.is_there() {
            return None;
        }
        let reached = match self.link.client().await {
            Ok(client) => self.link.cluster_uid().await.map(|cluster| (client, cluster)),
            Err(error) => Err(error),
        };
        let (client, cluster) = match reached {
            Ok(reached) => reached,
            Err(error) => {
                tracing::debug!(%error, "no watch of pods yet");
                // Ends without a signal: the runner then subscribes and looks again.
                return Some(stream::once(sleep(RETRY)).filter_map(|()| async { None }).boxed());
            }
        };
        let known = Arc::clone(&self.known);
        known.live.store(true, Ordering::Relaxed);
        let live = Live(Arc::clone(&known));
        let fed = feed::<PodObject>(Api::all(client.clone()), Some(&self.fields()));
        let signals = fed.filter_map(move |fed| {
            let (known, client, cluster) = (Arc::clone(&known), client.clone(), cluster.clone());
            let _ = &live;
            async move { known.take(&client, &cluster, fed).await }
        });
        Some(signals.boxed())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }
}
