//! What a session sends next.
//!
//! In this order: heartbeats, results of orders, listings, digests, reports, measurements. Listings, digests and results
//! wait until every report up to the state they speak of is sent, so that the collector, which takes messages in order,
//! compares like with like.

use std::collections::VecDeque;

use orchestrix_proto::v1::{self as pb, agent_message::Message};
use prost::Message as _;
use tokio::time::Instant;

use super::{READ_AHEAD, Session, jittered};
use crate::{link::answers, outbox::Record};

impl Session<'_> {
    pub(super) fn changed(&mut self) {
        let snapshot = self.snapshots.borrow_and_update();
        let whole = snapshot.digests.iter().map(|digest| &digest.source);
        self.digests_due |= !whole.eq(&self.named);
    }

    pub(super) fn beat(&mut self) {
        self.beat_due = true;
        self.beat_at = Instant::now() + jittered(self.heartbeat);
    }

    /// Everything up to this report is stored. Once that holds what the collector lacked, it gets the figures again, which on
    /// an idle host no change would bring.
    pub(super) fn settled(&mut self, sequence: u64) {
        let is_stored = sequence >= self.snapshots.borrow().head_sequence;
        if is_stored && self.remeasure.is_some_and(|before| sequence > before) {
            self.remeasure = None;
            self.measured = 0;
            self.measured_due = true;
        }
    }

    /// The backlog is sent, or is not wanted now: the first heartbeat lets the collector compare, unless the digests
    /// themselves are due.
    pub(super) fn greet(&mut self) {
        if !self.greeted && (self.flight.sent() >= self.backlog || !self.flight.is_open()) {
            self.greeted = true;
            self.beat_due |= !self.digests_due || !self.flight.is_open();
        }
    }

    /// Reads reports while there is room for them.
    pub(super) async fn read_ahead(&mut self) {
        let room = self.flight.room();
        if room > 0 && self.ready.is_empty() && self.snapshots.borrow().head_sequence > self.flight.sent() {
            let records = self.link.parts.outbox.reports_after(self.flight.sent(), room.min(READ_AHEAD)).await;
            self.ready.extend(records);
        }
    }

    /// Everything up to this report is sent; while reports are held nothing waits for them.
    fn may_tell(&self, head: u64) -> bool {
        self.flight.sent() >= head || !self.flight.is_open()
    }

    pub(super) fn has_next(&self) -> bool {
        let waiting = |queue: &VecDeque<(u64, Message)>| queue.front().is_some_and(|(head, _)| self.may_tell(*head));
        self.beat_due
            || waiting(&self.results)
            || waiting(&self.listings)
            || (self.digests_due && self.may_tell(self.snapshots.borrow().head_sequence))
            || (!self.ready.is_empty() && self.flight.room() > 0)
            || self.measured_due
    }

    /// Takes the next message to send.
    pub(super) fn next(&mut self) -> Option<Message> {
        if std::mem::take(&mut self.beat_due) {
            return Some(answers::heartbeat(&self.snapshots.borrow(), &self.named));
        }
        for queue in [&mut self.results, &mut self.listings] {
            let sent = self.flight.sent() >= queue.front().map_or(u64::MAX, |(head, _)| *head);
            if (sent || !self.flight.is_open())
                && let Some((_, message)) = queue.pop_front()
            {
                return Some(message);
            }
        }
        if self.digests_due && self.may_tell(self.snapshots.borrow().head_sequence) {
            self.digests_due = false;
            let snapshot = self.snapshots.borrow();
            self.named = snapshot.digests.iter().map(|digest| digest.source.clone()).collect();
            return Some(answers::digests(&snapshot));
        }
        if self.flight.room() > 0
            && let Some(report) = self.next_report()
        {
            return Some(report);
        }
        let update = self.link.parts.keeper.usage().since(self.measured, answers::MEASUREMENTS);
        self.measured = update.revision;
        self.measured_due = update.more;
        answers::measurements(update)
    }

    fn next_report(&mut self) -> Option<Message> {
        loop {
            let Record { sequence, payload } = self.ready.pop_front()?;
            let decoded = pb::Report::decode(payload.as_slice());
            self.flight.send(sequence, payload.len());
            self.link.count_sent(sequence);
            self.greet();
            match decoded {
                Ok(report) => return Some(Message::Report(report)),
                // Its checksum is right, so this build's predecessor wrote something else. It can only be passed over.
                Err(error) => tracing::error!(sequence, %error, "a stored report cannot be read"),
            }
        }
    }
}
