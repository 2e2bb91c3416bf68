//! Whatever becomes of reports on their way (lost, doubled, out of order), the inventory ends as the host is.
//!
//! A host lives through random events and tells of them in numbered reports; a line delivers these as it likes; then both
//! sides compare, as they do at the beginning of every session. The first test plays that against [`plan`] and a model of
//! what is written, 100,000 times; the second one against the real thing on both databases, some hundred times. A case is
//! made from its number alone, which a failure tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrix_common::{
    hash::{Digest, EntityHash},
    id::{AgentId, OutboxId},
    model::{
        Body, Change, ChangeKind, Container, ContainerState, Entity, Evidence, Machine, Process, RemovalReason, Report,
        Source, SourceReport,
    },
    time::{ManualClock, Timestamp},
    wire,
};

use super::{
    Opening, Outcome, Reconciler, SessionKey,
    plan::{Known, KnownRow, Live, Place, Sighted, Sighting, What, end_of, is_workload, plan},
};
use crate::{
    query::testing::{now, on_both},
    store::{
        Db, Executor as _,
        rows::agent::{NewAgent, agent_enrol_in_tx},
    },
};

const CASES: u64 = 100_000;
/// A slow machine plays fewer cases, but never fewer than a tenth.
const PATIENCE: Duration = Duration::from_secs(60);
const CASES_STORED: u64 = 150;

const REMOVED: RemovalReason = RemovalReason::Removed;
const NOT_LISTED: RemovalReason = RemovalReason::NotListed;

/// Everything that a host can hold, each thing in two states, made once.
struct Things {
    source: Source,
    things: Vec<[(Entity, EntityHash); 2]>,
    /// A container that is made again has another identifier; a process comes back under its own.
    comes_back: bool,
}

impl Things {
    /// Twelve containers of three names and two images: one that has a name of another is its successor.
    fn containers() -> Self {
        let made =
            |number: usize| [ContainerState::Running, ContainerState::Paused].map(|state| container(number, state));
        Self { source: Source::Docker, things: (0..12).map(made).collect(), comes_back: false }
    }

    fn processes() -> Self {
        let made = |number: usize| [1, 2].map(|count| process(number, count));
        Self { source: Source::Process, things: (0..4).map(made).collect(), comes_back: true }
    }
}

fn thing(source: Source, native_id: String, body: Body) -> (Entity, EntityHash) {
    let evidence = vec![Evidence { source, native_id: native_id.clone() }];
    let entity = Entity { native_id, evidence, body };
    let hash = wire::hash(&entity);
    (entity, hash)
}

fn container(number: usize, state: ContainerState) -> (Entity, EntityHash) {
    let id = format!("c{number}");
    let body = Container {
        id: id.clone(),
        name: ["web", "db", "job"][number % 3].to_owned(),
        image: ["nginx:1", "nginx:2"][number / 3 % 2].to_owned(),
        image_id: None,
        runtime: "docker".into(),
        state,
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
        labels: BTreeMap::new(),
        labels_truncated: 0,
        ports: Vec::new(),
        networks: Vec::new(),
        mounts: Vec::new(),
        network_mode: None,
        privileged: None,
        user: None,
        listeners: Vec::new(),
    };
    thing(Source::Docker, id, Body::Container(Box::new(body)))
}

fn process(number: usize, process_count: u32) -> (Entity, EntityHash) {
    let body = Process { name: format!("unit{number}"), process_count, ..Process::default() };
    thing(Source::Process, format!("p{number}"), Body::Process(Box::new(body)))
}

/// What happened to a thing: its state now, or `None` when it is gone.
type Event = (usize, Option<usize>);

/// A host's life, told in reports, and what the line made of them.
#[derive(Debug)]
struct Case {
    reports: Vec<Vec<Event>>,
    /// How the host is in the end.
    truth: BTreeMap<usize, usize>,
    /// Reports by number, in the order in which they arrive.
    deliveries: Vec<usize>,
}

