//! Hello and Welcome: what the agent says of itself, and what it learns.

use std::time::Duration;

use orchestrix_common::{model::DEFAULT_LIMITS, time::Timestamp};
use orchestrix_proto::{PROTOCOL_VERSION, understands, v1 as pb};

use super::{Parts, Trouble};
use crate::{
    outbox::Position,
    view::{Snapshot, SourceDigest},
};

/// Time between heartbeats when the collector does not say.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// Skew of the clocks that is worth a line in the log.
const SKEW: Duration = Duration::from_secs(30);

/// What an agent needs of a Welcome.
#[derive(Debug)]
pub(super) struct Greeting {
    pub(super) epoch: u64,
    pub(super) applied_sequence: u64,
    pub(super) trust_bundle_der: Vec<Vec<u8>>,
    pub(super) heartbeat: Duration,
    pub(super) clock_skew_ms: i64,
    pub(super) held_reason: Option<String>,
}

pub(super) fn hello(parts: &Parts, position: &Position, snapshot: &Snapshot, now: Timestamp) -> pb::Hello {
    pb::Hello {
        agent_version: parts.agent_version.clone(),
        protocol_version: PROTOCOL_VERSION,
        boot_id: parts.boot_id.clone(),
        outbox_id: position.id.as_bytes().to_vec(),
        head_sequence: snapshot.head_sequence,
        acknowledged_sequence: position.acknowledged_sequence,
        digests: digests(&snapshot.digests),
        machine: Some(parts.machine.clone().into()),
        agent_time_us: now.as_micros(),
        dropped_reports: position.dropped_reports,
    }
}

pub(super) fn digests(digests: &[SourceDigest]) -> Vec<pb::SourceDigest> {
    let digest = |held: &SourceDigest| pb::SourceDigest {
        source: held.source.as_str().to_owned(),
        digest: held.digest.to_bytes().to_vec(),
        entities: held.entities,
    };
    digests.iter().map(digest).collect()
}

/// Reads a Welcome. Trouble means that the collector speaks a version of the protocol that is too far from ours.
pub(super) fn greeting(welcome: pb::Welcome, now: Timestamp) -> Result<Greeting, Trouble> {
    let pb::Welcome {
        epoch,
        applied_sequence,
        // The collector compares; the agent only answers what it asks for.
        digests: _,
        trust_bundle_der,
        settings,
        limits,
        collector_time_us,
        held_reason,
        protocol_version,
    } = welcome;
    // A collector of before the field speaks the first version.
    let version = protocol_version.max(1);
    if !understands(version) {
        return Err(Trouble {
            message: format!(
                "agent and collector speak different versions of the protocol (the collector speaks version {version}, this \
                 agent {PROTOCOL_VERSION}); update the older one"
            ),
            permanent: true,
        });
    }
    if let Some(pb::Limits { message_bytes, source_entities, string_bytes, labels }) = limits {
        let ours = DEFAULT_LIMITS;
        let stricter = message_bytes < ours.message_bytes
            || source_entities < ours.source_entities
            || string_bytes < ours.string_bytes
            || labels < ours.labels;
        if stricter {
            tracing::warn!(message_bytes, source_entities, string_bytes, labels, "the collector's limits are stricter");
        }
    }
    let heartbeat = settings.map(|settings| Duration::from_secs(settings.heartbeat_secs.into()));
    let clock_skew_ms = collector_time_us.saturating_sub(now.as_micros()) / 1_000;
    if u128::from(clock_skew_ms.unsigned_abs()) > SKEW.as_millis() {
        tracing::warn!(clock_skew_ms, "this host's clock and the collector's differ");
    }
    Ok(Greeting {
        epoch,
        applied_sequence,
        trust_bundle_der,
        heartbeat: heartbeat.filter(|span| !span.is_zero()).unwrap_or(HEARTBEAT),
        clock_skew_ms,
        held_reason,
    })
}
