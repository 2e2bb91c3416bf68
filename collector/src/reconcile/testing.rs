//! A collector's deciding part with a clock of its own, and what agents report to it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use orchestrix_common::{
    hash::EntityHash,
    id::{AgentId, OutboxId},
    model::{
        Body, Change, ChangeKind, Container, ContainerState, Entity, Evidence, Host, Machine, RemovalReason, Report,
        Source, SourceReport,
    },
    time::{Clock as _, ManualClock, Timestamp},
    wire,
};

use super::{Opened, Opening, Outcome, Reconciler, SessionKey};
use crate::{
    query::testing::now,
    store::{
        Db, Executor as _, Row,
        rows::agent::{NewAgent, agent_enrol_in_tx},
    },
};

/// A collector's deciding part with a clock of its own.
pub(crate) struct Bench {
    pub(crate) reconciler: Reconciler,
    pub(crate) clock: Arc<ManualClock>,
}

/// An agent with an open session.
pub(crate) struct Agent {
    pub(crate) key: SessionKey,
    pub(crate) opened: Opened,
}

impl Bench {
    pub(crate) fn on(db: &Db) -> Self {
        let clock = Arc::new(ManualClock::at(now()));
        Self { reconciler: Reconciler::new(db.clone(), clock.clone()), clock }
    }

    pub(crate) fn db(&self) -> &Db {
        self.reconciler.db()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Lets time go by.
    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn enrol(&self) -> AgentId {
        let id = AgentId::generate();
        let agent = NewAgent {
            id,
            hostname: "web-1",
            version: "0.1.0",
            join_token_id: "token",
            datacenter_id: None,
            tags: &BTreeMap::from([("team".to_owned(), "red".to_owned())]),
            enrolled_at: now(),
        };
        let mut tx = self.reconciler.db().begin().await.unwrap();
        agent_enrol_in_tx(&mut tx, &agent).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    pub(crate) async fn open(&self, agent_id: AgentId, machine: Machine) -> Agent {
        let opening = Opening {
            agent_id,
            agent_version: "0.1.0".into(),
            boot_id: "boot".into(),
            outbox_id: OutboxId::try_from([7_u8; 16].as_slice()).unwrap(),
            machine,
            agent_time: now(),
            dropped_reports: 0,
        };
        let opened = self.reconciler.open_session(opening).await.unwrap();
        Agent { key: opened.key(agent_id), opened }
    }

    pub(crate) async fn agent(&self) -> Agent {
        let id = self.enrol().await;
        self.open(id, machine("m1")).await
    }

    pub(crate) async fn apply(&self, agent: &Agent, sequence: u64, source: Source, changes: Vec<Change>) -> Outcome {
        self.reconciler.apply(&agent.key, report(sequence, source, changes)).await.unwrap().outcome
    }

    pub(crate) async fn rows(&self, sql: &str) -> Vec<Row> {
        let mut db = self.reconciler.db();
        db.fetch(sql.to_owned(), Vec::new()).await.unwrap()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        self.rows(&format!("SELECT COUNT(*) AS n FROM {table}")).await[0].get("n").unwrap()
    }

    pub(crate) async fn text(&self, sql: &str) -> String {
        self.rows(sql).await[0].get("x").unwrap()
    }
}

pub(crate) fn machine(machine_id: &str) -> Machine {
    let machine_id = Some(format!("{machine_id:0<32}"));
    Machine { hostname: "web-1".into(), machine_id, addresses: vec!["192.0.2.7".into()], ..Machine::default() }
}

pub(crate) fn report(sequence: u64, source: Source, changes: Vec<Change>) -> Report {
    let sources = vec![SourceReport { source, status: None, changes }];
    Report { sequence, base: sequence - 1, recorded_at: now(), sources }
}

pub(crate) fn entity(native_id: &str, body: Body) -> Entity {
    let evidence = vec![Evidence { source: Source::Docker, native_id: native_id.to_owned() }];
    Entity { native_id: native_id.to_owned(), evidence, body }
}

pub(crate) fn container(id: &str, name: &str, state: ContainerState) -> Entity {
    let body = Container {
        id: id.to_owned(),
        name: name.to_owned(),
        image: "nginx:1.27".into(),
        image_id: None,
        runtime: "docker".into(),
        state,
        health: None,
        exit_code: None,
        out_of_memory_killed: None,
        created_at: None,
        started_at: Some(now()),
        finished_at: None,
        restart_count: None,
        restart_policy: None,
        cpu_limit_millicores: Some(500),
        memory_limit_bytes: Some(64 << 20),
        command: None,
        environment_names: Vec::new(),
        labels: BTreeMap::from([("environment".to_owned(), "staging".to_owned())]),
        labels_truncated: 0,
        ports: Vec::new(),
        networks: Vec::new(),
        mounts: Vec::new(),
        network_mode: None,
        privileged: None,
        user: None,
        listeners: Vec::new(),
    };
    entity(id, Body::Container(Box::new(body)))
}

pub(crate) fn running(id: &str) -> Entity {
    container(id, &format!("name-{id}"), ContainerState::Running)
}

pub(crate) fn there(entity: Entity) -> Change {
    let hash = wire::hash(&entity);
    Change { observed_at: now(), kind: ChangeKind::Upsert { entity, hash } }
}

pub(crate) fn gone(native_id: &str, after: Duration) -> Change {
    let kind = ChangeKind::Removal { native_id: native_id.to_owned(), reason: RemovalReason::Removed };
    Change { observed_at: now().plus(after), kind }
}

pub(crate) fn listed(entities: &[Entity]) -> Vec<(String, EntityHash)> {
    entities.iter().map(|entity| (entity.native_id.clone(), wire::hash(entity))).collect()
}

/// What a host says of itself.
pub(crate) fn host(machine_id: &str, os: &str, cores: u32) -> Entity {
    let host =
        Host { machine: machine(machine_id), os_name: Some(os.into()), cpu_cores: Some(cores), ..Host::default() };
    entity("host", Body::Host(Box::new(host)))
}
