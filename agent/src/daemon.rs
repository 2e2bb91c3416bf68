//! The running agent: its tasks, and how they end.
//!
//! Data flows from the inspectors' tasks through the keeper into the outbox, and from there over the link. A core task
//! that ends by itself ends the agent with an error, so that a supervisor starts it again.

mod own_use;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use orchestrix_common::{
    model::Machine,
    time::{SharedClock, Timestamp},
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    act::Actor,
    config::BudgetConfig,
    identity::Identity,
    inspect::{
        Hearing, Inspector, LookBoard,
        runner::{self, Pace},
    },
    link::{IdentityDial, Link, LinkState, LinkStatus, Parts},
    metrics,
    outbox::Outbox,
    status::{self, AgentStatus, OutboxStatus, SourceLine},
    supervisor,
    view::{Keeper, KeeperHandle},
};
use own_use::Meter;

/// Time for all tasks to end once they are told to.
const END: Duration = Duration::from_secs(8);

/// How often the agent looks at its own use.
const OWN_USE: Duration = Duration::from_secs(60);

/// What a running agent is made of.
#[derive(Debug)]
pub struct Daemon {
    /// Who the agent is.
    pub identity: Identity,
    /// Where its collector is.
    pub collector: String,
    /// Its state folder.
    pub state_dir: PathBuf,
    /// Reports on their way.
    pub outbox: Outbox,
    /// What it looks with.
    pub inspectors: Vec<Arc<dyn Inspector>>,
    /// Where the inspectors read whether a collector takes what they see.
    pub hearing: watch::Sender<Hearing>,
    /// What identifies the machine.
    pub machine: Machine,
    /// Kernel's random identifier of this boot.
    pub boot_id: String,
    /// Version of the agent.
    pub version: String,
    /// What the agent may use itself.
    pub budget: BudgetConfig,
    /// Where measurements are served; `None` for nowhere.
    pub metrics: Option<SocketAddr>,
    /// The clock.
    pub clock: SharedClock,
}

/// A core task ended although nobody asked it to.
#[derive(Debug, thiserror::Error)]
#[error("a part of the agent broke down; see the log")]
pub struct BrokenDown;

/// What the status document is made of.
#[derive(Clone)]
struct Describer {
    identity: Identity,
    collector: String,
    hostname: String,
    version: String,
    started_at: Timestamp,
    outbox: Outbox,
    keeper: KeeperHandle,
    link: watch::Receiver<LinkStatus>,
    meter: Arc<Meter>,
    board: LookBoard,
}

impl Daemon {
    /// Runs until `stop` is cancelled. `ready` is called once everything runs.
    ///
    /// # Errors
    /// When a core task ended by itself.
    pub async fn run(self, stop: CancellationToken, ready: impl FnOnce()) -> Result<(), BrokenDown> {
        let Self {
            identity,
            collector,
            state_dir,
            outbox,
            inspectors,
            hearing,
            machine,
            boot_id,
            version,
            budget,
            metrics: metrics_at,
            clock,
        } = self;
        let end = stop.child_token();
        let mut tasks = JoinSet::new();
        let sources: Vec<_> = inspectors.iter().map(|inspector| inspector.source()).collect();
        let (keeper_task, keeper) = Keeper::new(sources, outbox.clone(), Arc::clone(&clock));
        tasks.spawn(keeper_task.run(end.clone()));
        let lookout = runner::start(inspectors, &keeper, &clock, Pace::default(), &end, &mut tasks);
        let (link, link_status) = Link::new(Parts {
            dial: Arc::new(IdentityDial { identity: identity.clone(), collector: collector.clone() }),
            outbox: outbox.clone(),
            keeper: keeper.clone(),
            actor: Actor::new(lookout.clone()),
            clock: Arc::clone(&clock),
            machine: machine.clone(),
            boot_id,
            agent_version: version.clone(),
        });
        tasks.spawn(link.run(end.clone()));
        tasks.spawn(tell_hearing(link_status.clone(), hearing, end.clone()));
        let renewal = (identity.clone(), collector.clone(), Arc::clone(&clock), end.clone());
        tasks.spawn(async move {
            let (identity, collector, clock, end) = renewal;
            identity.keep_fresh(&collector, clock, end).await;
        });
        let (watched, told) = (link_status.clone(), collector.clone());
        let meter = Arc::new(Meter::new(budget));
        let describer = Describer {
            identity,
            collector,
            hostname: machine.hostname,
            version,
            started_at: clock.now(),
            outbox,
            keeper: keeper.clone(),
            link: link_status,
            meter: Arc::clone(&meter),
            board: lookout.board().clone(),
        };
        // Comforts: the agent does its work without them.
        let mut comforts = JoinSet::new();
        if let Some(address) = metrics_at {
            show_measurements(address, describer.clone(), Arc::clone(&clock), &mut comforts).await;
        }
        match status::bind(&state_dir) {
            Ok(listener) => {
                comforts.spawn(status::serve(listener, move || {
                    let describer = describer.clone();
                    async move { describer.describe().await }
                }));
            }
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "`status` will not work"),
        }
        comforts.spawn(watch_own_use(meter));
        comforts.spawn(supervisor::watchdog(move |limit| {
            let keeper = keeper.clone();
            async move { timeout(limit, keeper.summary()).await.is_ok() }
        }));
        comforts.spawn(tell_status(watched, told));
        ready();
        // Cancel-safe: waiting for a token or for a task to end loses nothing when dropped.
        let broken = tokio::select! {
            biased;
            () = stop.cancelled() => false,
            Some(ended) = tasks.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "task failed");
                }
                !stop.is_cancelled()
            }
        };
        end.cancel();
        let all = async { while tasks.join_next().await.is_some() {} };
        if timeout(END, all).await.is_err() {
            tracing::warn!("some tasks did not end in time");
        }
        if broken { Err(BrokenDown) } else { Ok(()) }
    }
}

