//! Which agent of a cluster tells of the cluster: the one that holds its Lease.
//!
//! The holder renews every four seconds; a candidate that saw no renewal for twelve takes over, so a holder that dies is
//! replaced within twenty. What counts is the time that a candidate itself waited, never the clock of another node. A
//! holder that cannot renew for eight seconds gives up by itself, before anybody may take over. Every write names the
//! version that it is based on, so of two candidates one wins.
//!
//! A holder that ends gives the Lease back, and so does one whose word no collector has taken for twelve seconds; as long
//! as that is so it does not take it again. What it told before is fenced by the number of times that the Lease changed
//! hands, and taking it back counts too.
//!
//! Candidates read what the server has at hand and do not wait for its store, which keeps many of them cheap.

mod terms;
#[cfg(test)]
mod tests;

use std::time::Duration;

use k8s_openapi::{api::coordination::v1::Lease, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::{
    Api, Client,
    api::{GetParams, PostParams},
};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;

use super::link::problem;
use crate::inspect::{Hearing, InspectError};
use terms::{Standing, Terms};

/// Name of the Lease.
const NAME: &str = "orchestrix-agent-cluster";
/// Why an agent does not tell of the cluster that could.
const NOT_HEARD: &str = "not told by this agent while no collector takes its reports";
/// The same, of an agent that was told to end.
const ENDING: &str = "not told by this agent, which is ending";

/// The times that candidates keep to. A test has its own, so that it need not wait for minutes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// How often the Lease is renewed, and looked at by candidates.
    period: Duration,
    /// Without a renewal for this long, it is free.
    duration: Duration,
    /// A holder that could not renew for this long gives up.
    deadline: Duration,
    /// Time for a read and the write that is based on it.
    request: Duration,
    /// How soon a look that failed is repeated.
    retry: Duration,
    /// A holder whose word no collector took for this long gives the Lease back.
    unheard: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            period: Duration::from_secs(4),
            duration: Duration::from_secs(12),
            deadline: Duration::from_secs(8),
            request: Duration::from_secs(3),
            retry: Duration::from_secs(1),
            unheard: Duration::from_secs(12),
        }
    }
}

/// Who tells of the cluster.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tenure {
    /// Not known yet.
    Pending,
    /// This agent; the number counts how often the Lease changed hands.
    Held(u64),
    /// The agent of this node.
    Elsewhere(String),
    /// Not this agent, for the reason given.
    Waived(&'static str),
    /// It cannot be found out.
    Failed(InspectError),
}

impl Tenure {
    /// This agent tells of the cluster.
    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }
}

/// Takes part in the Lease.
pub(super) struct Candidate {
    api: Api<Lease>,
    pace: Pace,
    terms: Terms,
    tenure: watch::Sender<Tenure>,
    hearing: watch::Receiver<Hearing>,
    renewed_at: Option<Instant>,
    /// When the Lease that another one holds is free unless it is renewed.
    free_at: Option<Instant>,
    /// The Lease may be this agent's: it was claimed, and not given back since.
    claimed: bool,
}

impl Candidate {
    pub(super) fn new(
        client: Client,
        namespace: &str,
        identity: String,
        tenure: watch::Sender<Tenure>,
        hearing: watch::Receiver<Hearing>,
        pace: Pace,
    ) -> Self {
        let (api, terms) = (Api::namespaced(client, namespace), Terms::new(identity, pace.duration));
        Self { api, pace, terms, tenure, hearing, renewed_at: None, free_at: None, claimed: false }
    }

