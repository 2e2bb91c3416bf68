//! Decides when each inspector looks, and hands over what it saw.
//!
//! One task per inspector: subscribe, look at everything, then wait for events, the timer, orders and the meter. What
//! events tell while a look runs waits until the look is handed over, so that an old list never undoes a newer event.
//! Failed looks are repeated at growing intervals; an inspector that panics or hangs is a source that fails.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use futures::StreamExt as _;
use orchestrix_common::{
    model::{Source, Usage},
    time::SharedClock,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    InspectError, Inspector, LookBoard, LookOutcome, Observation, Signal,
    isolate::{Fault, Isolated},
};
use crate::view::{KeeperHandle, Seen};

/// How long an order to look again waits for the look.
const ORDERED: Duration = Duration::from_secs(60);
/// Signals that wait for a look to end; past it the inspector's stream is not read on.
const SIGNALS: usize = 64;
/// Orders that wait for one source; a further one is refused.
const ORDERS: usize = 8;

/// The times that a runner keeps to. A test has its own, so that it need not wait for hours.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Time for one look.
    pub budget: Duration,
    /// What a look may take beyond its budget before it is cut off.
    pub grace: Duration,
    /// How long a look that hangs is waited for before another one is started beside it.
    pub patience: Duration,
    /// Time for a subscription.
    pub subscribe: Duration,
    /// Time between two measurements of use while something is new: processor use is known from the second one on.
    pub measure: Duration,
    /// The same once all is known and nothing changes. A figure is told once a minute at most.
    pub measure_steady: Duration,
    /// The shortest time between two looks that events ask for.
    pub spacing: Duration,
    /// The shortest time until a failed look or a lost subscription is tried again; it doubles.
    pub first_retry: Duration,
    /// The longest.
    pub last_retry: Duration,
    /// A subscription that lived as long worked; the next loss is the first again.
    pub proven: Duration,
    /// How often a thing that is not there is looked for, unless something tells of it.
    pub absent: Duration,
    /// Time to give things back when the agent ends.
    pub leave: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            budget: Duration::from_secs(20),
            grace: Duration::from_secs(4),
            patience: Duration::from_secs(300),
            subscribe: Duration::from_secs(10),
            measure: Duration::from_secs(15),
            measure_steady: Duration::from_secs(60),
            spacing: Duration::from_millis(250),
            first_retry: Duration::from_millis(500),
            last_retry: Duration::from_secs(30),
            proven: Duration::from_secs(10),
            absent: Duration::from_secs(10),
            leave: Duration::from_secs(4),
        }
    }
}

impl Pace {
    /// Doubling from the shortest retry to the longest, three quarters to all of it.
    fn retry(&self, tries: u32) -> Duration {
        let span = self.first_retry.saturating_mul(1 << tries.saturating_sub(1).min(16)).min(self.last_retry);
        span.mul_f64(0.75 + 0.25 * fastrand::f64())
    }
}

/// Asks inspectors to look now. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Lookout(Arc<BTreeMap<Source, mpsc::Sender<Order>>>, LookBoard);

/// Where to tell that a look is done: `Err` says why it failed.
type Order = oneshot::Sender<Result<(), String>>;

/// An order to look again was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotLooked(String);

impl fmt::Display for NotLooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Lookout {
    /// How the looks went and what they cost.
    #[must_use]
    pub const fn board(&self) -> &LookBoard {
        &self.1
    }

    /// Looks at these sources, or at all when none is named, and waits until what was seen is in the outbox.
    ///
    /// # Errors
    /// What went wrong, source by source.
    pub async fn look(&self, sources: &[Source]) -> Result<(), NotLooked> {
        let all: Vec<Source>;
        let sources = if sources.is_empty() {
            all = self.0.keys().cloned().collect();
            &all
        } else {
            sources
        };
        let mut answers = Vec::new();
        let mut problems = Vec::new();
        for source in sources {
            let (done, answer) = oneshot::channel();
            match self.0.get(source).map(|orders| orders.try_send(done)) {
                Some(Ok(())) => answers.push((source, answer)),
                Some(Err(_)) => problems.push(format!("{source}: too many orders are waiting")),
                None => problems.push(format!("{source}: this agent does not look at it")),
            }
        }
        let deadline = Instant::now() + ORDERED;
        for (source, answer) in answers {
            match tokio::time::timeout_at(deadline, answer).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(problem))) => problems.push(format!("{source}: {problem}")),
                Ok(Err(_)) => problems.push(format!("{source}: the agent is ending")),
                Err(_) => problems.push(format!("{source}: not done within {} s", ORDERED.as_secs())),
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(NotLooked(problems.join("; "))) }
    }
}

