//! The whole cluster, as the one agent tells of it that holds the Lease.
//!
//! One task takes part in the Lease; while it is held, a copy of each resource is kept, and five sources are made of them.
//! They are sources of their own because each may be forbidden by itself: what the agent's role does not allow is a source
//! that says so, while the others go on. An agent that does not hold the Lease says nothing of the cluster, which is not
//! the same as saying that it is empty.

mod access;
mod copies;
mod parse;
mod source;

use std::sync::Arc;

use futures::{StreamExt as _, stream::FuturesUnordered};
use orchestrix_common::model::Source;
use tokio::sync::{OnceCell, watch};
use tokio_util::task::AbortOnDropHandle;

use super::{
    lease::{Candidate, Tenure},
    link::Link,
};
use crate::inspect::{InspectError, Inspector};
use copies::Copies;
use source::ClusterInspector;

/// How an agent takes part in telling of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// It tries to hold the Lease under this name, in the namespace given or its own.
    Candidate {
        /// Name that is written into the Lease.
        identity: String,
        /// Namespace of the Lease; that of the agent's pod when `None`.
        namespace: Option<String>,
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
    task: OnceCell<AbortOnDropHandle<()>>,
}

/// Makes the inspectors of a cluster.
#[must_use]
pub fn inspectors(link: Arc<Link>, name: Option<String>, part: Part) -> Vec<Arc<dyn Inspector>> {
    let tenure = watch::Sender::new(Tenure::Pending);
    let cluster = Arc::new(Cluster { link, name, part, tenure, copies: Copies::new(), task: OnceCell::new() });
    let inspector = |source| Arc::new(ClusterInspector::new(Arc::clone(&cluster), source)) as Arc<dyn Inspector>;
    Source::OF_CLUSTER.into_iter().map(inspector).collect()
}

impl Cluster {
    /// Starts to take part in the Lease, once.
    async fn join(self: &Arc<Self>) -> Result<(), InspectError> {
        let Part::Candidate { identity, namespace } = &self.part else { return Ok(()) };
        let client = self.link.client().await?;
        let namespace = match namespace {
            Some(namespace) => namespace.clone(),
            None => self.link.own_namespace().await?,
        };
        // A lookup that fails here fails for the sources too; the task would know no cluster to tell of.
        self.link.cluster_uid().await?;
        let start = || {
            let candidate = Candidate::new(client.clone(), &namespace, identity.clone(), self.tenure.clone());
            let (copies, tenure) = (self.copies.clone(), self.tenure.subscribe());
            let both = async move {
                // Neither ends; both are dropped with the inspectors.
                tokio::join!(candidate.run(), keep(copies, tenure, client.clone()));
            };
            std::future::ready(AbortOnDropHandle::new(tokio::spawn(both)))
        };
        self.task.get_or_init(start).await;
        Ok(())
    }

    /// Who tells of the cluster; waits while that is not known.
    async fn tenure(&self) -> Tenure {
        if self.part == Part::Onlooker {
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
