//! What it costs to store what changed, and what did not.
//!
//! The collector's deciding part runs here, in this process, as a session calls it: one report is one transaction, durable
//! when the call returns. The yardstick is a loop that upserts as many rows of workloads, one transaction per report; a
//! second one also writes the other rows that a change needs at least (the entity, the history, the number of the report).

use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use orchestrix_collector::{
    metrics::{self, Exposition},
    reconcile::{Opening, Outcome, Reconciler, SessionKey},
    store::{
        self, Executor as _,
        rows::agent::{NewAgent, agent_enrol_in_tx},
    },
};
use orchestrix_common::{
    id::{AgentId, OutboxId},
    model::{
        Body, Change, ChangeKind, Container, ContainerState, Entity, Evidence, Machine, Protocol, PublishedPort,
        Report, Source, SourceReport,
    },
    time::{Clock as _, SystemClock},
    wire,
};
use orchestrix_tests::{
    generate::{Cell, Scale},
    part,
    stats::Times,
};
use tokio::runtime::Runtime;

use crate::{
    compare::{timed, word},
    raw::Raw,
};

/// Hosts that report.
const HOSTS: usize = 8;
/// Containers of each, all of which change with each report.
const CONTAINERS: usize = 100;
const SPAN: Duration = Duration::from_secs(8);
const FEWEST: usize = 5;

/// Hosts that report to the deciding part.
struct Hosts {
    runtime: Runtime,
    reconciler: Reconciler,
    sessions: Vec<SessionKey>,
    sequence: u64,
    /// How many reports are stored at a time; SQLite has one writer.
    at_once: usize,
}

