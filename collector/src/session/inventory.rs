//! What a session needs of the inventory.

use async_trait::async_trait;
use orchestrix_common::{
    hash::{Digest, EntityHash},
    id::{AgentId, OutboxId},
    model::{Machine, Report, Source, Usage},
    time::Timestamp,
};

use crate::store::StoreError;

/// The part of the inventory that sessions write to. Every method is one transaction or one read.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Begins a session: a new epoch, which fences the agent's older sessions.
    async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError>;
    /// Stores a report; when it returns, the report is durable.
    async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError>;
    /// Compares a source's keys and hashes with what is held. Ends what is not listed when the source was seen
    /// `whole`. Returns the native ids to ask for.
    async fn compare_listing(
        &self,
        session: &SessionKey,
        source: &Source,
        listed: Vec<(String, EntityHash)>,
        whole: bool,
    ) -> Result<Vec<String>, ApplyError>;
    /// The digests of what is held of an agent.
    async fn digests(&self, agent_id: AgentId) -> Result<Vec<SourceDigest>, StoreError>;
    /// Keeps the latest use of entities.
    async fn record_usage(&self, session: &SessionKey, usages: Vec<Usage>) -> Result<(), ApplyError>;
    /// Writes when agents were last seen. The list is sorted by agent.
    async fn flush_liveness(&self, seen: Vec<(AgentId, Timestamp)>) -> Result<(), StoreError>;
    /// Marks agents that were last seen before `silent_before` as unreachable; returns how many.
    async fn sweep_silent(&self, silent_before: Timestamp) -> Result<usize, StoreError>;
    /// Changes the state of an agent, with history.
    async fn set_agent_state(
        &self,
        agent_id: AgentId,
        state: AgentState,
        reason: &str,
        actor: &'static str,
    ) -> Result<(), StoreError>;
    /// The newest session of an agent: its epoch, the agent's state, and the boot it runs in. `None` when the agent is
    /// not known.
    async fn newest_session(&self, agent_id: AgentId) -> Result<Option<AgentChange>, StoreError>;
    /// Agents that may not have a session, and those whose session began at `since` or later.
    async fn changed_agents(&self, since: Timestamp) -> Result<Vec<AgentChange>, StoreError>;
    /// Keeps what is known of a report that was refused, and counts it as dealt with.
    async fn record_dead_letter(
        &self,
        session: &SessionKey,
        sequence: u64,
        refusal: &Refusal,
    ) -> Result<(), ApplyError>;
}

/// One session of one agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// The agent.
    pub agent_id: AgentId,
    /// Number of the session; a higher one fences it.
    pub epoch: u64,
}

/// What an agent says of itself when a session begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// The agent, by its certificate.
    pub agent_id: AgentId,
    /// Its version.
    pub agent_version: String,
    /// The kernel's random identifier of the boot.
    pub boot_id: String,
    /// The outbox that reports are numbered in.
    pub outbox_id: OutboxId,
    /// What identifies its machine.
    pub machine: Machine,
    /// The agent's clock.
    pub agent_time: Timestamp,
    /// Reports that the outbox had no room for.
    pub dropped_reports: u64,
}

/// A session that has begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// Number of the session.
    pub epoch: u64,
    /// Newest report of this outbox that is stored; zero when none.
    pub applied_sequence: u64,
    /// What is held of the agent.
    pub digests: Vec<SourceDigest>,
    /// Why reports are held until a person decides.
    pub held_reason: Option<String>,
    /// The compute that the agent speaks for.
    pub compute_id: Option<i64>,
    /// Boot that the session before this one named; `None` when this is the first one.
    pub previous_boot_id: Option<String>,
}

impl Opened {
    /// The key for what follows in the session.
    #[must_use]
    pub const fn key(&self, agent_id: AgentId) -> SessionKey {
        SessionKey { agent_id, epoch: self.epoch }
    }
}

/// Digest of what is held of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceDigest {
    /// The source.
    pub source: Source,
    /// Digest of its entities.
    pub digest: Digest,
    /// How many there are.
    pub entities: u64,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What became of it.
    pub outcome: Outcome,
    /// Changes of resources that were written to the history.
    pub changes: usize,
}

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Applied,
    /// It was stored before.
    Duplicate,
    /// It waits for a person or for a second one like it; a stable word says why.
    Held {
        /// The word.
        reason: String,
    },
    /// It is not stored and not wanted again; kept as a dead letter.
    Refused(Refusal),
}

/// Why a report was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Stable word, for example `string-too-long`.
    pub code: String,
    /// One sentence for people.
    pub message: String,
    /// Path of the offending field; empty when none is to blame.
    pub field: String,
}

/// Why a report was not stored.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A newer session of the agent exists.
    #[error("superseded by a newer session of the agent")]
    Fenced,
    /// The agent was revoked in the meantime.
    #[error("agent is revoked")]
    Revoked,
    /// The agent is not known any more.
    #[error("agent is not known here")]
    Unknown,
    /// The database failed.
    #[error("apply")]
    Store(#[from] StoreError),
}

/// Why a session cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No agent of this identity ever enrolled here.
    #[error("agent {0} is not known here")]
    Unknown(AgentId),
    /// The agent was revoked.
    #[error("agent is revoked: {0}")]
    Revoked(String),
    /// The database failed.
    #[error("open the session")]
    Store(#[from] StoreError),
}

/// State of an agent, as far as sessions care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentState {
    /// It may report.
    Active,
    /// It may report, and what it reports waits for a person.
    Held,
    /// Its identity was seen twice.
    Quarantined,
    /// It may not come back.
    Revoked,
}

/// What the database says of an agent's newest session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentChange {
    /// The agent.
    pub agent_id: AgentId,
    /// Its state.
    pub state: AgentState,
    /// Number of its newest session, on whichever collector.
    pub epoch: u64,
    /// The boot in which that session was opened.
    pub boot_id: String,
}
