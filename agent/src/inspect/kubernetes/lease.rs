//! Which agent of a cluster tells of the cluster: the one that holds its Lease.
//!
//! The holder renews every four seconds; a candidate that saw no renewal for twelve takes over, so a holder that dies is
//! replaced within twenty. What counts is the time that a candidate itself waited, never the clock of another node. A
//! holder that cannot renew for eight seconds gives up by itself, before anybody may take over. Every write names the
//! version that it is based on, so of two candidates one wins.
//!
//! Candidates read what the server has at hand and do not wait for its store, which keeps many of them cheap.

use std::time::Duration;

use k8s_openapi::{
    api::coordination::v1::{Lease, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
    jiff,
};
use kube::{
    Api, Client,
    api::{GetParams, PostParams},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};

use super::link::problem;
use crate::inspect::InspectError;

/// Name of the Lease.
const NAME: &str = "orchestrix-agent-cluster";
/// Without a renewal for this long, the Lease is free.
const DURATION: Duration = Duration::from_secs(12);
/// How often it is renewed, and looked at by candidates.
const PERIOD: Duration = Duration::from_secs(4);
/// A holder that could not renew for this long gives up.
const DEADLINE: Duration = Duration::from_secs(8);
/// Time for one request.
const REQUEST: Duration = Duration::from_secs(3);

/// Who tells of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tenure {
    /// Not known yet.
    Pending,
    /// This agent; the number counts how often the Lease changed hands.
    Held(u64),
    /// The agent of this node.
    Elsewhere(String),
    /// It cannot be found out.
    Failed(InspectError),
}

impl Tenure {
    /// This agent tells of the cluster.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// Takes part in the Lease until it is dropped.
pub(super) struct Candidate {
    api: Api<Lease>,
    identity: String,
    tenure: watch::Sender<Tenure>,
    /// What was last seen of the Lease, and since when it is like that.
    seen: Option<(LeaseSpec, Instant)>,
    renewed_at: Option<Instant>,
}

/// What is to be done about the Lease.
#[derive(Debug, PartialEq)]
enum Step {
    /// It is this agent's: renew it.
    Renew,
    /// It is free.
    Take,
    /// It is another one's, at least until then.
    Wait(String, Instant),
}

impl Candidate {
    pub(super) fn new(client: Client, namespace: &str, identity: String, tenure: watch::Sender<Tenure>) -> Self {
        Self { api: Api::namespaced(client, namespace), identity, tenure, seen: None, renewed_at: None }
    }

    pub(super) async fn run(mut self) {
        loop {
            let next = match timeout(REQUEST, self.turn()).await {
                Ok(Ok(tenure)) => self.settle(tenure),
                Ok(Err(error)) => self.trouble(error),
                Err(_) => self.trouble(InspectError::TimedOut(REQUEST)),
            };
            sleep_until(next).await;
        }
    }