/// Starts a task for each inspector.
pub fn start(
    inspectors: Vec<Arc<dyn Inspector>>,
    keeper: &KeeperHandle,
    clock: &SharedClock,
    pace: Pace,
    stop: &CancellationToken,
    tasks: &mut JoinSet<()>,
) -> Lookout {
    let (mut lookout, board) = (BTreeMap::new(), LookBoard::default());
    for inspector in inspectors {
        let (sender, orders) = mpsc::channel(ORDERS);
        lookout.insert(inspector.source(), sender);
        let watcher = Watcher {
            source: inspector.source(),
            inspector,
            keeper: keeper.clone(),
            clock: Arc::clone(clock),
            feed: Feed::Lost,
            pace,
            looks: Isolated::new(pace.patience),
            measurements: Isolated::new(pace.patience),
            failures: 0,
            losses: 0,
            ordered: Vec::new(),
            board: board.clone(),
        };
        tasks.spawn(watcher.run(orders, stop.clone()));
    }
    Lookout(Arc::new(lookout), board)
}

/// Where signals come from.
enum Feed {
    /// There is a subscription, since then.
    Live(mpsc::Receiver<Signal>, Instant),
    /// There can be none.
    Polled,
    /// There should be one.
    Lost,
}

/// Why the loop woke.
enum Wake {
    Stop,
    Order(Order),
    Signal(Signal),
    Lost,
    Look,
    Measure,
}

/// Looks after one inspector.
struct Watcher {
    source: Source,
    inspector: Arc<dyn Inspector>,
    keeper: KeeperHandle,
    clock: SharedClock,
    pace: Pace,
    feed: Feed,
    looks: Isolated<Result<Observation, InspectError>>,
    measurements: Isolated<Vec<Usage>>,
    /// Looks that failed in a row.
    failures: u32,
    /// Subscriptions in a row that were lost soon.
    losses: u32,
    ordered: Vec<Order>,
    board: LookBoard,
}

impl Watcher {
    async fn run(mut self, orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        self.watch(orders, stop).await;
        let inspector = Arc::clone(&self.inspector);
        // In a task of its own, since it may panic like any other code of an inspector.
        let leaving = AbortOnDropHandle::new(tokio::spawn(async move { inspector.leave().await }));
        if timeout(self.pace.leave, leaving).await.is_err() {
            tracing::warn!(source = %self.source, "the inspector did not end in time");
        }
    }

    async fn watch(&mut self, mut orders: mpsc::Receiver<Order>, stop: CancellationToken) {
        let mut look_at = Instant::now();
        let mut looked_at = None;
        // There is nothing to measure before the first look.
        let mut measure_at = None;
        loop {
            let feed = &mut self.feed;
            let signal = async move {
                match feed {
                    Feed::Live(signals, _) => signals.recv().await,
                    Feed::Polled | Feed::Lost => std::future::pending().await,
                }
            };
            // Cancel-safe: receiving from a channel, sleeping and waiting for a token lose nothing when dropped.
            let wake = tokio::select! {
                biased;
                () = stop.cancelled() => Wake::Stop,
                Some(order) = orders.recv() => Wake::Order(order),
                signal = signal => signal.map_or(Wake::Lost, Wake::Signal),
                () = sleep_until(look_at) => Wake::Look,
                () = sleep_until(measure_at.unwrap_or(look_at)), if measure_at.is_some() => Wake::Measure,
            };
            if matches!(wake, Wake::Signal(_)) {
                measure_at = measure_at.map(|at| at.min(Instant::now() + self.pace.measure));
            }
            match wake {
                Wake::Stop => return,
                Wake::Order(order) => {
                    self.ordered.push(order);
                    look_at = Instant::now();
                }
                Wake::Signal(Signal::Changes(sightings)) => {
                    self.keeper.saw(Seen::Sightings { source: self.source.clone(), sightings }).await;
                }
                Wake::Signal(Signal::Look) => {
                    let soonest = looked_at.map_or_else(Instant::now, |at: Instant| at + self.pace.spacing);
                    look_at = look_at.min(soonest);
                }
                Wake::Lost => look_at = look_at.min(Instant::now() + self.lost()),
                Wake::Look => {
                    // A look that is cut short by the end of the agent is of no use any more.
                    let pause = tokio::select! {
                        biased;
                        () = stop.cancelled() => return,
                        pause = self.look() => pause,
                    };
                    measure_at = measure_at.or(Some(Instant::now()));
                    looked_at = Some(Instant::now());
                    look_at = Instant::now() + pause;
                }
                Wake::Measure => {
                    let is_known = self.measure().await;
                    let span = if is_known { self.pace.measure_steady } else { self.pace.measure };
                    measure_at = Some(Instant::now() + jittered(span));
                }
            }
        }
    }

