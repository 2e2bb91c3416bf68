//! A collector that speaks the real protocol over loopback, and does what the test says.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use orchestrix_common::{
    hash::EntityHash,
    model::{Body, Capability, Entity, Machine, RemovalReason, Source},
    pki::Pin,
    time::{SharedClock, SystemClock, Timestamp},
};
use orchestrix_proto::v1::{
    self as pb,
    agent_message::Message,
    collector_message::Message as Told,
    discovery_server::{Discovery, DiscoveryServer},
};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Endpoint, Server},
};

use super::super::{Dial, Link, LinkStatus, Parts, Trouble};
use crate::{
    act::Actor,
    inspect::{
        Observation, Sighted, Sighting,
        runner::{self, Pace},
    },
    outbox::Outbox,
    view::{Keeper, KeeperHandle, Seen},
};

/// Each wait in a test ends after this.
const LIMIT: Duration = Duration::from_secs(20);

/// One session, seen from the collector.
pub(super) struct Session {
    incoming: Streaming<pb::AgentMessage>,
    outgoing: mpsc::Sender<Result<pb::CollectorMessage, Status>>,
}

#[derive(Debug)]
struct Service(mpsc::Sender<Session>);

#[async_trait]
impl Discovery for Service {
    type SessionStream = ReceiverStream<Result<pb::CollectorMessage, Status>>;

    async fn session(
        &self,
        request: Request<Streaming<pb::AgentMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let (outgoing, messages) = mpsc::channel(64);
        let session = Session { incoming: request.into_inner(), outgoing };
        self.0.send(session).await.map_err(|_| Status::unavailable("the test is over"))?;
        Ok(Response::new(ReceiverStream::new(messages)))
    }
}

/// Connects without TLS.
#[derive(Debug)]
struct PlainDial {
    address: SocketAddr,
    trusted: Arc<Mutex<Vec<Vec<u8>>>>,
    followed: Followed,
}

/// Roots that the agent was told to have certificates of, and within what time.
pub(super) type Followed = Arc<Mutex<Vec<(Pin, Duration)>>>;

#[async_trait]
impl Dial for PlainDial {
    async fn dial(&self) -> Result<Channel, Trouble> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.map_err(|error| Trouble::passing(error.to_string()))
    }

    fn explain(&self, status: &Status) -> Trouble {
        Trouble { message: status.message().to_owned(), permanent: status.code() == tonic::Code::PermissionDenied }
    }

    async fn trust(&self, roots_der: Vec<Vec<u8>>) -> Result<(), Trouble> {
        *self.trusted.lock().unwrap() = roots_der;
        Ok(())
    }

    fn follow(&self, issuing_root: Pin, within: Duration) {
        self.followed.lock().unwrap().push((issuing_root, within));
    }
}

/// An agent's carrying half, with a collector to carry to.
pub(super) struct Rig {
    pub(super) outbox: Outbox,
    pub(super) keeper: KeeperHandle,
    pub(super) status: watch::Receiver<LinkStatus>,
    pub(super) trusted: Arc<Mutex<Vec<Vec<u8>>>>,
    pub(super) followed: Followed,
    pub(super) stop: CancellationToken,
    sessions: mpsc::Receiver<Session>,
    _folder: TempDir,
    _tasks: JoinSet<()>,
}

pub(super) fn entity(id: &str) -> Entity {
    let body = Capability { name: id.to_owned(), version: None, configuration: BTreeMap::new() };
    Entity { native_id: id.to_owned(), evidence: vec![], body: Body::Capability(body) }
}

