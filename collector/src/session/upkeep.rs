//! What is done for all sessions together: liveness is written, silence is noticed, and what other collectors or
//! people decided about connected agents is carried out.

use std::{sync::Arc, time::Duration};

use orchestrix_common::time::Timestamp;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Ending, Shared, overtake};
use crate::reconcile::AgentState;

/// How far back the watch looks for new sessions: the clocks of collectors may differ by that much.
const OVERLAP: Duration = Duration::from_secs(60);

/// Writes liveness in batches and marks silent agents as unreachable, until `stop`.
///
/// Silence is judged only after liveness could be written for as long as an agent may be silent: after a start, or
/// while the database was away, nobody could have been seen.
pub async fn keep_liveness(shared: Shared, stop: CancellationToken) {
    let every = shared.settings.flush_every;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut flushes = Flushes::default();
    loop {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => {}
        }
        let now = Instant::now();
        if flush(&shared).await {
            if flushes.succeeded(now, every) >= shared.settings.silence() {
                sweep(&shared).await;
            }
        } else {
            flushes = Flushes::default();
        }
    }
    // What was heard last; who comes back within three heartbeats was never away.
    flush(&shared).await;
}

/// Since when liveness is written without a gap.
#[derive(Debug, Default)]
struct Flushes {
    since: Option<Instant>,
    last: Option<Instant>,
}

impl Flushes {
    /// Notes a flush and tells for how long there was no gap. A gap is also what a suspended machine leaves.
    fn succeeded(&mut self, now: Instant, every: Duration) -> Duration {
        let gap = self.last.is_none_or(|last| now.duration_since(last) > every * 3);
        if gap {
            self.since = Some(now);
        }
        self.last = Some(now);
        self.since.map_or(Duration::ZERO, |since| now.duration_since(since))
    }
}

async fn flush(shared: &Shared) -> bool {
    let seen = shared.liveness.take();
    if seen.is_empty() {
        return true;
    }
    let rows = seen.len() as u64;
    match shared.inventory.flush_liveness(&seen).await {
        Ok(()) => {
            metrics::counter!("orchestrix_liveness_rows_total").increment(rows);
            true
        }
        Err(error) => {
            metrics::counter!("orchestrix_upkeep_errors_total", "task" => "liveness").increment(1);
            tracing::warn!(error = &error as &dyn std::error::Error, "liveness not written; it is tried again");
            shared.liveness.put_back(seen);
            false
        }
    }
}

async fn sweep(shared: &Shared) {
    let silent_before = shared.clock.now().minus(shared.settings.silence());
    match shared.inventory.sweep_silent(silent_before).await {
        Ok(0) => {}
        Ok(agents) => {
            metrics::counter!("orchestrix_liveness_silent_total").increment(agents as u64);
            tracing::info!(agents, "agents fell silent; their computes are unreachable");
        }
        Err(error) => {
            metrics::counter!("orchestrix_upkeep_errors_total", "task" => "silence").increment(1);
            tracing::warn!(error = &error as &dyn std::error::Error, "silent agents not looked for");
        }
    }
}

/// Ends sessions of agents that were revoked or quarantined anywhere, and decides about those that were overtaken on
/// another collector, until `stop`.
pub async fn watch_agents(shared: Shared, stop: CancellationToken) {
    let mut ticks = interval(shared.settings.watch_every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since = shared.clock.now();
    let mut failing = false;
    loop {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if shared.registry.open_count() == 0 {
            continue;
        }
        let now = shared.clock.now();
        match look(&shared, since.minus(OVERLAP)).await {
            Ok(()) => {
                since = now;
                failing = false;
            }
            Err(error) => {
                metrics::counter!("orchestrix_upkeep_errors_total", "task" => "agents_watch").increment(1);
                if !failing {
                    tracing::warn!(error = &error as &dyn std::error::Error, "changed agents not known");
                }
                failing = true;
            }
        }
    }
}

/// Ends the sessions of agents whose certificates come from a root that was retired, until `stop`. Their connections
/// began when it was trusted; nothing else would end them.
pub async fn watch_trust(shared: Shared, stop: CancellationToken) {
    let mut trust = shared.trust.clone();
    trust.mark_unchanged();
    loop {
        // Cancel-safe: all arms only wait.
        tokio::select! {
            () = stop.cancelled() => return,
            changed = trust.changed() => {
                if changed.is_err() {
                    // Nobody changes it any more; the task ends with the others.
                    stop.cancelled().await;
                    return;
                }
            }
        }
        loop {
            match shared.certificates.untrusted().await {
                Ok(agents) => {
                    let ended: usize =
                        agents.into_iter().map(|agent| shared.registry.end(agent, Ending::Untrusted)).sum();
                    if ended > 0 {
                        tracing::warn!(sessions = ended, "sessions ended whose certificates come from a retired root");
                    }
                    break;
                }
                Err(error) => {
                    metrics::counter!("orchestrix_upkeep_errors_total", "task" => "roots_watch").increment(1);
                    tracing::warn!(error = &error as &dyn std::error::Error, "agents of a retired root not known");
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(shared.settings.watch_every) => {}
            }
        }
    }
}

async fn look(shared: &Shared, since: Timestamp) -> Result<(), crate::store::StoreError> {
    for changed in shared.inventory.changed_agents(since).await? {
        for handle in shared.registry.of(changed.agent_id) {
            match changed.state {
                AgentState::Revoked => handle.end(Ending::Revoked),
                AgentState::Quarantined => handle.end(Ending::Quarantined),
                AgentState::Active | AgentState::Held if changed.epoch > handle.key.epoch => {
                    overtake::elsewhere(shared, &Arc::clone(&handle));
                }
                AgentState::Active | AgentState::Held => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_not_judged_after_a_gap() {
        let every = Duration::from_secs(15);
        let begin = Instant::now();
        let at = |secs| begin + Duration::from_secs(secs);
        let mut flushes = Flushes::default();
        assert_eq!(flushes.succeeded(at(0), every), Duration::ZERO);
        assert_eq!(flushes.succeeded(at(15), every), Duration::from_secs(15));
        assert_eq!(flushes.succeeded(at(30), every), Duration::from_secs(30));
        assert_eq!(flushes.succeeded(at(300), every), Duration::ZERO, "the machine slept");
        assert_eq!(flushes.succeeded(at(315), every), Duration::from_secs(15));
    }
}
