//! What the agent itself uses, against its budget. Format of the file: proc(5), `/proc/self/stat`.

use std::{
    fs,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use crate::{config::BudgetConfig, status::OwnUse};

/// Clock ticks per second in `/proc` (`USER_HZ`), 100 on every architecture that Rust's standard library runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// Measures the agent itself.
#[derive(Debug)]
pub(super) struct Meter {
    budget: BudgetConfig,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    cpu_seconds: f64,
    over: Vec<String>,
}

impl Meter {
    pub(super) fn new(budget: BudgetConfig) -> Self {
        let last = Last { cpu_seconds: measure().cpu_seconds, over: Vec::new() };
        Self { budget, last: Mutex::new(last) }
    }

    /// The use now.
    pub(super) fn read(&self) -> OwnUse {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        OwnUse { over_budget: last.over.clone(), ..measure() }
    }

    /// Compares the use since the last check with the budget, and says so when that changes.
    pub(super) fn check(&self, since_last: Duration) {
        let now = measure();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let percent = (now.cpu_seconds - last.cpu_seconds) / since_last.as_secs_f64() * 100.0;
        last.cpu_seconds = now.cpu_seconds;
        let mut over = Vec::new();
        if percent > self.budget.cpu_percent {
            over.push("cpu".to_owned());
        }
        if now.memory_bytes.is_some_and(|bytes| bytes > self.budget.memory_bytes) {
            over.push("memory".to_owned());
        }
        if over != last.over {
            if over.is_empty() {
                tracing::info!("the agent keeps to its budget again");
            } else {
                let memory_bytes = now.memory_bytes;
                tracing::warn!(?over, percent, memory_bytes, "the agent uses more than its budget");
            }
            last.over = over;
        }
    }
}

fn measure() -> OwnUse {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    parse(&stat, rustix::param::page_size() as u64)
}

/// Fields 14 (utime), 15 (stime) and 24 (rss in pages); the second field may hold anything up to its last parenthesis.
fn parse(stat: &str, page_size: u64) -> OwnUse {
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
    let ticks = field(14).unwrap_or(0) + field(15).unwrap_or(0);
    OwnUse {
        // Exact below 2^53 ticks, a few million years.
        cpu_seconds: ticks as f64 / TICKS_PER_SEC,
        memory_bytes: field(24).map(|pages| pages * page_size),
        over_budget: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stat_line_is_read_whatever_the_program_is_called() {
        let line = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 4 0 12345 99999999 250 1844";
        let used = parse(line, 4096);
        assert!((used.cpu_seconds - 2.0).abs() < f64::EPSILON);
        assert_eq!(used.memory_bytes, Some(250 * 4096));
        assert_eq!(parse("", 4096), OwnUse::default());
    }

    #[test]
    fn what_goes_over_the_budget_is_shown_until_it_is_over() {
        let meter = Meter::new(BudgetConfig { cpu_percent: 1e9, memory_bytes: 1 });
        meter.check(Duration::from_secs(60));
        assert_eq!(meter.read().over_budget, ["memory"]);
    }
}
