//! Whether a collector takes what this agent tells.
//!
//! Whoever carries reports keeps the value, and inspectors that take something for this agent alone read it: they know
//! nothing of sessions.

use std::time::Duration;

use tokio::time::Instant;

/// Whether what this agent tells is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// A collector takes it.
    Taken,
    /// No collector takes it: it cannot be reached, or holds reports until a person decides. Since then.
    NotSince(Instant),
}

impl Hearing {
    /// That of an agent that starts: nothing is taken yet.
    #[must_use]
    pub fn start() -> Self {
        Self::NotSince(Instant::now())
    }

    /// Notes whether it is taken now; answers whether that is news.
    pub fn update(&mut self, taken: bool) -> bool {
        let before = *self;
        *self = match (before, taken) {
            (_, true) => Self::Taken,
            (Self::Taken, false) => Self::start(),
            (since @ Self::NotSince(_), false) => since,
        };
        *self != before
    }

    /// It has not been taken for `patience`.
    #[must_use]
    pub fn is_over(self, patience: Duration, now: Instant) -> bool {
        matches!(self, Self::NotSince(since) if now >= since + patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_counts_from_when_nothing_was_taken_any_more() {
        const PATIENCE: Duration = Duration::from_secs(12);
        let begun = Instant::now();
        let mut hearing = Hearing::NotSince(begun);
        assert!(!hearing.update(false), "still the same");
        assert!(!hearing.is_over(PATIENCE, begun + Duration::from_secs(11)));
        assert!(hearing.is_over(PATIENCE, begun + PATIENCE));
        assert!(hearing.update(true) && !hearing.update(true));
        assert!(!hearing.is_over(PATIENCE, begun + PATIENCE * 9));
        assert!(hearing.update(false));
        assert!(matches!(hearing, Hearing::NotSince(since) if since >= begun), "it counts anew");
    }
}
