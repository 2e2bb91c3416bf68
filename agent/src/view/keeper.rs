//! The task that owns the view: takes in what inspectors saw, writes the differences to the outbox, and answers what
//! sessions ask about the present state.
//!
//! Differences of about 20 ms become one report. What a session reads in a [`Snapshot`] is the state right after a
//! report was written, so digests and `head_sequence` always belong together.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use orchestrix_common::{
    hash::EntityHash,
    model::{Change, ChangeKind, Entity, Source, SourceStatus, Usage},
    time::{SharedClock, Timestamp},
};
use std::sync::Arc;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{SourceDigest, UsageBoard, View, batch::Batch, join::Key};
use crate::{
    inspect::{InspectError, Observation, Sighting},
    outbox::Outbox,
};

/// How long differences are gathered before they are written.
const GATHER: Duration = Duration::from_millis(20);

/// How long a first look may take before sessions begin without it.
const SETTLE: Duration = Duration::from_secs(10);

/// Looks and events that wait; the inspector that comes next waits in turn.
const SEEN: usize = 64;

/// Questions of sessions that wait; a session that asks more waits.
const REQUESTS: usize = 16;

/// What an inspector saw.
#[derive(Debug)]
pub enum Seen {
    /// A look at the whole source ended.
    Look {
        /// The source.
        source: Source,
        /// When it ended.
        at: Timestamp,
        /// What it found.
        outcome: Result<Observation, InspectError>,
        /// Told once the differences are in the outbox.
        done: Option<oneshot::Sender<()>>,
    },
    /// Events told of single entities, in this order.
    Sightings {
        /// The source.
        source: Source,
        /// What happened.
        sightings: Vec<Sighting>,
    },
    /// Use was measured.
    Usages {
        /// Who measured.
        source: Source,
        /// When.
        at: Timestamp,
        /// The figures, by raw entity.
        usages: Vec<Usage>,
    },
}

/// What is believed right after the newest report was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Number of the newest report.
    pub head_sequence: u64,
    /// Digests of the sources that were seen whole.
    pub digests: Vec<SourceDigest>,
    /// Every source had its first look, or had time for it: a session may begin.
    pub settled: bool,
}

/// Identifiers and hashes of one source.
#[derive(Debug, PartialEq)]
pub struct Listing {
    /// The source.
    pub source: Source,
    /// Number of the newest report when the list was taken.
    pub head_sequence: u64,
    /// The source was seen whole since the start.
    pub whole: bool,
    /// Identifiers with hashes, sorted.
    pub entries: Vec<(String, EntityHash)>,
}

/// How one source does, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceSummary {
    /// The source.
    pub source: Source,
    /// Its status; `None` before the first look.
    pub status: Option<SourceStatus>,
    /// Entities that are reported.
    pub entities: usize,
}

#[derive(Debug)]
enum Request {
    Listing(Vec<Source>, oneshot::Sender<Vec<Listing>>),
    Wanted(Source, Vec<String>),
    Restate,
    Summary(oneshot::Sender<Vec<SourceSummary>>),
}

/// How other tasks reach the keeper. Cheap to clone.
#[derive(Clone, Debug)]
pub struct KeeperHandle {
    seen: mpsc::Sender<Seen>,
    requests: mpsc::Sender<Request>,
    snapshot: watch::Receiver<Snapshot>,
    usage: Arc<UsageBoard>,
}

/// Owns the view. [`Keeper::run`] is the task.
#[derive(Debug)]
pub struct Keeper {
    view: View,
    batch: Batch,
    outbox: Outbox,
    clock: SharedClock,
    awaited: BTreeSet<Source>,
    usage: Arc<UsageBoard>,
    seen: mpsc::Receiver<Seen>,
    requests: mpsc::Receiver<Request>,
    snapshot: watch::Sender<Snapshot>,
    /// Who wants to know that what they saw is written.
    done: Vec<oneshot::Sender<()>>,
}

impl KeeperHandle {
    /// Hands over what was seen. Waits while the keeper is behind.
    pub async fn saw(&self, seen: Seen) {
        // The keeper only ends when the agent does.
        let _ = self.seen.send(seen).await;
    }

    /// The present state, and how to hear of the next.
    #[must_use]
    pub fn snapshots(&self) -> watch::Receiver<Snapshot> {
        self.snapshot.clone()
    }

