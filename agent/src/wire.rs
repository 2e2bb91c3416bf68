//! The agent's edge to the wire for what is kept: how large a change is, whether the contract accepts an entity, and
//! the stored form of a report.
//!
//! It knows nothing of sessions. What passes [`check`] is never refused by a collector for its form, so one bad entity
//! cannot take the report around it down.

use orchestrix_common::{
    model::{Change, ChangeKind, Entity, Report, SourceReport, SourceStatus},
    time::Timestamp,
    wire,
};
use orchestrix_proto::v1 as pb;
use prost::Message as _;

/// The most bytes that one entity may have when encoded: half a message, so that a report always holds one.
pub(crate) const ENTITY_BYTES: usize = 512 << 10;

/// The most bytes of changes in one report: a message of the default limit, with room for its frame.
pub(crate) const REPORT_BYTES: usize = 768 << 10;

/// Bytes that a change has when encoded, with its length and tag.
#[must_use]
pub(crate) fn change_len(change: &Change) -> usize {
    pb::Change::from(change.clone()).encoded_len() + 8
}

/// Bytes that a status has when encoded, with its length and tag.
#[must_use]
pub(crate) fn status_len(status: &SourceStatus) -> usize {
    pb::SourceStatus::from(status.clone()).encoded_len() + 8
}

/// Tells whether a collector accepts the entity.
///
/// # Errors
/// What is wrong with it, in words for people.
pub(crate) fn check(entity: &Entity) -> Result<(), String> {
    let change = Change {
        observed_at: Timestamp::EPOCH,
        kind: ChangeKind::Upsert { hash: wire::hash(entity), entity: entity.clone() },
    };
    let message = pb::Change::from(change);
    let size = message.encoded_len();
    if size > ENTITY_BYTES {
        return Err(format!("has {size} bytes, at most {ENTITY_BYTES} are sent"));
    }
    Change::try_from(message).map(drop).map_err(|error| error.to_string())
}

/// The stored and sent form of a report.
#[must_use]
pub(crate) fn encode(sequence: u64, base: u64, recorded_at: Timestamp, sources: Vec<SourceReport>) -> Vec<u8> {
    pb::Report::from(Report { sequence, base, recorded_at, sources }).encode_to_vec()
}
