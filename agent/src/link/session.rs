//! One session, from Hello to its end.
//!
//! This file opens the stream, wakes for what happens and takes in what the collector says; `outgoing` decides what is
//! sent next.

mod outgoing;

use std::{collections::VecDeque, time::Duration};

use orchestrix_common::{model::Source, pki::Pin};
use orchestrix_proto::v1::{
    self as pb, agent_message::Message, collector_message::Message as Told, discovery_client::DiscoveryClient,
};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming, transport::Channel};

use super::{
    Link, LinkState, answers,
    dial::Trouble,
    flight::Flight,
    greet::{self, Greeting},
};
use crate::{outbox::Record, view::Snapshot};

/// Messages handed to the transport that did not go out yet; the session waits while there are more.
const OUTGOING: usize = 4;

/// Reports that are read ahead of the transport, in bytes.
const READ_AHEAD: usize = 256 << 10;

/// Time for a Welcome; a collector may wait for its database.
const WELCOME: Duration = Duration::from_secs(60);

/// Time for the stream to end after a Goodbye.
const FAREWELL: Duration = Duration::from_secs(2);

/// Orders that are carried out at a time; a further one is refused.
const ORDERS: usize = 8;

/// Listings that wait for reports to go out; a collector asks for each source once.
const LISTINGS: usize = 64;

/// Why a session ended.
#[derive(Debug)]
pub(super) enum End {
    /// The agent ends.
    Stopped,
    /// The collector knows numbers of this outbox that the disk lost; it has a new identity now.
    NewIdentity,
    /// The connection broke or did not come about.
    Trouble(Trouble),
    /// The collector closes the session.
    Goodbye {
        /// Why.
        trouble: Trouble,
        /// When to come back, if it says.
        retry_after: Option<Duration>,
    },
}

/// Why the loop woke.
enum Wake {
    Stop,
    Told(Result<Option<pb::CollectorMessage>, Status>),
    Send,
    Closed,
    Changed,
    Measured,
    Done(u64, Result<(), String>),
    Beat,
}

