//! What a Lease that was seen means, and how it is written. Pure.

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime, jiff::Timestamp};
use tokio::time::Instant;

/// What a Lease is to one candidate.
#[derive(Debug, PartialEq)]
pub(super) enum Standing {
    /// It is this candidate's.
    Own,
    /// It is free.
    Free,
    /// It is another one's, at least until then.
    Taken(String, Instant),
}

/// What one candidate knows of the Lease.
#[derive(Debug)]
pub(super) struct Terms {
    identity: String,
    /// Without a renewal for this long, the Lease is free.
    duration: Duration,
    /// What was last seen of the Lease, and since when it is like that.
    seen: Option<(LeaseSpec, Instant)>,
}

impl Terms {
    pub(super) const fn new(identity: String, duration: Duration) -> Self {
        Self { identity, duration, seen: None }
    }

    /// Decides what a Lease that was just seen is. What counts is the time that this candidate itself waited.
    pub(super) fn standing(&mut self, spec: &LeaseSpec, now: Instant) -> Standing {
        let same = |(seen, _): &(LeaseSpec, Instant)| {
            seen.holder_identity == spec.holder_identity && seen.renew_time == spec.renew_time
        };
        if !self.seen.as_ref().is_some_and(same) {
            self.seen = Some((spec.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let lasts = spec.lease_duration_seconds.and_then(|secs| u64::try_from(secs).ok());
        let free_at = since + lasts.map_or(self.duration, Duration::from_secs).min(self.duration);
        match spec.holder_identity.as_deref().unwrap_or_default() {
            holder if holder == self.identity => Standing::Own,
            "" => Standing::Free,
            _ if now >= free_at => Standing::Free,
            holder => Standing::Taken(holder.to_owned(), free_at),
        }
    }

    /// The Lease as this candidate takes or renews it.
    pub(super) fn claim(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let own = before.is_some_and(|spec| self.is_own(spec));
        let changes = before.map_or(0, |spec| spec.lease_transitions.unwrap_or(0).saturating_add(i32::from(!own)));
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(self.duration.as_secs().max(1)).ok(),
            lease_transitions: Some(changes),
            acquire_time: before.filter(|_| own).and_then(|spec| spec.acquire_time.clone()).or(Some(now.clone())),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }
    }

    /// The Lease as its holder gives it back: nobody's, with the number of times that it changed hands. `None` when it is
    /// not this candidate's to give back.
    pub(super) fn given_back(&self, before: &LeaseSpec) -> Option<LeaseSpec> {
        self.is_own(before).then(|| LeaseSpec {
            holder_identity: None,
            acquire_time: None,
            renew_time: Some(MicroTime(Timestamp::now())),
            // Others of the kind read it so: over in a moment. Zero is refused.
            lease_duration_seconds: Some(1),
            ..before.clone()
        })
    }

    fn is_own(&self, spec: &LeaseSpec) -> bool {
        spec.holder_identity.as_deref() == Some(&self.identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATION: Duration = Duration::from_secs(12);

    fn terms(identity: &str) -> Terms {
        Terms::new(identity.to_owned(), DURATION)
    }

    fn lease(holder: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(12),
            lease_transitions: Some(3),
            renew_time: Some(MicroTime(Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_that_is_renewed_is_never_free() {
        let mut terms = terms("b");
        let start = Instant::now();
        for renewal in 0..20 {
            let now = start + Duration::from_secs(4) * renewal;
            let standing = terms.standing(&lease("a", i64::from(renewal)), now);
            assert_eq!(standing, Standing::Taken("a".to_owned(), now + DURATION));
        }
    }

    #[test]
    fn a_lease_that_nobody_renews_is_free_within_twenty_seconds_whatever_its_clock_says() {
        for renewed in [0, 4_000_000_000] {
            let mut terms = terms("b");
            let start = Instant::now();
            for waited in [5, 16] {
                let standing = terms.standing(&lease("a", renewed), start + Duration::from_secs(waited));
                assert!(matches!(standing, Standing::Taken(..)), "after {waited} s: {standing:?}");
            }
            assert_eq!(terms.standing(&lease("a", renewed), start + Duration::from_secs(17)), Standing::Free);
        }
    }

    #[test]
    fn a_lease_that_was_given_back_is_free_at_once() {
        let given_back = terms("a").given_back(&lease("a", 7)).unwrap();
        assert_eq!((given_back.holder_identity.as_deref(), given_back.lease_transitions), (None, Some(3)));
        let mut other = terms("b");
        assert_eq!(other.standing(&given_back, Instant::now()), Standing::Free);
        assert_eq!(other.claim(Some(&given_back)).lease_transitions, Some(4));
        // So it is for the one who gave it back, whose reports of before must not count as those of after.
        assert_eq!(terms("a").claim(Some(&given_back)).lease_transitions, Some(4));
    }

    #[test]
    fn what_is_another_ones_is_not_given_back() {
        assert_eq!(terms("b").given_back(&lease("a", 7)), None);
    }

    #[test]
    fn taking_over_counts_and_renewing_does_not() {
        let terms = terms("b");
        assert_eq!(terms.claim(None).lease_transitions, Some(0));
        assert_eq!(terms.claim(Some(&lease("a", 0))).lease_transitions, Some(4));
        assert_eq!(terms.claim(Some(&lease("b", 0))).lease_transitions, Some(3));
    }
}