/// Prints how fast changes are stored; `goal` is the part of the raw loop that is to be reached.
pub(crate) fn measure(url: &str, raw: &mut Raw, goal: f64) {
    let mut hosts = Hosts::enrol(url, 0..HOSTS, if raw.is_sqlite() { 1 } else { 4 });
    hosts.report(&ContainerState::Running);
    let stored = hosts.stored();
    let (mut ours, mut loops, mut wholes, mut nothing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let start = Instant::now();
    while ours.len() < FEWEST || start.elapsed() < SPAN {
        let state = if ours.len() % 2 == 0 { ContainerState::Paused } else { ContainerState::Running };
        ours.push(timed(|| hosts.report(&state)).0);
        loops.push(timed(|| stored.iter().for_each(|rows| rows.upsert(raw, false))).0);
        nothing.push(timed(|| hosts.report(&state)).0);
        wholes.push(timed(|| stored.iter().for_each(|rows| rows.upsert(raw, true))).0);
    }
    let median = |times: Vec<Duration>| times.into_iter().collect::<Times>().percentile(50).as_secs_f64();
    let (rounds, ours, raw_loop, whole, nothing) =
        (ours.len(), median(ours), median(loops), median(wholes), median(nothing));
    let rows = f64::from(u32::try_from(HOSTS * CONTAINERS).unwrap());
    part::measured(&format!(
        "  changed rows, {CONTAINERS} per report: {:.0} rows/s, {:.2} of the raw loop ({:.0} rows/s; goal {goal:.2}: {}), \
         {:.2} of a loop that writes entity and history too (n={rounds})",
        rows / ours,
        raw_loop / ours,
        rows / raw_loop,
        word(raw_loop / ours >= goal),
        whole / ours,
    ));
    part::measured(&format!(
        "  unchanged rows, {CONTAINERS} per report: {:.3} of the time that changed ones take",
        nothing / ours
    ));
}

/// A change may cost this much of what it costs in a small inventory.
const FOLLOWS: f64 = 1.2;
/// Changes of one row, each on both inventories.
const SINGLE: usize = 200;

/// Prints what one changed row costs on a large inventory against a small one, and what is asked when nothing changed.
pub(crate) fn follow((large, scale): (&str, &Scale), (small, small_scale): (&str, &Scale)) {
    // The large one has hosts with the other numbers already.
    let numbers = HOSTS..HOSTS + 1;
    let [mut large, mut small] = [large, small].map(|url| Hosts::enrol(url, numbers.clone(), 1));
    large.report(&ContainerState::Running);
    small.report(&ContainerState::Running);
    let (mut on_large, mut on_small) = (Vec::new(), Vec::new());
    for round in 0..SINGLE {
        let state = if round % 2 == 0 { ContainerState::Paused } else { ContainerState::Running };
        on_large.push(timed(|| large.report_of(1, &state)).0);
        on_small.push(timed(|| small.report_of(1, &state)).0);
    }
    let (on_large, on_small): (Times, Times) = (on_large.into_iter().collect(), on_small.into_iter().collect());
    let ratio = on_large.percentile(50).as_secs_f64() / on_small.percentile(50).as_secs_f64();
    part::measured(&format!(
        "  one changed row among {} workloads: {ratio:.2}x what it costs among {} (p50 {:.2} / {:.2} ms, goal \
         {FOLLOWS:.1}x: {})",
        scale.workloads,
        small_scale.workloads,
        on_large.percentile(50).as_secs_f64() * 1_000.0,
        on_small.percentile(50).as_secs_f64() * 1_000.0,
        word(ratio <= FOLLOWS),
    ));
    // The last state again.
    let same = ContainerState::Running;
    let report = large.statements(|hosts| hosts.report(&same));
    let listing = large.statements(|hosts| hosts.list(&same));
    part::measured(&format!(
        "  nothing changed: {} reads and {} writes for a report of {CONTAINERS} rows, {} and {} for a listing of them; none \
         for a sign of life, whose digests are compared in memory",
        report[0], report[1], listing[0], listing[1],
    ));
}

impl Hosts {
    /// Reads and writes that something takes.
    fn statements(&mut self, run: impl FnOnce(&mut Self)) -> [u64; 2] {
        let counted = || {
            static COUNTED: OnceLock<Exposition> = OnceLock::new();
            let text = COUNTED.get_or_init(|| metrics::install().unwrap()).render();
            ["read", "write"].map(|operation| {
                let name = format!("orchestrix_store_operation_seconds_count{{operation=\"{operation}\"}} ");
                text.lines().find_map(|line| line.strip_prefix(&name)?.parse::<u64>().ok()).unwrap_or_default()
            })
        };
        let before = counted();
        run(self);
        let after = counted();
        [after[0] - before[0], after[1] - before[1]]
    }

    /// Every host lists all its containers in this state.
    fn list(&mut self, state: &ContainerState) {
        for key in &self.sessions {
            let listed = report(self.sequence, *key, CONTAINERS, state).sources.remove(0).changes;
            let listed = listed.into_iter().filter_map(|change| match change.kind {
                ChangeKind::Upsert { entity, hash } => Some((entity.native_id, hash)),
                _ => None,
            });
            let compared = self.reconciler.compare_listing(key, &Source::Docker, listed.collect(), true);
            assert!(self.runtime.block_on(compared).unwrap().is_empty(), "nothing is asked for");
        }
    }

    fn enrol(url: &str, numbers: Range<usize>, at_once: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let db = runtime.block_on(store::open(url)).unwrap();
        let reconciler = Reconciler::new(db, Arc::new(SystemClock));
        let sessions = numbers.map(|number| runtime.block_on(open(&reconciler, number))).collect();
        Self { runtime, reconciler, sessions, sequence: 0, at_once }
    }

    /// Every host reports all its containers in this state.
    fn report(&mut self, state: &ContainerState) {
        self.report_of(CONTAINERS, state);
    }

    /// Every host reports the first of its containers in this state.
    fn report_of(&mut self, count: usize, state: &ContainerState) {
        self.sequence += 1;
        let of = |key: &SessionKey| (*key, report(self.sequence, *key, count, state));
        let reports: Vec<_> = self.sessions.iter().map(of).collect();
        let reconciler = &self.reconciler;
        let apply = async |(key, report)| {
            let applied = reconciler.apply(&key, report).await.unwrap();
            assert_eq!(applied.outcome, Outcome::Applied);
        };
        self.runtime.block_on(async {
            use futures::stream::{self, StreamExt as _};
            stream::iter(reports).for_each_concurrent(self.at_once, apply).await;
        });
    }

    /// What a loop by hand writes again: the rows of each host.
    fn stored(&self) -> Vec<Stored> {
        self.runtime.block_on(async {
            let mut db = self.reconciler.db();
            let mut all = Vec::new();
            for key in &self.sessions {
                let text = |column: &str| db.dialect().json_text(column);
                let sql = format!(
                    "SELECT w.id, w.compute_id, w.workload_name, w.workload_id, {} AS details, {} AS labels, \
                     {} AS evidence FROM compute_workloads w JOIN agents a ON a.compute_id = w.compute_id \
                     WHERE a.id = ? ORDER BY w.id",
                    text("w.isolation_details"),
                    text("w.labels"),
                    text("w.evidence")
                );
                let rows = db.fetch(sql, vec![key.agent_id.into()]).await.unwrap();
                assert_eq!(rows.len(), CONTAINERS);
                let read = |row: &store::Row| Workload {
                    id: row.get("id").unwrap(),
                    compute: row.get("compute_id").unwrap(),
                    name: row.get("workload_name").unwrap(),
                    native_id: row.get("workload_id").unwrap(),
                    json: ["details", "labels", "evidence"].map(|column| row.get(column).unwrap()),
                };
                all.push(Stored { agent: key.agent_id.to_string(), rows: rows.iter().map(read).collect() });
            }
            all
        })
    }
}

/// The rows of one host, as a loop by hand writes them.
struct Stored {
    agent: String,
    rows: Vec<Workload>,
}

struct Workload {
    id: i64,
    compute: i64,
    name: String,
    native_id: String,
    json: [String; 3],
}

impl Stored {
    /// One transaction; with `whole` also the rows beside the workload's own.
    fn upsert(&self, raw: &mut Raw, whole: bool) {
        let now = SystemClock.now().as_micros();
        raw.run("BEGIN");
        let (columns, keys) = (
            "id, compute_id, workload_type, workload_name, workload_id, status, source, isolation_method, \
             isolation_details, labels, evidence, first_seen_at_us, changed_at_us",
            ("id", ["status", "isolation_details", "labels", "evidence", "changed_at_us"]),
        );
        let cells = self.rows.iter().flat_map(|row| {
            let text = |text: &str| Cell::Text(text.to_owned());
            let [details, labels, evidence] = row.json.each_ref().map(|json| text(json));
            let (name, native_id) = (text(&row.name), text(&row.native_id));
            let word = Cell::Word;
            let begin = [Cell::Int(row.id), Cell::Int(row.compute), word("container"), name, native_id];
            let middle = [word("running"), word("docker"), word("docker"), details, labels, evidence];
            begin.into_iter().chain(middle).chain([Cell::Int(now), Cell::Int(now)])
        });
        raw.upsert("compute_workloads", columns, &keys, &cells.collect::<Vec<_>>());
        if whole {
            self.beside(raw, now);
        }
        raw.run("COMMIT");
    }

    fn beside(&self, raw: &mut Raw, now: i64) {
        let entities = self.rows.iter().flat_map(|row| {
            let (agent, native_id) = (Cell::Text(self.agent.clone()), Cell::Text(row.native_id.clone()));
            let hash = Cell::Bytes(now.to_le_bytes().repeat(2));
            [agent, Cell::Word("docker"), native_id, Cell::Word("container"), hash, Cell::Int(row.id)]
        });
        let columns = "agent_id, source, native_id, kind, hash, resource_id";
        raw.upsert(
            "agent_entities",
            columns,
            &("agent_id, source, native_id", ["hash"]),
            &entities.collect::<Vec<_>>(),
        );
        let history = self.rows.iter().flat_map(|row| {
            let [agent, name, details] = [&self.agent, &row.name, &row.json[0]].map(|text| Cell::Text(text.clone()));
            let begin = [Cell::Int(now), Cell::Int(now), Cell::Word("agent"), agent, Cell::Word("altered")];
            let middle =
                [Cell::Word("workload"), Cell::Int(row.id), name, Cell::Int(row.compute), Cell::Word("docker")];
            begin.into_iter().chain(middle).chain([details.clone(), details])
        });
        let columns = "recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, resource_id, \
                       resource_name, compute_id, source, before_state, after_state";
        raw.insert("history", columns, &history.collect::<Vec<_>>());
        let reported = [Cell::Int(now), Cell::Text(self.agent.clone())];
        raw.change("UPDATE agents SET reported_at_us = ? WHERE id = ?", &reported);
    }
}

async fn open(reconciler: &Reconciler, number: usize) -> SessionKey {
    let (agent_id, hostname) = (AgentId::generate(), format!("reporting-{number}"));
    let now = SystemClock.now();
    let agent = NewAgent {
        id: agent_id,
        hostname: &hostname,
        version: "0.1.0",
        join_token_id: "token",
        datacenter_id: None,
        tags: &BTreeMap::new(),
        enrolled_at: now,
    };
    let mut tx = reconciler.db().begin().await.unwrap();
    agent_enrol_in_tx(&mut tx, &agent).await.unwrap();
    tx.commit().await.unwrap();
    let opening = Opening {
        agent_id,
        agent_version: "0.1.0".into(),
        boot_id: "boot".into(),
        outbox_id: OutboxId::try_from([7_u8; 16].as_slice()).unwrap(),
        machine: Machine { hostname, machine_id: Some(format!("be{number:030x}")), ..Machine::default() },
        agent_time: now,
        dropped_reports: 0,
    };
    reconciler.open_session(opening).await.unwrap().key(agent_id)
}

fn report(sequence: u64, key: SessionKey, count: usize, state: &ContainerState) -> Report {
    let now = SystemClock.now();
    let changes = (0..count)
        .map(|number| {
            let entity = container(&format!("{}-{number:03}", key.agent_id), number, state);
            let hash = wire::hash(&entity);
            Change { observed_at: now, kind: ChangeKind::Upsert { entity, hash } }
        })
        .collect();
    let sources = vec![SourceReport { source: Source::Docker, status: None, changes }];
    Report { sequence, base: sequence - 1, recorded_at: now, sources }
}

fn container(id: &str, number: usize, state: &ContainerState) -> Entity {
    let labels = ["com.docker.compose.project=shop", "com.docker.compose.service=api", "environment=prod"];
    let labels = labels.iter().filter_map(|label| label.split_once('='));
    let port = PublishedPort { container_port: 8080, protocol: Protocol::Tcp, host_address: None, host_port: None };
    let body = Container {
        id: id.to_owned(),
        name: format!("shop-api-{number}"),
        image: "registry.example.org/shop/api:v1.2".into(),
        image_id: Some("sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into()),
        runtime: "docker".into(),
        state: state.clone(),
        health: None,
        exit_code: None,
        out_of_memory_killed: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        restart_count: Some(0),
        restart_policy: Some("unless-stopped".into()),
        cpu_limit_millicores: Some(500),
        memory_limit_bytes: Some(64 << 20),
        command: None,
        environment_names: vec!["PATH".into()],
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        labels_truncated: 0,
        ports: vec![port],
        networks: Vec::new(),
        mounts: Vec::new(),
        network_mode: Some("bridge".into()),
        privileged: Some(false),
        user: None,
        listeners: Vec::new(),
    };
    let evidence = vec![Evidence { source: Source::Docker, native_id: id.to_owned() }];
    Entity { native_id: id.to_owned(), evidence, body: Body::Container(Box::new(body)) }
}
