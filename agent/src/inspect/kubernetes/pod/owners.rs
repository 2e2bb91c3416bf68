//! Who made a pod, and who made that: ReplicaSet and Deployment, Job and CronJob.
//!
//! The first step is in the pod itself. The second is asked for once per ReplicaSet or Job, by name and without its
//! content; where that is not allowed or not answered, the chain ends at the first.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Api, Client, Resource};
use orchestrix_common::model::kubernetes::PodOwner;
use tokio::time::timeout;

use super::super::{
    feed::Watched,
    objects::{JobObject, PodObject, ReplicaSetObject},
};

/// Time for one question.
const QUESTION: Duration = Duration::from_secs(2);
/// Owners that are remembered; past it everything is forgotten and asked again.
const REMEMBERED: usize = 2_048;

/// What is known of owners, by their UID.
#[derive(Debug, Default)]
pub(super) struct Owners {
    known: Mutex<HashMap<String, Option<PodOwner>>>,
}

impl Owners {
    /// The chain of a pod, nearest first.
    pub(super) async fn of(&self, client: &Client, pod: &PodObject) -> Vec<PodOwner> {
        let Some(first) = controller(pod.metadata.owner_references.as_deref()) else { return Vec::new() };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        let second = match first.kind.as_str() {
            "ReplicaSet" => self.above::<ReplicaSetObject>(client, namespace, first).await,
            "Job" => self.above::<JobObject>(client, namespace, first).await,
            _ => None,
        };
        std::iter::once(owner(first)).chain(second).collect()
    }

    async fn above<K>(&self, client: &Client, namespace: &str, first: &OwnerReference) -> Option<PodOwner>
    where
        K: Watched + Resource<Scope = kube::core::NamespaceResourceScope>,
    {
        if let Some(known) = self.lock().get(&first.uid) {
            return known.clone();
        }
        let api: Api<K> = Api::namespaced(client.clone(), namespace);
        let asked = timeout(QUESTION, api.get_metadata(&first.name)).await;
        let above = match asked {
            Ok(Ok(object)) => controller(object.metadata.owner_references.as_deref()).map(owner),
            // Not there any more, or not allowed: neither will be otherwise soon.
            Ok(Err(kube::Error::Api(_))) => None,
            // Not remembered, so that the next change of the pod asks again.
            Ok(Err(_)) | Err(_) => return None,
        };
        let mut known = self.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(first.uid.clone(), above.clone());
        above
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<PodOwner>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn controller(owners: Option<&[OwnerReference]>) -> Option<&OwnerReference> {
    let owners = owners?;
    owners.iter().find(|owner| owner.controller == Some(true)).or_else(|| owners.first())
}

fn owner(reference: &OwnerReference) -> PodOwner {
    PodOwner { kind: reference.kind.clone(), name: reference.name.clone() }
}
