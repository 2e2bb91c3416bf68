//! Up to where events were told, over restarts of the agent.
//!
//! A container that came and went while no agent ran is in no look; only the engine's events still tell of it. The
//! first subscription of a run therefore begins where the last run stopped telling. To tell an event twice is harmless,
//! since the collector recognises what it has; so the file is written seldom, and not synced.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

use super::Engine;

/// The file is written again for events this much later, in nanoseconds.
const STEP_NANOS: i64 = 1_000_000_000;
/// A run goes back this much further, in nanoseconds: what was told may not have been on disk when the agent died.
const MARGIN_NANOS: i64 = 10_000_000_000;
/// A run goes back no further than this, in nanoseconds: one day. Podman keeps its events for good.
const LONGEST_NANOS: i64 = 86_400_000_000_000;

/// The file.
#[derive(Debug)]
pub(super) struct Bookmark {
    /// `None` when nothing is to be remembered.
    file: Option<PathBuf>,
    /// What the file holds, in nanoseconds since 1970.
    saved: AtomicI64,
}

impl Bookmark {
    /// The file of an engine in a folder.
    pub(super) fn of(engine: Engine, state_dir: Option<&Path>) -> Self {
        let file = state_dir.map(|folder| folder.join(format!("{engine}.events")));
        Self { file, saved: AtomicI64::new(0) }
    }

    /// Where a run of the agent begins, in nanoseconds since 1970, if the engine's time is `now`; `None` when no earlier
    /// run told of events.
    pub(super) async fn load(&self, now: i64) -> Option<i64> {
        let text = tokio::fs::read_to_string(self.file.as_deref()?).await.ok()?;
        let told_until: i64 = text.trim().parse().ok()?;
        Some(told_until.saturating_sub(MARGIN_NANOS).clamp(now.saturating_sub(LONGEST_NANOS), now))
    }

    /// Remembers that everything up to a time was told.
    pub(super) async fn save(&self, told_until: Option<i64>) {
        let (Some(file), Some(told_until)) = (&self.file, told_until) else { return };
        let saved = self.saved.load(Ordering::Relaxed);
        if told_until.saturating_sub(saved) < STEP_NANOS {
            return;
        }
        self.saved.store(told_until, Ordering::Relaxed);
        // A file cut short by a crash is no number, or a smaller one: then events are told again, or since now.
        if let Err(error) = tokio::fs::write(file, format!("{told_until}\n")).await {
            tracing::debug!(%error, file = %file.display(), "place in the event stream not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;
    const NOW: i64 = 1_795_478_200 * SECOND;

    #[tokio::test]
    async fn a_run_goes_on_where_the_last_one_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let first = Bookmark::of(Engine::Docker, Some(folder.path()));
        assert_eq!(first.load(NOW).await, None);
        first.save(Some(NOW)).await;
        first.save(Some(NOW + SECOND / 2)).await;
        let next = Bookmark::of(Engine::Docker, Some(folder.path()));
        assert_eq!(next.load(NOW + 60 * SECOND).await, Some(NOW - MARGIN_NANOS), "the second one came too soon");
        assert_eq!(Bookmark::of(Engine::Podman, Some(folder.path())).load(NOW).await, None);
    }

    #[tokio::test]
    async fn it_goes_back_a_day_at_most_and_never_forward() {
        let folder = tempfile::tempdir().unwrap();
        let bookmark = Bookmark::of(Engine::Podman, Some(folder.path()));
        bookmark.save(Some(NOW)).await;
        let later = NOW + 3 * LONGEST_NANOS;
        assert_eq!(bookmark.load(later).await, Some(later - LONGEST_NANOS));
        let set_back = NOW - 3_600 * SECOND;
        assert_eq!(bookmark.load(set_back).await, Some(set_back));
    }

    #[tokio::test]
    async fn what_is_no_number_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("docker.events"), "17954\0\0").unwrap();
        assert_eq!(Bookmark::of(Engine::Docker, Some(folder.path())).load(NOW).await, None);
        Bookmark::of(Engine::Docker, None).save(Some(NOW)).await;
    }
}
