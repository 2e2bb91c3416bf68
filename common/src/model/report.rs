//! Numbered batches of differences.

use serde::{Deserialize, Serialize};

use super::{Entity, Source};
use crate::{hash::EntityHash, time::Timestamp};

/// What changed since the report before it.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Number within the outbox, from 1.
    pub sequence: u64,
    /// Number of the report before it in the outbox; zero for the first.
    pub base: u64,
    /// When it was written to the outbox, by the agent's clock.
    pub recorded_at: Timestamp,
    /// Changes, by source.
    pub sources: Vec<SourceReport>,
}

/// What changed in one source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceReport {
    /// The source.
    pub source: Source,
    /// How well it can be looked at; `None` when that did not change.
    pub status: Option<SourceStatus>,
    /// In the order in which they happened.
    pub changes: Vec<Change>,
}

/// One difference. It states the whole entity, so a lost report costs history, not truth.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When it happened, by the source's own record where it keeps one, else when it was noticed.
    pub observed_at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to an entity.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant, reason = "nearly all are upserts")]
pub enum ChangeKind {
    /// It appeared or altered.
    Upsert {
        /// How it is now.
        entity: Entity,
        /// Its hash, as the agent computed it.
        hash: EntityHash,
    },
    /// It is no more.
    Removal {
        /// The entity.
        native_id: String,
        /// How that is known.
        reason: RemovalReason,
    },
}

/// How it is known that an entity is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum RemovalReason {
    /// The source said so.
    Removed,
    /// A complete look did not find it.
    NotListed,
    /// Another word of another version, kept as it came.
    Other(String),
}

impl RemovalReason {
    /// Word on the wire and in the history.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Removed => "removed",
            Self::NotListed => "not-listed",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for RemovalReason {
    fn from(word: String) -> Self {
        match word.as_str() {
            "removed" => Self::Removed,
            "not-listed" => Self::NotListed,
            _ => Self::Other(word),
        }
    }
}

impl From<RemovalReason> for String {
    fn from(reason: RemovalReason) -> Self {
        reason.as_str().to_owned()
    }
}

/// How well a source can be looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// The state.
    pub health: Health,
    /// How much the last look saw.
    pub completeness: Completeness,
    /// Why it is degraded, failing or absent; empty when healthy.
    pub reason: String,
    /// When the state began.
    pub since: Timestamp,
    /// Items that could be seen but not read.
    pub warnings: u32,
}

/// State of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Everything was read.
    Healthy,
    /// Something was read, something was not.
    Degraded,
    /// Nothing reliable can be said now; what was known is kept.
    Failing,
    /// There is no such thing on this host.
    Absent,
}

impl Health {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Failing => "failing",
            Self::Absent => "absent",
        }
    }
}

/// How much a look saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// What is not listed no longer exists.
    Complete,
    /// What is not listed may still exist.
    Partial,
    /// Nothing was seen.
    None,
}

impl Completeness {
    /// Word in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::None => "none",
        }
    }
}
