//! What the sessions hand to the reconciler and what they get back.

use orchestrix_common::{
    hash::Digest,
    id::{AgentId, OutboxId},
    model::{Machine, Source},
    time::Timestamp,
};

use crate::store::StoreError;
pub use crate::store::rows::agent::AgentState;

/// Why reports are held: the host fits several computes, or none well enough.
pub const HELD_AMBIGUOUS_MATCH: &str = "ambiguous-match";
/// Why reports are held: the agent's identity was seen twice.
pub const HELD_QUARANTINED: &str = "quarantined";
/// Why a report is held: it would end most of an agent's workloads at once.
pub const HELD_MASS_REMOVAL: &str = "mass-removal";

/// Names a session: writes of an older one are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The agent, as its certificate says.
    pub agent_id: AgentId,
    /// Number of the session, from [`Opened`].
    pub epoch: u64,
}

/// What an agent says when it opens a session.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The agent, as its certificate says.
    pub agent_id: AgentId,
    /// Version of the agent.
    pub agent_version: String,
    /// Kernel's random identifier of the boot.
    pub boot_id: String,
    /// The outbox in which report numbers count.
    pub outbox_id: OutboxId,
    /// What identifies the host.
    pub machine: Machine,
    /// The agent's clock.
    pub agent_time: Timestamp,
    /// Reports that the agent dropped because its outbox was full.
    pub dropped_reports: u64,
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Number of the session, higher than every earlier one of the agent.
    pub epoch: u64,
    /// Newest report of this outbox that is stored; zero when none.
    pub applied_sequence: u64,
    /// What is held of the agent, by source.
    pub digests: Vec<SourceDigest>,
    /// Why reports are held until a person decides; `None` when they are applied.
    pub held_reason: Option<String>,
    /// The compute that the agent speaks for; `None` while that is undecided.
    pub compute_id: Option<i64>,
    /// Boot that the session before this one named; `None` when this is the first session.
    pub previous_boot_id: Option<String>,
}

impl Opened {
    /// The key for what follows in the session.
    #[must_use]
    pub const fn key(&self, agent_id: AgentId) -> SessionKey {
        SessionKey { agent_id, epoch: self.epoch }
    }
}

/// Digest over the entities of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDigest {
    /// The source.
    pub source: Source,
    /// Sum over its entities.
    pub digest: Digest,
    /// Number of entities in it.
    pub entities: u64,
}

/// A session cannot be opened.
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

/// What became of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The outcome, durable when this is returned.
    pub outcome: Outcome,
    /// Changes of resources that were written to the history.
    pub changes: usize,
}

/// Outcomes of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored.
    Applied,
    /// Was stored before.
    Duplicate,
    /// Not stored until a person decides or a second report agrees; the reason is a stable word.
    Held {
        /// One of the `HELD_…` words.
        reason: String,
    },
    /// Not stored and not wanted again; kept as a dead letter.
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

/// Something of a session cannot be written.
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
    /// The database failed; nothing was acknowledged.
    #[error("apply")]
    Store(#[from] StoreError),
}

/// What a person decided about a host that could not be matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchChoice {
    /// It is this compute.
    Claim(i64),
    /// It is a new compute.
    New,
}

/// A decision about a match cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// There is no such conflict, or it is resolved already.
    #[error("no open match conflict {0}")]
    NotOpen(i64),
    /// There is no such compute.
    #[error("no compute {0}")]
    NoCompute(i64),
    /// That compute turned out to be another one.
    #[error("compute {0} was merged into another one; name that one")]
    Merged(i64),
    /// The agent was revoked: whatever is decided, it does not come back.
    #[error("agent {agent} is revoked ({reason}); let the host enrol with a new join token")]
    Revoked {
        /// The agent.
        agent: AgentId,
        /// Why it was revoked.
        reason: String,
    },
    /// The agent has a compute, and another one was named.
    #[error(
        "agent {agent} speaks for compute {speaks_for} already; if that is compute {wanted}, claim the agent for compute \
         {wanted} (POST /api/v1/computes/{wanted}/claim), which makes one compute of both; to leave it as it is, answer \
         with computeId {speaks_for}"
    )]
    SpeaksForAnother {
        /// The agent.
        agent: AgentId,
        /// Its compute.
        speaks_for: i64,
        /// The compute that was named.
        wanted: i64,
    },
    /// The agent has a compute, and a new one was asked for.
    #[error(
        "agent {agent} speaks for compute {speaks_for} already; to give it one of its own, split it off (POST \
         /api/v1/computes/{speaks_for}/split); to leave it as it is, answer with computeId {speaks_for}"
    )]
    SpeaksAlready {
        /// The agent.
        agent: AgentId,
        /// Its compute.
        speaks_for: i64,
    },
    /// The database failed.
    #[error("resolve the match")]
    Store(#[from] StoreError),
}
