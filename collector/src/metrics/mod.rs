//! What a collector measures of itself and of its agents: one recorder for the process, rendered by the API.
//!
//! Names are `orchestrix_<part>_<thing>_<unit>`; each is described in [`catalogue`] and counted where it happens. What
//! is cheap to look up is looked up when somebody asks ([`Exposition`]); what costs statements is sampled by one task
//! ([`keep_fleet`]). Labels take values from fixed sets only.

mod catalogue;
mod exposition;
mod fleet;

use std::sync::{Mutex, PoisonError};

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use orchestrix_common::metric::{Metric, MetricKind};

pub use catalogue::{all, reference};
pub use exposition::Exposition;
pub use fleet::keep_fleet;

/// Seconds, from a write to an embedded database up to one that waits for a lost node.
const SECONDS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The same, for single statements, which begin far below a millisecond.
const FINE_SECONDS: &[f64] = &[0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 5.0, 15.0];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Begins to measure, once for the process, and gives what renders it.
///
/// # Errors
/// When another recorder was installed before.
pub fn install() -> Result<Exposition, BuildError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(Exposition::new(handle.clone()));
    }
    let operations = Matcher::Full("orchestrix_store_operation_seconds".to_owned());
    let builder = PrometheusBuilder::new().set_buckets(SECONDS)?.set_buckets_for_metric(operations, FINE_SECONDS)?;
    let handle = builder.install_recorder()?;
    all().for_each(describe);
    *installed = Some(handle.clone());
    Ok(Exposition::new(handle))
}

/// Tells the recorder what a metric means. A counter without labels begins with zero, so that its first step is seen.
fn describe(metric: &Metric) {
    let Metric { name, kind, labels, help, alert: _ } = *metric;
    match kind {
        MetricKind::Counter => {
            describe_counter!(name, help);
            if labels.is_empty() && name.starts_with("orchestrix_") {
                metrics::counter!(name).increment(0);
            }
        }
        MetricKind::Gauge => describe_gauge!(name, help),
        MetricKind::Histogram => describe_histogram!(name, help),
    }
}

/// A count as a gauge takes it.
#[allow(clippy::cast_precision_loss, reason = "exact below 2^52, which nothing here reaches")]
pub(crate) fn whole(count: impl TryInto<u64>) -> f64 {
    count.try_into().unwrap_or(u64::MAX) as f64
}

#[cfg(test)]
mod tests {
    use orchestrix_common::metric::problems_of_text;

    use super::*;

    #[test]
    fn what_is_counted_is_rendered_as_it_is_described() {
        let exposition = install().unwrap();
        metrics::counter!("orchestrix_liveness_rows_total").increment(3);
        // The recorder is one for the process: other tests count beside this one, but for this operation.
        metrics::histogram!("orchestrix_store_operation_seconds", "operation" => "of this test").record(0.000_3);
        exposition.sample_by(|| metrics::gauge!("orchestrix_session_open").set(2.0));
        let text = install().unwrap().render();
        assert!(!text.contains("orchestrix_session_open 2"), "the other one samples nothing: {text}");
        let text = exposition.render();
        let counted = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        assert!(counted("orchestrix_liveness_rows_total ").is_some_and(|count| count >= 3), "{text}");
        assert!(counted("orchestrix_report_lost_total ").is_some(), "it is there before anything is lost: {text}");
        for line in [
            "# HELP orchestrix_liveness_rows_total Signs of life written.",
            "orchestrix_session_open 2",
            "orchestrix_store_operation_seconds_bucket{operation=\"of this test\",le=\"0.0005\"} 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line} in\n{text}");
        }
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
        assert!(text.contains("\norchestrix_build_info{program=\"orchestrix-collector\",version=\""), "{text}");
        let described: Vec<Metric> = all().copied().collect();
        assert_eq!(problems_of_text(&described, &text), Vec::<String>::new());
    }
}
