use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures::stream::BoxStream;
use orchestrix_common::{
    model::{Body, Capability, Entity, Health},
    time::{SystemClock, Timestamp},
};
use tempfile::TempDir;
use tokio_stream::wrappers::ReceiverStream;

use super::*;
use crate::{
    inspect::{Sighted, Sighting},
    outbox::Outbox,
    view::Keeper,
};

/// What the scripted inspector does when it is asked to look; the last one repeats.
#[derive(Clone)]
enum Act {
    See(Vec<&'static str>),
    Fail,
    Panic,
    Hang,
    Absent,
}

/// How the scripted inspector takes it that the agent ends.
#[derive(Clone, Copy, Default)]
enum Parting {
    #[default]
    Quiet,
    Panic,
    Hang,
}

#[derive(Clone)]
struct Scripted {
    source: Source,
    interval: Duration,
    acts: Arc<Mutex<VecDeque<Act>>>,
    looks: Arc<AtomicUsize>,
    subscriptions: Arc<AtomicUsize>,
    signals: Arc<Mutex<VecDeque<mpsc::Receiver<Signal>>>>,
    parting: Parting,
    left: Arc<AtomicUsize>,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Scripted {
    fn new(source: Source, acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            source,
            interval: Duration::from_secs(60),
            acts: Arc::new(Mutex::new(acts.into_iter().collect())),
            looks: Arc::default(),
            subscriptions: Arc::default(),
            signals: Arc::default(),
            parting: Parting::Quiet,
            left: Arc::default(),
        }
    }

    fn with_feed(self) -> (Self, mpsc::Sender<Signal>) {
        let (sender, receiver) = mpsc::channel(8);
        self.signals.lock().unwrap().push_back(receiver);
        (self, sender)
    }
}

fn entity(id: &str) -> Entity {
    let body = Capability { name: id.to_owned(), version: None, configuration: BTreeMap::new() };
    Entity { native_id: id.to_owned(), evidence: vec![], body: Body::Capability(body) }
}

#[async_trait]
impl Inspector for Scripted {
    fn source(&self) -> Source {
        self.source.clone()
    }

    async fn inspect(&self, _budget: Duration) -> Result<Observation, InspectError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        let act = {
            let mut acts = self.acts.lock().unwrap();
            if acts.len() > 1 { acts.pop_front().unwrap() } else { acts[0].clone() }
        };
        match act {
            Act::See(ids) => Ok(Observation::Complete(ids.into_iter().map(entity).collect())),
            Act::Fail => Err(InspectError::Unavailable("connection refused".into())),
            Act::Panic => panic!("on purpose"),
            Act::Hang => std::future::pending().await,
            Act::Absent => Ok(Observation::Absent("not here".into())),
        }
    }

    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        self.subscriptions.fetch_add(1, Ordering::SeqCst);
        let receiver = self.signals.lock().unwrap().pop_front()?;
        Some(ReceiverStream::new(receiver).boxed())
    }

    async fn leave(&self) {
        self.left.fetch_add(1, Ordering::SeqCst);
        match self.parting {
            Parting::Quiet => {}
            Parting::Panic => panic!("on purpose"),
            Parting::Hang => std::future::pending().await,
        }
    }

    fn interval(&self) -> Duration {
        self.interval
    }
}

/// A hundred times faster than in life.
const PACE: Pace = Pace {
    budget: Duration::from_millis(200),
    grace: Duration::from_millis(40),
    patience: Duration::from_secs(3),
    subscribe: Duration::from_millis(100),
    measure: Duration::from_millis(150),
    measure_steady: Duration::from_millis(600),
    spacing: Duration::from_millis(100),
    first_retry: Duration::from_millis(5),
    last_retry: Duration::from_millis(300),
    proven: Duration::from_millis(100),
    absent: Duration::from_millis(100),
    leave: Duration::from_millis(100),
};

struct Rig {
    keeper: KeeperHandle,
    lookout: Lookout,
    stop: CancellationToken,
    _folder: TempDir,
    tasks: JoinSet<()>,
}

