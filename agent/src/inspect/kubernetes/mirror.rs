//! A copy of one resource of the cluster, kept up to date by a feed.
//!
//! A copy that cannot be kept up to date says so and keeps what it had. Those who look at it are told of changes through a
//! bell that several copies may share; whoever hears it looks at the copies again.

use std::{collections::BTreeMap, pin::pin};

use futures::StreamExt as _;
use kube::{Client, ResourceExt as _};
use tokio::sync::watch;

use super::{
    feed::{Fed, Watched, feed},
    link,
};
use crate::inspect::InspectError;

/// Namespace and name; the namespace is empty for what belongs to none.
pub(super) type Name = (String, String);

/// Rings when something changed.
pub(super) type Bell = watch::Sender<u64>;

/// How well a copy is kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Standing {
    /// Nothing came yet.
    #[default]
    Pending,
    /// It is what the server has.
    Current,
    /// It is what the server had before this happened.
    Failed(InspectError),
}

/// A copy of one resource.
#[derive(Debug)]
pub(super) struct Mirror<K> {
    content: watch::Sender<Content<K>>,
    bells: Vec<Bell>,
}

#[derive(Debug)]
struct Content<K> {
    standing: Standing,
    objects: BTreeMap<Name, K>,
}

impl<K: Watched + PartialEq> Mirror<K> {
    /// An empty copy that rings `bells`.
    pub(super) fn new(bells: &[&Bell]) -> Self {
        let content = watch::Sender::new(Content { standing: Standing::Pending, objects: BTreeMap::new() });
        Self { content, bells: bells.iter().map(|bell| (*bell).clone()).collect() }
    }

    /// Keeps the copy up to date until it is dropped.
    pub(super) async fn keep(&self, client: Client) {
        let mut fed = pin!(feed::<K>(link::all(client), None));
        while let Some(fed) = fed.next().await {
            self.take(fed);
        }
    }

    /// Fills the copy once.
    pub(super) async fn fill(&self, client: Client) {
        if let Some(fed) = pin!(feed::<K>(link::all(client), None)).next().await {
            self.take(fed);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&self) {
        self.content.send_replace(Content { standing: Standing::Pending, objects: BTreeMap::new() });
    }

    /// Waits until something came, and hands over what there is; an error when it is not what the server has.
    pub(super) async fn current<R>(&self, read: impl FnOnce(&BTreeMap<Name, K>) -> R) -> Result<R, InspectError> {
        let mut changes = self.content.subscribe();
        // The sender lives as long as this copy.
        let content = changes.wait_for(|content| content.standing != Standing::Pending).await;
        let content = content.map_err(|_| InspectError::Unavailable("the agent is ending".to_owned()))?;
        match &content.standing {
            Standing::Failed(error) => Err(error.clone()),
            Standing::Pending | Standing::Current => Ok(read(&content.objects)),
        }
    }

    fn take(&self, fed: Fed<K>) {
        let name = |object: &K| (object.namespace().unwrap_or_default(), object.name_any());
        let changed = self.content.send_if_modified(|content| match fed {
            Fed::Listed(objects) => {
                let objects = objects.into_iter().map(|object| (name(&object), object)).collect();
                let same = content.standing == Standing::Current && content.objects == objects;
                *content = Content { standing: Standing::Current, objects };
                !same
            }
            Fed::Applied(object) => {
                content.objects.insert(name(&object), object);
                true
            }
            Fed::Deleted(object) => content.objects.remove(&name(&object)).is_some(),
            Fed::Resumed => {
                let current = content.standing == Standing::Current;
                content.standing = Standing::Current;
                !current
            }
            Fed::Failed(error) => {
                let failed = Standing::Failed(error);
                let same = content.standing == failed;
                content.standing = failed;
                !same
            }
        });
        if changed {
            self.bells.iter().for_each(|bell| bell.send_modify(|count| *count = count.wrapping_add(1)));
        }
    }
}
