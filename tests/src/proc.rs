//! What the kernel accounts for a process: processor time and proportional memory. See proc(5).

use std::{fs, time::Duration};

/// Processor time that a process has used so far, in user and kernel mode, without its children.
///
/// Read from `schedstat` of each thread, whose unit is the nanosecond; ticks of `stat` are too coarse for an idle agent.
/// Threads that have ended are missed, which a program with a fixed pool of them does not mind.
///
/// # Panics
/// When the process does not exist.
#[must_use]
pub fn cpu_time(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap_or_else(|error| panic!("process {pid}: {error}"));
    let nanos = threads.flatten().filter_map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

/// As [`cpu_time`], with what ended threads have used, in steps of 10 ms.
///
/// # Panics
/// When the process does not exist.
#[must_use]
pub fn cpu_time_of_all(pid: u32) -> Duration {
    let path = format!("/proc/{pid}/stat");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    // Fields 14 and 15; the second one may hold anything up to its last parenthesis.
    let (_, rest) = text.rsplit_once(')').expect("the name stands in parentheses");
    let ticks = rest.split_ascii_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().expect("a number"));
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Memory of a process that is resident, in bytes.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn rss_bytes(pid: u32) -> u64 {
    rollup(pid, "Rss:")
}

/// The most that was ever resident, in bytes.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn peak_rss_bytes(pid: u32) -> u64 {
    kilobytes(&format!("/proc/{pid}/status"), "VmHWM:")
}

/// Proportional memory of a process in bytes: its own pages whole, shared ones by their share.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn pss_bytes(pid: u32) -> u64 {
    rollup(pid, "Pss:")
}

/// What of it is the process's own data, without the pages of its program's file, in bytes.
///
/// # Panics
/// When it cannot be read.
#[must_use]
pub fn pss_own_bytes(pid: u32) -> u64 {
    rollup(pid, "Pss_Anon:")
}

fn rollup(pid: u32, name: &str) -> u64 {
    kilobytes(&format!("/proc/{pid}/smaps_rollup"), name)
}

/// The number of kB behind a name, in bytes.
fn kilobytes(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("{path} has no line {name}"));
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("it is a number of kB") * 1_024
}

/// Number of processes on this machine.
#[must_use]
pub fn process_count() -> usize {
    let entries = fs::read_dir("/proc").expect("/proc can be read").flatten();
    entries.filter(|entry| entry.file_name().to_string_lossy().bytes().all(|byte| byte.is_ascii_digit())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let mut sum = 0_u64;
        while cpu_time(std::process::id()) < Duration::from_millis(1) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let (all, own) = (pss_bytes(std::process::id()), pss_own_bytes(std::process::id()));
        assert!(all > 100_000 && own > 0 && own <= all, "{all} {own}");
        let (resident, peak) = (rss_bytes(std::process::id()), peak_rss_bytes(std::process::id()));
        assert!(resident >= all && peak > 0, "{resident} {peak}");
        while cpu_time_of_all(std::process::id()) < Duration::from_millis(20) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(process_count() > 1);
    }
}
