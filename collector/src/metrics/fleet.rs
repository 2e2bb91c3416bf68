//! Figures that cost statements: read from time to time, never because somebody asks for them.

use std::time::Duration;

use orchestrix_common::{
    model::Source,
    time::{SharedClock, Timestamp},
};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::whole;
use crate::{
    query::fleet::{self, Fleet},
    store::Db,
};

/// The least time between two samples.
const EVERY: Duration = Duration::from_secs(15);
/// Sampling takes at most this part of the time: of a large inventory the figures are read more rarely.
const PART: u32 = 100;
/// While the first agents of an installation enrol, people look at the figures.
const FIRST: Duration = Duration::from_secs(1);

/// Reads the figures of agents and inventory until `stop`. A failure is counted, and tried again.
pub async fn keep_fleet(db: Db, clock: SharedClock, stop: CancellationToken) {
    let mut pause = FIRST;
    let mut failing = false;
    loop {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
        let (begun, now) = (Instant::now(), clock.now());
        match fleet::read(&db, now).await {
            Ok(fleet) => {
                tell(&fleet, now);
                metrics::gauge!("orchestrix_fleet_sampling_seconds").set(begun.elapsed().as_secs_f64());
                failing = false;
            }
            Err(error) => {
                metrics::counter!("orchestrix_upkeep_errors_total", "task" => "fleet").increment(1);
                if !failing {
                    tracing::warn!(error = &error as &dyn std::error::Error, "figures of the fleet not read");
                }
                failing = true;
            }
        }
        pause = EVERY.max(begun.elapsed() * PART);
    }
}

fn tell(fleet: &Fleet, now: Timestamp) {
    let seconds = |span_us: i64| span_us as f64 / 1e6;
    // A group that is empty now may have had members before.
    for state in ["active", "held", "quarantined", "revoked"] {
        for (liveness, heard) in [("heard", true), ("silent", false)] {
            let agents = fleet.agents.iter().filter(|group| group.state.eq_ignore_ascii_case(state));
            let agents: i64 = agents.filter(|group| group.heard == heard).map(|group| group.agents).sum();
            metrics::gauge!("orchestrix_fleet_agents", "state" => state, "liveness" => liveness).set(whole(agents));
        }
    }
    let named = Source::KNOWN.iter().map(|source| source.as_str().to_owned()).chain(["other".to_owned()]);
    for source in named {
        let of_source: Vec<_> = fleet.sources.iter().filter(|group| known(&group.source) == source).collect();
        for health in ["healthy", "degraded", "failing", "absent", "unknown"] {
            let agents: i64 = of_source.iter().filter(|group| group.health == health).map(|group| group.agents).sum();
            let labels = [("source", source.clone()), ("health", health.to_owned())];
            metrics::gauge!("orchestrix_fleet_sources", &labels).set(whole(agents));
        }
    }
    // Without an agent there is no certificate that could end: no number says that well.
    let soonest = fleet.first_end.map_or(f64::NAN, |end| seconds(end.as_micros() - now.as_micros()));
    metrics::gauge!("orchestrix_fleet_certificate_remaining_seconds").set(soonest);
    for (within, agents) in [("6h", fleet.ending_6h), ("1h", fleet.ending_1h), ("expired", fleet.ended)] {
        metrics::gauge!("orchestrix_fleet_certificates_expiring", "within" => within).set(whole(agents));
    }
    metrics::gauge!("orchestrix_fleet_clock_skew_seconds").set(seconds(fleet.clock_skew_us));
    metrics::gauge!("orchestrix_fleet_matches_open").set(whole(fleet.matches));
    metrics::gauge!("orchestrix_fleet_dead_letters").set(whole(fleet.dead_letters));
    for (kind, rows) in &fleet.resources {
        metrics::gauge!("orchestrix_inventory_resources", "kind" => *kind).set(whole(*rows));
    }
    metrics::gauge!("orchestrix_environment_lag_changes").set(whole(fleet.lag_changes));
    let lag = fleet.lag_since.map_or(0.0, |since| now.since(since).as_secs_f64());
    metrics::gauge!("orchestrix_environment_lag_seconds").set(lag);
    metrics::gauge!("orchestrix_history_sequence").set(whole(fleet.sequence));
    let span = fleet.history_since.map_or(0.0, |since| now.since(since).as_secs_f64());
    metrics::gauge!("orchestrix_history_span_seconds").set(span);
    metrics::gauge!("orchestrix_fleet_sampled_timestamp_seconds").set(seconds(now.as_micros()));
}

/// The source, or `other`: agents may name any.
fn known(source: &str) -> &str {
    if Source::KNOWN.iter().any(|known| known.as_str() == source) { source } else { "other" }
}
