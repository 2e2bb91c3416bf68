//! One resource, listed once and then watched.
//!
//! The client does the hard part: it lists in pages, resumes by resource version, takes bookmarks, lists again after
//! `410 Gone`, and waits with growing, jittered pauses. This adds what it leaves open: a list is handed over whole, and a
//! watch that cannot be started begins again with a list, after a growing, jittered pause of its own, so that an end of the
//! trouble is always seen.

use std::{fmt::Debug, pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use kube::{
    Api, Resource,
    runtime::{
        WatchStreamExt as _,
        watcher::{self, Event},
    },
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::link;
use crate::inspect::InspectError;

/// HTTP status of a version that the server no longer knows the changes since.
const GONE: u16 = 410;
/// Objects of one page of a list.
const PAGE: u32 = 500;

/// The shortest pause before a list that follows a watch which could not be started; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(800);
/// The longest.
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A watch that lasted as long worked; the next that cannot be started is the first again.
const PROVEN: Duration = Duration::from_secs(60);

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
    let events = begin(&api, &config);
    let start = Running { events, listing: None, refusals: 0, listed_at: None, api, config };
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
    /// Watches in a row that could not be started.
    refusals: u32,
    listed_at: Option<Instant>,
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
                Some(Ok(Event::InitDone)) => {
                    self.listed_at = Some(Instant::now());
                    return Fed::Listed(self.listing.take().unwrap_or_default());
                }
                Some(Ok(Event::Apply(object))) => return Fed::Applied(object),
                Some(Ok(Event::Delete(object))) => return Fed::Deleted(object),
                // No trouble, only another list: where the watch was, or the next page of the list, is forgotten by now.
                Some(Err(watcher::Error::WatchError(status))) if status.code == GONE => tell_expired::<K>(),
                Some(Err(watcher::Error::InitialListFailed(error))) if is_gone(&error) => tell_expired::<K>(),
                Some(Err(watcher::Error::WatchStartFailed(error))) if is_gone(&error) => {
                    tell_expired::<K>();
                    self.begin_again();
                }
                Some(Err(watcher::Error::InitialListFailed(error))) => return Fed::Failed(problem::<K>(&error)),
                Some(Err(watcher::Error::WatchStartFailed(error))) => {
                    self.begin_again();
                    return Fed::Failed(problem::<K>(&error));
                }
                // A watch that broke off goes on where it was, which is the client's to do.
                Some(Err(error)) => tracing::debug!(resource = %K::plural(&()), %error, "watch interrupted"),
                None => self.begin_again(),
            }
        }
    }

    /// Starts over with a list, after a pause: the client's own is forgotten with the watch.
    fn begin_again(&mut self) {
        let worked = self.listed_at.take().is_some_and(|at| at.elapsed() >= PROVEN);
        self.refusals = if worked { 1 } else { self.refusals.saturating_add(1) };
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.refusals - 1).min(8)).min(LAST_PAUSE);
        let pause = pause.mul_f64(0.5 + 0.5 * fastrand::f64());
        let (api, config) = (self.api.clone(), self.config.clone());
        self.events = Box::pin(stream::once(sleep(pause)).flat_map(move |()| begin(&api, &config)));
    }
}

fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == GONE)
}

/// The server no longer knows the changes since the version that a watch was at.
fn tell_expired<K: Watched>() {
    tracing::info!(resource = %K::plural(&()), "watch expired; listing again");
}

fn problem<K: Watched>(error: &kube::Error) -> InspectError {
    link::problem(&K::plural(&()), error)
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