    /// Looks, hands over what was seen, and says how long to wait for the next look.
    async fn look(&mut self) -> Duration {
        if matches!(self.feed, Feed::Lost) {
            self.subscribe().await;
        }
        let inspector = Arc::clone(&self.inspector);
        let Pace { budget, grace, .. } = self.pace;
        let begun = Instant::now();
        let look = self.looks.run(budget + grace, async move { inspector.inspect(budget).await });
        let outcome = match look.await {
            Ok(outcome) => outcome,
            Err(fault) => {
                self.board.restarted(&self.source);
                Err(match fault {
                    Fault::Hangs => InspectError::TimedOut(budget),
                    Fault::Panicked => InspectError::Unavailable("the inspector broke down; see the log".to_owned()),
                })
            }
        };
        self.board.looked(&self.source, LookOutcome::of(&outcome), begun.elapsed(), self.clock.now());
        let problem = match &outcome {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        };
        let interval = jittered(self.inspector.interval());
        self.failures = if problem.is_some() { self.failures + 1 } else { 0 };
        let pause = match &outcome {
            Err(_) => self.pace.retry(self.failures).min(interval),
            Ok(Observation::Absent(_)) if !matches!(self.feed, Feed::Live(..)) => {
                jittered(self.pace.absent).min(interval)
            }
            Ok(_) => interval,
        };
        let (done, written) = oneshot::channel();
        let done = (!self.ordered.is_empty()).then_some(done);
        let waits = done.is_some();
        self.keeper.saw(Seen::Look { source: self.source.clone(), at: self.clock.now(), outcome, done }).await;
        if waits {
            let _ = written.await;
            for order in self.ordered.drain(..) {
                let _ = order.send(problem.clone().map_or(Ok(()), Err));
            }
        }
        pause
    }

    async fn subscribe(&mut self) {
        let inspector = Arc::clone(&self.inspector);
        let subscription = tokio::spawn(async move { inspector.events().await });
        let abort = subscription.abort_handle();
        match timeout(self.pace.subscribe, subscription).await {
            Ok(Ok(Some(mut stream))) => {
                let (sender, receiver) = mpsc::channel(SIGNALS);
                // In a task of its own, since a stream may panic like any other code of an inspector. It ends with the
                // stream or when nobody listens any more.
                tokio::spawn(async move {
                    while let Some(signal) = stream.next().await {
                        if sender.send(signal).await.is_err() {
                            return;
                        }
                    }
                });
                self.feed = Feed::Live(receiver, Instant::now());
            }
            Ok(Ok(None)) => self.feed = Feed::Polled,
            Ok(Err(_)) => tracing::error!(source = %self.source, "subscription broke down"),
            Err(_) => {
                abort.abort();
                tracing::debug!(source = %self.source, "no subscription in time");
            }
        }
    }

    /// Notes that the subscription is over, and says how long to wait for the next.
    fn lost(&mut self) -> Duration {
        let lived = match std::mem::replace(&mut self.feed, Feed::Lost) {
            Feed::Live(_, since) => since.elapsed(),
            Feed::Polled | Feed::Lost => Duration::ZERO,
        };
        self.losses = if lived >= self.pace.proven { 1 } else { self.losses + 1 };
        tracing::debug!(source = %self.source, lived_secs = lived.as_secs(), "subscription ended");
        self.pace.retry(self.losses)
    }

    /// Measures; false when something was not measured whole.
    async fn measure(&mut self) -> bool {
        let inspector = Arc::clone(&self.inspector);
        let usages = self.measurements.run(self.pace.measure, async move { inspector.measure().await }).await;
        match usages {
            Ok(usages) if usages.is_empty() => true,
            Ok(usages) => {
                let at = self.clock.now();
                let is_known = usages.iter().all(|usage| usage.cpu_millicores.is_some());
                self.keeper.saw(Seen::Usages { source: self.source.clone(), at, usages }).await;
                is_known
            }
            Err(fault) => {
                tracing::debug!(source = %self.source, ?fault, "no measurement");
                false
            }
        }
    }
}

/// Between 90 and 110 per cent of the span, so that agents and sources do not move in step.
fn jittered(span: Duration) -> Duration {
    span.mul_f64(0.9 + 0.2 * fastrand::f64())
}

#[cfg(test)]
mod tests;
