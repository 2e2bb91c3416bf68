//! What a collector measures of itself: one recorder for the process, rendered by the API.
//!
//! Names are `orchestrix_<part>_<thing>_<unit>`; each is documented here, where people look for it, and counted where
//! it happens.

use std::sync::{Mutex, PoisonError};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Seconds, from a write to an embedded database up to one that waits for a lost node.
const SECONDS: &[f64] = &[0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Begins to measure, once for the process, and gives what renders it.
///
/// # Errors
/// When another recorder was installed before.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = installed.as_ref() {
        return Ok(handle.clone());
    }
    let handle = PrometheusBuilder::new().set_buckets(SECONDS)?.install_recorder()?;
    describe();
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_gauge!("orchestrix_session_open", "Open sessions of agents.");
    describe_counter!("orchestrix_session_opened_total", "Sessions opened.");
    describe_counter!("orchestrix_session_reconnects_total", "Sessions opened by agents that had one before.");
    describe_counter!("orchestrix_session_refused_total", "Streams turned away or put off, by code.");
    describe_counter!("orchestrix_session_ended_total", "Sessions ended, by reason.");
    describe_counter!("orchestrix_session_clones_total", "Identities found in use on two hosts.");
    describe_counter!("orchestrix_session_handshakes_total", "TLS handshakes on the agents' port, by outcome.");
    describe_counter!("orchestrix_session_heartbeats_total", "Heartbeats received.");
    describe_counter!("orchestrix_session_repairs_total", "Listings asked for because digests differed.");
    describe_counter!("orchestrix_session_measurements_dropped_total", "Batches of measurements not stored.");
    describe_counter!("orchestrix_session_unknown_messages_total", "Messages of a newer agent, passed over.");
    describe_counter!("orchestrix_session_store_failures_total", "Sessions not opened because the database failed.");
    describe_counter!("orchestrix_report_outcomes_total", "Reports, by what became of them.");
    describe_counter!("orchestrix_report_retries_total", "Waits of a session for a database that failed.");
    describe_histogram!("orchestrix_report_apply_seconds", Unit::Seconds, "Time from a report to its commit.");
    describe_counter!("orchestrix_liveness_rows_total", "Signs of life written.");
    describe_counter!("orchestrix_liveness_silent_total", "Agents found silent.");
    describe_counter!("orchestrix_store_retries_total", "Transactions tried again because a lock or a node was lost.");
    describe_counter!("orchestrix_pki_calls_total", "Enrolments and renewals, by outcome.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_is_rendered() {
        let handle = install().unwrap();
        metrics::counter!("orchestrix_liveness_rows_total").increment(3);
        install().unwrap();
        let text = handle.render();
        assert!(text.contains("orchestrix_liveness_rows_total 3"), "{text}");
        assert!(text.contains("# HELP orchestrix_liveness_rows_total Signs of life written."), "{text}");
    }
}
