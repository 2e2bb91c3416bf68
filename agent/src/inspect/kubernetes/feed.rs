//! One resource, listed once and then watched.
//!
//! The client does the hard part: it lists in pages, resumes by resource version, takes bookmarks, lists again after
//! `410 Gone`, and waits with growing, jittered pauses. This adds what it leaves open: a list is handed over whole, and a
//! watch that cannot be started begins again with a list, so that an end of the trouble is always seen.

use std::{fmt::Debug, pin::Pin};

use futures::{Stream, StreamExt as _, stream};
use kube::{
    Api, Resource,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event},
    },
};
use serde::de::DeserializeOwned;

use super::link;
use crate::inspect::InspectError;

/// Objects of one page of a list.
const PAGE: u32 = 500;

/// What a feed tells.
#[derive(Debug)]
pub(super) enum Fed<K> {
    /// Everything there is; what is not listed is gone.
    Listed(Vec<K>),
    /// It is new, or otherwise than before.
    Applied(K),
    /// It is gone; this is how it was last.
    Deleted(K),
    /// Nothing can be told until a list comes.
    Failed(InspectError),
}

/// What is watched.
pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
}

impl<K> Watched for K where K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

/// Lists and watches; `fields` narrows it, for example `spec.nodeName=a`. It never ends by itself.
pub(super) fn feed<K: Watched>(api: Api<K>, fields: Option<&str>) -> impl Stream<Item = Fed<K>> + Send + use<K> {
    let mut config = watcher::Config::default().page_size(PAGE);
    if let Some(fields) = fields {
        config = config.fields(fields);
    }
    let start = Running { events: begin(&api, &config), listing: None, api, config };
    stream::unfold(start, |mut running| async move {
        let fed = running.next().await;
        Some((fed, running))
    })
}

struct Running<K: Watched> {
    api: Api<K>,
    config: watcher::Config,
    events: Events<K>,
    /// What a list that is under way has brought so far.
    listing: Option<Vec<K>>,
}

type Events<K> = Pin<Box<dyn Stream<Item = watcher::Result<Event<K>>> + Send>>;

fn begin<K: Watched>(api: &Api<K>, config: &watcher::Config) -> Events<K> {
    Box::pin(watcher::watcher(api.clone(), config.clone()).default_backoff())
}

impl<K: Watched> Running<K> {
    async fn next(&mut self) -> Fed<K> {
        loop {
            match self.events.next().await {
                Some(Ok(Event::Init)) => self.listing = Some(Vec::new()),
                Some(Ok(Event::InitApply(object))) => self.listing.get_or_insert_default().push(object),
                Some(Ok(Event::InitDone)) => return Fed::Listed(self.listing.take().unwrap_or_default()),
                Some(Ok(Event::Apply(object))) => return Fed::Applied(object),
                Some(Ok(Event::Delete(object))) => return Fed::Deleted(object),
                Some(Err(watcher::Error::InitialListFailed(error))) => return Fed::Failed(problem::<K>(&error)),
                Some(Err(watcher::Error::WatchStartFailed(error))) => {
                    self.events = begin(&self.api, &self.config);
                    return Fed::Failed(problem::<K>(&error));
                }
                // A watch that broke off goes on where it was; one that is too old is listed again. Both are the client's.
                Some(Err(error)) => tracing::debug!(resource = %K::plural(&()), %error, "watch interrupted"),
                None => self.events = begin(&self.api, &self.config),
            }
        }
    }
}

fn problem<K: Watched>(error: &kube::Error) -> InspectError {
    link::problem(&K::plural(&()), error)
}
