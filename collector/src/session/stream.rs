//! An open session: takes the agent's messages in order and answers them.

use std::sync::Arc;

use orchestrix_common::model::{Source, Usage};
use orchestrix_proto::v1::{self as pb, agent_message, collector_message::Message};
use tokio::time::{Instant, timeout};
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{
    Ending, Shared,
    agreement::{Agreement, Listed, Useless},
    greet,
    handle::Handle,
    outgoing::{NotRead, Outgoing},
    overtake,
    report::{self, Handled, Retry, Stopped},
};
use crate::{
    pki::TrustFeed,
    reconcile::{ApplyError, SourceDigest},
};

/// Bytes of identifiers in one Wanted.
const WANTED_BYTES: usize = 128 << 10;

/// What an open session starts with.
pub(super) struct Session {
    pub(super) handle: Arc<Handle>,
    pub(super) agreement: Agreement,
    /// From the Hello: newest report in the outbox.
    pub(super) head_sequence: u64,
    /// From the Hello: what the agent believes.
    pub(super) digests: Vec<SourceDigest>,
    /// The roots that agents are to trust; what the Welcome told is marked as seen.
    pub(super) trust: TrustFeed,
}

/// Why the loop woke.
#[allow(clippy::large_enum_variant, reason = "nearly all are messages, and none is kept")]
enum Woke {
    Leaving(Ending),
    Trust,
    Message(pb::AgentMessage),
    Closed,
    Failed(Status),
    Silent,
}

/// Why a session ends by itself; the stable word is for logs and metrics.
enum End {
    /// The agent said goodbye or closed the stream.
    Closed,
    /// The connection or the encoding broke.
    Failed(Status),
    /// Nothing came for three heartbeats.
    Silent,
    /// The agent does not read.
    NotRead,
    /// Somebody ended it.
    Ended(Ending),
    /// The agent broke the contract in a way that leaves nothing to go on with.
    Broken(super::refusal::Refusal),
}

impl From<NotRead> for End {
    fn from(_: NotRead) -> Self {
        Self::NotRead
    }
}

/// Runs a session to its end and says why it ended.
pub(super) async fn run(
    shared: Shared,
    session: Session,
    incoming: Streaming<pb::AgentMessage>,
    outgoing: Outgoing,
) -> &'static str {
    let Session { handle, agreement, head_sequence, digests, trust } = session;
    let mut session = Open { shared, handle, agreement, outgoing, fenced: false };
    let end = match session.compare(head_sequence, &digests).await {
        Ok(()) => session.serve(incoming, trust).await,
        Err(end) => end,
    };
    match end {
        End::Closed => "closed",
        End::Failed(status) => {
            tracing::debug!(%status, "stream failed");
            "connection-lost"
        }
        End::Silent => "silent",
        End::NotRead => "not-read",
        End::Broken(refusal) => {
            let code = refusal.code();
            session.outgoing.refuse(refusal.into()).await;
            code
        }
        End::Ended(ending) => {
            session.outgoing.goodbye(ending.goodbye()).await;
            ending.as_str()
        }
    }
}

struct Open {
    shared: Shared,
    handle: Arc<Handle>,
    agreement: Agreement,
    outgoing: Outgoing,
    /// A newer session exists: nothing is written any more, until it is decided what this one was.
    fenced: bool,
}

impl Open {
    async fn serve(&mut self, mut incoming: Streaming<pb::AgentMessage>, mut trust: TrustFeed) -> End {
        let silence = self.shared.settings.silence();
        let drain_grace = self.shared.settings.drain_grace;
        let handle = Arc::clone(&self.handle);
        loop {
            // Cancel-safe: a token stays cancelled, a change that was not noticed stays one, and a message that was not
            // taken stays in the stream.
            let woke = tokio::select! {
                biased;
                ending = handle.leaving() => Woke::Leaving(ending),
                Ok(()) = trust.changed() => Woke::Trust,
                message = timeout(silence, incoming.message()) => match message {
                    Ok(Ok(Some(message))) => Woke::Message(message),
                    Ok(Ok(None)) => Woke::Closed,
                    Ok(Err(status)) => Woke::Failed(status),
                    Err(_) => Woke::Silent,
                },
            };
            let message = match woke {
                Woke::Message(message) => message,
                Woke::Leaving(ending) => return End::Ended(ending),
                Woke::Trust => {
                    let bundle = greet::trust_bundle(&trust.borrow_and_update().clone());
                    match self.outgoing.send(bundle).await {
                        Ok(()) => continue,
                        Err(NotRead) => return End::NotRead,
                    }
                }
                Woke::Closed => return End::Closed,
                Woke::Failed(status) => return End::Failed(status),
                Woke::Silent => return End::Silent,
            };
            self.shared.liveness.touch(handle.agent_id(), self.shared.clock.now());
            // Cutting a message short is safe because the session ends with it: an open transaction rolls back, and
            // what was committed without an ack comes again and is a duplicate.
            let handled = tokio::select! {
                biased;
                ending = handle.killed(drain_grace) => return End::Ended(ending),
                handled = self.message(message) => handled,
            };
            // Waiting for the store is no silence of the agent.
            self.shared.liveness.touch(handle.agent_id(), self.shared.clock.now());
            if let Err(end) = handled {
                return end;
            }
        }
    }

