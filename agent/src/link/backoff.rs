//! When to come back: full jitter, applied after the cap, so that ten thousand agents do not come at once.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(120);
/// Where only a person can help, trying often only makes noise.
const SLOW: Duration = Duration::from_secs(300);

/// Counts the tries.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    /// Up to 1 s, then up to twice that each time, up to two minutes.
    pub(super) fn next(&mut self) -> Duration {
        let span = FIRST.saturating_mul(1 << self.tries.min(16)).min(MOST);
        self.tries += 1;
        span.mul_f64(fastrand::f64())
    }

    /// Between half and all of five minutes.
    pub(super) fn slow(&mut self) -> Duration {
        self.tries = 0;
        SLOW.mul_f64(0.5 + 0.5 * fastrand::f64())
    }

    pub(super) const fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_gone_for_an_hour_costs_few_tries_and_is_found_within_two_minutes() {
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            let (mut clock, mut tries) = (Duration::ZERO, 0);
            while clock < Duration::from_secs(3_600) {
                clock += backoff.next();
                tries += 1;
            }
            assert!((35..150).contains(&tries), "{tries}");
            assert!(clock < Duration::from_secs(3_600) + MOST, "{clock:?}");
        }
    }

    #[test]
    fn pauses_grow_to_the_cap_and_spread_over_all_of_it() {
        let mut longest = Duration::ZERO;
        let mut shortest = MOST;
        for _ in 0..200 {
            let mut backoff = Backoff::default();
            assert!(backoff.next() <= FIRST);
            assert!(backoff.next() <= FIRST * 2);
            for _ in 0..20 {
                let pause = backoff.next();
                assert!(pause <= MOST);
                longest = longest.max(pause);
                shortest = shortest.min(pause);
            }
        }
        assert!(longest > MOST.mul_f64(0.9), "{longest:?}");
        assert!(shortest < Duration::from_secs(2), "{shortest:?}");
    }

    #[test]
    fn a_working_session_starts_the_count_anew() {
        let mut backoff = Backoff { tries: 10 };
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