impl Rig {
    /// Docker was looked at and holds `ids`; `backlog` reports with one removal each wait in the outbox.
    pub(super) async fn new(ids: &[&str], backlog: usize) -> Self {
        let folder = TempDir::new().unwrap();
        let outbox = Outbox::open(folder.path(), 8 << 20).unwrap();
        for number in 0..backlog {
            let change = orchestrix_common::model::Change {
                observed_at: Timestamp::from_secs(1),
                kind: orchestrix_common::model::ChangeKind::Removal {
                    native_id: format!("old-{number}"),
                    reason: RemovalReason::Removed,
                },
            };
            let report =
                orchestrix_common::model::SourceReport { source: Source::Docker, status: None, changes: vec![change] };
            outbox.append(vec![vec![report]], Timestamp::from_secs(1)).await;
        }
        let clock: SharedClock = Arc::new(SystemClock);
        let (task, keeper) = Keeper::new([Source::Docker], outbox.clone(), Arc::clone(&clock));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(task.run(stop.clone()));
        let entities = ids.iter().map(|id| entity(id)).collect();
        keeper.saw(look(Source::Docker, Observation::Complete(entities))).await;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sessions) = mpsc::channel(4);
        let server = Server::builder().add_service(DiscoveryServer::new(Service(sender)));
        tasks.spawn(async move {
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        let lookout = runner::start(vec![], &keeper, &clock, Pace::default(), &stop, &mut tasks);
        let trusted = Arc::new(Mutex::new(Vec::new()));
        let followed = Followed::default();
        let (link, status) = Link::new(Parts {
            dial: Arc::new(PlainDial { address, trusted: Arc::clone(&trusted), followed: Arc::clone(&followed) }),
            outbox: outbox.clone(),
            keeper: keeper.clone(),
            actor: Actor::new(lookout),
            clock,
            machine: Machine { hostname: "web-1".into(), ..Machine::default() },
            boot_id: "boot".into(),
            agent_version: "0.1.0".into(),
        });
        tasks.spawn(link.run(stop.clone()));
        Self { outbox, keeper, status, trusted, followed, stop, sessions, _folder: folder, _tasks: tasks }
    }

    /// Waits for the next session and its Hello.
    pub(super) async fn accept(&mut self) -> (Session, pb::Hello) {
        let mut session = timeout(LIMIT, self.sessions.recv()).await.expect("no session").unwrap();
        let Message::Hello(hello) = session.next().await else { panic!("the first message is no Hello") };
        (session, hello)
    }

    /// As [`Self::accept`], and says welcome.
    pub(super) async fn welcome(&mut self, applied_sequence: u64) -> Session {
        let (session, _) = self.accept().await;
        session.tell(Told::Welcome(welcome(applied_sequence))).await;
        session
    }

    /// An event: this entity is there.
    pub(super) async fn appeared(&self, id: &str) {
        let sighting = Sighting { at: Timestamp::from_secs(5), what: Sighted::Present(entity(id)) };
        self.keeper.saw(Seen::Sightings { source: Source::Docker, sightings: vec![sighting] }).await;
    }

    /// Waits until the status is as the condition wants it.
    pub(super) async fn until(&mut self, what: &str, condition: impl FnMut(&LinkStatus) -> bool) -> LinkStatus {
        let waited = timeout(LIMIT, self.status.wait_for(condition)).await.map(|status| status.unwrap().clone());
        waited.unwrap_or_else(|_| panic!("never {what}: {:?}", *self.status.borrow()))
    }

    /// Waits until the outbox knows this report to be acknowledged.
    pub(super) async fn trimmed_to(&self, sequence: u64) {
        for _ in 0..1_000 {
            if self.outbox.position().acknowledged_sequence == sequence {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("never trimmed to {sequence}: {:?}", self.outbox.position());
    }
}

pub(super) fn look(source: Source, observation: Observation) -> Seen {
    Seen::Look { source, at: Timestamp::from_secs(2), outcome: Ok(observation), done: None }
}

pub(super) fn welcome(applied_sequence: u64) -> pb::Welcome {
    pb::Welcome {
        epoch: 1,
        applied_sequence,
        settings: Some(pb::Settings { heartbeat_secs: 60 }),
        ..pb::Welcome::default()
    }
}

impl Session {
    pub(super) async fn tell(&self, told: Told) {
        self.tell_message(pb::CollectorMessage { message: Some(told) }).await;
    }

    pub(super) async fn tell_message(&self, message: pb::CollectorMessage) {
        self.outgoing.send(Ok(message)).await.unwrap();
    }

    pub(super) async fn ack(&self, sequence: u64, outcome: pb::ack::Outcome) {
        let refusal = matches!(outcome, pb::ack::Outcome::Held | pb::ack::Outcome::Refused).then(|| pb::Refusal {
            code: "why".into(),
            message: "because".into(),
            field: "sources[0]".into(),
        });
        self.tell(Told::Ack(pb::Ack { sequence, outcome: outcome.into(), refusal })).await;
    }

    /// The next message.
    pub(super) async fn next(&mut self) -> Message {
        let message = timeout(LIMIT, self.incoming.message()).await.expect("no message");
        message.unwrap().expect("the stream ended").message.unwrap()
    }

    /// The next message that is no heartbeat.
    pub(super) async fn next_but_heartbeats(&mut self) -> Message {
        loop {
            match self.next().await {
                Message::Heartbeat(_) => {}
                message => return message,
            }
        }
    }

    /// The next report; what only lets a collector compare is passed over.
    pub(super) async fn report(&mut self) -> pb::Report {
        loop {
            match self.next_but_heartbeats().await {
                Message::Report(report) => return report,
                Message::Digests(_) => {}
                other => panic!("no report: {other:?}"),
            }
        }
    }

    /// The next message, which says what is believed.
    pub(super) async fn digests(&mut self) -> pb::Digests {
        match self.next().await {
            Message::Digests(digests) => digests,
            other => panic!("no digests: {other:?}"),
        }
    }

    pub(super) async fn heartbeat(&mut self) -> pb::Heartbeat {
        loop {
            if let Message::Heartbeat(heartbeat) = self.next().await {
                return heartbeat;
            }
        }
    }

    /// Nothing but heartbeats comes for a while.
    pub(super) async fn is_quiet(&mut self) {
        let message = timeout(Duration::from_millis(300), self.next_but_heartbeats()).await;
        assert!(message.is_err(), "{message:?}");
    }

    /// Nothing but heartbeats and digests comes for a while.
    pub(super) async fn is_quiet_but_for_digests(&mut self) {
        let other = async {
            loop {
                match self.next_but_heartbeats().await {
                    Message::Digests(_) => {}
                    other => return other,
                }
            }
        };
        let message = timeout(Duration::from_millis(300), other).await;
        assert!(message.is_err(), "{message:?}");
    }

    /// Ends the session from the collector's side with an error.
    pub(super) async fn fail(self, status: Status) {
        self.outgoing.send(Err(status)).await.unwrap();
    }

    /// The agent closed its half.
    pub(super) async fn ended(&mut self) -> bool {
        let end = async { while let Ok(Some(_)) = self.incoming.message().await {} };
        timeout(LIMIT, end).await.is_ok()
    }
}

/// Identifiers in a report, `+` in front of those that are there.
pub(super) fn changes(report: &pb::Report) -> Vec<String> {
    let change = |change: &pb::Change| match change.change.as_ref().unwrap() {
        pb::change::Change::Upsert(entity) => {
            EntityHash::try_from(entity.hash.as_slice()).unwrap();
            format!("+{}", entity.native_id)
        }
        pb::change::Change::Removal(removal) => format!("-{}", removal.native_id),
    };
    report.sources.iter().flat_map(|source| source.changes.iter().map(change)).collect()
}