    async fn message(&mut self, message: pb::AgentMessage) -> Result<(), End> {
        use agent_message::Message as From;
        match message.message {
            Some(From::Report(report)) => {
                // A trace of its own, since sessions last for days; it tells which one it belongs to.
                let agent = self.handle.agent_id();
                let span = tracing::info_span!(parent: None, "report", %agent, seq = report.sequence);
                span.follows_from(tracing::Span::current());
                self.report(report).instrument(span).await
            }
            Some(From::Heartbeat(heartbeat)) => self.heartbeat(heartbeat).await,
            Some(From::Digests(pb::Digests { head_sequence, digests })) => {
                let digests = greet::digests("digests.digests", digests).map_err(End::Broken)?;
                self.compare(head_sequence, &digests).await
            }
            Some(From::Listing(chunk)) => self.listing(chunk).await,
            Some(From::Measurements(pb::Measurements { usages })) => {
                self.measurements(usages).await;
                Ok(())
            }
            Some(From::OrderResult(result)) => {
                if !self.handle.orders.resolve(result) {
                    tracing::debug!("result of an order that nobody waits for");
                }
                Ok(())
            }
            Some(From::Goodbye(pb::Goodbye { reason, .. })) => {
                tracing::debug!(reason, "agent says goodbye");
                Err(End::Closed)
            }
            Some(From::Hello(_)) => Err(End::Broken(super::refusal::Refusal::Invalid {
                field: "hello".to_owned(),
                problem: "a session has one Hello".to_owned(),
            })),
            None => {
                // A newer agent's message that this version does not know.
                metrics::counter!("orchestrix_session_unknown_messages_total").increment(1);
                Ok(())
            }
        }
    }

    async fn report(&mut self, report: pb::Report) -> Result<(), End> {
        if self.fenced {
            return Ok(());
        }
        let sequence = report.sequence;
        match report::handle(&self.shared, &self.handle.key, report).await {
            Ok(Handled { ack, settled, written, second_look }) => {
                if settled {
                    self.agreement.settle(sequence);
                }
                if written {
                    self.agreement.written();
                }
                self.outgoing.send(Message::Ack(ack)).await?;
                // The agent keeps it and sends nothing after it until its next session.
                if second_look { Err(End::Ended(Ending::SecondLook)) } else { Ok(()) }
            }
            Err(stopped) => self.stopped(stopped),
        }
    }

    async fn heartbeat(&mut self, heartbeat: pb::Heartbeat) -> Result<(), End> {
        let pb::Heartbeat { digest, head_sequence } = heartbeat;
        metrics::counter!("orchestrix_session_heartbeats_total").increment(1);
        if self.fenced {
            return Ok(());
        }
        self.read_digests(head_sequence).await;
        if self.agreement.heartbeat_differs(head_sequence, digest) {
            self.outgoing.send(Message::DigestRequest(pb::DigestRequest {})).await?;
        }
        Ok(())
    }

    /// Compares what the agent believes and asks for listings of what differs.
    async fn compare(&mut self, head_sequence: u64, theirs: &[SourceDigest]) -> Result<(), End> {
        if self.fenced {
            return Ok(());
        }
        self.read_digests(head_sequence).await;
        let differing = self.agreement.compare(head_sequence, theirs, self.shared.clock.now());
        if !differing.is_empty() {
            metrics::counter!("orchestrix_session_repairs_total").increment(differing.len() as u64);
            tracing::debug!(?differing, "agent and inventory differ; asking for listings");
            let sources = differing.into_iter().map(String::from).collect();
            self.outgoing.send(Message::ListingRequest(pb::ListingRequest { sources })).await?;
        }
        Ok(())
    }

