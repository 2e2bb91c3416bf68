//! CARRY: the sessions of agents.
//!
//! A session is one stream: the agent says Hello, the collector Welcome, then reports come up and acks go down. This
//! module authenticates, converts from the wire, hands over to an [`Inventory`] and acknowledges what that stored. It
//! knows nothing of tables, nor of how an entity becomes a row. Invariants:
//!
//! - Who an agent is comes from its certificate and the database, never from a message.
//! - The messages of one session are handled strictly in order, one at a time; a report is acknowledged after its
//!   commit or not at all. While the store is slow the session does not read, so the agent's sending slows down.
//! - Everything is bounded: what waits to be opened, what waits to be sent, what is collected of a listing.
//! - At most one session of an agent writes: the database counts epochs and fences the older ones.
//! - Every session can be ended from outside at any moment ([`Registry`]).

mod admit;
mod agreement;
mod greet;
mod handle;
mod inventory;
mod listener;
mod liveness;
mod measure;
mod open;
mod orders;
mod outgoing;
mod overtake;
mod peer;
mod peer_stream;
mod refusal;
mod registry;
mod report;
mod service;
mod stream;
mod upkeep;

use std::{sync::Arc, time::Duration};

use orchestrix_common::{
    model::{DEFAULT_LIMITS, Limits},
    time::SharedClock,
};
use tokio::sync::Semaphore;

pub use admit::Certificates;
pub use handle::Ending;
pub use inventory::Inventory;
pub use listener::AgentListener;
pub use liveness::Liveness;
pub use measure::watch_queues;
pub use orders::{OrderError, OrderOutcome};
pub use peer::PeerIdentity;
pub use peer_stream::PeerStream;
pub use registry::Registry;
pub use service::DiscoveryService;
pub use upkeep::{keep_liveness, watch_agents, watch_trust};

use crate::pki::TrustFeed;

/// Time limits, sizes and what agents are told.
#[derive(Clone, Debug)]
pub struct SessionSettings {
    /// Mean time between two heartbeats.
    pub heartbeat: Duration,
    /// What agents keep to.
    pub limits: Limits,
    /// How long a new stream may take to say Hello.
    pub hello_limit: Duration,
    /// How long a message may wait for the agent to read.
    pub send_limit: Duration,
    /// How long an agent may take to answer a Ping that decides whether its identity was cloned.
    pub ping_limit: Duration,
    /// How long a session waits for a database that does not answer; then the agent may find another collector.
    pub database_patience: Duration,
    /// How long a report that is being stored may take when the collector stops.
    pub drain_grace: Duration,
    /// Sessions opened at the same time; each costs a write transaction.
    pub opening: usize,
    /// Sessions that may wait to be opened; further ones are told when to come back.
    pub waiting: usize,
    /// Reports and listings stored at the same time, of all sessions together; further ones wait in the order in which they
    /// came. Who opens a session would otherwise stand behind all of them in front of the database.
    pub storing: usize,
    /// How often liveness is written.
    pub flush_every: Duration,
    /// How often the database is asked for agents whose state or session changed elsewhere.
    pub watch_every: Duration,
}

impl SessionSettings {
    /// The defaults around a mean time between heartbeats.
    #[must_use]
    pub fn new(heartbeat: Duration) -> Self {
        Self {
            heartbeat,
            limits: DEFAULT_LIMITS,
            hello_limit: Duration::from_secs(10),
            send_limit: Duration::from_secs(10),
            ping_limit: Duration::from_secs(10),
            database_patience: Duration::from_secs(60),
            drain_grace: Duration::from_secs(5),
            opening: 32,
            waiting: 4_096,
            storing: 16,
            flush_every: Duration::from_secs(15),
            watch_every: Duration::from_secs(2),
        }
    }

    /// After how much silence an agent counts as gone: three heartbeats.
    #[must_use]
    pub fn silence(&self) -> Duration {
        self.heartbeat * 3
    }
}

/// What all sessions share.
#[derive(Clone)]
pub struct Shared {
    /// Where reports go.
    pub inventory: Arc<dyn Inventory>,
    /// Which certificates are in force.
    pub certificates: Arc<dyn Certificates>,
    /// The open sessions.
    pub registry: Arc<Registry>,
    /// Who was heard of, and when.
    pub liveness: Arc<Liveness>,
    /// The clock.
    pub clock: SharedClock,
    /// Time limits and sizes.
    pub settings: SessionSettings,
    /// The roots that agents are to trust; told in each Welcome, and when they change.
    pub trust: TrustFeed,
    /// One permit for each session being opened.
    opening: Arc<Semaphore>,
    /// One permit for each session being opened or waiting for that.
    waiting: Arc<Semaphore>,
    /// One permit for each report or listing being stored.
    storing: Arc<Semaphore>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Shared {
    /// Puts together what sessions need.
    #[must_use]
    pub fn new(
        inventory: Arc<dyn Inventory>,
        certificates: Arc<dyn Certificates>,
        clock: SharedClock,
        settings: SessionSettings,
        trust: TrustFeed,
    ) -> Self {
        Self {
            opening: Arc::new(Semaphore::new(settings.opening)),
            waiting: Arc::new(Semaphore::new(settings.waiting.saturating_add(settings.opening))),
            storing: Arc::new(Semaphore::new(settings.storing)),
            registry: Arc::new(Registry::default()),
            liveness: Arc::new(Liveness::default()),
            inventory,
            certificates,
            clock,
            settings,
            trust,
        }
    }
}

#[cfg(test)]
mod tests;
