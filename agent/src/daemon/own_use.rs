//! What the agent itself uses, against its budget.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use orchestrix_common::process;

use crate::{config::BudgetConfig, status::OwnUse};

/// Measures the agent itself.
#[derive(Debug)]
pub(super) struct Meter {
    budget: BudgetConfig,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    cpu_seconds: f64,
    /// Per cent of one core between the last two checks.
    cpu_percent: Option<f64>,
    over: Vec<String>,
}

impl Meter {
    pub(super) fn new(budget: BudgetConfig) -> Self {
        let last = Last { cpu_seconds: measure().0, ..Last::default() };
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

    /// Compares the use since the last check with the budget, and says so when that changes.
    pub(super) fn check(&self, since_last: Duration) {
        let (cpu_seconds, memory_bytes) = measure();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let percent = (cpu_seconds - last.cpu_seconds) / since_last.as_secs_f64() * 100.0;
        (last.cpu_seconds, last.cpu_percent) = (cpu_seconds, Some(percent));
        let mut over = Vec::new();
        if percent > self.budget.cpu_percent {
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
        meter.check(Duration::from_secs(60));
        assert_eq!(meter.read().over_budget, ["memory"]);
    }
}
