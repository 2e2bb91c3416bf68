//! One simulated agent. Its identity, its certificate and its connections are real, and it keeps its session as the agent's
//! own link does; what it tells is made up, and its outbox is in memory.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrix_agent::link::{Dial as _, IdentityDial, Trouble};
use orchestrix_common::{
    id::OutboxId,
    model::{Change, Completeness, Health, Report, Source, SourceReport, SourceStatus},
    time::{Clock as _, SystemClock},
};
use orchestrix_proto::{
    PROTOCOL_VERSION,
    v1::{self as pb, agent_message::Message, collector_message::Message as Told, discovery_client::DiscoveryClient},
};
use tokio::{
    sync::mpsc,
    time::{sleep, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming, transport::Channel};

use crate::{
    backoff::Backoff,
    counts::Counts,
    host::{CONTAINERS, ENTITIES, SOURCES, Simulated},
};

// As in the agent's link.
const CONNECT: Duration = Duration::from_secs(30);
const WELCOME: Duration = Duration::from_secs(60);
const PROVEN: Duration = Duration::from_secs(10);
const OUTGOING: usize = 4;
const HEARTBEAT: Duration = Duration::from_secs(30);

/// One agent with its host.
pub(crate) struct Agent {
    dial: IdentityDial,
    host: Simulated,
    outbox_id: OutboxId,
    /// Number of the newest report.
    head: u64,
    acknowledged: u64,
    /// Reports that are not acknowledged, the oldest first.
    outbox: VecDeque<Written>,
    /// What the session sends next.
    queue: VecDeque<Message>,
    /// Entities of the first picture that are not stored yet.
    missing: usize,
    /// It counts as one that has a session and nothing left to tell.
    settled: bool,
    /// When a container is to change.
    changes: mpsc::UnboundedReceiver<Instant>,
    counts: Arc<Counts>,
}

/// A report in the outbox.
struct Written {
    report: pb::Report,
    entities: usize,
    /// When what it tells was to happen; `None` where nobody measures that.
    due: Option<Instant>,
}

/// Why a session ended.
enum End {
    Trouble(Trouble),
    Goodbye(Option<Duration>),
}

impl Agent {
    pub(crate) fn new(
        dial: IdentityDial,
        host: Simulated,
        changes: mpsc::UnboundedReceiver<Instant>,
        counts: Arc<Counts>,
    ) -> Self {
        let mut new = Self {
            dial,
            host,
            outbox_id: OutboxId::generate(),
            head: 0,
            acknowledged: 0,
            outbox: VecDeque::new(),
            queue: VecDeque::new(),
            missing: ENTITIES,
            settled: false,
            changes,
            counts,
        };
        // A first look is not reported, how the sources do is.
        let status = SourceStatus {
            health: Health::Healthy,
            completeness: Completeness::Complete,
            reason: String::new(),
            since: SystemClock.now(),
            warnings: 0,
        };
        new.write(SOURCES.map(|source| (source, Some(status.clone()), Vec::new())).into(), None);
        new
    }

    /// Connects, and connects again, for ever.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let end = self.attempt().await;
            self.settle(false);
            self.counts.breaks.add(1);
            if begun.elapsed() >= PROVEN {
                backoff.reset();
            }
            let pause = match end {
                End::Trouble(trouble) if trouble.permanent => {
                    self.counts.permanent.add(1);
                    println!("an agent is in trouble for good: {}", trouble.message);
                    backoff.slow()
                }
                End::Trouble(_) => backoff.next(),
                End::Goodbye(retry_after) => {
                    let own = backoff.next();
                    retry_after.unwrap_or(own)
                }
            };
            let over = tokio::time::Instant::now() + pause;
            loop {
                // Cancel-safe: a change that was not taken stays in its queue.
                tokio::select! {
                    () = sleep_until(over) => break,
                    Some(due) = self.changes.recv() => self.alter(due),
                }
            }
        }
    }

    async fn attempt(&mut self) -> End {
        match timeout(CONNECT, self.dial.dial()).await {
            Ok(Ok(channel)) => self.session(channel).await,
            Ok(Err(trouble)) => End::Trouble(trouble),
            Err(_) => lost("no connection in time"),
        }
    }

    async fn session(&mut self, channel: Channel) -> End {
        let (outgoing, messages) = mpsc::channel(OUTGOING);
        let hello = pb::AgentMessage { message: Some(Message::Hello(self.hello())) };
        let _ = outgoing.send(hello).await;
        let mut client = DiscoveryClient::new(channel);
        let (welcome, mut incoming) = match timeout(WELCOME, open(&mut client, messages)).await {
            Ok(Ok((Some(Told::Welcome(welcome)), incoming))) => (welcome, incoming),
            Ok(Ok((Some(Told::Goodbye(goodbye)), _))) => return self.farewell(&goodbye),
            Ok(Ok(_)) => return lost("no Welcome"),
            Ok(Err(status)) => return End::Trouble(self.dial.explain(&status)),
            Err(_) => return lost("no Welcome in time"),
        };
        let heartbeat = self.welcome(&welcome);
        let mut beat_at = tokio::time::Instant::now() + jittered(heartbeat);
        loop {
            self.settle(self.queue.is_empty() && self.outbox.is_empty());
            // Cancel-safe: a message, a place or a change that was not taken stays where it is.
            tokio::select! {
                biased;
                told = incoming.message() => match told {
                    Ok(Some(pb::CollectorMessage { message })) => {
                        if let Some(end) = self.told(message) {
                            return end;
                        }
                    }
                    Ok(None) => return lost("the stream ended"),
                    Err(status) => return End::Trouble(self.dial.explain(&status)),
                },
                permit = outgoing.reserve(), if !self.queue.is_empty() => match permit {
                    Ok(permit) => permit.send(pb::AgentMessage { message: self.queue.pop_front() }),
                    // The reason comes with the next incoming message.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(due) = self.changes.recv() => {
                    self.alter(due);
                    self.send_newest();
                }
                () = sleep_until(beat_at) => {
                    self.beat();
                    beat_at = tokio::time::Instant::now() + jittered(heartbeat);
                }
            }
        }
    }

    fn hello(&self) -> pb::Hello {
        pb::Hello {
            agent_version: "0.1.0".to_owned(),
            protocol_version: PROTOCOL_VERSION,
            boot_id: self.host.boot_id(),
            outbox_id: self.outbox_id.as_bytes().to_vec(),
            head_sequence: self.head,
            acknowledged_sequence: self.acknowledged,
            digests: self.host.digests(),
            machine: Some(self.host.machine().into()),
            agent_time_us: SystemClock.now().as_micros(),
            dropped_reports: 0,
        }
    }

    /// Takes a Welcome over; returns the time between heartbeats.
    fn welcome(&mut self, welcome: &pb::Welcome) -> Duration {
        self.counts.opened.add(1);
        self.counts.refused.add(usize::from(welcome.held_reason.is_some()));
        self.acknowledge(welcome.applied_sequence);
        self.queue.clear();
        self.queue.extend(self.outbox.iter().map(|written| Message::Report(written.report.clone())));
        if self.queue.is_empty() {
            self.beat();
        } else {
            // The digests of the Hello count in what was on its way.
            self.queue.push_back(self.digests());
        }
        let heartbeat = welcome.settings.as_ref().map(|settings| Duration::from_secs(settings.heartbeat_secs.into()));
        heartbeat.unwrap_or(HEARTBEAT)
    }

    fn told(&mut self, told: Option<Told>) -> Option<End> {
        match told {
            Some(Told::Ack(ack)) => {
                match ack.outcome() {
                    pb::ack::Outcome::Applied => self.counts.applied.add(1),
                    pb::ack::Outcome::Duplicate => self.counts.duplicates.add(1),
                    outcome => {
                        self.counts.refused.add(1);
                        println!("a report came to nothing: {outcome:?} {:?}", ack.refusal);
                    }
                }
                self.acknowledge(ack.sequence);
            }
            Some(Told::DigestRequest(pb::DigestRequest {})) => self.queue.push_back(self.digests()),
            Some(Told::ListingRequest(pb::ListingRequest { sources })) => {
                self.counts.listings.add(sources.len());
                for source in sources {
                    let entries = self.host.entries(&Source::from(source.clone()));
                    let head_sequence = self.head;
                    let listing = pb::Listing { source, head_sequence, entries, more: false, whole: true };
                    self.queue.push_back(Message::Listing(listing));
                }
            }
            Some(Told::Wanted(pb::Wanted { source, native_ids })) => {
                self.counts.wanted.add(native_ids.len());
                let source = Source::from(source);
                let changes = self.host.wanted(&source, &native_ids);
                self.write(vec![(source, None, changes)], None);
                self.send_newest();
            }
            Some(Told::Order(order)) => {
                let result = pb::OrderResult { id: order.id, done: true, message: String::new() };
                self.queue.push_back(Message::OrderResult(result));
            }
            Some(Told::Goodbye(goodbye)) => return Some(self.farewell(&goodbye)),
            Some(Told::Welcome(_) | Told::TrustBundle(_)) | None => {}
        }
        None
    }

    /// A container of the host changes; the report is written.
    fn alter(&mut self, due: Instant) {
        let change = self.host.alter(fastrand::usize(..CONTAINERS));
        self.write(vec![(Source::Docker, None, vec![change])], Some(due));
    }

    fn write(&mut self, sources: Vec<(Source, Option<SourceStatus>, Vec<Change>)>, due: Option<Instant>) {
        let base = self.head;
        self.head += 1;
        let entities = sources.iter().map(|(_, _, changes)| changes.len()).sum();
        let sources = sources.into_iter().map(|(source, status, changes)| SourceReport { source, status, changes });
        let (sequence, recorded_at) = (self.head, SystemClock.now());
        let report = Report { sequence, base, recorded_at, sources: sources.collect() };
        self.outbox.push_back(Written { report: report.into(), entities, due });
    }

    fn send_newest(&mut self) {
        self.queue.extend(self.outbox.back().map(|written| Message::Report(written.report.clone())));
    }

    /// Everything up to this report is stored.
    fn acknowledge(&mut self, sequence: u64) {
        self.acknowledged = self.acknowledged.max(sequence);
        while let Some(stored) = self.outbox.pop_front_if(|written| written.report.sequence <= sequence) {
            if let Some(due) = stored.due {
                self.counts.acknowledged(due.elapsed());
            } else if self.missing > 0 {
                self.missing = self.missing.saturating_sub(stored.entities);
                self.counts.reported.add(usize::from(self.missing == 0));
            }
        }
    }

    fn beat(&mut self) {
        self.counts.heartbeats.add(1);
        let heartbeat = pb::Heartbeat { digest: self.host.low64(), head_sequence: self.head };
        self.queue.push_back(Message::Heartbeat(heartbeat));
    }

    fn digests(&self) -> Message {
        Message::Digests(pb::Digests { head_sequence: self.head, digests: self.host.digests() })
    }

    fn farewell(&self, goodbye: &pb::Goodbye) -> End {
        self.counts.put_off.add(usize::from(goodbye.reason == "overloaded"));
        End::Goodbye(goodbye.retry_after_ms.map(Duration::from_millis))
    }

    fn settle(&mut self, settled: bool) {
        if settled && !self.settled {
            self.counts.settled.add(1);
        } else if self.settled && !settled {
            self.counts.settled.sub(1);
        }
        self.settled = settled;
    }
}

/// Opens the stream and waits for the first answer.
async fn open(
    client: &mut DiscoveryClient<Channel>,
    messages: mpsc::Receiver<pb::AgentMessage>,
) -> Result<(Option<Told>, Streaming<pb::CollectorMessage>), Status> {
    let mut incoming = client.session(ReceiverStream::new(messages)).await?.into_inner();
    let first = incoming.message().await?;
    Ok((first.and_then(|first| first.message), incoming))
}

fn lost(why: &str) -> End {
    End::Trouble(Trouble::passing(why.to_owned()))
}

/// Four to six fifths of the span.
fn jittered(span: Duration) -> Duration {
    span.mul_f64(0.8 + 0.4 * fastrand::f64())
}
