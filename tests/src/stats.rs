//! Distributions of times, as people read them.

use std::{fmt, time::Duration};

/// Times, sorted.
#[derive(Clone, Debug, Default)]
pub struct Times(Vec<Duration>);

impl Times {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of all do not exceed (nearest rank); zero when there are none.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or_default()
    }
}

impl FromIterator<Duration> for Times {
    fn from_iter<I: IntoIterator<Item = Duration>>(times: I) -> Self {
        let mut times: Vec<_> = times.into_iter().collect();
        times.sort_unstable();
        Self(times)
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n={}", self.count())?;
        for percent in [0, 50, 90, 99, 100] {
            let name = match percent {
                0 => "min".to_owned(),
                100 => "max".to_owned(),
                other => format!("p{other}"),
            };
            write!(f, " {name}={:.1}ms", self.percentile(percent).as_secs_f64() * 1_000.0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let times: Times = (1..=50).rev().map(Duration::from_millis).collect();
        assert_eq!(times.percentile(50), Duration::from_millis(25));
        assert_eq!(times.percentile(99), Duration::from_millis(50));
        assert_eq!(times.to_string(), "n=50 min=1.0ms p50=25.0ms p90=45.0ms p99=50.0ms max=50.0ms");
        assert_eq!(Times::default().percentile(50), Duration::ZERO);
    }
}
