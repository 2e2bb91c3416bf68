//! Databases of a test's own, and rows to read.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use serde_json::{Value as Json, json};
use sqlx::MySqlPool;

use crate::store::{self, Db, Value};

/// The time at which the tests read.
pub(crate) fn now() -> Timestamp {
    Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap()
}

pub(crate) fn ago(seconds: u64) -> Timestamp {
    now().minus(Duration::from_secs(seconds))
}

/// A database that goes with the test.
pub(crate) struct TestDb {
    pub(crate) db: Db,
    folder: Option<tempfile::TempDir>,
    server: Option<(MySqlPool, String)>,
}

impl TestDb {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("inventory.db").display());
        let db = store::open(&url).await.unwrap();
        store::migrate(&db).await.unwrap();
        Self { db, folder: Some(folder), server: None }
    }

    /// `None` when no server is at hand and the run allows that.
    pub(crate) async fn mariadb() -> Option<Self> {
        let test = Self::empty_mariadb().await?;
        store::migrate(&test.db).await.unwrap();
        Some(test)
    }

    /// A database without tables.
    pub(crate) async fn empty_mariadb() -> Option<Self> {
        let Ok(server) = std::env::var("ORCHESTRIX_TEST_MYSQL_URL") else {
            let required = ["CI", "ORCHESTRIX_TESTS_REQUIRE_PARTS"].iter().any(|name| std::env::var_os(name).is_some());
            assert!(!required, "ORCHESTRIX_TEST_MYSQL_URL is not set, expected the address of a MariaDB ending in /");
            println!("SKIPPED mariadb: ORCHESTRIX_TEST_MYSQL_URL is not set");
            return None;
        };
        let pool = MySqlPool::connect(&server).await.unwrap();
        let name = format!("t_{:016x}", fastrand::u64(..));
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await.unwrap();
        // A test asks more different questions within a minute than an installation does within a day.
        let url = format!("{server}{name}?statement-cache-capacity=2000");
        let db = store::open(&url).await.unwrap();
        Some(Self { db, folder: None, server: Some((pool, name)) })
    }

    pub(crate) async fn close(self) {
        self.db.close().await;
        if let Some((pool, name)) = self.server {
            sqlx::query(sqlx::AssertSqlSafe(format!("DROP DATABASE {name}"))).execute(&pool).await.unwrap();
        }
        drop(self.folder);
    }
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let test = $crate::query::testing::TestDb::sqlite().await;
                super::$name(&test.db).await;
                test.close().await;
            })*
        }
        mod mariadb {
            $(#[tokio::test]
            async fn $name() {
                let Some(test) = $crate::query::testing::TestDb::mariadb().await else { return };
                super::$name(&test.db).await;
                test.close().await;
            })*
        }
    };
}
pub(crate) use on_both;

pub(crate) async fn run(db: &Db, sql: &str, values: Vec<Value>) {
    let mut tx = db.begin().await.unwrap();
    tx.execute(sql, values).await.unwrap();
    tx.commit().await.unwrap();
}

/// Partner, cloud, region, zone and datacenter, each with the id 1.
pub(crate) async fn places(db: &Db) {
    run(db, "INSERT INTO partners (id, name, display_name, type, roles, api_key, api_secret) VALUES (1, 'self', 'Ourselves', 'self', '[\"owner\"]', 'planted-key', 'planted-secret')", vec![]).await;
    run(
        db,
        "INSERT INTO clouds (id, name, partner_id, created_at) VALUES (1, 'private', 1, '2026-01-02 03:04:05')",
        vec![],
    )
    .await;
    run(db, "INSERT INTO regions (id, name, code, cloud_id) VALUES (1, 'north', 'north-1', 1)", vec![]).await;
    run(db, "INSERT INTO availability_zones (id, name, code, region_id) VALUES (1, 'a', 'north-1a', 1)", vec![]).await;
    run(db, "INSERT INTO datacenters (id, name, partner_id, cloud_id, availability_zone_id, latitude) VALUES (1, 'cellar', 1, 1, 1, 52.5)", vec![]).await;
}

