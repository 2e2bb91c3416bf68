//! CARRY: the session with a collector: connect, greet, deliver, follow, and come back after a break.
//!
//! [`Link::run`] is the task; `session` is one stream from Hello to its end, `flight` what is sent and not yet
//! acknowledged, `answers` what the collector may ask for. It knows nothing of how things are seen: it reads the outbox
//! and the keeper's snapshots.
//!
//! Invariants: reports go out in order and at most once per session; nothing is trimmed from the outbox before it was
//! acknowledged; a break at any point loses nothing, because the next Welcome says what is stored.

mod answers;
mod backoff;
mod dial;
mod flight;
mod greet;
mod session;
mod status;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use orchestrix_common::{
    model::Machine,
    time::{SharedClock, Timestamp},
};
use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;

pub use dial::{Dial, IdentityDial, Trouble};
pub use status::{LinkState, LinkStatus};

use self::{backoff::Backoff, session::End};
use crate::{act::Actor, outbox::Outbox, view::KeeperHandle};

/// Time for a connection.
const CONNECT: Duration = Duration::from_secs(30);

/// A session that lasted as long proves that the collector works; the next break is the first again.
const PROVEN: Duration = Duration::from_secs(10);

/// What a link needs.
#[derive(Debug)]
pub struct Parts {
    /// How to reach the collector.
    pub dial: Arc<dyn Dial>,
    /// Reports to deliver.
    pub outbox: Outbox,
    /// The present state.
    pub keeper: KeeperHandle,
    /// Who carries out orders.
    pub actor: Actor,
    /// The clock.
    pub clock: SharedClock,
    /// What identifies this machine.
    pub machine: Machine,
    /// Kernel's random identifier of this boot, not empty.
    pub boot_id: String,
    /// Version of the agent.
    pub agent_version: String,
}

/// Keeps a session with the collector.
#[derive(Debug)]
pub struct Link {
    parts: Parts,
    status: watch::Sender<LinkStatus>,
    /// Drop count when the statuses of all sources were last certain to be delivered.
    dropped: u64,
    /// Statuses must be told anew, since reports that told them may be lost.
    restate: bool,
    /// Newest report that was ever sent.
    sent: u64,
}

impl Link {
    /// Makes a link.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, watch::Receiver<LinkStatus>) {
        let (status, receiver) = watch::channel(LinkStatus::default());
        let dropped = parts.outbox.position().dropped_reports;
        (Self { parts, status, dropped, restate: false, sent: 0 }, receiver)
    }

    /// Connects, and connects again, until told to stop.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut snapshots = self.parts.keeper.snapshots();
        // Digests of a half-seen host would make the collector ask for what the next second brings anyway.
        // Cancel-safe: waiting for a token or for a watched value loses nothing when dropped.
        let settled = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            settled = snapshots.wait_for(|snapshot| snapshot.settled) => settled.is_ok(),
        };
        let mut backoff = Backoff::default();
        while settled && !stop.is_cancelled() {
            let begun = tokio::time::Instant::now();
            let end = self.attempt(&stop).await;
            if begun.elapsed() >= PROVEN {
                backoff.reset();
            }
            let Some(pause) = self.pause_after(end, &mut backoff) else { break };
            // Cancel-safe: as above.
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        self.status.send_modify(|status| status.state = LinkState::Stopped);
    }

    /// One connection and the session on it.
    async fn attempt(&mut self, stop: &CancellationToken) -> End {
        self.status.send_modify(|status| status.state = LinkState::Connecting);
        let dial = Arc::clone(&self.parts.dial);
        // Cancel-safe: a connection that is being made is given up.
        let connected = tokio::select! {
            biased;
            () = stop.cancelled() => return End::Stopped,
            connected = timeout(CONNECT, dial.dial()) => connected,
        };
        match connected {
            Ok(Ok(channel)) => session::run(self, channel, stop).await,
            Ok(Err(trouble)) => End::Trouble(trouble),
            Err(_) => End::Trouble(Trouble::passing(format!("no connection within {} s", CONNECT.as_secs()))),
        }
    }

    /// Says how long to wait, tells people why; `None` when the agent ends.
    fn pause_after(&self, end: End, backoff: &mut Backoff) -> Option<Duration> {
        let (trouble, pause) = match end {
            End::Stopped => return None,
            End::NewIdentity => (Trouble::passing("the outbox takes a new identity".to_owned()), Duration::ZERO),
            End::Trouble(trouble) => {
                let pause = if trouble.permanent { backoff.slow() } else { backoff.next() };
                (trouble, pause)
            }
            End::Goodbye { trouble, retry_after } => {
                let own = if trouble.permanent { backoff.slow() } else { backoff.next() };
                (trouble, retry_after.unwrap_or(own))
            }
        };
        let next_try = self.parts.clock.now().plus(pause);
        let Trouble { message, permanent } = trouble;
        let news = {
            let status = self.status.borrow();
            status.last_trouble.as_deref() != Some(message.as_str())
        };
        // The same trouble again and again is one line in the log, not thousands.
        if news && permanent {
            tracing::error!(
                reason = message,
                retry_in_secs = pause.as_secs(),
                "the collector does not accept this agent"
            );
        } else if news {
            tracing::warn!(reason = message, retry_in_secs = pause.as_secs(), "no session with the collector");
        }
        self.status.send_modify(|status| {
            status.breaks += 1;
            status.last_trouble = Some(message.clone());
            status.state = LinkState::Waiting { reason: message, permanent, next_try };
        });
        Some(pause)
    }

    /// Counts a report that goes out. Nobody waits for that.
    fn count_sent(&mut self, sequence: u64) {
        let again = sequence <= self.sent;
        self.sent = self.sent.max(sequence);
        self.status.send_if_modified(|status| {
            status.sent_reports += 1;
            status.resent_reports += u64::from(again);
            false
        });
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }
}
