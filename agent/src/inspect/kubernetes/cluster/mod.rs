//! The whole cluster, as the one agent tells of it that holds the Lease.
//!
//! One task takes part in the Lease; while it is held, a copy of each resource is kept, and five sources are made of them.
//! They are sources of their own because each may be forbidden by itself: what the agent's role does not allow is a source
//! that says so, while the others go on. An agent that does not hold the Lease says nothing of the cluster, which is not
//! the same as saying that it is empty. One that ends gives the Lease back.

mod access;
mod copies;
mod parse;
mod source;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::{StreamExt as _, stream::FuturesUnordered};
use orchestrix_common::model::Source;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    lease::{Candidate, Pace, Tenure},
    link::Link,
};
use crate::inspect::{Hearing, InspectError, Inspector};
use copies::Copies;
use source::ClusterInspector;

/// How an agent takes part in telling of its cluster.
#[derive(Clone, Debug)]
pub enum Part {
    /// It tries to hold the Lease under this name, in the namespace given or its own.
    Candidate {
        /// Name that is written into the Lease.
        identity: String,
        /// Namespace of the Lease; that of the agent's pod when `None`.
        namespace: Option<String>,
        /// Whether a collector takes what this agent tells; only then it may hold the Lease.
        hearing: watch::Receiver<Hearing>,
    },
    /// It looks once, for a person: no Lease is needed for that.
    Onlooker,
}

/// What the five sources share.
#[derive(Debug)]
struct Cluster {
    link: Arc<Link>,
    /// Name that the operator gave the cluster.
    name: Option<String>,
    part: Part,
    tenure: watch::Sender<Tenure>,
    copies: Copies,
    taking_part: Mutex<TakingPart>,
}

/// Whether the agent takes part in the Lease.
#[derive(Debug, Default)]
enum TakingPart {
    /// Not yet.
    #[default]
    Not,
    /// Until it is told to stop; the task ends when the Lease is given back.
    In { stop: CancellationToken, task: AbortOnDropHandle<()> },
    /// Not any more.
    Left,
}

/// Makes the inspectors of a cluster.
#[must_use]
pub fn inspectors(link: Arc<Link>, name: Option<String>, part: Part) -> Vec<Arc<dyn Inspector>> {
    let tenure = watch::Sender::new(Tenure::Pending);
    let cluster = Arc::new(Cluster { link, name, part, tenure, copies: Copies::new(), taking_part: Mutex::default() });
    let inspector = |source| Arc::new(ClusterInspector::new(Arc::clone(&cluster), source)) as Arc<dyn Inspector>;
    Source::OF_CLUSTER.into_iter().map(inspector).collect()
}

impl Cluster {
    /// Starts to take part in the Lease, once.
    async fn join(self: &Arc<Self>) -> Result<(), InspectError> {
        let Part::Candidate { identity, namespace, hearing } = &self.part else { return Ok(()) };
        let client = self.link.client().await?;
        let namespace = match namespace {
            Some(namespace) => namespace.clone(),
            None => self.link.own_namespace().await?,
        };
        // A lookup that fails here fails for the sources too; the task would know no cluster to tell of.
        self.link.cluster_uid().await?;
        let mut taking_part = self.lock();
        if matches!(*taking_part, TakingPart::Not) {
            let (identity, tenure) = (identity.clone(), self.tenure.clone());
            let (client, hearing) = (client.clone(), hearing.clone());
            let candidate = Candidate::new(client.clone(), &namespace, identity, tenure, hearing, Pace::default());
            let (copies, tenure) = (self.copies.clone(), self.tenure.subscribe());
            let stop = CancellationToken::new();
            let stopped = stop.clone();
            let task = tokio::spawn(async move {
                // The copies are kept as long as the agent takes part.
                tokio::select! {
                    () = candidate.run(stopped) => {}
                    () = keep(copies, tenure, client) => {}
                }
            });
            *taking_part = TakingPart::In { stop, task: AbortOnDropHandle::new(task) };
        }
        Ok(())
    }

    /// Gives the Lease back and takes no part in it any more.
    async fn leave(&self) {
        // Five sources share it; the first one that ends waits for it.
        let before = std::mem::replace(&mut *self.lock(), TakingPart::Left);
        if let TakingPart::In { stop, task } = before {
            stop.cancel();
            // One that broke down holds nothing any more.
            let _ = task.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, TakingPart> {
        self.taking_part.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who tells of the cluster; waits while that is not known.
    async fn tenure(&self) -> Tenure {
        if matches!(self.part, Part::Onlooker) {
            return Tenure::Held(0);
        }
        let mut tenure = self.tenure.subscribe();
        let known = tenure.wait_for(|tenure| *tenure != Tenure::Pending).await;
        known.map_or(Tenure::Pending, |tenure| tenure.clone())
    }
}

/// Keeps the copies while the Lease is held.
async fn keep(copies: Copies, mut tenure: watch::Receiver<Tenure>, client: kube::Client) {
    loop {
        if tenure.wait_for(Tenure::is_held).await.is_err() {
            return;
        }
        let mut keeping: FuturesUnordered<_> = copies.keepers(&client).into_iter().collect();
        let mut lost = tenure.clone();
        // Cancel-safe: a copy that is no longer kept is cleared.
        tokio::select! {
            _ = lost.wait_for(|tenure| !tenure.is_held()) => {}
            _ = keeping.next() => {}
        }
        drop(keeping);
        copies.clear();
    }
}