pub(crate) async fn compute(db: &Db, id: i64, name: &str, datacenter: Option<i64>) {
    let sql = "INSERT INTO computes (id, name, hostname, operating_system, cpu_cores, memory_gb, ip_address, status, datacenter_id) \
               VALUES (?, ?, ?, 'Debian GNU/Linux 12', 2, 24, '192.0.2.7', 'ACTIVE', ?)";
    run(db, sql, vec![id.into(), name.into(), name.into(), datacenter.into()]).await;
}

/// Identifier of a test's agent.
pub(crate) fn agent_id(number: u8) -> String {
    format!("0190c1a2-7c3e-7c42-9b1d-0000000000{number:02x}")
}

/// An agent that was heard of `seen` seconds ago.
pub(crate) async fn agent(db: &Db, number: u8, compute: i64, state: &str, reachable: bool, seen: u64) {
    let sql = "INSERT INTO agents (id, compute_id, hostname, version, state, reachable, reachable_changed_at_us, \
               enrolled_at_us, connected_at_us, reported_at_us, applied_sequence, clock_skew_us) \
               VALUES (?, ?, 'host', '0.1.0', ?, ?, 0, ?, ?, ?, 7, 1500)";
    let at = ago(seen);
    let values = vec![
        agent_id(number).into(),
        compute.into(),
        state.into(),
        reachable.into(),
        ago(100_000 - u64::from(number)).into(),
        at.into(),
        at.into(),
    ];
    run(db, sql, values).await;
    let sql = "INSERT INTO agent_liveness (agent_id, seen_at_us) VALUES (?, ?)";
    run(db, sql, vec![agent_id(number).into(), at.into()]).await;
}

pub(crate) async fn source(db: &Db, number: u8, source: &str, health: &str, completeness: &str, reason: &str) {
    let sql = "INSERT INTO agent_sources (agent_id, source, health, completeness, reason, since_at_us, warnings) \
               VALUES (?, ?, ?, ?, ?, ?, 0)";
    let values = vec![
        agent_id(number).into(),
        source.into(),
        health.into(),
        completeness.into(),
        reason.into(),
        ago(600).into(),
    ];
    run(db, sql, values).await;
}

/// A workload of a source.
pub(crate) struct Seed {
    pub(crate) id: i64,
    pub(crate) compute: i64,
    pub(crate) name: &'static str,
    pub(crate) source: &'static str,
    pub(crate) status: &'static str,
    pub(crate) image: Option<&'static str>,
    pub(crate) labels: Json,
    pub(crate) ended: Option<u64>,
}

impl Seed {
    pub(crate) fn container(id: i64, compute: i64, name: &'static str) -> Self {
        let labels = json!({ "environment": "staging" });
        Self { id, compute, name, source: "docker", status: "running", image: Some("nginx:1.25"), labels, ended: None }
    }

    pub(crate) fn process(id: i64, compute: i64, name: &'static str) -> Self {
        Self { source: "process", image: None, labels: Json::Null, ..Self::container(id, compute, name) }
    }

