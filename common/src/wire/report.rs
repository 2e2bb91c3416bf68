//! Reports.

use orchestrix_proto::v1 as pb;

use super::{At as _, WireError, container::each, key, required, text};
use crate::{
    model::{Change, ChangeKind, Completeness, Health, Report, SourceReport, SourceStatus},
    time::Timestamp,
};

impl TryFrom<pb::Report> for Report {
    type Error = WireError;

    fn try_from(message: pb::Report) -> Result<Self, Self::Error> {
        let pb::Report { sequence, base, recorded_at_us, sources } = message;
        if sequence == 0 || base >= sequence {
            let problem = format!("is {sequence} after base {base}, expected a number above zero and above the base");
            return Err(WireError::new("sequence", "out-of-range", problem));
        }
        Ok(Self {
            sequence,
            base,
            recorded_at: Timestamp::from_micros(recorded_at_us),
            sources: each("sources", sources)?,
        })
    }
}

impl From<Report> for pb::Report {
    fn from(model: Report) -> Self {
        let Report { sequence, base, recorded_at, sources } = model;
        Self {
            sequence,
            base,
            recorded_at_us: recorded_at.as_micros(),
            sources: sources.into_iter().map(pb::SourceReport::from).collect(),
        }
    }
}

impl TryFrom<pb::SourceReport> for SourceReport {
    type Error = WireError;

    fn try_from(message: pb::SourceReport) -> Result<Self, Self::Error> {
        let pb::SourceReport { source, status, mut changes } = message;
        let source = text("source", source)?.into();
        let status = status.map(|status| source_status(status).at("status")).transpose()?;
        changes.retain(is_known);
        Ok(Self { source, status, changes: each("changes", changes)? })
    }
}

impl From<SourceReport> for pb::SourceReport {
    fn from(model: SourceReport) -> Self {
        let SourceReport { source, status, changes } = model;
        Self {
            source: source.into(),
            status: status.map(pb::SourceStatus::from),
            changes: changes.into_iter().map(pb::Change::from).collect(),
        }
    }
}

impl TryFrom<pb::Change> for Change {
    type Error = WireError;

    fn try_from(message: pb::Change) -> Result<Self, Self::Error> {
        let pb::Change { observed_at_us, change } = message;
        let kind = match required("change", change)? {
            pb::change::Change::Upsert(entity) => {
                let (entity, hash) = super::entity::entity(entity).at("upsert")?;
                ChangeKind::Upsert { entity, hash }
            }
            pb::change::Change::Removal(pb::Removal { native_id, reason }) => ChangeKind::Removal {
                native_id: key("removal.native_id", native_id)?,
                reason: text("removal.reason", reason)?.into(),
            },
        };
        Ok(Self { observed_at: Timestamp::from_micros(observed_at_us), kind })
    }
}

impl From<Change> for pb::Change {
    fn from(model: Change) -> Self {
        let Change { observed_at, kind } = model;
        let change = match kind {
            ChangeKind::Upsert { entity, hash } => {
                pb::change::Change::Upsert(pb::Entity { hash: hash.0.to_vec(), ..entity.into() })
            }
            ChangeKind::Removal { native_id, reason } => {
                pb::change::Change::Removal(pb::Removal { native_id, reason: reason.into() })
            }
        };
        Self { observed_at_us: observed_at.as_micros(), change: Some(change) }
    }
}

/// How many changes of a report are of a kind that only a newer agent knows. Reading it passes over them: what else it
/// says is worth having.
#[must_use]
pub fn unknown_changes(report: &pb::Report) -> usize {
    report.sources.iter().flat_map(|source| &source.changes).filter(|change| !is_known(change)).count()
}

fn is_known(change: &pb::Change) -> bool {
    match &change.change {
        Some(pb::change::Change::Upsert(entity)) => entity.body.is_some(),
        Some(pb::change::Change::Removal(_)) => true,
        None => false,
    }
}

/// A state that only a newer agent knows is taken for the cautious one: something may not have been read.
fn source_status(message: pb::SourceStatus) -> Result<SourceStatus, WireError> {
    let unknown = |field: &str, number: i32| WireError::new(field, "unknown-value", format!("{number} is no state"));
    let health = match message.health() {
        pb::source_status::Health::Healthy => Health::Healthy,
        pb::source_status::Health::Degraded => Health::Degraded,
        pb::source_status::Health::Failing => Health::Failing,
        pb::source_status::Health::Absent => Health::Absent,
        pb::source_status::Health::Unspecified if message.health != 0 => Health::Degraded,
        pb::source_status::Health::Unspecified => return Err(unknown("health", message.health)),
    };
    let completeness = match message.completeness() {
        pb::source_status::Completeness::Complete => Completeness::Complete,
        pb::source_status::Completeness::Partial => Completeness::Partial,
        pb::source_status::Completeness::None => Completeness::None,
        pb::source_status::Completeness::Unspecified if message.completeness != 0 => Completeness::Partial,
        pb::source_status::Completeness::Unspecified => return Err(unknown("completeness", message.completeness)),
    };
    let pb::SourceStatus { health: _, completeness: _, reason, since_us, warnings } = message;
    Ok(SourceStatus { health, completeness, reason, since: Timestamp::from_micros(since_us), warnings })
}

impl From<SourceStatus> for pb::SourceStatus {
    fn from(model: SourceStatus) -> Self {
        let SourceStatus { health, completeness, reason, since, warnings } = model;
        let health = match health {
            Health::Healthy => pb::source_status::Health::Healthy,
            Health::Degraded => pb::source_status::Health::Degraded,
            Health::Failing => pb::source_status::Health::Failing,
            Health::Absent => pb::source_status::Health::Absent,
        };
        let completeness = match completeness {
            Completeness::Complete => pb::source_status::Completeness::Complete,
            Completeness::Partial => pb::source_status::Completeness::Partial,
            Completeness::None => pb::source_status::Completeness::None,
        };
        Self { health: health.into(), completeness: completeness.into(), reason, since_us: since.as_micros(), warnings }
    }
}