    /// Takes part until it is told to stop, and then gives back what it holds.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut hearing = self.hearing.clone();
        loop {
            // Cancel-safe: a claim that is cut short is noted before it is sent, and given back below.
            let turned = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                turned = timeout(self.pace.request, self.turn()) => turned,
            };
            let next = match turned {
                Ok(Ok(tenure)) => self.settle(tenure),
                Ok(Err(error)) => self.trouble(error),
                Err(_) => self.trouble(InspectError::TimedOut(self.pace.request)),
            };
            // Cancel-safe: waiting for a token, a point in time or a watched value loses nothing when dropped.
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = sleep_until(next) => {}
                () = heard(&mut hearing) => {}
            }
        }
        self.leave().await;
    }

    /// One look at the Lease, and what follows from it. It tells who holds it.
    async fn turn(&mut self) -> Result<Tenure, InspectError> {
        let may = !self.hearing.borrow().is_over(self.pace.unheard, Instant::now());
        if !may && self.tenure.borrow().is_held() {
            // First of all nothing is told any more.
            self.tell(Tenure::Waived(NOT_HEARD));
        }
        self.free_at = None;
        let turned = match self.read().await {
            Ok(found) => self.follow(found, may).await,
            Err(error) => Err(error),
        };
        match turned {
            // Another candidate was faster; the next look tells which.
            Err(error) if is_conflict(&error) => Ok(self.tenure.borrow().clone()),
            other => other.map_err(|error| problem("leases", &error)),
        }
    }

    /// Takes, renews, leaves or gives back the Lease as it was found.
    async fn follow(&mut self, found: Option<Lease>, may: bool) -> kube::Result<Tenure> {
        let Some(lease) = found else {
            if !may {
                return Ok(Tenure::Waived(NOT_HEARD));
            }
            let metadata = ObjectMeta { name: Some(NAME.to_owned()), ..ObjectMeta::default() };
            let made = Lease { metadata, spec: Some(self.terms.claim(None)) };
            self.claimed = true;
            return self.api.create(&PostParams::default(), &made).await.map(|lease| held(&lease));
        };
        let spec = lease.spec.clone().unwrap_or_default();
        match self.terms.standing(&spec, Instant::now()) {
            Standing::Taken(holder, free_at) => {
                self.claimed = false;
                self.free_at = Some(free_at);
                Ok(Tenure::Elsewhere(holder))
            }
            Standing::Own if !may => self.give_back(lease).await.map(|()| Tenure::Waived(NOT_HEARD)),
            Standing::Free if !may => Ok(Tenure::Waived(NOT_HEARD)),
            Standing::Own | Standing::Free => {
                let lease = Lease { spec: Some(self.terms.claim(Some(&spec))), ..lease };
                self.claimed = true;
                self.api.replace(NAME, &PostParams::default(), &lease).await.map(|lease| held(&lease))
            }
        }
    }

    /// The Lease; `None` when there is none.
    async fn read(&self) -> kube::Result<Option<Lease>> {
        // What the server has at hand may be old; what is based on it is refused then.
        let params = if self.claimed { GetParams::default() } else { GetParams::any() };
        match self.api.get_with(NAME, &params).await {
            Ok(lease) => Ok(Some(lease)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives the Lease back, if it is this agent's as it was read.
    async fn give_back(&mut self, lease: Lease) -> kube::Result<()> {
        let given_back = lease.spec.as_ref().and_then(|spec| self.terms.given_back(spec));
        if given_back.is_some() {
            let lease = Lease { spec: given_back, ..lease };
            self.api.replace(NAME, &PostParams::default(), &lease).await?;
            tracing::info!("the cluster's Lease is given back");
        }
        self.claimed = false;
        Ok(())
    }

    /// Gives back what is held, so that another agent need not wait for it to run out.
    async fn leave(mut self) {
        let request = self.pace.request;
        self.tell(Tenure::Waived(ENDING));
        let giving_back = async {
            while self.claimed {
                let Some(lease) = self.read().await? else { break };
                match self.give_back(lease).await {
                    // A claim that was cut short came in between.
                    Err(error) if is_conflict(&error) => {}
                    other => return other,
                }
            }
            Ok(())
        };
        let problem = match timeout(request, giving_back).await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => problem("leases", &error),
            Err(_) => InspectError::TimedOut(request),
        };
        tracing::warn!(error = %problem, "the cluster's Lease was not given back; it runs out by itself");
    }

    fn settle(&mut self, tenure: Tenure) -> Instant {
        let now = Instant::now();
        if tenure.is_held() {
            self.renewed_at = Some(now);
        }
        self.tell(tenure);
        let period = now + jittered(self.pace.period);
        self.free_at.map_or(period, |free_at| period.min(free_at.max(now)))
    }

    fn trouble(&mut self, error: InspectError) -> Instant {
        let now = Instant::now();
        let holds_on =
            self.tenure.borrow().is_held() && self.renewed_at.is_some_and(|at| now < at + self.pace.deadline);
        if !holds_on {
            self.tell(Tenure::Failed(error));
        }
        now + jittered(self.pace.retry)
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

/// Waits until a collector takes again what it did not.
async fn heard(hearing: &mut watch::Receiver<Hearing>) {
    while hearing.changed().await.is_ok() {
        if *hearing.borrow_and_update() == Hearing::Taken {
            return;
        }
    }
    // Whoever carries reports is gone, and so is this agent soon.
    std::future::pending().await
}

fn held(lease: &Lease) -> Tenure {
    let changes = lease.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or(0);
    Tenure::Held(u64::try_from(changes).unwrap_or(0))
}

/// Between 75 and 125 per cent of the span, so that candidates do not move in step.
fn jittered(span: Duration) -> Duration {
    span.mul_f64(0.75 + 0.5 * fastrand::f64())
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}