    /// Reads the digests of what is held, if something was written since the last time. An idle agent costs nothing.
    async fn read_digests(&mut self, head_sequence: u64) {
        if !self.agreement.needs_digests(head_sequence) {
            return;
        }
        match self.shared.inventory.digests(self.handle.agent_id()).await {
            Ok(digests) => self.agreement.read(&digests),
            // The next heartbeat tries again.
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "digests not read"),
        }
    }

    async fn listing(&mut self, chunk: pb::Listing) -> Result<(), End> {
        if self.fenced {
            return Ok(());
        }
        match self.agreement.listing(chunk) {
            Ok(None) => Ok(()),
            Ok(Some(listed)) => self.compare_listing(listed).await,
            Err(why @ (Useless::Unasked | Useless::Outdated)) => {
                tracing::debug!(?why, "listing not used");
                Ok(())
            }
            Err(why @ (Useless::TooLong | Useless::Malformed)) => {
                tracing::warn!(?why, "listing refused");
                Ok(())
            }
        }
    }

    async fn compare_listing(&mut self, listed: Listed) -> Result<(), End> {
        let Listed { source, entries, whole } = listed;
        let (mut retry, begun) = (Retry::default(), Instant::now());
        let wanted = loop {
            let turn = match report::turn(&self.shared, begun.into_std()).await {
                Ok(turn) => turn,
                Err(stopped) => return self.stopped(stopped),
            };
            let compared = self.shared.inventory.compare_listing(&self.handle.key, &source, entries.clone(), whole);
            let compared = compared.await;
            drop(turn);
            match compared {
                Ok(wanted) => break wanted,
                Err(ApplyError::Fenced) => return self.stopped(Stopped::Fenced),
                Err(ApplyError::Revoked | ApplyError::Unknown) => return self.stopped(Stopped::Revoked),
                Err(ApplyError::Store(error)) if error.is_transient() => {
                    if begun.elapsed() >= self.shared.settings.database_patience {
                        return self.stopped(Stopped::Away);
                    }
                    retry.pause(&error).await;
                }
                Err(ApplyError::Store(error)) => {
                    // Asked again later, ever more rarely.
                    tracing::warn!(error = &error as &dyn std::error::Error, %source, "listing not compared");
                    return Ok(());
                }
            }
        };
        retry.over();
        self.agreement.written();
        self.want(&source, wanted).await
    }

    async fn want(&self, source: &Source, wanted: Vec<String>) -> Result<(), End> {
        let mut wanted = wanted.into_iter().peekable();
        while wanted.peek().is_some() {
            let mut bytes = 0;
            let mut native_ids = Vec::new();
            while let Some(id) = wanted.next_if(|id| bytes == 0 || bytes + id.len() <= WANTED_BYTES) {
                bytes += id.len().max(1);
                native_ids.push(id);
            }
            let source = source.as_str().to_owned();
            self.outgoing.send(Message::Wanted(pb::Wanted { source, native_ids })).await?;
        }
        Ok(())
    }

    /// Keeps measurements, if that works at once: the next ones replace them anyway.
    async fn measurements(&self, usages: Vec<pb::Usage>) {
        if self.fenced {
            return;
        }
        let most = self.shared.settings.limits.source_entities as usize;
        let usages: Vec<_> = usages.into_iter().take(most).filter_map(|usage| Usage::try_from(usage).ok()).collect();
        if let Err(error) = self.shared.inventory.record_usage(&self.handle.key, &usages).await {
            metrics::counter!("orchestrix_session_measurements_dropped_total").increment(1);
            tracing::debug!(error = &error as &dyn std::error::Error, "measurements dropped");
        }
    }

    fn stopped(&mut self, stopped: Stopped) -> Result<(), End> {
        match stopped {
            Stopped::Revoked => Err(End::Ended(Ending::Revoked)),
            Stopped::Away => Err(End::Ended(Ending::DatabaseAway)),
            Stopped::Fenced => {
                // From here on it only answers pings, until it is known whether it was a clone.
                self.fenced = true;
                overtake::elsewhere(&self.shared, &self.handle);
                Ok(())
            }
        }
    }
}