    /// Stores it, with the entity that its agent reports when the compute has one.
    pub(crate) async fn store(self, db: &Db) {
        let Self { id, compute, name, source, status, image, labels, ended } = self;
        let docker = source == "docker";
        let native = format!("{source}-{id}");
        let ports = if docker {
            json!([
                { "containerPort": 80, "protocol": "tcp", "hostAddress": "0.0.0.0", "hostPort": 18080 },
                { "containerPort": 443, "protocol": "tcp" },
            ])
        } else {
            json!([{ "protocol": "tcp", "port": 22, "address": "0.0.0.0", "process": "sshd" }])
        };
        let listener =
            json!({ "protocol": "tcp", "port": 80, "address": "::", "process": "nginx", "networkNamespace": 7 });
        let details = if docker {
            json!({ "state": if ended.is_some() { "exited" } else { status }, "listeners": [listener], "networkMode": "bridge" })
        } else {
            json!({ "unit": "ssh.service", "user": "root" })
        };
        let evidence = json!([{ "source": source, "nativeId": native }]);
        let sql = "INSERT INTO compute_workloads (id, compute_id, workload_type, workload_name, workload_id, cpu_cores, \
                   memory_mb, ports, isolation_method, isolation_details, status, source, image, labels, evidence, \
                   first_seen_at_us, changed_at_us, started_at_us, ended_at_us, end_reason) \
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let values = vec![
            id.into(),
            compute.into(),
            if docker { "container" } else { "process" }.into(),
            name.into(),
            native.as_str().into(),
            docker.then_some(0.5).into(),
            docker.then_some(64_i64).into(),
            (&ports).into(),
            if docker { "docker" } else { "systemd" }.into(),
            (&details).into(),
            if ended.is_some() { "ended" } else { status }.into(),
            source.into(),
            image.into(),
            if labels.is_null() { Value::Null } else { (&labels).into() },
            (&evidence).into(),
            ago(7_200).into(),
            ago(3_600).into(),
            ago(3_600).into(),
            ended.map(ago).into(),
            ended.map(|_| "removed").into(),
        ];
        run(db, sql, values).await;
        if ended.is_none() {
            let sql = "INSERT INTO agent_entities (agent_id, source, native_id, kind, hash, resource_id) \
                       SELECT id, ?, ?, ?, ?, ? FROM agents WHERE compute_id = ?";
            let kind = if docker { "container" } else { "process" };
            let values =
                vec![source.into(), native.into(), kind.into(), vec![7_u8; 16].into(), id.into(), compute.into()];
            run(db, sql, values).await;
        }
    }
}

pub(crate) async fn usage(db: &Db, workload: i64, millicores: Option<i64>, bytes: Option<i64>) {
    let sql =
        "INSERT INTO workload_usage (workload_id, cpu_millicores, memory_bytes, measured_at_us) VALUES (?, ?, ?, ?)";
    run(db, sql, vec![workload.into(), millicores.into(), bytes.into(), ago(10).into()]).await;
}

/// A change with this number, recorded `seconds_ago`.
pub(crate) async fn change(db: &Db, sequence: i64, workload: i64, recorded_at: Timestamp) {
    let sql = "INSERT INTO history (sequence, recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, \
               resource_type, resource_id, resource_name, compute_id, source, after_state) \
               VALUES (?, ?, ?, 'agent', 'a', 'altered', 'workload', ?, 'web', 1, 'docker', '{\"status\":\"running\"}')";
    run(db, sql, vec![sequence.into(), recorded_at.into(), recorded_at.into(), workload.into()]).await;
}

/// One host that is well, with a container, a service and what they use.
pub(crate) async fn one_host(db: &Db) {
    places(db).await;
    compute(db, 1, "web-1", Some(1)).await;
    agent(db, 1, 1, "ACTIVE", true, 12).await;
    let sql = "INSERT INTO agent_certificates (serial, agent_id, public_key_sha256, not_before_at_us, not_after_at_us, issued_at_us) \
               VALUES ('01ab', ?, ?, ?, ?, ?)";
    let values = vec![
        agent_id(1).into(),
        vec![1_u8; 32].into(),
        ago(3_600).into(),
        now().plus(Duration::from_secs(80_000)).into(),
        ago(3_600).into(),
    ];
    run(db, sql, values).await;
    for name in ["docker", "host", "process"] {
        source(db, 1, name, "healthy", "complete", "").await;
    }
    source(db, 1, "podman", "absent", "complete", "no socket at /run/podman/podman.sock").await;
    Seed::container(1, 1, "web").store(db).await;
    Seed::process(2, 1, "ssh").store(db).await;
    usage(db, 1, Some(20), Some(12 << 20)).await;
    usage(db, 2, None, Some(5 << 20)).await;
    let sql = "INSERT INTO compute_capabilities (compute_id, capability_type, capability_version, configuration) \
               VALUES (1, 'docker', '20.10.24', '{\"storageDriver\":\"overlay2\"}'), (1, 'python', NULL, NULL)";
    run(db, sql, vec![]).await;
}
