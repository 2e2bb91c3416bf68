//! Containers of Docker, and of Podman through the same API.
//!
//! A look lists all containers and asks for each that is listed otherwise than when it was asked for last, or long ago;
//! events tell of changes in between, each with its own time. `client`
//! fetches (a handful of read routes, nothing else), `parse` turns answers into the domain model, `story` tells what
//! the engine no longer can, `memory` joins what looks and events found. It knows nothing of processes or of use.
//!
//! Invariants: a look that failed never looks like an empty one; an engine that was there and is not any more is
//! unavailable, not absent; values of environment variables are never read.

mod address;
mod api;
mod client;
mod error;
mod fingerprint;
mod lines;
mod memory;
mod parse;
mod resume;
mod story;
mod watch;

use std::{
    collections::HashSet,
    fmt,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt as _, stream, stream::BoxStream};
use orchestrix_common::model::{Body, Container, DEFAULT_LIMITS, Entity, Evidence, Limits, Source};
use tokio::time::{Instant, sleep};

pub use self::address::{Address, AddressError};
use self::{client::Client, error::ClientError, memory::Memory, parse::Rules, resume::Bookmark};
use super::{InspectError, Inspector, Observation, Signal, Warning};

/// Containers asked for at the same time.
const CONCURRENCY: usize = 4;
/// Time for one request of a look, apart from the list, which may take what is left.
const REQUEST_LIMIT: Duration = Duration::from_secs(5);
/// Time for a subscription.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(5);
/// How often an engine that is not there is tried again.
const RETRY: Duration = Duration::from_secs(5);
/// A container that is listed as before is asked for again after about this time, for what neither events nor the list tell.
const ASKED_AGAIN: Duration = Duration::from_secs(600);
/// A subscription goes back this much further, in nanoseconds, because engines order events less exactly than they
/// time them, and tell their own time in whole seconds. What was told is recognised.
const OVERLAP_NANOS: i64 = 1_000_000_000;

/// An engine with Docker's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// Docker Engine.
    Docker,
    /// Podman's service.
    Podman,
}

impl Engine {
    /// Name in the inventory.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// The source that its containers belong to.
    #[must_use]
    pub const fn source(self) -> Source {
        match self {
            Self::Docker => Source::Docker,
            Self::Podman => Source::Podman,
        }
    }

    /// Where it listens unless somebody changed that.
    #[must_use]
    pub fn default_address(self) -> Address {
        Address::Unix(match self {
            Self::Docker => "/var/run/docker.sock".into(),
            Self::Podman => "/run/podman/podman.sock".into(),
        })
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How to look at an engine.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which engine; another one at the address is not looked at.
    pub engine: Engine,
    /// Where its API listens.
    pub address: Address,
    /// Report scrubbed arguments of commands, not only their number.
    pub arguments: bool,
    /// The longest time between two looks at everything.
    pub interval: Duration,
    /// Sizes to keep to.
    pub limits: Limits,
    /// Folder that remembers up to where events were told, so that the next run of the agent goes on from there; `None`
    /// for one look.
    pub state_dir: Option<PathBuf>,
}

impl Settings {
    /// The settings for an engine at its usual place.
    #[must_use]
    pub fn of(engine: Engine) -> Self {
        Self {
            engine,
            address: engine.default_address(),
            arguments: false,
            interval: Duration::from_secs(60),
            limits: DEFAULT_LIMITS,
            state_dir: None,
        }
    }
}

/// Looks at the containers of one engine.
#[derive(Debug)]
pub struct DockerInspector {
    address: Address,
    interval: Duration,
    shared: Arc<Shared>,
}

/// What looks and the event stream have in common.
#[derive(Debug)]
struct Shared {
    engine: Engine,
    rules: Rules,
    /// The engine answered at least once.
    seen: AtomicBool,
    memory: Mutex<Memory>,
    bookmark: Bookmark,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Every change of the memory is complete in itself, so it is whole even after a panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a container. Oddities in it are worth a line in the log, not a degraded source.
    fn parsed(&self, raw: api::Inspected) -> Option<Container> {
        let (container, warnings) = parse::container(raw, &self.rules);
        for Warning { item, problem } in warnings {
            tracing::debug!(container = item, problem, "part of a container left out");
        }
        container
    }

    fn entity(&self, container: Container) -> Entity {
        let source = self.engine.source();
        Entity {
            native_id: container.id.clone(),
            evidence: vec![Evidence { source, native_id: container.id.clone() }],
            body: Body::Container(Box::new(container)),
        }
    }
}

impl DockerInspector {
    /// Makes an inspector. It connects at every look, so the engine may come, go and come back.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let Settings { engine, address, arguments, interval, limits, state_dir } = settings;
        let rules = Rules { runtime: engine.name(), arguments, limits };
        let bookmark = Bookmark::of(engine, state_dir.as_deref());
        let shared = Shared { engine, rules, seen: AtomicBool::new(false), memory: Mutex::default(), bookmark };
        Self { address, interval, shared: Arc::new(shared) }
    }