/// Runs a session on a fresh connection.
pub(super) async fn run(link: &mut Link, channel: Channel, stop: &CancellationToken) -> End {
    let mut snapshots = link.parts.keeper.snapshots();
    let snapshot = snapshots.borrow_and_update().clone();
    let (outgoing, messages) = mpsc::channel(OUTGOING);
    let hello = greet::hello(&link.parts, &link.parts.outbox.position(), &snapshot, link.now());
    let _ = outgoing.send(message(Message::Hello(hello))).await;
    let mut client = DiscoveryClient::new(channel);
    // Cancel-safe: a session that is being opened is given up.
    let opened = tokio::select! {
        biased;
        () = stop.cancelled() => return End::Stopped,
        opened = timeout(WELCOME, open(&mut client, messages)) => opened,
    };
    let (greeting, incoming) = match opened {
        Ok(Ok((Some(Told::Welcome(welcome)), incoming))) => match greet::greeting(welcome, link.now()) {
            Ok(greeting) => (greeting, incoming),
            Err(trouble) => return End::Trouble(trouble),
        },
        Ok(Ok((Some(Told::Goodbye(goodbye)), _))) => return farewell(goodbye),
        Ok(Ok(_)) => return lost("the collector did not answer the greeting as it should"),
        Ok(Err(status)) => return End::Trouble(link.parts.dial.explain(&status)),
        Err(_) => return lost("the collector did not answer the greeting in time"),
    };
    let named = snapshot.digests.iter().map(|digest| digest.source.clone()).collect();
    let mut session = Session {
        link,
        flight: Flight::after(0, false),
        ready: VecDeque::new(),
        listings: VecDeque::new(),
        results: VecDeque::new(),
        named,
        backlog: snapshot.head_sequence,
        snapshots,
        beat_due: false,
        greeted: false,
        digests_due: false,
        measured: 0,
        measured_due: true,
        remeasure: None,
        heartbeat: Duration::ZERO,
        beat_at: Instant::now(),
    };
    match session.welcome(greeting).await {
        Some(end) => end,
        None => session.serve(outgoing, incoming, stop).await,
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

struct Session<'a> {
    link: &'a mut Link,
    flight: Flight,
    /// Reports that were read and not sent.
    ready: VecDeque<Record>,
    /// Chunks of listings, with the number of the report before which they must not go out.
    listings: VecDeque<(u64, Message)>,
    /// Results of orders, likewise.
    results: VecDeque<(u64, Message)>,
    /// Sources that the last Hello or Digests named.
    named: Vec<Source>,
    /// Newest report when the session began.
    backlog: u64,
    snapshots: watch::Receiver<Snapshot>,
    beat_due: bool,
    /// What lets the collector compare after the backlog is sent or due.
    greeted: bool,
    digests_due: bool,
    /// Revision of the figures that were sent.
    measured: u64,
    measured_due: bool,
    /// Newest report when the collector asked for entities that it lacks: figures of them that came before are lost on it.
    remeasure: Option<u64>,
    heartbeat: Duration,
    beat_at: Instant,
}

impl Session<'_> {
    async fn serve(
        &mut self,
        outgoing: mpsc::Sender<pb::AgentMessage>,
        mut incoming: Streaming<pb::CollectorMessage>,
        stop: &CancellationToken,
    ) -> End {
        let mut figures = self.link.parts.keeper.usage().revisions();
        let mut snapshots = self.snapshots.clone();
        let mut orders: JoinSet<(u64, Result<(), String>)> = JoinSet::new();
        let mut open = true;
        loop {
            self.read_ahead().await;
            let next = open && self.has_next();
            // Cancel-safe: waiting for a token, a place in a channel, a watched value, a finished task or a point in
            // time loses nothing when dropped, and a message that was not taken stays in the stream.
            let wake = tokio::select! {
                biased;
                () = stop.cancelled() => Wake::Stop,
                told = incoming.message() => Wake::Told(told),
                permit = outgoing.reserve(), if next => match permit {
                    Ok(permit) => {
                        if let Some(next) = self.next() {
                            permit.send(message(next));
                        }
                        Wake::Send
                    }
                    Err(_) => Wake::Closed,
                },
                Ok(()) = snapshots.changed() => Wake::Changed,
                Some(done) = orders.join_next() => {
                    let (id, outcome) = done.unwrap_or((0, Err("the agent broke down over it".to_owned())));
                    Wake::Done(id, outcome)
                }
                () = sleep_until(self.beat_at) => Wake::Beat,
                Ok(()) = figures.changed() => Wake::Measured,
            };
            match wake {
                Wake::Stop => return self.stop(outgoing, incoming).await,
                Wake::Told(Ok(Some(pb::CollectorMessage { message }))) => {
                    if let Some(end) = self.told(message, &mut orders).await {
                        return end;
                    }
                }
                Wake::Told(Ok(None)) => return lost("the collector closed the session"),
                Wake::Told(Err(status)) => return End::Trouble(self.link.parts.dial.explain(&status)),
                Wake::Send => {}
                // The reason comes with the next incoming message.
                Wake::Closed => open = false,
                Wake::Changed => self.changed(),
                Wake::Measured => self.measured_due = true,
                Wake::Done(id, outcome) => {
                    let head = self.snapshots.borrow().head_sequence;
                    self.results.push_back((head, answers::result(id, outcome)));
                }
                Wake::Beat => self.beat(),
            }
        }
    }

    /// Takes a Welcome over, the first or a later one.
    async fn welcome(&mut self, greeting: Greeting) -> Option<End> {
        let Greeting { epoch, applied_sequence, trust_bundle_der, heartbeat, clock_skew_ms, held_reason } = greeting;
        let parts = &self.link.parts;
        let position = parts.outbox.position();
        if applied_sequence > position.head_sequence {
            tracing::warn!(applied_sequence, head = position.head_sequence, "the outbox lost reports that were stored");
            parts.outbox.renew_identity().await;
            self.link.restate = true;
            self.link.sent = 0;
            return Some(End::NewIdentity);
        }
        if !trust_bundle_der.is_empty()
            && let Err(trouble) = parts.dial.trust(trust_bundle_der).await
        {
            tracing::warn!(reason = trouble.message, "the collector's trust bundle could not be taken over");
        }
        parts.outbox.acknowledge(applied_sequence).await;
        // Reports that told how sources do may be lost: dropped here, or acknowledged by a database since restored.
        let lost = position.dropped_reports > self.link.dropped || applied_sequence < position.acknowledged_sequence;
        if lost || self.link.restate {
            self.link.dropped = position.dropped_reports;
            self.link.restate = false;
            parts.keeper.restate().await;
        }
        self.flight = Flight::after(applied_sequence, held_reason.is_none());
        self.ready.clear();
        self.heartbeat = heartbeat;
        self.beat_at = Instant::now() + jittered(heartbeat);
        // Reports are on their way that the digests of the Hello count in: the collector could compare nothing yet. They
        // are told again behind those reports. A heartbeat there would do, if no newer report were written meanwhile.
        self.digests_due |= held_reason.is_none() && self.backlog > applied_sequence;
        self.greeted = false;
        self.greet();
        let now = self.link.now();
        tracing::info!(epoch, applied_sequence, held = held_reason.as_deref(), "session open");
        self.link.status.send_modify(|status| {
            status.state = LinkState::Connected { since: now, epoch, held: held_reason };
            status.clock_skew_ms = Some(clock_skew_ms);
            status.sessions += 1;
        });
        None
    }

    async fn told(&mut self, told: Option<Told>, orders: &mut JoinSet<(u64, Result<(), String>)>) -> Option<End> {
        match told {
            Some(Told::Welcome(welcome)) => {
                return match greet::greeting(welcome, self.link.now()) {
                    Ok(greeting) => self.welcome(greeting).await,
                    Err(trouble) => Some(End::Trouble(trouble)),
                };
            }
            Some(Told::Ack(ack)) => self.acknowledged(ack).await,
            Some(Told::DigestRequest(pb::DigestRequest {})) => self.digests_due = true,
            Some(Told::ListingRequest(pb::ListingRequest { sources })) => self.list(sources).await,
            Some(Told::Wanted(pb::Wanted { source, native_ids })) => {
                self.remeasure = Some(self.snapshots.borrow().head_sequence);
                self.link.parts.keeper.want(Source::from(source), native_ids).await;
            }
            Some(Told::Order(order)) => self.order(order, orders),
            Some(Told::TrustBundle(bundle)) => self.trust_bundle(bundle).await,
            Some(Told::Goodbye(goodbye)) => return Some(farewell(goodbye)),
            // A newer collector's message that this version does not know.
            None => tracing::debug!("unknown message from the collector"),
        }
        None
    }

    /// Takes over that the roots changed. The session goes on: what is renewed serves the next connection.
    async fn trust_bundle(&self, bundle: pb::TrustBundle) {
        let pb::TrustBundle { trust_bundle_der, issuing_root_sha256, renew_within_secs } = bundle;
        let dial = &self.link.parts.dial;
        if !trust_bundle_der.is_empty()
            && let Err(trouble) = dial.trust(trust_bundle_der).await
        {
            tracing::warn!(reason = trouble.message, "the collector's trust bundle could not be taken over");
            return;
        }
        if let Ok(root) = Pin::try_from(issuing_root_sha256.as_slice()) {
            dial.follow(root, Duration::from_secs(renew_within_secs.into()));
        }
    }

    async fn acknowledged(&mut self, ack: pb::Ack) {
        let outcome = ack.outcome();
        let pb::Ack { sequence, outcome: _, refusal } = ack;
        let (code, why, field) =
            refusal.map_or_else(Default::default, |pb::Refusal { code, message, field }| (code, message, field));
        match outcome {
            pb::ack::Outcome::Held => {
                tracing::warn!(sequence, code, why, "the collector holds reports; they stay in the outbox");
                self.flight.hold(sequence);
                self.ready.clear();
                self.link.status.send_modify(|status| {
                    status.held_reports += 1;
                    if let LinkState::Connected { held, .. } = &mut status.state {
                        *held = Some(if why.is_empty() { code } else { why });
                    }
                });
                self.greet();
                return;
            }
            pb::ack::Outcome::Refused => {
                tracing::warn!(sequence, code, why, field, "the collector refused a report");
                self.link.status.send_modify(|status| {
                    status.refused_reports += 1;
                    status.last_refusal = Some(format!("{field}: {why} ({code})").trim_start_matches(": ").to_owned());
                });
            }
            pb::ack::Outcome::Applied | pb::ack::Outcome::Duplicate => {
                let now = self.link.now();
                self.link.status.send_modify(|status| {
                    status.acknowledged_at = Some(now);
                    if outcome == pb::ack::Outcome::Applied {
                        status.applied_reports += 1;
                    } else {
                        status.duplicate_reports += 1;
                    }
                });
            }
            pb::ack::Outcome::Unspecified => {
                tracing::warn!(sequence, "acknowledgement of an unknown kind");
                return;
            }
        }
        if let Some(settled) = self.flight.settle(sequence) {
            self.link.parts.outbox.acknowledge(settled).await;
        }
        self.settled(sequence);
    }

    async fn list(&mut self, sources: Vec<String>) {
        let sources: Vec<Source> = sources.into_iter().take(LISTINGS).map(Source::from).collect();
        // A source that is listed anew replaces what is left of its older list.
        self.listings.retain(|(_, waiting)| match waiting {
            Message::Listing(listing) => !sources.iter().any(|source| source.as_str() == listing.source),
            _ => true,
        });
        for listing in self.link.parts.keeper.list(sources).await {
            let head = listing.head_sequence;
            self.listings.extend(answers::chunks(listing).into_iter().map(|chunk| (head, chunk)));
        }
    }

    fn order(&mut self, order: pb::Order, orders: &mut JoinSet<(u64, Result<(), String>)>) {
        let (id, order) = answers::order(order);
        let refused = match order {
            None => "this agent does not know the order",
            Some(_) if orders.len() >= ORDERS => "too many orders are being carried out",
            Some(order) => {
                self.beat_due |= order == crate::act::Order::Ping;
                let actor = self.link.parts.actor.clone();
                orders.spawn(async move { (id, actor.carry_out(order).await.map_err(|error| error.to_string())) });
                return;
            }
        };
        self.results.push_back((0, answers::result(id, Err(refused.to_owned()))));
    }

    /// Says goodbye and waits a moment for the stream to end.
    async fn stop(
        &self,
        outgoing: mpsc::Sender<pb::AgentMessage>,
        mut incoming: Streaming<pb::CollectorMessage>,
    ) -> End {
        let goodbye = pb::Goodbye { reason: "stopping".to_owned(), retry_after_ms: None, message: String::new() };
        let farewell = async move {
            let _ = outgoing.send(message(Message::Goodbye(goodbye))).await;
            drop(outgoing);
            while let Ok(Some(_)) = incoming.message().await {}
        };
        // A collector that does not answer any more must not keep the agent from ending.
        let _ = timeout(FAREWELL, farewell).await;
        End::Stopped
    }
}

fn message(message: Message) -> pb::AgentMessage {
    pb::AgentMessage { message: Some(message) }
}

fn lost(why: &str) -> End {
    End::Trouble(Trouble::passing(why.to_owned()))
}

fn farewell(goodbye: pb::Goodbye) -> End {
    let pb::Goodbye { reason, retry_after_ms, message } = goodbye;
    let message = if message.is_empty() {
        format!("the collector closed the session: {reason}")
    } else {
        format!("the collector closed the session: {message} ({reason})")
    };
    let permanent = matches!(reason.as_str(), "revoked" | "untrusted");
    End::Goodbye { trouble: Trouble { message, permanent }, retry_after: retry_after_ms.map(Duration::from_millis) }
}

/// Four to six fifths of the span.
fn jittered(span: Duration) -> Duration {
    span.mul_f64(0.8 + 0.4 * fastrand::f64())
}
