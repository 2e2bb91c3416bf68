//! A whole collector on SQLite with its TLS port, and agents that enrolled there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failing step fails the test")]

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, bail};
use orchestrix_agent::identity::Identity;
use orchestrix_collector::{
    config::{self, Config},
    pki::token::{self, NewToken},
    reconcile::{Actor, AgentState, Reconciler},
    serve::{Collector, Live, ServeError},
    store::{Db, Executor as _},
};
use orchestrix_common::{
    config::Loader,
    model::Machine,
    time::{Clock as _, SystemClock},
};
use orchestrix_proto::{
    PROTOCOL_VERSION,
    v1::{
        self as pb, agent_message::Message as Up, collector_message::Message as Down, discovery_client::DiscoveryClient,
    },
};
use orchestrix_tests::programs;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

const LIMIT: Duration = Duration::from_secs(20);

fn configuration(dir: &Path) -> Config {
    let loader = Loader::new()
        .flag("--data-dir", "data_dir", dir.to_str())
        .flag("--agents", "agents.address", Some("127.0.0.1:0"))
        .flag("--api", "api.address", Some("127.0.0.1:0"));
    config::load(loader).unwrap().0
}

/// A collector in this process.
struct Running {
    agents: SocketAddr,
    api: SocketAddr,
    db: Db,
    live: Live,
    stop: CancellationToken,
    task: JoinHandle<Result<(), ServeError>>,
}

async fn start(dir: &Path) -> Running {
    start_with(configuration(dir)).await
}

async fn start_with(config: Config) -> Running {
    let collector = Collector::prepare(config).await.unwrap();
    let (agents, api) = (collector.agents_address().unwrap(), collector.api_address().unwrap());
    let (db, live) = (collector.db().clone(), collector.live());
    let stop = CancellationToken::new();
    let task = tokio::spawn(collector.run(stop.clone()));
    Running { agents, api, db, live, stop, task }
}

impl Running {
    async fn enrol(&self, dir: &Path) -> Identity {
        let (_, token) = token::create(&self.db, &NewToken::single_use("test"), SystemClock.now()).await.unwrap();
        Identity::enroll(dir, &self.agents.to_string(), &token, &machine(), "0.1.0").await.unwrap()
    }

    async fn finish(self) {
        self.stop.cancel();
        timeout(LIMIT, self.task).await.expect("the collector does not stop").unwrap().unwrap();
    }
}

fn machine() -> Machine {
    Machine { hostname: "web-1".into(), machine_id: Some("1".repeat(32)), ..Machine::default() }
}

/// An agent's end of a session.
struct Session {
    up: mpsc::Sender<pb::AgentMessage>,
    down: Streaming<pb::CollectorMessage>,
}

impl Session {
    async fn open(identity: &Identity, collector: SocketAddr) -> Result<Self> {
        let channel = identity.channel(&collector.to_string()).await?;
        let (up, messages) = mpsc::channel(16);
        let down = DiscoveryClient::new(channel).session(ReceiverStream::new(messages)).await?.into_inner();
        let session = Self { up, down };
        let hello = pb::Hello {
            agent_version: "0.1.0".into(),
            protocol_version: PROTOCOL_VERSION,
            boot_id: "boot-1".into(),
            outbox_id: vec![7; 16],
            machine: Some(machine().into()),
            agent_time_us: SystemClock.now().as_micros(),
            ..pb::Hello::default()
        };
        session.send(Up::Hello(hello)).await;
        Ok(session)
    }

    async fn send(&self, message: Up) {
        self.up.send(pb::AgentMessage { message: Some(message) }).await.unwrap();
    }

    async fn next(&mut self) -> Result<Down> {
        let message = timeout(LIMIT, self.down.message()).await.context("nothing came in time")??;
        message.and_then(|message| message.message).context("the stream ended")
    }

    async fn welcome(&mut self) -> Result<pb::Welcome> {
        match self.next().await? {
            Down::Welcome(welcome) => Ok(welcome),
            other => bail!("expected a Welcome, got {other:?}"),
        }
    }

    async fn report(&mut self, sequence: u64) -> Result<pb::Ack> {
        self.send(Up::Report(pb::Report { sequence, base: sequence - 1, ..pb::Report::default() })).await;
        match self.next().await? {
            Down::Ack(ack) => Ok(ack),
            other => bail!("expected an Ack, got {other:?}"),
        }
    }

