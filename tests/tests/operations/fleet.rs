//! Many agents in one process. All of each is real but what it looks at: containers appear when a story says so.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use orchestrix_agent::{
    config::BudgetConfig,
    daemon::{BrokenDown, Daemon},
    identity::Identity,
    inspect::{Hearing, InspectError, Inspector, Observation, Sighted, Sighting, Signal},
    outbox::Outbox,
    status::{self, AgentStatus},
};
use orchestrix_common::{
    model::{Body, Container, ContainerState, Entity, Machine, Source},
    time::{Clock as _, SystemClock},
};
use orchestrix_tests::{installation::Installation, inventory::workloads, wait};
use tempfile::TempDir;
use tokio::{
    runtime::Runtime,
    sync::{broadcast, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// How long the inventory may take to become true.
const SOON: Duration = Duration::from_secs(90);

/// How long what has piled up may take to be delivered, on a machine that does much else.
const DELIVERED: Duration = Duration::from_secs(300);

/// Agents, and the runtime that they live in.
pub(crate) struct Fleet {
    pub(crate) runtime: Runtime,
    pub(crate) agents: Vec<LightAgent>,
}

/// One agent.
pub(crate) struct LightAgent {
    pub(crate) name: String,
    pub(crate) identity: Identity,
    pub(crate) outbox: Outbox,
    pub(crate) state: TempDir,
    engine: Arc<Engine>,
    collector: String,
    running: Option<(CancellationToken, JoinHandle<Result<(), BrokenDown>>)>,
}

/// An engine that holds what it is told to.
#[derive(Debug)]
struct Engine {
    containers: Mutex<Vec<Entity>>,
    signals: broadcast::Sender<Signal>,
}

#[async_trait]
impl Inspector for Engine {
    fn source(&self) -> Source {
        Source::Docker
    }

    async fn inspect(&self, _: Duration) -> Result<Observation, InspectError> {
        Ok(Observation::Complete(self.containers.lock().unwrap().clone()))
    }

    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        let signals = self.signals.subscribe();
        // Who falls behind looks at everything.
        let next = |mut signals: broadcast::Receiver<Signal>| async move {
            match signals.recv().await {
                Ok(signal) => Some((signal, signals)),
                Err(broadcast::error::RecvError::Lagged(_)) => Some((Signal::Look, signals)),
                Err(broadcast::error::RecvError::Closed) => None,
            }
        };
        Some(stream::unfold(signals, next).boxed())
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(60)
    }
}

fn container(name: &str) -> Entity {
    let container = Container {
        id: blake(name),
        name: name.to_owned(),
        image: "busybox:1".to_owned(),
        image_id: None,
        runtime: "docker".to_owned(),
        state: ContainerState::Running,
        health: None,
        exit_code: None,
        out_of_memory_killed: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        restart_count: None,
        restart_policy: None,
        cpu_limit_millicores: None,
        memory_limit_bytes: None,
        command: None,
        environment_names: Vec::new(),
        labels: std::collections::BTreeMap::new(),
        labels_truncated: 0,
        ports: Vec::new(),
        networks: Vec::new(),
        mounts: Vec::new(),
        network_mode: None,
        privileged: None,
        user: None,
        listeners: Vec::new(),
    };
    Entity { native_id: container.id.clone(), evidence: Vec::new(), body: Body::Container(Box::new(container)) }
}

/// 64 hexadecimal digits that tell names apart.
fn blake(name: &str) -> String {
    orchestrix_common::pki::sha256(name.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Fleet {
    /// Enrols `count` agents at one collector and starts them; each connects where `connect_to` says.
    pub(crate) fn start(installation: &Installation, count: usize, connect_to: impl Fn(usize) -> String) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let token = installation.join_token(&["--uses", &count.to_string(), "--expires", "1h"]);
        let mut fleet = Self { runtime, agents: Vec::new() };
        for number in 0..count {
            fleet.enrol(installation, &token, &format!("light-{number:02}"), connect_to(number));
        }
        fleet
    }

    /// Enrols one more agent and starts it.
    pub(crate) fn enrol(&mut self, installation: &Installation, token: &str, name: &str, connect_to: String) {
        let state = tempfile::tempdir().unwrap();
        let at = installation.agents_address().to_string();
        let machine = machine(name);
        let enrolment = Identity::enroll(state.path(), &at, token, &machine, "0.1.0");
        let identity = self.runtime.block_on(enrolment).unwrap_or_else(|error| panic!("{name}: {error}"));
        let outbox = Outbox::open(&state.path().join("outbox"), 8 << 20).unwrap();
        let engine = Arc::new(Engine { containers: Mutex::default(), signals: broadcast::channel(1_024).0 });
        let mut agent =
            LightAgent { name: name.to_owned(), identity, outbox, state, engine, collector: connect_to, running: None };
        agent.start(&self.runtime);
        self.agents.push(agent);
    }

    /// What each agent tells of itself, as `orchestrix-agent status` asks for it.
    pub(crate) fn statuses(&self) -> Vec<AgentStatus> {
        self.agents.iter().map(|agent| agent.status(&self.runtime)).collect()
    }

    /// Waits until all that run are connected.
    pub(crate) fn until_connected(&self) {
        self.until("every agent to be connected", SOON, |status| status.link.is_connected());
    }

    /// Waits until all agents are as `holds` wants them.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, limit: Duration, holds: impl Fn(&AgentStatus) -> bool) {
        wait::until(what, limit, || {
            let other = self.statuses().into_iter().find(|status| !holds(status));
            other.map_or(Ok(()), |status| Err(format!("{status:#?}")))
        });
    }

    /// Makes a container appear at each agent every `every`, until `over` says so; watches how reports get through.
    pub(crate) fn under_load(&self, every: Duration, over: impl FnMut() -> bool) -> Load {
        self.under_load_as("", every, over)
    }

    /// As [`Self::under_load`], with something in the names of the containers, so that they can appear once more.
    pub(crate) fn under_load_as(&self, mark: &str, every: Duration, mut over: impl FnMut() -> bool) -> Load {
        let mut load = Load { gaps: vec![Gap::new(); self.agents.len()], made: BTreeSet::new() };
        let mut round = 0_usize;
        while !over() {
            for (agent, gap) in self.agents.iter().zip(&mut load.gaps) {
                let name = format!("{}-{mark}{round:05}", agent.name);
                agent.appears(&name);
                load.made.insert(name);
                gap.look(agent.outbox.position().acknowledged_sequence);
            }
            round += 1;
            std::thread::sleep(every);
        }
        load
    }

    /// Waits until everything that was made is acknowledged and in the inventory, and nothing was refused or dropped.
    #[track_caller]
    pub(crate) fn assert_nothing_is_lost(&self, installation: &Installation, made: &BTreeSet<String>) {
        self.until("every report to be acknowledged", DELIVERED, |status| {
            status.outbox.waiting_reports == 0 && status.outbox.acknowledged_sequence == status.outbox.head_sequence
        });
        for status in self.statuses() {
            assert_eq!(status.link.refused_reports, 0, "{status:#?}");
            assert_eq!(status.outbox.dropped_reports, 0, "{status:#?}");
        }
        wait::until("everything to be in the inventory", SOON, || {
            let known: BTreeSet<String> =
                workloads(installation, "docker").iter().map(|workload| workload.name().to_owned()).collect();
            let missing: Vec<_> = made.difference(&known).take(5).collect();
            wait::check(missing.is_empty(), || format!("of {} missing, for example {missing:?}", made.len()))
        });
    }

    /// Ends all agents.
    pub(crate) fn stop(mut self) {
        for agent in &mut self.agents {
            agent.stop(&self.runtime);
        }
        self.runtime.shutdown_timeout(Duration::from_secs(10));
    }
}

/// What a time under load showed.
pub(crate) struct Load {
    gaps: Vec<Gap>,
    /// Names of the containers that appeared.
    pub(crate) made: BTreeSet<String>,
}

impl Load {
    /// The longest time in which reports of one agent waited and none was acknowledged.
    pub(crate) fn longest_gap(&self) -> Duration {
        self.gaps.iter().map(|gap| gap.longest).max().unwrap_or_default()
    }
}

/// Watches an agent's acknowledgements.
#[derive(Clone, Debug)]
struct Gap {
    acknowledged: u64,
    since: Instant,
    longest: Duration,
}

impl Gap {
    fn new() -> Self {
        Self { acknowledged: 0, since: Instant::now(), longest: Duration::ZERO }
    }

    fn look(&mut self, acknowledged: u64) {
        if acknowledged != self.acknowledged {
            (self.acknowledged, self.since) = (acknowledged, Instant::now());
        }
        self.longest = self.longest.max(self.since.elapsed());
    }
}

impl LightAgent {
    /// Starts it, with the identity that is in its state folder.
    pub(crate) fn start(&mut self, runtime: &Runtime) {
        let stop = CancellationToken::new();
        let daemon = Daemon {
            identity: self.identity.clone(),
            collector: self.collector.clone(),
            state_dir: self.state.path().to_owned(),
            outbox: self.outbox.clone(),
            inspectors: vec![self.engine.clone()],
            hearing: watch::channel(Hearing::start()).0,
            machine: machine(&self.name),
            boot_id: format!("boot-of-{}", self.name),
            version: "0.1.0".to_owned(),
            budget: BudgetConfig::default(),
            metrics: None,
            clock: Arc::new(SystemClock),
        };
        let task = runtime.spawn(daemon.run(stop.clone(), || {}));
        self.running = Some((stop, task));
    }

    /// Ends it as a signal does.
    pub(crate) fn stop(&mut self, runtime: &Runtime) {
        if let Some((stop, task)) = self.running.take() {
            stop.cancel();
            runtime.block_on(task).unwrap().unwrap();
        }
    }

    /// A container appears on its host.
    pub(crate) fn appears(&self, name: &str) {
        let entity = container(name);
        self.engine.containers.lock().unwrap().push(entity.clone());
        let sighting = Sighting { at: SystemClock.now(), what: Sighted::Present(entity) };
        // Nobody listens while it is stopped; the next look tells.
        drop(self.engine.signals.send(Signal::Changes(vec![sighting])));
    }

    /// What it tells of itself.
    pub(crate) fn status(&self, runtime: &Runtime) -> AgentStatus {
        let asked = runtime.block_on(status::ask(self.state.path()));
        asked.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// Reads its identity anew, as its next start would.
    pub(crate) fn identity_in(&self, folder: &Path) -> Identity {
        Identity::load(folder, &machine(&self.name)).unwrap().unwrap()
    }
}

fn machine(name: &str) -> Machine {
    let id = blake(name)[..32].to_owned();
    Machine { hostname: name.to_owned(), machine_id: Some(id), ..Machine::default() }
}
