//! The latest use of every entity, rounded and limited so that an idle host has nothing to send.
//!
//! A figure is news when it left the band around the last one that was told, and the last one is about a minute old. A
//! session asks for everything newer than what it sent; a new session starts from zero and so gets all of it once. The
//! first measurement of an entity cannot tell its processor use, so it waits for the second: one row instead of two.
//! Memory is bounded by the number of entities.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use orchestrix_common::{
    model::{Source, Usage},
    time::Timestamp,
};
use tokio::sync::watch;

use super::join::Key;

/// The shortest time between two figures of one entity: a little less than the minute between two measurements, so that
/// each may be told.
const SPACING: Duration = Duration::from_secs(50);
/// After this time another source may take over the measuring of an entity.
const STALE: Duration = Duration::from_secs(120);
/// Thousandths of a core within which the processor use is the same.
const CPU_BAND: u32 = 50;
/// Bytes within which the memory use is the same.
const MEMORY_BAND: u64 = 4 << 20;

/// The figures, shared between who measures and who sends.
#[derive(Debug)]
pub struct UsageBoard {
    figures: Mutex<Figures>,
    revision: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Figures {
    by_entity: BTreeMap<Key, Figure>,
    revision: u64,
}

#[derive(Debug)]
struct Figure {
    /// As it was told, and when; `None` while the first measurement waits for the second.
    told: Option<(Usage, Timestamp)>,
    revision: u64,
    /// Who measured, and when: two sources that measure one entity differ a little and would take turns.
    by: Source,
    by_at: Timestamp,
}

/// What a session has not sent yet.
#[derive(Debug)]
pub struct UsageUpdate {
    /// Figures, at most as many as asked for.
    pub usages: Vec<Usage>,
    /// What to ask from next time.
    pub revision: u64,
    /// There are more.
    pub more: bool,
}

impl Default for UsageBoard {
    fn default() -> Self {
        Self { figures: Mutex::default(), revision: watch::Sender::new(0) }
    }
}

impl UsageBoard {
    /// Takes measurements in. `by` is who measured; each usage names the entity that it is told of.
    pub fn update(&self, by: &Source, usages: Vec<Usage>, at: Timestamp) {
        let mut figures = self.lock();
        let before = figures.revision;
        for usage in usages {
            figures.take(by, usage, at);
        }
        let now = figures.revision;
        drop(figures);
        if now != before {
            self.revision.send_replace(now);
        }
    }

    /// Forgets an entity that is no more.
    pub fn forget(&self, source: &Source, native_id: &str) {
        self.lock().by_entity.remove(&(source.clone(), native_id.to_owned()));
    }

    /// What is newer than `revision`, oldest first.
    #[must_use]
    pub fn since(&self, revision: u64, limit: usize) -> UsageUpdate {
        let figures = self.lock();
        let mut newer: Vec<&Figure> = figures.by_entity.values().filter(|figure| figure.revision > revision).collect();
        newer.sort_by_key(|figure| figure.revision);
        let more = newer.len() > limit;
        newer.truncate(limit);
        let reached = newer.last().map_or(figures.revision, |figure| figure.revision);
        let revision = if more { reached } else { figures.revision };
        let told = |figure: &Figure| figure.told.as_ref().map(|(usage, _)| usage.clone());
        UsageUpdate { usages: newer.into_iter().filter_map(told).collect(), revision, more }
    }