    async fn goodbye(&mut self) -> Result<pb::Goodbye> {
        match self.next().await? {
            Down::Goodbye(goodbye) => Ok(goodbye),
            other => bail!("expected a Goodbye, got {other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_restart_of_the_collector() {
    let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = start(dir.path()).await;
    let identity = collector.enrol(state.path()).await;
    let mut session = Session::open(&identity, collector.agents).await.unwrap();
    let welcome = session.welcome().await.unwrap();
    assert_eq!((welcome.epoch, welcome.applied_sequence), (1, 0));
    assert!(!welcome.trust_bundle_der.is_empty());
    let ack = session.report(1).await.unwrap();
    assert_eq!((ack.sequence, ack.outcome()), (1, pb::ack::Outcome::Applied));
    let ack = session.report(1).await.unwrap();
    assert_eq!(ack.outcome(), pb::ack::Outcome::Duplicate);
    collector.stop.cancel();
    let goodbye = session.goodbye().await.unwrap();
    assert_eq!(goodbye.reason, "draining");
    assert!(goodbye.retry_after_ms.is_some());
    collector.finish().await;

    let collector = start(dir.path()).await;
    let mut session = Session::open(&identity, collector.agents).await.unwrap();
    let welcome = session.welcome().await.unwrap();
    assert_eq!((welcome.epoch, welcome.applied_sequence), (2, 1));
    drop(session);
    collector.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_in_the_database_closes_the_stream_within_five_seconds() {
    let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = start(dir.path()).await;
    let identity = collector.enrol(state.path()).await;
    let mut session = Session::open(&identity, collector.agents).await.unwrap();
    session.welcome().await.unwrap();
    // As another collector does it.
    let other = Reconciler::new(collector.db.clone(), std::sync::Arc::new(SystemClock));
    let actor = Actor::person("test");
    other.set_agent_state(identity.agent_id(), AgentState::Revoked, "lost", &actor).await.unwrap();
    let goodbye = timeout(Duration::from_secs(5), session.goodbye()).await.expect("not within five seconds").unwrap();
    assert_eq!(goodbye.reason, "revoked");
    let mut again = Session::open(&identity, collector.agents).await.unwrap();
    let refused = again.down.message().await.unwrap_err();
    assert_eq!(refused.metadata().get("orchestrix-code").unwrap(), "revoked");
    collector.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_agent_costs_nothing_but_its_liveness() {
    let (dir, state) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let collector = start(dir.path()).await;
    let identity = collector.enrol(state.path()).await;
    let mut session = Session::open(&identity, collector.agents).await.unwrap();
    session.welcome().await.unwrap();
    let before = agent_row(&collector.db).await;
    for _ in 0..20 {
        session.send(Up::Heartbeat(pb::Heartbeat { digest: 0, head_sequence: 0 })).await;
    }
    // Answered by nothing: the next message is the answer to the report.
    assert_eq!(session.report(1).await.unwrap().sequence, 1);
    let after = agent_row(&collector.db).await;
    assert_eq!(before.1, after.1, "the epoch moved");
    assert_eq!((before.0, after.0), (0, 1));
    drop(session);
    collector.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_and_the_admin_token_are_there_from_the_first_start_on() {
    let dir = tempfile::tempdir().unwrap();
    let collector = start(dir.path()).await;
    let token = std::fs::read_to_string(dir.path().join("admin.token")).unwrap();
    let (status, _) = get(collector.api, "/api/v1/agents", None).await;
    assert_eq!(status, 401);
    let (status, body) = get(collector.api, "/api/v1/agents", Some(token.trim())).await;
    assert_eq!(status, 200, "{body}");
    let (status, body) = get(collector.api, "/metrics", None).await;
    assert_eq!(status, 200);
    assert!(body.contains("orchestrix_session_open") || body.contains("# "), "{body}");
    assert_eq!(get(collector.api, "/readyz", None).await.0, 200);
    // The inventory over time begins with the first minute.
    let sampled = async {
        let sql = "SELECT partner_id FROM inventory_samples LIMIT 1";
        while (&collector.db).fetch_optional(sql.to_owned(), vec![]).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMIT, sampled).await.expect("a sample is taken");
    collector.finish().await;
}

/// Asks for a page over a connection of its own.
async fn get(api: SocketAddr, path: &str, token: Option<&str>) -> (u16, String) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(api).await.unwrap();
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{token}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(LIMIT, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

async fn agent_row(db: &Db) -> (i64, i64) {
    let rows = (&mut &*db).fetch("SELECT applied_sequence, epoch FROM agents".into(), vec![]).await.unwrap();
    assert_eq!(rows.len(), 1);
    (rows[0].get("applied_sequence").unwrap(), rows[0].get("epoch").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_cannot_work_says_why_in_one_line() {
    let dir = tempfile::tempdir().unwrap();

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = configuration(dir.path());
    config.agents.address = taken.local_addr().unwrap();
    let line = explain(Collector::prepare(config).await.unwrap_err());
    assert!(line.contains("cannot listen on") && line.contains("agents.address"), "{line}");

    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let line = explain(Collector::prepare(configuration(&file)).await.unwrap_err());
    assert!(line.starts_with("data folder") && line.contains("--data-dir"), "{line}");

    let mut config = configuration(dir.path());
    config.database_url = "mysql://root:secret@127.0.0.1:1/none".into();
    let line = explain(Collector::prepare(config).await.unwrap_err());
    assert!(line.starts_with("inventory database is not usable") && line.contains("refused"), "{line}");
    assert!(!line.contains("secret") && !line.contains('\n'), "{line}");
}

/// Asks the API by the name in its certificate, trusting what is in `roots`; gives what curl says, with the headers.
async fn curl(roots: &Path, port: u16, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = std::process::Command::new("curl");
    command
        .args(["--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "20"])
        .args(["--resolve", &format!("inventory.example:{port}:127.0.0.1"), "--cacert"])
        .arg(roots)
        .args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

fn write_certificate(dir: &Path) {
    let made = rcgen::generate_simple_self_signed(["inventory.example".to_owned()]).unwrap();
    std::fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_speaks_tls_and_takes_over_the_next_certificate() {
    let dir = tempfile::tempdir().unwrap();
    write_certificate(dir.path());
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let loader = Loader::new()
        .flag("--data-dir", "data_dir", dir.path().join("data").to_str())
        .flag("--agents", "agents.address", Some("127.0.0.1:0"))
        .flag("--api", "api.address", Some("127.0.0.1:0"))
        .flag("--certificate", "api.certificate_file", certificate.to_str())
        .flag("--key", "api.key_file", key.to_str());
    let config = config::load(loader).unwrap().0;
    let running = start_with(config.clone()).await;
    let port = running.api.port();
    let url = |path: &str| format!("https://inventory.example:{port}{path}");
    let old = dir.path().join("old.pem");
    std::fs::copy(&certificate, &old).unwrap();

    let (code, text) = curl(&old, port, &[&url("/readyz")]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("HTTP/2 200"), "{text}");
    let (code, text) = curl(&old, port, &[&format!("http://127.0.0.1:{port}/readyz")]).await;
    assert_ne!(code, Some(0), "in clear nothing is said: {text}");
    // The cookie of a login never travels in clear.
    let token = std::fs::read_to_string(dir.path().join("data/admin.token")).unwrap();
    let login = format!("{{\"token\":\"{}\"}}", token.trim());
    let origin = format!("Origin: https://inventory.example:{port}");
    let login = ["-d", &login, "-H", "Content-Type: application/json", "-H", &origin, &url("/api/v1/session")];
    let (code, text) = curl(&old, port, &login).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("__Host-orchestrix-session=") && text.contains("; Secure"), "{text}");
    // The check of an image asks the same port.
    let file = dir.path().join("collector.toml");
    let lines = format!(
        "[api]\naddress = '127.0.0.1:{port}'\ncertificate_file = '{}'\nkey_file = '{}'\n",
        certificate.display(),
        key.display()
    );
    std::fs::write(&file, lines).unwrap();
    let health = move || {
        let arguments = ["health".as_ref(), "--config".as_ref(), file.as_os_str()];
        programs::run("orchestrix-collector", &arguments, LIMIT).ok()
    };
    assert_eq!(tokio::task::spawn_blocking(health).await.unwrap().trim(), "ready: ok");

    // One that cannot be used leaves what is served; the next one that can is taken over.
    std::fs::write(&key, "nothing").unwrap();
    running.live.take_over(&config);
    assert_eq!(curl(&old, port, &[&url("/readyz")]).await.0, Some(0));
    write_certificate(dir.path());
    running.live.take_over(&config);
    let (code, text) = curl(&certificate, port, &[&url("/readyz")]).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(curl(&old, port, &[&url("/readyz")]).await.0, Some(60), "the old one is not served any more");
    running.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_cannot_be_served_ends_the_start() {
    let dir = tempfile::tempdir().unwrap();
    write_certificate(dir.path());
    std::fs::write(dir.path().join("key.pem"), "nothing").unwrap();
    let mut config = configuration(&dir.path().join("data"));
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    config.api.certificate = Some(config::CertificateFiles { certificate, key });
    let line = explain(Collector::prepare(config).await.unwrap_err());
    assert!(line.starts_with("certificate of the API is not usable: api.key_file "), "{line}");
    let flags = Loader::new().flag("--key", "api.key_file", Some("key.pem"));
    let problems = config::load(flags).unwrap_err().to_string();
    assert!(
        problems.contains("api.certificate_file") && problems.contains("is missing beside api.key_file"),
        "{problems}"
    );
}

fn explain(error: ServeError) -> String {
    format!("{:#}", anyhow::Error::new(error))
}