impl Case {
    fn new(number: u64, things: &Things) -> Self {
        let mut chance = fastrand::Rng::with_seed(number);
        let (mut truth, mut used) = (BTreeMap::new(), BTreeSet::new());
        let mut reports: Vec<Vec<Event>> = Vec::new();
        for _ in 0..chance.usize(1..=8) {
            let Some(event) = happen(&mut chance, things, &mut truth, &mut used) else { continue };
            match reports.last_mut() {
                Some(report) if chance.bool() => report.push(event),
                _ => reports.push(vec![event]),
            }
        }
        let mut deliveries: Vec<usize> = (0..reports.len()).filter(|_| chance.u8(0..5) > 0).collect();
        let doubled: Vec<usize> = deliveries.iter().copied().filter(|_| chance.u8(0..3) == 0).collect();
        deliveries.extend(doubled);
        chance.shuffle(&mut deliveries);
        Self { reports, truth, deliveries }
    }
}

/// Lets something happen to the host.
fn happen(
    chance: &mut fastrand::Rng,
    things: &Things,
    there: &mut BTreeMap<usize, usize>,
    used: &mut BTreeSet<usize>,
) -> Option<Event> {
    let index = chance.usize(0..things.things.len());
    if let Some(state) = there.get(&index).copied() {
        return Some(if chance.bool() {
            there.insert(index, 1 - state);
            (index, Some(1 - state))
        } else {
            there.remove(&index);
            (index, None)
        });
    }
    // An engine gives a name to one container at a time, and an identifier once.
    let taken = !things.comes_back && (there.keys().any(|other| other % 3 == index % 3) || used.contains(&index));
    if taken {
        return None;
    }
    let state = chance.usize(0..2);
    used.insert(index);
    there.insert(index, state);
    Some((index, Some(state)))
}

/// A model of what stands in the database of one host and source.
#[derive(Debug, Default)]
struct Believed {
    applied: usize,
    known: Known,
}

impl Believed {
    /// A report is applied once and never after a later one.
    fn deliver(&mut self, number: usize, events: &[Event], things: &Things) {
        if number < self.applied {
            return;
        }
        self.applied = number + 1;
        self.carry_out(&sightings(number, events, things));
    }

    /// Compares with a whole listing; returns how much had to be put right.
    fn agree(&mut self, truth: &BTreeMap<usize, usize>, things: &Things) -> usize {
        let at = time(1_000);
        let listed: BTreeMap<&str, &(Entity, EntityHash)> = truth
            .iter()
            .map(|(index, state)| &things.things[*index][*state])
            .map(|there| (there.0.native_id.as_str(), there))
            .collect();
        let gone: Vec<String> =
            self.known.live.keys().filter(|key| !listed.contains_key(key.as_str())).cloned().collect();
        let ended = gone.iter().map(|key| Sighting { at, what: Sighted::Gone(key, &NOT_LISTED) }).collect::<Vec<_>>();
        let changes = self.carry_out(&ended);
        let differs = |key: &str, hash| self.known.live.get(key).is_none_or(|live| live.hash != hash);
        let wanted: Vec<_> = listed.into_values().filter(|(entity, hash)| differs(&entity.native_id, *hash)).collect();
        let there: Vec<_> =
            wanted.iter().map(|(entity, hash)| Sighting { at, what: Sighted::There(entity, *hash) }).collect();
        changes + self.carry_out(&there)
    }

