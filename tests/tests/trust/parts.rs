//! An installation in one process.

use std::{fs, net::SocketAddr, path::Path, pin::Pin, sync::Arc, time::Duration};

use hyper_util::rt::TokioIo;
use orchestrix_agent::identity::{Identity, IdentityError};
use orchestrix_collector::{
    pki::{
        EnrollmentService, TrustAuthority,
        token::{self, NewToken},
    },
    session::{AgentListener, PeerIdentity},
    store::{self, Db, Executor as _, Value},
};
use orchestrix_common::{
    id::AgentId,
    model::Machine,
    pki::{CollectorVerifier, JoinToken, RefusalCode, client_config},
    time::{Clock as _, ManualClock, SharedClock, Timestamp},
};
use orchestrix_proto::v1::{
    self as pb,
    discovery_client::DiscoveryClient,
    discovery_server::{Discovery, DiscoveryServer},
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};

pub(crate) const START: Timestamp = Timestamp::from_secs(1_800_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

/// A collector on a database of its own. Its tasks end with it.
pub(crate) struct Installation {
    pub(crate) dir: TempDir,
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) authority: Arc<TrustAuthority>,
    pub(crate) address: SocketAddr,
    _tasks: JoinSet<()>,
}

pub(crate) async fn database(dir: &Path) -> Db {
    let db = store::open(&format!("sqlite://{}", dir.join("inventory.db").display())).await.unwrap();
    store::migrate(&db).await.unwrap();
    db
}

pub(crate) async fn open(dir: &Path, db: &Db, clock: SharedClock) -> Arc<TrustAuthority> {
    let domain = "orchestrix.local".parse().unwrap();
    TrustAuthority::open(db.clone(), &dir.join("sealing.key"), domain, clock).await.unwrap()
}

impl Installation {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let db = database(dir.path()).await;
        let clock = Arc::new(ManualClock::at(START));
        let authority = open(dir.path(), &db, clock.clone()).await;
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = AgentListener::bind(loopback, authority.server_config(), clock.clone()).await.unwrap();
        let address = listener.local_address().unwrap();
        let (connections, accepting) = listener.start(CancellationToken::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(accepting);
        let router = Server::builder()
            .add_service(EnrollmentService::new(authority.clone()).into_server())
            .add_service(DiscoveryServer::new(WhoAmI));
        tasks.spawn(async move { router.serve_with_incoming(connections).await.unwrap() });
        Self { dir, db, clock, authority, address, _tasks: tasks }
    }

    pub(crate) fn collector(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock of both sides, and lets the collector do what is due.
    pub(crate) async fn advance(&self, span: Duration) {
        self.clock.advance(span);
        self.authority.refresh().await.unwrap();
    }

    /// Text of a new token.
    pub(crate) async fn token(&self, change: impl FnOnce(&mut NewToken)) -> String {
        let mut new = NewToken::single_use("somebody");
        change(&mut new);
        token::create(&self.db, &new, self.now()).await.unwrap().1
    }

    pub(crate) async fn enrol_with(&self, state: &Path, token: &str) -> Result<Identity, IdentityError> {
        let clock = self.clock.clone();
        Identity::enroll_with_clock(state, &self.collector(), token, &machine(), "0.1.0", clock).await
    }

    /// An agent with a state folder of its own.
    pub(crate) async fn agent(&self) -> (TempDir, Identity) {
        let state = tempfile::tempdir().unwrap();
        let token = self.token(|_| ()).await;
        let identity = self.enrol_with(state.path(), &token).await.unwrap();
        (state, identity)
    }

    /// Loads an identity as the host's agent would after a restart.
    pub(crate) fn reload(&self, state: &Path) -> Identity {
        Identity::load_with_clock(state, &machine(), self.clock.clone()).unwrap().unwrap()
    }

    /// First column of the first row as a number.
    pub(crate) async fn count(&self, sql: &str) -> i64 {
        let rows = (&self.db).fetch(sql.to_owned(), Vec::new()).await.unwrap();
        rows[0].get("n").unwrap()
    }

    pub(crate) async fn set_state(&self, agent: AgentId, state: &str) {
        let mut tx = self.db.begin().await.unwrap();
        let values: Vec<Value> = vec![state.into(), agent.into()];
        assert_eq!(tx.execute("UPDATE agents SET state = ? WHERE id = ?", values).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }

    /// A connection to the Enrollment service by hand, for requests that no agent makes.
    pub(crate) async fn anonymous(&self, token: &str) -> Channel {
        let pins = token.parse::<JoinToken>().unwrap().pins;
        let config = client_config(Arc::new(CollectorVerifier::pinned(pins)), None, self.clock.clone()).unwrap();
        let (connector, address) = (TlsConnector::from(Arc::new(config)), self.address);
        let connect = tower::service_fn(move |_: http::Uri| {
            let connector = connector.clone();
            async move {
                let tcp = tokio::net::TcpStream::connect(address).await?;
                connector.connect(address.ip().into(), tcp).await.map(TokioIo::new)
            }
        });
        Endpoint::from_static("http://collector").connect_with_connector(connect).await.unwrap()
    }
}

pub(crate) fn machine() -> Machine {
    Machine { hostname: "host-1".to_owned(), machine_id: Some("aa".repeat(16)), ..Machine::default() }
}

/// The same files in another place: a stolen or cloned identity.
pub(crate) fn copy_of(state: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    fs::create_dir(copy.path().join("identity")).unwrap();
    for file in fs::read_dir(state.join("identity")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join("identity").join(file.file_name())).unwrap();
    }
    copy
}

/// Why the collector said no.
#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, IdentityError>) -> RefusalCode {
    match result.unwrap_err() {
        IdentityError::Refused { code, .. } => code,
        other => panic!("refused for another reason: {other:?}"),
    }
}

/// Who the collector takes the caller for: `anonymous`, or `AGENT SERIAL valid|expired`.
pub(crate) async fn who_am_i(channel: Channel) -> Result<String, Status> {
    let status = DiscoveryClient::new(channel).session(tokio_stream::empty()).await.unwrap_err();
    if status.code() == Code::Aborted { Ok(status.message().to_owned()) } else { Err(status) }
}

pub(crate) fn valid(identity: &Identity) -> String {
    format!("{} {} valid", identity.agent_id(), identity.certificate_serial())
}

struct WhoAmI;

#[tonic::async_trait]
impl Discovery for WhoAmI {
    type SessionStream = Pin<Box<dyn tokio_stream::Stream<Item = Result<pb::CollectorMessage, Status>> + Send>>;

    async fn session(
        &self,
        request: Request<Streaming<pb::AgentMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        Err(Status::aborted(match PeerIdentity::of(&request).unwrap() {
            PeerIdentity::Anonymous { .. } => "anonymous".to_owned(),
            PeerIdentity::Agent { shown, expired, .. } => {
                format!("{} {} {}", shown.agent_id, shown.serial, if *expired { "expired" } else { "valid" })
            }
        }))
    }
}
