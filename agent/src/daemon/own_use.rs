//! What the agent itself uses, against its budget.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use orchestrix_common::process;

use crate::{config::BudgetConfig, status::OwnUse};

/// Measures the agent itself.
#[derive(Debug)]
pub(super) struct Meter {
    budget: BudgetConfig,
    last: Mutex<Last>,
}

#[derive(Debug)]
struct Last {
    at: Instant,
    cpu_seconds: f64,
    /// Per cent of one core between the last two checks.
    cpu_percent: Option<f64>,
    over: Vec<String>,
}

impl Meter {
    pub(super) fn new(budget: BudgetConfig) -> Self {
        let last = Last { at: Instant::now(), cpu_seconds: measure().0, cpu_percent: None, over: Vec::new() };
        Self { budget, last: Mutex::new(last) }
    }

    /// The use now.
    pub(super) fn read(&self) -> OwnUse {
        let (cpu_seconds, memory_bytes) = measure();
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        OwnUse {
            cpu_seconds,
            memory_bytes,
            cpu_percent: last.cpu_percent,
            budget_cpu_percent: self.budget.cpu_percent,
            budget_memory_bytes: self.budget.memory_bytes,
            over_budget: last.over.clone(),
        }
    }

    /// Compares the use since the last check, or since the meter was made, with the budget, and says so when that changes.
    pub(super) fn check(&self) {
        let (cpu_seconds, memory_bytes) = measure();
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.duration_since(last.at).as_secs_f64();
        // The kernel counts in hundredths of a second: a shorter time gives no figure.
        let percent = (passed > 0.01).then(|| (cpu_seconds - last.cpu_seconds) / passed * 100.0);
        (last.at, last.cpu_seconds, last.cpu_percent) = (now, cpu_seconds, percent);
        let mut over = Vec::new();
        if percent.is_some_and(|percent| percent > self.budget.cpu_percent) {
            over.push("cpu".to_owned());
        }
        if memory_bytes.is_some_and(|bytes| bytes > self.budget.memory_bytes) {
            over.push("memory".to_owned());
        }
        if over != last.over {
            if over.is_empty() {
                tracing::info!("the agent keeps to its budget again");
            } else {
                tracing::warn!(?over, percent, memory_bytes, "the agent uses more than its budget");
            }
            last.over = over;
        }
    }
}

/// Processor seconds and resident memory.
fn measure() -> (f64, Option<u64>) {
    let used = process::measure();
    (used.cpu_seconds.unwrap_or(0.0), used.resident_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_over_the_budget_is_shown_until_it_is_over() {
        let meter = Meter::new(BudgetConfig { cpu_percent: 1e9, memory_bytes: 1 });
        meter.check();
        assert_eq!(meter.read().over_budget, ["memory"]);
    }

    #[test]
    fn the_figure_is_of_the_time_that_passed_and_not_of_a_nominal_one() {
        let meter = Meter::new(BudgetConfig { cpu_percent: 1.0, memory_bytes: u64::MAX });
        assert_eq!(meter.read().cpu_percent, None, "nothing passed yet");
        let begun = Instant::now();
        let mut work = 0_u64;
        while begun.elapsed().as_millis() < 300 {
            work = work.wrapping_mul(31).wrapping_add(begun.elapsed().subsec_nanos().into());
        }
        meter.check();
        // Others may take most of the processor meanwhile; of a minute it would be half a per cent.
        let percent = meter.read().cpu_percent.unwrap();
        assert!(percent > 2.0, "{percent} {work}");
        assert_eq!(meter.read().over_budget, ["cpu"]);
    }
}
