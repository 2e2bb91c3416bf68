//! One resource, listed once and then watched.
//!
//! It lists in pages, watches from the version of the list, and goes on after a break at the version that it saw last, which
//! bookmarks keep near the present: an outage costs no list. Only where the server forgot the changes since then
//! (`410 Gone`) it lists again. Pauses after trouble grow and have jitter, and so has a list after `410`, since all who watch
//! hear of it at once. The client library has such a loop; it does not tell when a watch goes on after trouble, which
//! would leave a quiet resource in trouble for ever.

use std::{fmt::Debug, mem, pin::Pin, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{ListParams, WatchEvent, WatchParams},
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::link;
use crate::inspect::InspectError;

/// HTTP status of a version that the server no longer knows the changes since.
const GONE: u16 = 410;
/// Objects of one page of a list.
const PAGE: u32 = 500;
/// How long the server keeps one watch open, in seconds.
const WATCH: u32 = 290;
/// A watch that is silent for longer than the server keeps it open is dead.
const SILENCE: Duration = Duration::from_secs(WATCH as u64 + 10);
/// The shortest pause after trouble; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(800);
/// The longest.
const LAST_PAUSE: Duration = Duration::from_secs(30);
/// A watch that lasted as long worked; the next trouble is the first again.
const PROVEN: Duration = Duration::from_secs(10);
/// Lists after `410` are spread over this time.
const SPREAD: Duration = Duration::from_secs(2);

/// What a feed tells.
#[derive(Debug)]
pub(super) enum Fed<K> {
    /// Everything there is; what is not listed is gone.
    Listed(Vec<K>),
    /// It is new, or otherwise than before.
    Applied(K),
    /// It is gone; this is how it was last.
    Deleted(K),
    /// Nothing can be told until a list comes or the watch goes on.
    Failed(InspectError),
    /// The watch goes on where it was: nothing was missed.
    Resumed,
}

/// What is watched.
pub(super) trait Watched:
    Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static
{
}

impl<K> Watched for K where K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static {}

/// Lists and watches; `fields` narrows it, for example `spec.nodeName=a`. It never ends by itself.
pub(super) fn feed<K: Watched>(api: Api<K>, fields: Option<&str>) -> impl Stream<Item = Fed<K>> + Send + use<K> {
    let fields = fields.map(str::to_owned);
    let start = Running { api, fields, state: State::List, tries: 0, pause: None, troubled: false };
    stream::unfold(start, |mut running| async move {
        let fed = running.next().await;
        Some((fed, running))
    })
}

type Events<K> = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<K>>> + Send>>;

struct Running<K: Watched> {
    api: Api<K>,
    fields: Option<String>,
    state: State<K>,
    /// Troubles in a row.
    tries: u32,
    /// How long to wait before the next request.
    pause: Option<Duration>,
    /// The last thing told was a failure.
    troubled: bool,
}

enum State<K> {
    /// Everything is to be listed.
    List,
    /// A watch is to begin at this version.
    Watch(String),
    /// A watch runs since then, and this is the version that it told last.
    Watching(Events<K>, String, Instant),
}

impl<K: Watched> Running<K> {
    async fn next(&mut self) -> Fed<K> {
        loop {
            if let Some(pause) = self.pause.take() {
                sleep(pause).await;
            }
            let told = match mem::replace(&mut self.state, State::List) {
                State::List => self.list().await,
                State::Watch(version) => self.watch(version).await,
                State::Watching(events, version, since) => self.follow(events, version, since).await,
            };
            if let Some(told) = told {
                self.troubled = matches!(told, Fed::Failed(_));
                return told;
            }
        }
    }

    async fn list(&mut self) -> Option<Fed<K>> {
        let mut params = ListParams { field_selector: self.fields.clone(), ..ListParams::default().limit(PAGE) };
        let mut objects = Vec::new();
        loop {
            let page = match self.api.list(&params).await {
                Ok(page) => page,
                Err(error) => return self.trouble(State::List, &error),
            };
            if objects.is_empty() {
                objects = page.items;
            } else {
                objects.extend(page.items);
            }
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                self.state = State::Watch(page.metadata.resource_version.unwrap_or_default());
                return Some(Fed::Listed(objects));
            }
        }
    }

    async fn watch(&mut self, version: String) -> Option<Fed<K>> {
        let params = WatchParams { field_selector: self.fields.clone(), ..WatchParams::default().timeout(WATCH) };
        match self.api.watch(&params, &version).await {
            Ok(events) => {
                self.state = State::Watching(Box::pin(events), version, Instant::now());
                self.troubled.then_some(Fed::Resumed)
            }
            Err(error) => self.trouble(State::Watch(version), &error),
        }
    }

    async fn follow(&mut self, mut events: Events<K>, version: String, since: Instant) -> Option<Fed<K>> {
        let event = timeout(SILENCE, events.next()).await.unwrap_or(None);
        if since.elapsed() >= PROVEN {
            self.tries = 0;
        }
        let (version, told) = match event {
            Some(Ok(WatchEvent::Added(object) | WatchEvent::Modified(object))) => {
                (object.resource_version().unwrap_or(version), Some(Fed::Applied(object)))
            }
            Some(Ok(WatchEvent::Deleted(object))) => {
                (object.resource_version().unwrap_or(version), Some(Fed::Deleted(object)))
            }
            Some(Ok(WatchEvent::Bookmark(bookmark))) => (bookmark.metadata.resource_version, None),
            // What the server says of a watch that it ends.
            Some(Ok(WatchEvent::Error(status))) => {
                return self.trouble(State::Watch(version), &kube::Error::Api(status));
            }
            // It broke off, or its time was over. Whether that is trouble shows when it is to go on.
            other => {
                let error = other.and_then(Result::err);
                tracing::debug!(resource = %K::plural(&()), error = error.as_ref().map(tracing::field::display), "watch ended");
                self.state = State::Watch(version);
                self.pause = (since.elapsed() < PROVEN).then(|| self.next_pause());
                return None;
            }
        };
        self.state = State::Watching(events, version, since);
        told
    }

    /// Goes on with `state` after a pause, or with a list where the version is forgotten, which is no trouble.
    fn trouble(&mut self, state: State<K>, error: &kube::Error) -> Option<Fed<K>> {
        if matches!(error, kube::Error::Api(status) if status.code == GONE) {
            tracing::info!(resource = %K::plural(&()), "watch expired; listing again");
            self.state = State::List;
            self.pause = Some(self.next_pause() + SPREAD.mul_f64(fastrand::f64()));
            return None;
        }
        self.state = state;
        self.pause = Some(self.next_pause());
        Some(Fed::Failed(link::problem(&K::plural(&()), error)))
    }

    fn next_pause(&mut self) -> Duration {
        self.tries = self.tries.saturating_add(1);
        let most = FIRST_PAUSE.saturating_mul(1 << (self.tries - 1).min(8)).min(LAST_PAUSE);
        most.mul_f64(0.5 + 0.5 * fastrand::f64())
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