fn rig(inspectors: Vec<Scripted>) -> Rig {
    let folder = TempDir::new().unwrap();
    let outbox = Outbox::open(folder.path(), 1 << 20).unwrap();
    let clock: SharedClock = Arc::new(SystemClock);
    let sources = inspectors.iter().map(|inspector| inspector.source.clone());
    let (task, keeper) = Keeper::new(sources.collect::<Vec<_>>(), outbox, Arc::clone(&clock));
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(task.run(stop.clone()));
    let inspectors = inspectors.into_iter().map(|inspector| Arc::new(inspector) as Arc<dyn Inspector>).collect();
    let lookout = start(inspectors, &keeper, &clock, PACE, &stop, &mut tasks);
    Rig { keeper, lookout, stop, _folder: folder, tasks }
}

impl Rig {
    /// Waits until the sources are as the condition wants them.
    async fn until(&self, what: &str, condition: impl Fn(&[crate::view::SourceSummary]) -> bool) {
        let mut last = Vec::new();
        for _ in 0..1_000 {
            last = self.keeper.summary().await;
            if condition(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never {what}: {last:?}");
    }
}

fn health_of(summaries: &[crate::view::SourceSummary], source: &Source) -> Option<Health> {
    let summary = summaries.iter().find(|summary| summary.source == *source)?;
    summary.status.as_ref().map(|status| status.health)
}

fn entities_of(summaries: &[crate::view::SourceSummary], source: &Source) -> usize {
    summaries.iter().find(|summary| summary.source == *source).map_or(0, |summary| summary.entities)
}

#[tokio::test]
async fn one_inspector_that_panics_or_hangs_does_not_touch_the_others() {
    let rig = rig(vec![
        Scripted::new(Source::Docker, [Act::Panic]),
        Scripted::new(Source::Process, [Act::Hang]),
        Scripted::new(Source::Host, [Act::See(vec!["host"])]),
    ]);
    rig.until("three verdicts", |sources| {
        health_of(sources, &Source::Docker) == Some(Health::Failing)
            && health_of(sources, &Source::Process) == Some(Health::Failing)
            && health_of(sources, &Source::Host) == Some(Health::Healthy)
    })
    .await;
    rig.stop.cancel();
}

#[tokio::test]
async fn a_failing_source_recovers_by_itself_and_keeps_its_entities() {
    let acts = [vec![Act::See(vec!["a"])], vec![Act::Fail; 6], vec![Act::See(vec!["a", "b"])]];
    let inspector = Scripted::new(Source::Docker, acts.concat());
    let rig = rig(vec![Scripted { interval: Duration::from_millis(100), ..inspector }]);
    rig.until("failing with its entity", |sources| {
        health_of(sources, &Source::Docker) == Some(Health::Failing) && entities_of(sources, &Source::Docker) == 1
    })
    .await;
    rig.until("well again", |sources| {
        health_of(sources, &Source::Docker) == Some(Health::Healthy) && entities_of(sources, &Source::Docker) == 2
    })
    .await;
}

#[tokio::test]
async fn retries_of_a_failing_source_grow_rarer() {
    let inspector = Scripted::new(Source::Docker, [Act::Fail]);
    let looks = Arc::clone(&inspector.looks);
    let _rig = rig(vec![inspector]);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let count = looks.load(Ordering::SeqCst);
    // Seven doublings to the longest pause, then some ten more; at the first pause it would be hundreds.
    assert!((5..=22).contains(&count), "{count}");
}

#[tokio::test]
async fn a_thing_that_appears_later_comes_to_life() {
    let rig = rig(vec![Scripted::new(Source::Podman, [Act::Absent, Act::Absent, Act::See(vec!["a"])])]);
    rig.until("absent", |sources| health_of(sources, &Source::Podman) == Some(Health::Absent)).await;
    rig.until("there", |sources| entities_of(sources, &Source::Podman) == 1).await;
}

#[tokio::test]
async fn events_reach_the_view_without_a_look() {
    let (inspector, signals) = Scripted::new(Source::Docker, [Act::See(vec![])]).with_feed();
    let looks = Arc::clone(&inspector.looks);
    let rig = rig(vec![inspector]);
    rig.until("looked at", |sources| health_of(sources, &Source::Docker).is_some()).await;
    let seen = Sighting { at: Timestamp::from_secs(1), what: Sighted::Present(entity("a")) };
    signals.send(Signal::Changes(vec![seen])).await.unwrap();
    rig.until("told", |sources| entities_of(sources, &Source::Docker) == 1).await;
    assert_eq!(looks.load(Ordering::SeqCst), 1);
    let mut snapshots = rig.keeper.snapshots();
    let written = snapshots.wait_for(|snapshot| snapshot.digests.first().is_some_and(|digest| digest.entities == 1));
    timeout(Duration::from_secs(10), written).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_lost_subscription_is_renewed_before_the_next_look() {
    let (inspector, signals) = Scripted::new(Source::Docker, [Act::See(vec![]), Act::See(vec!["a"])]).with_feed();
    let (inspector, _second) = inspector.with_feed();
    let subscriptions = Arc::clone(&inspector.subscriptions);
    let rig = rig(vec![inspector]);
    rig.until("looked at", |sources| health_of(sources, &Source::Docker).is_some()).await;
    drop(signals);
    rig.until("looked at again", |sources| entities_of(sources, &Source::Docker) == 1).await;
    assert_eq!(subscriptions.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_order_to_look_is_answered_once_the_report_is_written() {
    let rig = rig(vec![Scripted::new(Source::Docker, [Act::See(vec![]), Act::See(vec!["a"]), Act::Fail])]);
    rig.until("looked at", |sources| health_of(sources, &Source::Docker).is_some()).await;
    let before = rig.keeper.snapshots().borrow().head_sequence;
    assert_eq!(rig.lookout.look(&[]).await, Ok(()));
    assert_eq!(rig.keeper.snapshots().borrow().head_sequence, before + 1);
    let failed = rig.lookout.look(&[Source::Docker]).await.unwrap_err();
    assert_eq!(failed.to_string(), "docker: connection refused");
    let unknown = rig.lookout.look(&[Source::Podman]).await.unwrap_err();
    assert_eq!(unknown.to_string(), "podman: this agent does not look at it");
}

#[tokio::test]
async fn many_wishes_for_a_look_make_few_looks() {
    let (inspector, signals) = Scripted::new(Source::Process, [Act::See(vec![])]).with_feed();
    let looks = Arc::clone(&inspector.looks);
    let rig = rig(vec![inspector]);
    rig.until("looked at", |sources| health_of(sources, &Source::Process).is_some()).await;
    for _ in 0..50 {
        signals.send(Signal::Look).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let count = looks.load(Ordering::SeqCst);
    assert!((3..=30).contains(&count), "{count}");
}

#[tokio::test]
async fn every_inspector_may_give_things_back_when_the_agent_ends_and_none_keeps_it() {
    let partings = [Parting::Quiet, Parting::Panic, Parting::Hang];
    let sources = [Source::Docker, Source::Podman, Source::Process];
    let inspectors: Vec<_> = std::iter::zip(sources, partings)
        .map(|(source, parting)| Scripted { parting, ..Scripted::new(source, [Act::See(vec![])]) })
        .collect();
    let left: Vec<_> = inspectors.iter().map(|inspector| Arc::clone(&inspector.left)).collect();
    let mut rig = rig(inspectors);
    rig.until("looked at", |sources| health_of(sources, &Source::Process).is_some()).await;
    assert!(left.iter().all(|left| left.load(Ordering::SeqCst) == 0));
    rig.stop.cancel();
    let all = async { while rig.tasks.join_next().await.is_some() {} };
    timeout(Duration::from_secs(10), all).await.expect("nobody keeps the agent from ending");
    assert!(left.iter().all(|left| left.load(Ordering::SeqCst) == 1), "each once");
}