    async fn look(&self, deadline: Instant) -> Result<Observation, ClientError> {
        let shared = &self.shared;
        let request_deadline = || deadline.min(Instant::now() + REQUEST_LIMIT);
        let client = Client::connect(&self.address, shared.engine, request_deadline()).await?;
        let began = shared.memory().next_turn();
        let listed = client.containers(deadline).await?;
        let (client, request_deadline) = (&client, &request_deadline);
        let stands = |(id, fingerprint): &(String, _)| shared.memory().stands(id, *fingerprint, Instant::now());
        let (standing, due): (Vec<_>, Vec<_>) = listed.iter().cloned().partition(stands);
        let asked = stream::iter(due).map(|(id, fingerprint)| async move {
            let turn = shared.memory().next_turn();
            let answer = client.container(&id, request_deadline()).await;
            (id, fingerprint, turn, answer)
        });
        let answers: Vec<_> = asked.buffer_unordered(CONCURRENCY).collect().await;

        // Taken last, since events may have told something new of them meanwhile.
        let standing = standing.iter().filter_map(|(id, _)| shared.memory().body(id).cloned());
        let mut containers: Vec<Container> = standing.collect();
        let mut warnings = Vec::new();
        let mut failure = None;
        for (id, fingerprint, turn, answer) in answers {
            match answer {
                Ok(raw) => match shared.parsed(raw) {
                    Some(body) => {
                        let mut memory = shared.memory();
                        containers.extend(memory.settle(turn, body));
                        let until = Instant::now() + ASKED_AGAIN.mul_f32(0.75 + 0.5 * fastrand::f32());
                        memory.asked(&id, fingerprint, until);
                    }
                    None => warnings.push(Warning { item: id, problem: "an answer without identifier".into() }),
                },
                // It was removed since it was listed.
                Err(error) if error.is_not_found() => {}
                Err(error) => {
                    warnings.push(Warning { item: id, problem: error.to_string() });
                    failure = Some(error).filter(|error| !error.is_answer()).or(failure);
                }
            }
        }
        // One slow container is its own matter; an engine that fell silent, or answers nobody, is the look's.
        if let Some(error) = failure.filter(|error| containers.is_empty() || !error.is_slow()) {
            return Err(error);
        }
        let listed: HashSet<_> = listed.into_iter().map(|(id, _)| id).collect();
        containers.extend(shared.memory().finish_look(began, &listed));
        let mut entities: Vec<_> = containers.into_iter().map(|container| shared.entity(container)).collect();
        entities.sort_unstable_by(|one, other| one.native_id.cmp(&other.native_id));
        shared.seen.store(true, Ordering::Relaxed);
        Ok(if warnings.is_empty() { Observation::Complete(entities) } else { Observation::Partial(entities, warnings) })
    }

    async fn subscribe(&self) -> Result<BoxStream<'static, Signal>, ClientError> {
        let deadline = Instant::now() + SUBSCRIBE_LIMIT;
        let client = Client::connect(&self.address, self.shared.engine, deadline).await?;
        // Docker sends its answer a moment before it subscribes, so even the first subscription names its start: where
        // the last run of the agent stopped telling, or now, by the engine's own clock.
        let engine_time = client.engine_time.map(|secs| secs.saturating_mul(1_000_000_000));
        let first = match engine_time {
            Some(now) => Some(self.shared.bookmark.load(now).await.unwrap_or(now)),
            None => None,
        };
        let since = self.shared.memory().resume_at(first);
        let feed = client.events(since.map(|since| since.saturating_sub(OVERLAP_NANOS)), deadline).await?;
        self.shared.seen.store(true, Ordering::Relaxed);
        Ok(watch::signals(feed, client, Arc::clone(&self.shared)))
    }

    /// Ends, without a signal, as soon as the engine answers: the runner then subscribes and looks.
    fn until_there(&self) -> BoxStream<'static, Signal> {
        let (address, engine) = (self.address.clone(), self.shared.engine);
        let waiting = async move {
            loop {
                sleep(RETRY.mul_f32(0.75 + 0.5 * fastrand::f32())).await;
                if Client::connect(&address, engine, Instant::now() + REQUEST_LIMIT).await.is_ok() {
                    return None;
                }
            }
        };
        stream::once(waiting).filter_map(std::future::ready).boxed()
    }
}

#[async_trait]
impl Inspector for DockerInspector {
    fn source(&self) -> Source {
        self.shared.engine.source()
    }

    async fn inspect(&self, budget: Duration) -> Result<Observation, InspectError> {
        // A tenth stays for putting the answer together.
        let deadline = Instant::now() + budget.mul_f32(0.9);
        let seen = self.shared.seen.load(Ordering::Relaxed);
        match self.look(deadline).await {
            Ok(observation) => Ok(observation),
            Err(error @ ClientError::NoSocket(_)) if !seen => Ok(Observation::Absent(error.to_string())),
            Err(ClientError::OtherEngine { address, serves }) => {
                Ok(Observation::Absent(format!("{address} is served by {serves}, which is a source of its own")))
            }
            Err(error) => Err(error.into_inspect_error(self.shared.engine)),
        }
    }

    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        let subscribed = self.subscribe().await;
        Some(subscribed.unwrap_or_else(|error| {
            tracing::debug!(source = %self.source(), %error, "no subscription yet");
            self.until_there()
        }))
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

#[cfg(test)]
mod tests;
