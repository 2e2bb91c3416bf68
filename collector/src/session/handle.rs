//! What others hold of an open session: who it is, and the switch that ends it.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use orchestrix_common::id::AgentId;
use orchestrix_proto::v1 as pb;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{orders::Orders, outgoing::Item};
use crate::reconcile::SessionKey;

/// Why a session is ended from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A newer session of the agent exists.
    Superseded,
    /// The agent was revoked.
    Revoked,
    /// The agent's identity was seen on two hosts.
    Quarantined,
    /// A person decided which compute the host is; its reports are applied from the next session on.
    Decided,
    /// A report would end most of the host's workloads at once; it is believed when it comes again.
    SecondLook,
    /// The root that the agent's certificates come from is trusted no more.
    Untrusted,
    /// The database has not answered for long; another collector may reach it.
    DatabaseAway,
    /// The collector stops.
    Draining,
}

impl Ending {
    /// The stable word of a Goodbye.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Superseded => "superseded",
            Self::Revoked => "revoked",
            Self::Quarantined => "quarantined",
            Self::Decided => "decided",
            Self::SecondLook => "second-look",
            Self::Untrusted => "untrusted",
            Self::DatabaseAway => "overloaded",
            Self::Draining => "draining",
        }
    }

    /// Says it to the agent.
    pub(super) fn goodbye(self) -> pb::Goodbye {
        let (retry_after_ms, message) = match self {
            Self::Superseded => (None, "a newer session of this agent exists"),
            Self::Revoked => (None, "the agent was revoked; enrol again with a new join token"),
            Self::Quarantined => (None, "this identity was seen on two hosts; a person must decide"),
            Self::Decided => (Some(fastrand::u64(..500)), "a person decided which compute this host is"),
            Self::SecondLook => (
                Some(fastrand::u64(30_000..35_000)),
                "the report would end most workloads at once; send it again later",
            ),
            Self::Untrusted => {
                (None, "the CA of this agent's certificate was retired; enrol again with a new join token")
            }
            // Everybody who was connected comes back: spread them. Where there is no other collector, this is their pace.
            Self::DatabaseAway => (
                Some(fastrand::u64(1_000..40_000)),
                "the database does not answer this collector; another one may reach it",
            ),
            // As above; another collector is there at once, or this one within seconds.
            Self::Draining => (Some(fastrand::u64(500..8_000)), "this collector stops; another one may be there"),
        };
        pb::Goodbye { reason: self.as_str().to_owned(), retry_after_ms, message: message.to_owned() }
    }
}

/// An open session, as others see it.
#[derive(Debug)]
pub(super) struct Handle {
    /// The session.
    pub(super) key: SessionKey,
    /// The boot in which the agent runs.
    pub(super) boot_id: String,
    /// Orders that wait for their result.
    pub(super) orders: Orders,
    outgoing: mpsc::WeakSender<Item>,
    ending: OnceLock<Ending>,
    /// Cancelled when the session is to end after what it is doing.
    leave: CancellationToken,
    /// Cancelled when the session is to end at once.
    kill: CancellationToken,
    /// Somebody is finding out whether the session still lives.
    challenged: AtomicBool,
}

impl Handle {
    pub(super) fn new(key: SessionKey, boot_id: String, outgoing: mpsc::WeakSender<Item>) -> Self {
        Self {
            key,
            boot_id,
            orders: Orders::default(),
            outgoing,
            ending: OnceLock::new(),
            leave: CancellationToken::new(),
            kill: CancellationToken::new(),
            challenged: AtomicBool::new(false),
        }
    }

    pub(super) const fn agent_id(&self) -> AgentId {
        self.key.agent_id
    }

    /// Ends the session. Only draining lets it finish what it is doing.
    pub(super) fn end(&self, ending: Ending) {
        let _ = self.ending.set(ending);
        self.leave.cancel();
        if ending != Ending::Draining {
            self.kill.cancel();
        }
    }

    /// Waits until the session is to end.
    pub(super) async fn leaving(&self) -> Ending {
        self.leave.cancelled().await;
        self.ending().unwrap_or(Ending::Draining)
    }

    /// Waits until what the session is doing must be cut short: at once, or when the collector stops and `grace` is
    /// over.
    pub(super) async fn killed(&self, grace: Duration) -> Ending {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = self.kill.cancelled() => self.ending().unwrap_or(Ending::Superseded),
            ending = async { let ending = self.leaving().await; sleep(grace).await; ending } => ending,
        }
    }

    /// Why the session is to end, once it is.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.ending.get().copied()
    }

    /// Gives the right to find out whether the session still lives, once.
    pub(super) fn challenge(&self) -> bool {
        !self.challenged.swap(true, Ordering::SeqCst)
    }

    /// Messages that wait for the agent to read.
    pub(super) fn waiting(&self) -> usize {
        self.outgoing.upgrade().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Queues a message without waiting.
    pub(super) fn try_send(&self, message: pb::collector_message::Message) -> bool {
        let message = pb::CollectorMessage { message: Some(message) };
        self.outgoing.upgrade().is_some_and(|queue| queue.try_send(Ok(message)).is_ok())
    }
}