    /// The latest use of every entity.
    #[must_use]
    pub fn usage(&self) -> &UsageBoard {
        &self.usage
    }

    /// Lists sources as they are now. What was seen before is written first.
    pub async fn list(&self, sources: Vec<Source>) -> Vec<Listing> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Listing(sources, reply)).await;
        answer.await.unwrap_or_default()
    }

    /// Writes a report with these entities as they are now; those that are no more are left out.
    pub async fn want(&self, source: Source, native_ids: Vec<String>) {
        let _ = self.requests.send(Request::Wanted(source, native_ids)).await;
    }

    /// Writes a report with the status of every source.
    pub async fn restate(&self) {
        let _ = self.requests.send(Request::Restate).await;
    }

    /// How the sources do; empty once the agent is ending.
    pub async fn summary(&self) -> Vec<SourceSummary> {
        let (reply, answer) = oneshot::channel();
        let _ = self.requests.send(Request::Summary(reply)).await;
        answer.await.unwrap_or_default()
    }
}

/// Why the loop woke.
enum Wake {
    Seen(Seen),
    Request(Request),
    Write,
    Settle,
    Stop,
}

impl Keeper {
    /// Makes a keeper that waits for the first look at each of these sources before sessions begin.
    #[must_use]
    pub fn new(sources: impl IntoIterator<Item = Source>, outbox: Outbox, clock: SharedClock) -> (Self, KeeperHandle) {
        let (seen_sender, seen) = mpsc::channel(SEEN);
        let (request_sender, requests) = mpsc::channel(REQUESTS);
        let head_sequence = outbox.position().head_sequence;
        let (snapshot, snapshots) = watch::channel(Snapshot { head_sequence, ..Snapshot::default() });
        let usage = Arc::new(UsageBoard::default());
        let handle = KeeperHandle {
            seen: seen_sender,
            requests: request_sender,
            snapshot: snapshots,
            usage: Arc::clone(&usage),
        };
        let keeper = Self {
            view: View::new(),
            batch: Batch::default(),
            outbox,
            clock,
            awaited: sources.into_iter().collect(),
            usage,
            seen,
            requests,
            snapshot,
            done: Vec::new(),
        };
        (keeper, handle)
    }

    /// Runs until it is told to stop; what was seen by then is written.
    pub async fn run(mut self, stop: CancellationToken) {
        let settle_at = Instant::now() + SETTLE;
        let mut write_at = None;
        if self.awaited.is_empty() {
            self.settle().await;
        }
        loop {
            let settled = self.snapshot.borrow().settled;
            // Cancel-safe: receiving from a channel, sleeping and waiting for a token lose nothing when dropped.
            let wake = tokio::select! {
                biased;
                () = stop.cancelled() => Wake::Stop,
                () = sleep_until(write_at.unwrap_or(settle_at)), if write_at.is_some() => Wake::Write,
                () = sleep_until(settle_at), if !settled => Wake::Settle,
                Some(request) = self.requests.recv() => Wake::Request(request),
                Some(seen) = self.seen.recv() => Wake::Seen(seen),
            };
            match wake {
                Wake::Seen(seen) => self.take_in(seen),
                Wake::Request(request) => self.answer(request).await,
                Wake::Write => self.write().await,
                Wake::Settle => self.settle().await,
                Wake::Stop => break,
            }
            if self.awaited.is_empty() && !settled {
                self.settle().await;
            } else if self.batch.is_large() {
                self.write().await;
            }
            let waiting = !self.batch.is_empty() || !self.done.is_empty() || self.is_news();
            write_at = waiting.then(|| write_at.filter(|at| *at > Instant::now()).unwrap_or(Instant::now() + GATHER));
        }
        while let Ok(seen) = self.seen.try_recv() {
            self.take_in(seen);
        }
        self.write().await;
        self.outbox.close().await;
    }

    fn take_in(&mut self, seen: Seen) {
        match seen {
            Seen::Look { source, at, outcome, done } => {
                let differences = self.view.observe(&source, at, outcome);
                if let Some((source, status)) = &differences.status {
                    let (health, reason) = (status.health.as_str(), &status.reason);
                    tracing::info!(%source, health, reason, entities = self.view.entities(source).count(), "source looked at");
                }
                self.take(differences);
                self.done.extend(done);
                self.awaited.remove(&source);
            }
            Seen::Sightings { source, sightings } => {
                // One at a time: an entity that came and went within one batch is told twice, each with its own time.
                for sighting in sightings {
                    let differences = self.view.sighting(&source, sighting);
                    self.take(differences);
                }
            }
            Seen::Usages { source, at, usages } => {
                let owned = self.owned(usages);
                self.usage.update(&source, owned, at);
            }
        }
    }

