//! Many simulated agents in this process, against one collector.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{StreamExt as _, stream};
use orchestrix_agent::{identity::Identity, link::IdentityDial};
use orchestrix_tests::{installation::Installation, wait};
use tempfile::TempDir;
use tokio::{runtime::Runtime, sync::mpsc};

use crate::{agent::Agent, counts::Counts, host::Simulated};

/// Enrolments at a time, below what a collector takes on at once.
const ENROLLING: usize = 48;
/// Connections at a time while bare ones are counted.
const CONNECTING: usize = 32;
/// How often due changes are handed out.
const TICK: Duration = Duration::from_millis(2);
/// Changes that may wait at any rate.
const FEW: usize = 50;
/// What a fleet may take to come to rest, per agent, and at least.
const PATIENCE_PER_AGENT: Duration = Duration::from_millis(60);
const PATIENCE: Duration = Duration::from_secs(180);

/// Agents, and the runtime that they live in.
pub(crate) struct Fleet {
    runtime: Runtime,
    identities: Vec<Identity>,
    changes: Vec<mpsc::UnboundedSender<Instant>>,
    pub(crate) counts: Arc<Counts>,
    collector: String,
    _states: TempDir,
}

impl Fleet {
    /// Enrols agents with one join token, and lets each connect as soon as it has its certificate.
    pub(crate) fn enrol(installation: &Installation, count: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let token = installation.join_token(&["--uses", &count.to_string(), "--expires", "2h"]);
        let states = tempfile::tempdir().unwrap();
        let (counts, collector) = (Arc::new(Counts::default()), installation.agents_address().to_string());
        let enrol = |number: usize| {
            let (state, host) = (states.path().join(number.to_string()), Simulated::new(number));
            let (token, collector, counts) = (token.clone(), collector.clone(), Arc::clone(&counts));
            async move {
                let enrolled = Identity::enroll(&state, &collector, &token, &host.machine(), "0.1.0").await;
                let identity = enrolled.unwrap_or_else(|error| panic!("agent {number} does not enrol: {error}"));
                counts.enrolled.add(1);
                let (sender, changes) = mpsc::unbounded_channel();
                let dial = IdentityDial { identity: identity.clone(), collector };
                tokio::spawn(Agent::new(dial, host, changes, counts).run());
                (identity, sender)
            }
        };
        let enrolled = stream::iter(0..count).map(enrol).buffer_unordered(ENROLLING).collect::<Vec<_>>();
        let (identities, changes) = runtime.block_on(enrolled).into_iter().unzip();
        Self { runtime, identities, changes, counts, collector, _states: states }
    }

    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Waits until the counts are as `holds` wants them; returns how long that took.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Counts) -> bool) -> Duration {
        let begun = Instant::now();
        let agents = u32::try_from(self.len()).unwrap_or(u32::MAX);
        wait::until(what, PATIENCE.max(PATIENCE_PER_AGENT * agents), || {
            wait::check(holds(&self.counts), || format!("{:?}", self.counts))
        });
        begun.elapsed()
    }

    /// One container in so many of the agents changes now.
    pub(crate) fn change_one_in(&self, parts: usize) -> usize {
        let changed = self.changes.iter().step_by(parts);
        changed.map(|agent| agent.send(Instant::now()).expect("agents run for ever")).count()
    }

    /// Makes containers change at random agents, evenly over a span. Each counts from the time at which it is due, also
    /// when this process is late. Ends early once half a second of them waits: they are too many. Returns how many there
    /// were.
    pub(crate) fn change(&self, per_second: usize, span: Duration) -> usize {
        let begun = Instant::now();
        let all = per_second * usize::try_from(span.as_secs()).unwrap_or(usize::MAX);
        let most = (per_second / 2).max(FEW);
        let due = |number: usize| begun + Duration::from_secs_f64(number as f64 / per_second as f64);
        let mut next = 0;
        while next < all && next - self.counts.acknowledged_count() < most {
            while next < all && due(next) <= Instant::now() {
                let agent = &self.changes[fastrand::usize(..self.changes.len())];
                agent.send(due(next)).expect("agents run for ever");
                next += 1;
            }
            std::thread::sleep(TICK);
        }
        next
    }

    /// Opens as many connections with the agents' certificates, each closed at once, and says nothing on them.
    pub(crate) fn connect(&self, count: usize) -> Duration {
        let begun = Instant::now();
        let connect = |number: usize| {
            let identity = &self.identities[number % self.identities.len()];
            async move { drop(identity.channel(&self.collector).await.expect("the collector takes connections")) }
        };
        self.runtime.block_on(stream::iter(0..count).map(connect).buffer_unordered(CONNECTING).count());
        begun.elapsed()
    }

    /// Ends all agents without a word.
    pub(crate) fn end(self) {
        self.runtime.shutdown_timeout(Duration::from_secs(10));
    }
}
