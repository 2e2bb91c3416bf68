//! What this process uses, as the kernel accounts for it. Format of the files: proc(5).

use std::{fs, sync::OnceLock};

use crate::time::{Clock as _, SystemClock};
/// Clock ticks per second in `/proc` (`USER_HZ`), 100 on every architecture that Rust's standard library runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// What a process uses. `None` is what could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessUse {
    /// Processor seconds since its start, user and system.
    pub cpu_seconds: Option<f64>,
    /// Resident memory in bytes.
    pub resident_bytes: Option<u64>,
    /// Address space in bytes.
    pub virtual_bytes: Option<u64>,
    /// Open file descriptors.
    pub open_files: Option<u64>,
    /// The most that may be open; `None` also when there is no limit.
    pub max_files: Option<u64>,
    /// Threads.
    pub threads: Option<u64>,
    /// When it started, in seconds since 1970.
    pub started_at_seconds: Option<f64>,
}

/// Measures this process. Reads five small files; none of them costs the kernel a walk over its memory.
#[must_use]
pub fn measure() -> ProcessUse {
    let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
    // The folder of descriptors holds the one that reads it as well.
    let open_files = fs::read_dir("/proc/self/fd").ok().map(|files| files.count().saturating_sub(1) as u64);
    ProcessUse {
        open_files,
        started_at_seconds: started_at(&read("stat")),
        ..parse(&read("stat"), &read("status"), &read("limits"))
    }
}

/// Fields 14 (utime) and 15 (stime) of `stat`; the second field may hold anything up to its last parenthesis.
fn parse(stat: &str, status: &str, limits: &str) -> ProcessUse {
    let ticks = stat_field(stat, 14).zip(stat_field(stat, 15));
    let number = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        rest.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    let max_files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    ProcessUse {
        // Exact below 2^53 ticks, a few million years.
        cpu_seconds: ticks.map(|(user, system)| (user + system) as f64 / TICKS_PER_SEC),
        resident_bytes: number("VmRSS").map(|kib| kib * 1_024),
        virtual_bytes: number("VmSize").map(|kib| kib * 1_024),
        open_files: None,
        max_files: max_files.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()),
        threads: number("Threads"),
        started_at_seconds: None,
    }
}

fn stat_field(stat: &str, number: usize) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(number - 3)?.parse().ok()
}

/// The start: field 22 counts ticks since the machine's boot. Worked out once, so that it does not move with the clock.
fn started_at(stat: &str) -> Option<f64> {
    static STARTED_AT: OnceLock<Option<f64>> = OnceLock::new();
    *STARTED_AT.get_or_init(|| {
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_ascii_whitespace().next()?.parse().ok()?;
        let age = uptime - stat_field(stat, 22)? as f64 / TICKS_PER_SEC;
        Some(SystemClock.now().as_micros() as f64 / 1e6 - age)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_are_read_whatever_the_program_is_called() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0 12345 99999999 250 1844";
        let status = "Name:\ta) b (c\nVmSize:\t    2000 kB\nVmRSS:\t     1000 kB\nThreads:\t4\n";
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024      524288    files\n";
        let expected = ProcessUse {
            cpu_seconds: Some(2.0),
            resident_bytes: Some(1_024_000),
            virtual_bytes: Some(2_048_000),
            max_files: Some(1_024),
            threads: Some(4),
            ..ProcessUse::default()
        };
        assert_eq!(parse(stat, status, limits), expected);
        assert_eq!(parse("", "", ""), ProcessUse::default());
        assert_eq!(parse("", "", "Max open files unlimited unlimited files").max_files, None);
    }

    #[test]
    fn this_process_is_measured_whole() {
        let used = measure();
        let ProcessUse { cpu_seconds, resident_bytes, open_files, started_at_seconds, threads, .. } = used;
        assert!(resident_bytes.is_some_and(|bytes| bytes > 100_000), "{used:?}");
        assert!(cpu_seconds.is_some() && threads.is_some_and(|threads| threads > 0), "{used:?}");
        assert!(open_files.is_some_and(|files| files >= 3), "{used:?}");
        let now = SystemClock.now().as_micros() as f64 / 1e6;
        assert!(started_at_seconds.is_some_and(|at| at <= now + 1.0 && at > now - 3_600.0), "{used:?}");
    }
}