async fn show_measurements(address: SocketAddr, describer: Describer, clock: SharedClock, comforts: &mut JoinSet<()>) {
    match metrics::bind(address).await {
        Ok(listener) => {
            comforts.spawn(metrics::serve(listener, move || {
                let (describer, clock) = (describer.clone(), Arc::clone(&clock));
                async move { metrics::text(&describer.describe().await, clock.now()) }
            }));
            tracing::info!(%address, "measurements are served");
        }
        Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "measurements are not served"),
    }
}

impl Describer {
    async fn describe(&self) -> AgentStatus {
        let position = self.outbox.position();
        let sources = self.keeper.summary().await.into_iter();
        AgentStatus {
            version: self.version.clone(),
            agent_id: self.identity.agent_id().to_string(),
            hostname: self.hostname.clone(),
            collector: self.collector.clone(),
            certificate_not_after: self.identity.certificate_not_after(),
            started_at: self.started_at,
            link: self.link.borrow().clone(),
            outbox: OutboxStatus {
                head_sequence: position.head_sequence,
                acknowledged_sequence: position.acknowledged_sequence,
                waiting_reports: position.waiting_reports,
                dropped_reports: position.dropped_reports,
                bytes: position.bytes,
                max_bytes: position.max_bytes,
                trouble: position.trouble,
            },
            sources: sources
                .map(|summary| SourceLine {
                    look: self.board.figures(&summary.source),
                    source: summary.source,
                    status: summary.status,
                    entities: summary.entities,
                })
                .collect(),
            own_use: self.meter.read(),
        }
    }
}

/// Keeps the inspectors informed whether a collector takes what they see.
async fn tell_hearing(mut link: watch::Receiver<LinkStatus>, hearing: watch::Sender<Hearing>, end: CancellationToken) {
    loop {
        let taken = link.borrow_and_update().is_taken();
        hearing.send_if_modified(|hearing| hearing.update(taken));
        // Cancel-safe: waiting for a token or for a watched value loses nothing when dropped.
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            changed = link.changed() => if changed.is_err() {
                return;
            },
        }
    }
}

async fn watch_own_use(meter: Arc<Meter>) {
    // The first moments are the dearest and no measure of the rest: they count in with their whole minute.
    let mut ticks = interval_at(Instant::now() + OWN_USE, OWN_USE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        meter.check();
    }
}

/// Tells systemd how the link does, for `systemctl status`.
async fn tell_status(mut link: watch::Receiver<LinkStatus>, collector: String) {
    loop {
        let text = match &link.borrow_and_update().state {
            LinkState::Starting => "Looks at the host for the first time".to_owned(),
            LinkState::Connecting => format!("Connects to {collector}"),
            LinkState::Connected { held: None, .. } => format!("Reports to {collector}"),
            LinkState::Connected { held: Some(reason), .. } => format!("Keeps reports here: {reason}"),
            LinkState::Waiting { reason, .. } => format!("No session with {collector}: {reason}"),
            LinkState::Stopped => "Ends".to_owned(),
        };
        supervisor::status(&text);
        if link.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn inspectors_learn_whether_a_collector_takes_what_they_see() {
        let (link, status) = watch::channel(LinkStatus::default());
        let (hearing, mut heard) = watch::channel(Hearing::start());
        let end = CancellationToken::new();
        let task = tokio::spawn(tell_hearing(status, hearing, end.clone()));
        let connected = |held| LinkState::Connected { since: Timestamp::EPOCH, epoch: 1, held };
        let waiting = LinkState::Waiting { reason: "away".into(), permanent: false, next_try: Timestamp::EPOCH };
        for (state, taken) in [
            (connected(None), true),
            (connected(Some("ambiguous-match".into())), false),
            (connected(None), true),
            (waiting, false),
        ] {
            link.send_modify(|status| status.state = state.clone());
            let told = heard.wait_for(|hearing| (*hearing == Hearing::Taken) == taken);
            assert!(timeout(Duration::from_secs(10), told).await.is_ok(), "{state:?}");
        }
        end.cancel();
        timeout(Duration::from_secs(10), task).await.unwrap().unwrap();
    }
}
