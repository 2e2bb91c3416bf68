//! What a program measures of itself, described once: help texts, the reference for people and the tests come from it.
//!
//! It knows nothing of how things are counted. Names, units and forms are those of Prometheus
//! (<https://prometheus.io/docs/practices/naming/> and its text format 0.0.4).

mod check;
mod reference;
mod text;

pub use check::{problems_of_names, problems_of_text};
pub use reference::MetricReference;
pub use text::MetricText;

/// One family of time series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// Its name: prefix, part, thing, base unit; `_total` behind a counter.
    pub name: &'static str,
    /// How it behaves.
    pub kind: MetricKind,
    /// Its labels, each with the values it takes. Every set of values is bounded.
    pub labels: &'static [(&'static str, &'static str)],
    /// What it says, in one or two sentences.
    pub help: &'static str,
    /// When a person should look; `None` when it explains others.
    pub alert: Option<&'static str>,
}

/// How a metric behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only rises, from the start of the process.
    Counter,
    /// It rises and falls.
    Gauge,
    /// Counts and sums of what was observed, by size.
    Histogram,
}

impl MetricKind {
    /// Word in the text format.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

impl Metric {
    /// Describes a number that only rises.
    #[must_use]
    pub const fn counter(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: MetricKind::Counter, labels: &[], help, alert: None }
    }

    /// Describes a number that rises and falls.
    #[must_use]
    pub const fn gauge(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: MetricKind::Gauge, labels: &[], help, alert: None }
    }

    /// Describes a distribution.
    #[must_use]
    pub const fn histogram(name: &'static str, help: &'static str) -> Self {
        Self { name, kind: MetricKind::Histogram, labels: &[], help, alert: None }
    }

    /// Adds its labels with their values.
    #[must_use]
    pub const fn by(self, labels: &'static [(&'static str, &'static str)]) -> Self {
        Self { labels, ..self }
    }

    /// Says when a person should look.
    #[must_use]
    pub const fn alert(self, when: &'static str) -> Self {
        Self { alert: Some(when), ..self }
    }

    /// The unit that its name ends with; `None` for what is counted.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        let name = self.name.strip_suffix("_total").unwrap_or(self.name);
        ["seconds", "bytes", "ratio"].into_iter().find(|unit| name.ends_with(unit))
    }
}

/// What every program tells of its process, as all clients of Prometheus name it.
pub const PROCESS: &[Metric] = &[
    Metric::counter("process_cpu_seconds_total", "Processor time of the process, user and system."),
    Metric::gauge("process_resident_memory_bytes", "Memory of the process that is in use.")
        .alert("near the unit's MemoryHigh"),
    Metric::gauge("process_virtual_memory_bytes", "Address space of the process."),
    Metric::gauge("process_open_fds", "Open file descriptors.").alert("above 80 % of process_max_fds"),
    Metric::gauge("process_max_fds", "The most file descriptors that may be open."),
    Metric::gauge("process_threads", "Threads of the process."),
    Metric::gauge("process_start_time_seconds", "When the process started, in seconds since 1970.")
        .alert("changes more often than you restart it"),
];
