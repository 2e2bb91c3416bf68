//! What a collector uses, and how figures are put into words.

use std::{
    fs,
    time::{Duration, Instant},
};

use orchestrix_tests::{part, proc};

/// What a process used at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Use {
    at: Instant,
    cpu: Duration,
}

impl Use {
    pub(crate) fn of(pid: u32) -> Self {
        Self { at: Instant::now(), cpu: proc::cpu_time_of_all(pid) }
    }

    /// Processor time since an earlier moment of the same process.
    pub(crate) fn cpu_since(self, earlier: Self) -> Duration {
        self.cpu.saturating_sub(earlier.cpu)
    }

    /// Processor time since the process started.
    pub(crate) const fn total(self) -> Duration {
        self.cpu
    }

    /// Percent of a core since then.
    pub(crate) fn percent_since(self, earlier: Self) -> f64 {
        100.0 * self.cpu_since(earlier).as_secs_f64() / (self.at - earlier.at).as_secs_f64()
    }
}

/// Memory of a process in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    pub(crate) pss: u64,
    /// The most that was ever resident.
    pub(crate) peak: u64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Self {
        Self { rss: proc::rss_bytes(pid), pss: proc::pss_bytes(pid), peak: proc::peak_rss_bytes(pid) }
    }
}

/// Waits until a process has used little for a few seconds in a row, at most for `limit`; returns how long that took.
pub(crate) fn rest(pid: u32, limit: Duration) -> Duration {
    const LITTLE: f64 = 25.0;
    let begun = Instant::now();
    let mut calm = 0;
    while calm < 3 && begun.elapsed() < limit {
        let before = Use::of(pid);
        std::thread::sleep(Duration::from_secs(2));
        calm = if Use::of(pid).percent_since(before) < LITTLE { calm + 1 } else { 0 };
    }
    begun.elapsed()
}

/// Connections that the kernel turned away because a listener's queue was full, on this machine since its start.
pub(crate) fn listen_overflows() -> u64 {
    let text = fs::read_to_string("/proc/net/netstat").unwrap_or_default();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let found = names.split_whitespace().zip(values.split_whitespace()).find(|(name, _)| *name == "ListenOverflows");
    found.and_then(|(_, value)| value.parse().ok()).unwrap_or_default()
}

pub(crate) fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Prints a figure.
pub(crate) fn print(line: &str) {
    part::measured(&format!("  {line}"));
}

/// A figure beside the most that it should be.
pub(crate) fn at_most(value: f64, goal: f64, unit: &str) -> String {
    let word = if value <= goal { "reached" } else { "missed" };
    format!("goal {goal} {unit}: {word}, {:.2} of it", value / goal)
}
