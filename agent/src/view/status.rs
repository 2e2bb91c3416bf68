//! How well a source can be looked at, and since when.

use orchestrix_common::{
    model::{Completeness, Health, SourceStatus},
    redact,
    time::Timestamp,
};

/// Characters of a reason; the rest is cut.
const REASON_CHARS: usize = 500;

/// The status of one source; nothing before its first look.
#[derive(Debug, Default)]
pub(super) struct Status(Option<SourceStatus>);

/// What a look says about the status.
#[derive(Debug)]
pub(super) struct NewStatus {
    health: Health,
    completeness: Completeness,
    reason: String,
    warnings: u32,
}

impl NewStatus {
    /// The reason is for people; secrets are taken out of it and its length is bounded.
    pub(super) fn new(health: Health, completeness: Completeness, reason: &str, warnings: u32) -> Self {
        let reason = redact::text(reason).chars().take(REASON_CHARS).collect();
        Self { health, completeness, reason, warnings }
    }
}

impl Status {
    pub(super) const fn current(&self) -> Option<&SourceStatus> {
        self.0.as_ref()
    }

    /// Takes the new status over; answers with it when it is worth a report. A number of warnings that goes up and
    /// down is not, as long as the trouble is the same.
    pub(super) fn update(&mut self, new: NewStatus, at: Timestamp) -> Option<SourceStatus> {
        let NewStatus { health, completeness, reason, warnings } = new;
        let same = self
            .0
            .as_ref()
            .is_some_and(|old| old.health == health && old.completeness == completeness && old.reason == reason);
        if same {
            return None;
        }
        let since = self.0.as_ref().filter(|old| old.health == health).map_or(at, |old| old.since);
        self.0 = Some(SourceStatus { health, completeness, reason, since, warnings });
        self.0.clone()
    }
}
