//! Use of the groups of the last look.
//!
//! From the group's control group when it has one of its own, else summed over its processes. CPU is the mean since
//! the measurement before, so the first one tells memory only.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Instant,
};

use orchestrix_common::model::{Source, Usage};

use super::{
    group::Group,
    stat::{parse_pages, parse_stat},
    watch::{TICKS_PER_SEC, Watch},
};
use crate::inspect::host::{read_bytes, read_text};

/// Entry of `/proc/self/auxv` with the size of a page (getauxval(3), `AT_PAGESZ`).
const PAGE_SIZE_ENTRY: usize = 6;

/// Processor time of a group at one moment.
#[derive(Debug)]
enum Spent {
    /// Of the whole control group, with the processes that ended.
    Group { micros: u64 },
    /// Of each process, by identifier and start: one that ended takes its time along.
    Processes(HashMap<(u32, u64), u64>),
}

/// Measures, and remembers the measurement before.
#[derive(Debug)]
pub(super) struct Meter {
    proc: PathBuf,
    page_bytes: u64,
    before: HashMap<String, (Instant, Spent)>,
}

impl Meter {
    pub(super) fn new(proc: &Path) -> Self {
        let page_bytes = read_bytes(proc.join("self/auxv")).ok().and_then(|bytes| page_size(&bytes)).unwrap_or(4096);
        Self { proc: proc.to_owned(), page_bytes, before: HashMap::new() }
    }

    pub(super) fn measure(&mut self, watch: &Watch, now: Instant) -> Vec<Usage> {
        let mut after = HashMap::with_capacity(watch.groups.len());
        let mut measured = Vec::with_capacity(watch.groups.len());
        for (key, group) in watch.groups.iter().filter(|(_, group)| group.main.is_some()) {
            let own = watch.membership(group).and_then(|membership| watch.controllers.usage(&membership));
            let own = own.unwrap_or_default();
            let (mut spent, mut memory_bytes) =
                (own.cpu_micros.map(|micros| Spent::Group { micros }), own.memory_bytes);
            // A group may have a control group for the one and none for the other.
            if spent.is_none() || memory_bytes.is_none() {
                let (summed, resident) = self.processes(watch, group);
                (spent, memory_bytes) = (spent.or(summed), memory_bytes.or(resident));
            }
            let before = self.before.get(key);
            let cpu_millicores = before
                .zip(spent.as_ref())
                .and_then(|((at, before), spent)| rate(before, spent, now.duration_since(*at)));
            measured.push(Usage { source: Source::Process, native_id: key.clone(), cpu_millicores, memory_bytes });
            after.extend(spent.map(|spent| (key.clone(), (now, spent))));
        }
        self.before = after;
        measured
    }

    /// Sums over processes. Shared pages count once, as those of the process that shares most.
    fn processes(&self, watch: &Watch, group: &Group) -> (Option<Spent>, Option<u64>) {
        let mut spent = HashMap::new();
        let (mut private, mut shared) = (0, 0);
        for process in group.members.iter().filter_map(|pid| watch.table.get(*pid)) {
            let folder = self.proc.join(process.pid.to_string());
            let stat = read_bytes(folder.join("stat")).ok().and_then(|bytes| parse_stat(&bytes));
            // The number may have been used again since the look.
            let Some(stat) = stat.filter(|stat| stat.start_ticks == process.start_ticks) else { continue };
            spent.insert((process.pid, stat.start_ticks), stat.cpu_ticks);
            if let Some((resident, common)) = read_text(folder.join("statm")).ok().and_then(|text| parse_pages(&text)) {
                private += resident.saturating_sub(common);
                shared = common.max(shared);
            }
        }
        let memory = (private + shared > 0).then(|| (private + shared) * self.page_bytes);
        ((!spent.is_empty()).then_some(Spent::Processes(spent)), memory)
    }
}

fn rate(before: &Spent, after: &Spent, passed: std::time::Duration) -> Option<u32> {
    let micros = match (before, after) {
        (Spent::Group { micros: before }, Spent::Group { micros: after }) => after.saturating_sub(*before),
        (Spent::Processes(before), Spent::Processes(after)) => {
            let ticks = |(key, ticks): (&(u32, u64), &u64)| ticks.saturating_sub(before.get(key).copied().unwrap_or(0));
            after.iter().map(ticks).sum::<u64>() * (1_000_000 / TICKS_PER_SEC)
        }
        // The group got a control group of its own, or lost it.
        _ => return None,
    };
    let passed = u64::try_from(passed.as_micros()).ok().filter(|passed| *passed > 0)?;
    u32::try_from(micros.saturating_mul(1_000) / passed).ok()
}

/// Reads the size of a page from `/proc/self/auxv`: pairs of machine words.
fn page_size(auxv: &[u8]) -> Option<u64> {
    let word = |bytes: &[u8]| bytes.try_into().ok().map(usize::from_ne_bytes);
    let pairs = auxv.chunks_exact(2 * size_of::<usize>());
    let mut sizes =
        pairs.map(|pair| pair.split_at(size_of::<usize>())).filter(|(key, _)| word(key) == Some(PAGE_SIZE_ENTRY));
    word(sizes.next()?.1).and_then(|size| u64::try_from(size).ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_process_that_ended_takes_its_time_along() {
        let before = Spent::Processes([((1, 5), 100), ((2, 5), 900)].into());
        let after = Spent::Processes([((1, 5), 150), ((3, 9), 10)].into());
        // Sixty ticks of ten milliseconds in two seconds.
        assert_eq!(rate(&before, &after, Duration::from_secs(2)), Some(300));
    }

    #[test]
    fn a_control_group_tells_its_own_time() {
        let (before, after) = (Spent::Group { micros: 500_000 }, Spent::Group { micros: 2_000_000 });
        assert_eq!(rate(&before, &after, Duration::from_secs(1)), Some(1_500));
        assert_eq!(rate(&before, &after, Duration::ZERO), None);
        assert_eq!(rate(&before, &Spent::Processes(HashMap::new()), Duration::from_secs(1)), None);
    }

    #[test]
    fn the_page_size_is_a_power_of_two() {
        let size = page_size(&read_bytes("/proc/self/auxv").unwrap()).unwrap();
        assert!(size.is_power_of_two() && size >= 4096);
    }
}