    /// Plans, writes, and checks that the same plan comes to nothing then; returns the number of changes.
    fn carry_out(&mut self, seen: &[Sighting<'_>]) -> usize {
        let changes = plan(&self.known, seen);
        let mut made = BTreeMap::new();
        let Known { live, rows } = &mut self.known;
        for change in &changes {
            let next = i64::try_from(rows.len()).unwrap() + 1;
            let row = match change.place {
                Place::Row(id) => Some(id),
                Place::New(number) => Some(*made.entry(number).or_insert(next)),
                Place::Compute => None,
            };
            let (entity, hash) = match &change.what {
                What::Appeared(entity, hash) | What::Returned(entity, hash) => (*entity, *hash),
                What::Altered { entity, hash, replaces } => {
                    if let Some(replaced) = replaces {
                        live.remove(replaced);
                    }
                    (*entity, *hash)
                }
                What::Ended(_) => {
                    live.remove(change.native_id);
                    let row = rows.iter_mut().find(|known| Some(known.id) == row).expect("what ends has a row");
                    row.ended_at = Some(end_of(row.first_seen_at, change.at));
                    continue;
                }
            };
            live.insert(entity.native_id.clone(), Live { hash, kind: change.kind, row });
            let first_seen_at = match rows.iter().position(|known| Some(known.id) == row) {
                Some(place) => rows.remove(place).first_seen_at,
                None => change.at,
            };
            let (name, image) = super::plan::title(entity);
            rows.push(KnownRow {
                id: row.expect("workloads have rows"),
                native_id: entity.native_id.clone(),
                kind: entity.body.kind(),
                name: name.to_owned(),
                image: image.map(str::to_owned),
                first_seen_at,
                ended_at: None,
            });
            rows.sort_by_key(|row| row.id);
        }
        assert_eq!(plan(&self.known, seen), [], "planned again after {changes:?}");
        changes.len()
    }

    /// What is believed to be there; every such thing has one row that has not ended, and no other row is open.
    fn there(&self) -> BTreeMap<String, EntityHash> {
        let open: Vec<_> = self.known.rows.iter().filter(|row| row.ended_at.is_none()).collect();
        let ids: BTreeSet<&str> = open.iter().map(|row| row.native_id.as_str()).collect();
        let live: BTreeSet<&str> = self.known.live.keys().map(String::as_str).collect();
        assert_eq!((ids, open.len()), (live, self.known.live.len()), "{:#?}", self.known);
        assert!(self.known.live.values().all(|live| live.kind.is_some_and(is_workload)));
        self.known.live.iter().map(|(key, live)| (key.clone(), live.hash)).collect()
    }
}

fn time(seconds: u64) -> Timestamp {
    now().plus(Duration::from_secs(seconds))
}

fn sightings<'a>(number: usize, events: &[Event], things: &'a Things) -> Vec<Sighting<'a>> {
    let at = time(number as u64);
    let sighting = |(index, state): &Event| {
        let (entity, hash) = &things.things[*index][state.unwrap_or_default()];
        let what = match state {
            Some(_) => Sighted::There(entity, *hash),
            None => Sighted::Gone(&entity.native_id, &REMOVED),
        };
        Sighting { at, what }
    };
    events.iter().map(sighting).collect()
}

fn expected(case: &Case, things: &Things) -> BTreeMap<String, EntityHash> {
    let thing = |(index, state): (&usize, &usize)| {
        let (entity, hash) = &things.things[*index][*state];
        (entity.native_id.clone(), *hash)
    };
    case.truth.iter().map(thing).collect()
}

#[test]
fn any_order_of_reports_ends_in_the_same_plan() {
    let kinds = [Things::containers(), Things::processes()];
    let start = Instant::now();
    let mut played = 0;
    while played < CASES && (played < CASES / 10 || start.elapsed() < PATIENCE) {
        let things = &kinds[usize::from(played % 3 == 0)];
        let case = Case::new(played, things);
        let truth = expected(&case, things);
        let outcome = std::panic::catch_unwind(|| {
            let mut in_order = Believed::default();
            for (number, events) in case.reports.iter().enumerate() {
                in_order.deliver(number, events, things);
            }
            assert_eq!(in_order.there(), truth, "nothing was lost");
            assert_eq!(in_order.agree(&case.truth, things), 0, "nothing needed to be put right");
            let mut jumbled = Believed::default();
            for number in &case.deliveries {
                jumbled.deliver(*number, &case.reports[*number], things);
            }
            jumbled.agree(&case.truth, things);
            assert_eq!(jumbled.there(), truth, "after both sides compared");
            assert_eq!(jumbled.agree(&case.truth, things), 0, "nothing was left to be put right");
        });
        assert!(outcome.is_ok(), "case {played}: {case:#?}");
        played += 1;
    }
    println!("{played} cases in {:.1} s", start.elapsed().as_secs_f32());
}

on_both! { any_order_of_reports_ends_in_the_same_inventory }