    /// One look at the Lease, and what follows from it. It tells who holds it.
    async fn turn(&mut self) -> Result<Tenure, InspectError> {
        let failed = |error: kube::Error| problem("leases", &error);
        let held = self.tenure.borrow().is_held();
        // What the server has at hand may be old; what is based on it is refused then.
        let params = if held { GetParams::default() } else { GetParams::any() };
        let found = match self.api.get_with(NAME, &params).await {
            Ok(lease) => Some(lease),
            Err(kube::Error::Api(status)) if status.code == 404 => None,
            Err(error) => return Err(failed(error)),
        };
        let Some(lease) = found else {
            let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
            let made = Lease { metadata, spec: Some(self.claim(None)) };
            return self.written(self.api.create(&PostParams::default(), &made).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        match self.step(&spec, Instant::now()) {
            Step::Wait(holder, _) => Ok(Tenure::Elsewhere(holder)),
            Step::Renew | Step::Take => {
                let lease = Lease { spec: Some(self.claim(Some(&spec))), ..lease };
                self.written(self.api.replace(NAME, &PostParams::default(), &lease).await)
            }
        }
    }

    /// Decides what a Lease that was just seen means.
    fn step(&mut self, spec: &LeaseSpec, now: Instant) -> Step {
        let same = |(seen, _): &(LeaseSpec, Instant)| {
            seen.holder_identity == spec.holder_identity && seen.renew_time == spec.renew_time
        };
        if !self.seen.as_ref().is_some_and(same) {
            self.seen = Some((spec.clone(), now));
        }
        let since = self.seen.as_ref().map_or(now, |(_, since)| *since);
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        let lasts = spec.lease_duration_seconds.and_then(|secs| u64::try_from(secs).ok());
        let free_at = since + lasts.map_or(DURATION, Duration::from_secs).min(DURATION);
        if holder == self.identity {
            Step::Renew
        } else if holder.is_empty() || now >= free_at {
            Step::Take
        } else {
            Step::Wait(holder.to_owned(), free_at)
        }
    }

    /// The Lease as this agent writes it.
    fn claim(&self, before: Option<&LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(jiff::Timestamp::now());
        let own = before.is_some_and(|spec| spec.holder_identity.as_deref() == Some(&self.identity));
        let changes = before.map_or(0, |spec| spec.lease_transitions.unwrap_or(0).saturating_add(i32::from(!own)));
        LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            lease_transitions: Some(changes),
            acquire_time: before.filter(|_| own).and_then(|spec| spec.acquire_time.clone()).or(Some(now.clone())),
            renew_time: Some(now),
            ..LeaseSpec::default()
        }
    }

    fn written(&self, result: kube::Result<Lease>) -> Result<Tenure, InspectError> {
        match result {
            Ok(lease) => {
                let changes = lease.spec.and_then(|spec| spec.lease_transitions).unwrap_or(0);
                Ok(Tenure::Held(u64::try_from(changes).unwrap_or(0)))
            }
            // Another candidate was faster; the next look tells which.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(self.tenure.borrow().clone()),
            Err(error) => Err(problem("leases", &error)),
        }
    }

    fn settle(&mut self, tenure: Tenure) -> Instant {
        let now = Instant::now();
        if tenure.is_held() {
            self.renewed_at = Some(now);
        }
        let period = now + PERIOD.mul_f64(0.75 + 0.5 * fastrand::f64());
        let next = match (&tenure, &self.seen) {
            (Tenure::Elsewhere(_), Some((_, since))) => period.min((*since + DURATION).max(now)),
            _ => period,
        };
        self.tell(tenure);
        next
    }

    fn trouble(&mut self, error: InspectError) -> Instant {
        let now = Instant::now();
        let holds_on = self.tenure.borrow().is_held() && self.renewed_at.is_some_and(|at| now < at + DEADLINE);
        if !holds_on {
            self.tell(Tenure::Failed(error));
        }
        now + Duration::from_secs(1).mul_f64(0.75 + 0.5 * fastrand::f64())
    }

    fn tell(&self, tenure: Tenure) {
        self.tenure.send_if_modified(|told| {
            let changed = *told != tenure;
            if changed {
                tracing::info!(?tenure, "who tells of the cluster");
            }
            *told = tenure;
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate() -> Candidate {
        let config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        let client = Client::try_from(config).unwrap();
        Candidate::new(client, "default", "b".to_owned(), watch::Sender::new(Tenure::Pending))
    }

    fn lease(holder: &str, renewed: i64) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(12),
            lease_transitions: Some(3),
            renew_time: Some(MicroTime(jiff::Timestamp::from_second(renewed).unwrap())),
            ..LeaseSpec::default()
        }
    }

    #[tokio::test]
    async fn a_lease_that_is_renewed_is_never_taken() {
        let mut candidate = candidate();
        let start = Instant::now();
        for renewal in 0..20 {
            let now = start + Duration::from_secs(4) * renewal;
            let step = candidate.step(&lease("a", i64::from(renewal)), now);
            assert_eq!(step, Step::Wait("a".to_owned(), now + DURATION));
        }
    }

    #[tokio::test]
    async fn a_lease_that_nobody_renews_is_taken_within_twenty_seconds_whatever_its_clock_says() {
        for renewed in [0, 4_000_000_000] {
            let mut candidate = candidate();
            let start = Instant::now();
            assert!(matches!(candidate.step(&lease("a", renewed), start + Duration::from_secs(5)), Step::Wait(..)));
            assert!(matches!(candidate.step(&lease("a", renewed), start + Duration::from_secs(16)), Step::Wait(..)));
            assert_eq!(candidate.step(&lease("a", renewed), start + Duration::from_secs(17)), Step::Take);
        }
    }

    #[tokio::test]
    async fn taking_over_counts_and_renewing_does_not() {
        let candidate = candidate();
        assert_eq!(candidate.claim(None).lease_transitions, Some(0));
        assert_eq!(candidate.claim(Some(&lease("a", 0))).lease_transitions, Some(4));
        assert_eq!(candidate.claim(Some(&lease("b", 0))).lease_transitions, Some(3));
    }

    #[tokio::test]
    async fn a_holder_that_cannot_renew_gives_up_before_anybody_may_take_over() {
        let mut candidate = candidate();
        candidate.settle(Tenure::Held(1));
        candidate.trouble(InspectError::TimedOut(REQUEST));
        assert!(candidate.tenure.borrow().is_held());
        candidate.renewed_at = Instant::now().checked_sub(DEADLINE);
        candidate.trouble(InspectError::TimedOut(REQUEST));
        assert!(!candidate.tenure.borrow().is_held());
        assert!(DEADLINE + REQUEST < DURATION);
    }
}
