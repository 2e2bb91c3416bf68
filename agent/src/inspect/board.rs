//! How the looks at each source went and what they cost, since the start. For people, not for the view.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrix_common::{model::Source, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{InspectError, Observation};

/// The figures of all sources. Cheap to clone; all clones are one. Bounded by the number of inspectors.
#[derive(Clone, Debug, Default)]
pub struct LookBoard(Arc<Mutex<BTreeMap<Source, LookFigures>>>);

/// The figures of one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LookFigures {
    /// What came of the last look; `None` before the first.
    pub outcome: Option<LookOutcome>,
    /// When the last look ended; `None` before the first.
    pub at: Option<Timestamp>,
    /// How long the last look took, in seconds.
    pub seconds: f64,
    /// How long all looks took together, in seconds.
    pub total_seconds: f64,
    /// Looks by what came of them.
    pub looks: BTreeMap<LookOutcome, u64>,
    /// How often the inspector panicked or hung, so that its next look began afresh.
    pub restarts: u64,
}

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookOutcome {
    /// Everything was seen.
    Observed,
    /// Something was there that could not be read.
    Partial,
    /// There is no such thing here.
    Absent,
    /// Another agent tells of it.
    Elsewhere,
    /// The agent lacks a right.
    NotPermitted,
    /// Nothing reliable could be said.
    Failed,
}

impl LookOutcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Observed, Self::Partial, Self::Absent, Self::Elsewhere, Self::NotPermitted, Self::Failed];

    /// Word in measurements and in the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observed => "observed",
            Self::Partial => "partial",
            Self::Absent => "absent",
            Self::Elsewhere => "elsewhere",
            Self::NotPermitted => "not-permitted",
            Self::Failed => "failed",
        }
    }

    /// What came of a look with this result.
    #[must_use]
    pub const fn of(result: &Result<Observation, InspectError>) -> Self {
        match result {
            Ok(Observation::Complete(_)) => Self::Observed,
            Ok(Observation::Listed(..) | Observation::Partial(..)) => Self::Partial,
            Ok(Observation::Absent(_)) => Self::Absent,
            Ok(Observation::Elsewhere(_)) => Self::Elsewhere,
            Err(InspectError::NotPermitted(_)) => Self::NotPermitted,
            Err(InspectError::TimedOut(_) | InspectError::Unavailable(_)) => Self::Failed,
        }
    }
}

impl LookBoard {
    /// Notes a look that ended.
    pub(super) fn looked(&self, source: &Source, outcome: LookOutcome, took: Duration, at: Timestamp) {
        self.with(source, |figures| {
            figures.outcome = Some(outcome);
            figures.at = Some(at);
            figures.seconds = took.as_secs_f64();
            figures.total_seconds += took.as_secs_f64();
            *figures.looks.entry(outcome).or_default() += 1;
        });
    }

    /// Notes an inspector that broke down.
    pub(super) fn restarted(&self, source: &Source) {
        self.with(source, |figures| figures.restarts += 1);
    }

    /// The figures of a source; empty before its first look.
    #[must_use]
    pub fn figures(&self, source: &Source) -> LookFigures {
        self.lock().get(source).cloned().unwrap_or_default()
    }

    fn with(&self, source: &Source, change: impl FnOnce(&mut LookFigures)) {
        change(self.lock().entry(source.clone()).or_default());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Source, LookFigures>> {
        // The map is whole after every statement, also when a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_counted_by_what_came_of_them() {
        let board = LookBoard::default();
        let denied: Result<Observation, _> = Err(InspectError::NotPermitted("join the group".into()));
        let seen = Ok(Observation::Complete(Vec::new()));
        for (index, result) in [denied, seen.clone(), seen].iter().enumerate() {
            let at = Timestamp::from_secs(index as i64);
            board.looked(&Source::Docker, LookOutcome::of(result), Duration::from_millis(250), at);
        }
        board.restarted(&Source::Docker);
        let figures = board.figures(&Source::Docker);
        assert_eq!(figures.outcome, Some(LookOutcome::Observed));
        assert_eq!(figures.looks, BTreeMap::from([(LookOutcome::Observed, 2), (LookOutcome::NotPermitted, 1)]));
        assert_eq!((figures.seconds, figures.total_seconds, figures.restarts), (0.25, 0.75, 1));
        assert_eq!(board.figures(&Source::Podman), LookFigures::default());
    }
}