async fn any_order_of_reports_ends_in_the_same_inventory(db: &Db) {
    let reconciler = Reconciler::new(db.clone(), Arc::new(ManualClock::at(time(2_000))));
    let kinds = [Things::containers(), Things::processes()];
    for number in 0..CASES_STORED {
        let things = &kinds[usize::from(number % 3 == 0)];
        let case = Case::new(number, things);
        let (key, compute) = open(&reconciler, number).await;
        for delivered in &case.deliveries {
            let report = report(*delivered, &case.reports[*delivered], things);
            let outcome = reconciler.apply(&key, report).await.unwrap().outcome;
            assert!(matches!(outcome, Outcome::Applied | Outcome::Duplicate), "case {number}: {outcome:?}");
        }
        let truth = expected(&case, things);
        let listing = truth.clone().into_iter().collect();
        let wanted = reconciler.compare_listing(&key, &things.source, listing, true).await.unwrap();
        let is_wanted =
            |(index, state): &(&usize, &usize)| wanted.contains(&things.things[**index][**state].0.native_id);
        let missing: Vec<Event> =
            case.truth.iter().filter(is_wanted).map(|(index, state)| (*index, Some(*state))).collect();
        reconciler.apply(&key, report(100, &missing, things)).await.unwrap();
        assert_stored(&reconciler, &key, compute, &truth, number).await;
    }
}

async fn assert_stored(
    reconciler: &Reconciler,
    key: &SessionKey,
    compute: i64,
    truth: &BTreeMap<String, EntityHash>,
    case: u64,
) {
    let mut db = reconciler.db();
    let sql =
        "SELECT workload_id FROM compute_workloads WHERE compute_id = ? AND ended_at_us IS NULL ORDER BY workload_id";
    let rows = db.fetch(sql.to_owned(), vec![compute.into()]).await.unwrap();
    let stored: Vec<String> = rows.iter().map(|row| row.get("workload_id").unwrap()).collect();
    assert_eq!(stored, truth.keys().cloned().collect::<Vec<_>>(), "case {case}");
    let digest: Digest = truth.iter().map(|(id, hash)| (id.as_str(), *hash)).collect();
    let held = reconciler.digests(key.agent_id).await.unwrap();
    assert_eq!(held.first().map(|held| held.digest).unwrap_or_default(), digest, "case {case}");
}

fn report(number: usize, events: &[Event], things: &Things) -> Report {
    let change = |(index, state): &Event| {
        let (entity, hash) = things.things[*index][state.unwrap_or_default()].clone();
        let kind = match state {
            Some(_) => ChangeKind::Upsert { entity, hash },
            None => ChangeKind::Removal { native_id: entity.native_id, reason: REMOVED },
        };
        Change { observed_at: time(number as u64), kind }
    };
    let changes = events.iter().map(change).collect();
    let sources = vec![SourceReport { source: things.source.clone(), status: None, changes }];
    let sequence = number as u64 + 1;
    Report { sequence, base: sequence - 1, recorded_at: time(number as u64), sources }
}

/// A new agent of a new host, with an open session.
async fn open(reconciler: &Reconciler, number: u64) -> (SessionKey, i64) {
    let (agent_id, hostname) = (AgentId::generate(), format!("host-{number}"));
    let agent = NewAgent {
        id: agent_id,
        hostname: &hostname,
        version: "0.1.0",
        join_token_id: "token",
        datacenter_id: None,
        tags: &BTreeMap::new(),
        enrolled_at: now(),
    };
    let mut tx = reconciler.db().begin().await.unwrap();
    agent_enrol_in_tx(&mut tx, &agent).await.unwrap();
    tx.commit().await.unwrap();
    let opening = Opening {
        agent_id,
        agent_version: "0.1.0".into(),
        boot_id: "boot".into(),
        outbox_id: OutboxId::try_from([7_u8; 16].as_slice()).unwrap(),
        machine: Machine { hostname, machine_id: Some(format!("{number:032x}")), ..Machine::default() },
        agent_time: now(),
        dropped_reports: 0,
    };
    let opened = reconciler.open_session(opening).await.unwrap();
    (opened.key(agent_id), opened.compute_id.unwrap())
}