    /// Wakes when there is something newer.
    #[must_use]
    pub fn revisions(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Figures> {
        self.figures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Figures {
    fn take(&mut self, by: &Source, usage: Usage, at: Timestamp) {
        let key = (usage.source.clone(), usage.native_id.clone());
        if let Some(figure) = self.by_entity.get_mut(&key) {
            if figure.by != *by && at.since(figure.by_at) < STALE {
                return;
            }
            figure.by = by.clone();
            figure.by_at = at;
            if let Some((told, told_at)) = &figure.told {
                let waits = at.since(*told_at) < SPACING && !completes(told, &usage);
                if waits || !differs(told, &usage) {
                    return;
                }
            }
            self.revision += 1;
            figure.told = Some((rounded(usage), at));
            figure.revision = self.revision;
        } else {
            // Who measures by something else than the time between two measurements knows it at once.
            let is_whole = usage.cpu_millicores.is_some();
            self.revision += u64::from(is_whole);
            let revision = if is_whole { self.revision } else { 0 };
            let told = is_whole.then(|| (rounded(usage), at));
            self.by_entity.insert(key, Figure { told, revision, by: by.clone(), by_at: at });
        }
    }
}

/// The new figure is outside the band around the old one: a quarter or 50 thousandths of a core, a twentieth or 4 MiB.
fn differs(old: &Usage, new: &Usage) -> bool {
    let cpu = match (old.cpu_millicores, new.cpu_millicores) {
        (Some(old), Some(new)) => old.abs_diff(new) > CPU_BAND.max(old / 4),
        (old, new) => old.is_some() != new.is_some(),
    };
    let memory = match (old.memory_bytes, new.memory_bytes) {
        (Some(old), Some(new)) => old.abs_diff(new) > MEMORY_BAND.max(old / 20),
        (old, new) => old.is_some() != new.is_some(),
    };
    cpu || memory
}

/// The new figure tells what the old one could not: processor use is known from the second measurement on.
const fn completes(old: &Usage, new: &Usage) -> bool {
    (old.cpu_millicores.is_none() && new.cpu_millicores.is_some())
        || (old.memory_bytes.is_none() && new.memory_bytes.is_some())
}

/// Two significant digits of the processor use; memory to 64 KiB.
fn rounded(usage: Usage) -> Usage {
    let cpu = usage.cpu_millicores.map(|cpu| {
        let step = 10_u32.pow(cpu.checked_ilog10().unwrap_or(0).saturating_sub(1));
        cpu / step * step
    });
    Usage { cpu_millicores: cpu, memory_bytes: usage.memory_bytes.map(|bytes| bytes & !0xffff), ..usage }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn usage(id: &str, cpu: u32, memory: u64) -> Usage {
        Usage {
            source: Source::Docker,
            native_id: id.to_owned(),
            cpu_millicores: Some(cpu),
            memory_bytes: Some(memory),
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn idle_jitter_is_no_news() {
        let board = UsageBoard::default();
        board.update(&Source::Process, vec![usage("a", 20, 100 * MIB)], at(0));
        let first = board.since(0, 10);
        assert_eq!(first.usages.len(), 1);
        for minute in 1..20 {
            let jitter = if minute % 2 == 0 { 0 } else { 45 };
            board.update(
                &Source::Process,
                vec![usage("a", jitter, (100 + u64::from(jitter) / 15) * MIB)],
                at(minute * 61),
            );
        }
        assert!(board.since(first.revision, 10).usages.is_empty());
        assert!(!board.revisions().has_changed().unwrap());
    }

    #[test]
    fn a_real_change_is_told_but_not_more_often_than_once_a_minute() {
        let board = UsageBoard::default();
        board.update(&Source::Process, vec![usage("a", 100, MIB)], at(0));
        let mut told = 0;
        let mut revision = 0;
        for second in (0..600).step_by(15) {
            let load = if (second / 15) % 2 == 0 { 100 } else { 900 };
            board.update(&Source::Process, vec![usage("a", load, MIB)], at(second));
            let update = board.since(revision, 10);
            told += update.usages.len();
            revision = update.revision;
        }
        assert!((2..=11).contains(&told), "{told}");
    }

    #[test]
    fn a_first_measurement_waits_for_the_second() {
        let board = UsageBoard::default();
        let first = Usage { cpu_millicores: None, ..usage("a", 0, MIB) };
        board.update(&Source::Process, vec![first.clone()], at(0));
        assert!(board.since(0, 10).usages.is_empty() && !board.revisions().has_changed().unwrap());
        board.update(&Source::Process, vec![usage("a", 70, MIB)], at(15));
        let update = board.since(0, 10);
        assert_eq!((update.usages.len(), update.usages[0].cpu_millicores), (1, Some(70)));
        board.update(&Source::Process, vec![usage("a", 900, MIB)], at(30));
        assert_eq!(board.since(0, 10).usages[0].cpu_millicores, Some(70), "a known figure waits its minute");
        // Where processor use cannot be read, memory is told all the same.
        let other = Usage { native_id: "b".to_owned(), ..first };
        board.update(&Source::Process, vec![other.clone()], at(30));
        board.update(&Source::Process, vec![other], at(45));
        assert_eq!(board.since(update.revision, 10).usages[0].memory_bytes, Some(MIB));
    }

    #[test]
    fn a_new_session_gets_everything_once_in_portions() {
        let board = UsageBoard::default();
        board.update(&Source::Process, ["a", "b", "c"].map(|id| usage(id, 10, MIB)).to_vec(), at(0));
        let first = board.since(0, 2);
        assert!(first.more);
        let second = board.since(first.revision, 2);
        assert_eq!(first.usages.len() + second.usages.len(), 3);
        assert!(!second.more);
        assert!(board.since(second.revision, 2).usages.is_empty());
    }

    #[test]
    fn a_second_measurer_waits_until_the_first_fell_silent() {
        let board = UsageBoard::default();
        board.update(&Source::Docker, vec![usage("a", 100, MIB)], at(0));
        board.update(&Source::Process, vec![usage("a", 900, MIB)], at(90));
        assert_eq!(board.since(0, 10).usages[0].cpu_millicores, Some(100));
        board.update(&Source::Process, vec![usage("a", 900, MIB)], at(200));
        assert_eq!(board.since(0, 10).usages[0].cpu_millicores, Some(900));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let board = UsageBoard::default();
        board.update(&Source::Docker, vec![usage("a", 100, MIB)], at(0));
        board.forget(&Source::Docker, "a");
        assert!(board.since(0, 10).usages.is_empty());
    }

    #[test]
    fn figures_are_rounded_to_two_digits() {
        for (raw, round) in [(0, 0), (7, 7), (42, 42), (128, 120), (1999, 1900)] {
            assert_eq!(rounded(usage("a", raw, 0)).cpu_millicores, Some(round));
        }
    }
}
