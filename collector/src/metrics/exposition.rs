//! What `/metrics` answers.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use metrics_exporter_prometheus::PrometheusHandle;
use orchestrix_common::{metric::MetricText, process};

use super::catalogue::BUILD;

type Sampler = Box<dyn Fn() + Send + Sync>;

/// Renders the measurements of one collector. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Exposition {
    recorder: PrometheusHandle,
    samplers: Arc<Mutex<Vec<Sampler>>>,
}

impl fmt::Debug for Exposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exposition")
    }
}

impl Exposition {
    pub(super) fn new(recorder: PrometheusHandle) -> Self {
        Self { recorder, samplers: Arc::default() }
    }

    /// Lets `sample` set gauges in front of every answer. It must be quick and must not wait.
    pub fn sample_by(&self, sample: impl Fn() + Send + Sync + 'static) {
        self.samplers.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(sample));
    }

    /// Everything that is measured, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.samplers.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|sample| sample());
        let mut own = MetricText::default();
        own.sample(&BUILD, &[("program", "orchestrix-collector"), ("version", env!("CARGO_PKG_VERSION"))], 1.0);
        own.process(&process::measure());
        format!("{}{}", self.recorder.render(), own.into_text())
    }

    /// Puts measurements in order that nobody reads; without it they would take ever more memory.
    pub fn upkeep(&self) {
        self.recorder.run_upkeep();
    }
}