    /// The figures by the entity that speaks for each: those of a pod's containers are added up. A container that was
    /// measured more than once counts once.
    fn owned(&self, usages: Vec<Usage>) -> Vec<Usage> {
        let mut owned: BTreeMap<Key, BTreeMap<Vec<String>, Usage>> = BTreeMap::new();
        for usage in usages {
            if let Some(owner) = self.view.owner(&usage.source, &usage.native_id) {
                let measured = self.view.containers_of(&usage.source, &usage.native_id);
                owned.entry(owner).or_default().insert(measured, usage);
            }
        }
        let sum = |((source, native_id), parts): (Key, BTreeMap<Vec<String>, Usage>)| Usage {
            source,
            native_id,
            cpu_millicores: parts.values().filter_map(|part| part.cpu_millicores).reduce(u32::saturating_add),
            memory_bytes: parts.values().filter_map(|part| part.memory_bytes).reduce(u64::saturating_add),
        };
        owned.into_iter().map(sum).collect()
    }

    fn take(&mut self, differences: super::Differences) {
        for (source, change) in &differences.changes {
            if let ChangeKind::Removal { native_id, .. } = &change.kind {
                self.usage.forget(source, native_id);
            }
        }
        self.batch.push(differences);
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::Listing(sources, reply) => {
                self.write().await;
                let _ = reply.send(sources.into_iter().map(|source| self.listing(source)).collect());
            }
            Request::Wanted(source, native_ids) => {
                let observed_at = self.clock.now();
                for native_id in native_ids {
                    if let Some(held) = self.view.entity(&source, &native_id) {
                        let kind = ChangeKind::Upsert { entity: Entity::clone(&held.entity), hash: held.hash };
                        self.batch.change(source.clone(), Change { observed_at, kind });
                    }
                }
                self.write().await;
            }
            Request::Restate => {
                let statuses = self.view.statuses().map(|(source, status)| (source.clone(), status.clone()));
                for (source, status) in statuses.collect::<Vec<_>>() {
                    self.batch.status(&source, status);
                }
                self.write().await;
            }
            Request::Summary(reply) => {
                let _ = reply.send(self.summary());
            }
        }
    }

    fn listing(&self, source: Source) -> Listing {
        let entries = self.view.entities(&source).map(|(native_id, held)| (native_id.to_owned(), held.hash));
        Listing {
            head_sequence: self.snapshot.borrow().head_sequence,
            whole: self.view.is_whole(&source),
            entries: entries.collect(),
            source,
        }
    }

    fn summary(&self) -> Vec<SourceSummary> {
        let looked_at = self.view.statuses().map(|(source, status)| SourceSummary {
            source: source.clone(),
            status: Some(status.clone()),
            entities: self.view.entities(source).count(),
        });
        let awaited =
            self.awaited.iter().map(|source| SourceSummary { source: source.clone(), status: None, entities: 0 });
        looked_at.chain(awaited).collect()
    }

    async fn settle(&mut self) {
        if !self.awaited.is_empty() {
            let missing: Vec<_> = self.awaited.iter().map(Source::as_str).collect();
            tracing::warn!(?missing, "sessions begin before every source had its first look");
        }
        self.awaited.clear();
        self.view.settle();
        self.write().await;
        self.snapshot.send_modify(|snapshot| snapshot.settled = true);
    }

    /// Writes what was gathered, tells sessions, and answers those who wait for it.
    async fn write(&mut self) {
        let reports = self.batch.take();
        let head_sequence = if reports.is_empty() {
            self.snapshot.borrow().head_sequence
        } else {
            self.outbox.append(reports, self.clock.now()).await
        };
        let digests = self.view.digests();
        self.snapshot.send_if_modified(|snapshot| {
            let new = snapshot.head_sequence != head_sequence || snapshot.digests != digests;
            snapshot.head_sequence = head_sequence;
            snapshot.digests = digests;
            new
        });
        for done in self.done.drain(..) {
            let _ = done.send(());
        }
    }

    /// A baseline changed what is believed without a report.
    fn is_news(&self) -> bool {
        self.snapshot.borrow().digests != self.view.digests()
    }
}
