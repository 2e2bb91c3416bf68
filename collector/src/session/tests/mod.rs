//! The service over loopback, with agents that speak the real protocol and an inventory that is a fake.

mod agree;
mod fake;
mod lifecycle;
mod reports;
mod takeover;
mod trust;
mod versions;

use std::{sync::Arc, time::Duration};

use orchestrix_common::{
    id::AgentId,
    pki::{Pin, Serial},
    time::{Clock as _, SystemClock},
};
use orchestrix_proto::{
    PROTOCOL_VERSION,
    v1::{self as pb, agent_message, collector_message::Message, discovery_client::DiscoveryClient},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Request, Status, Streaming,
    service::interceptor::InterceptedService,
    transport::{Channel, Endpoint, Server},
};

use super::*;
use crate::{
    pki::{CertificateStatus, ShownCertificate, TrustBundle},
    reconcile::{
        Actor, AgentState, Applied, ApplyError, OpenError, Opened, Opening, Outcome, SessionKey, SourceDigest,
        dead_letter::DeadLetter,
    },
    store::{StoreError, rows::agent_change::AgentChange},
};
use fake::{Fake, bundle};

const LIMIT: Duration = Duration::from_secs(10);

/// A collector on a port of its own.
struct Collector {
    shared: Shared,
    fake: Arc<Fake>,
    channel: Channel,
}

fn settings() -> SessionSettings {
    SessionSettings { ping_limit: Duration::from_millis(500), ..SessionSettings::new(Duration::from_secs(30)) }
}

async fn collector() -> Collector {
    collector_with(settings(), Fake::new()).await
}

/// Starts a service over `fake`; two of them over one are two collectors over one database.
async fn collector_with(settings: SessionSettings, fake: Arc<Fake>) -> Collector {
    let trust = fake.trust.subscribe();
    let shared = Shared::new(fake.clone(), fake.clone(), Arc::new(SystemClock), settings, trust);
    let service =
        InterceptedService::new(DiscoveryService::new(shared.clone()).into_server(), |request| Ok(identified(request)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(TcpListenerStream::new(listener)));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    Collector { shared, fake, channel }
}

/// Stands in for the listener: the peer is who the metadata says.
fn identified(mut request: Request<()>) -> Request<()> {
    let agent = request.metadata().get("test-agent").and_then(|id| id.to_str().ok()?.parse::<AgentId>().ok());
    if let Some(agent_id) = agent {
        let peer = PeerIdentity::Agent {
            shown: ShownCertificate {
                agent_id,
                serial: Serial::from_der_content(&[1; 16]).unwrap(),
                not_before: SystemClock.now(),
                not_after: SystemClock.now().plus(Duration::from_secs(60)),
                public_key_sha256: [1; 32],
                issuers: Arc::default(),
            },
            expired: request.metadata().contains_key("test-expired"),
            address: ([127, 0, 0, 1], 1).into(),
        };
        request.extensions_mut().insert(peer);
    }
    request
}

/// An agent's end of a stream.
struct Agent {
    up: mpsc::Sender<pb::AgentMessage>,
    down: Streaming<pb::CollectorMessage>,
}

impl Collector {
    /// Opens a stream and says nothing.
    async fn stream(&self, agent_id: AgentId) -> Agent {
        let (up, messages) = mpsc::channel(64);
        let mut request = Request::new(ReceiverStream::new(messages));
        request.metadata_mut().insert("test-agent", agent_id.to_string().parse().unwrap());
        let down = DiscoveryClient::new(self.channel.clone()).session(request).await.unwrap().into_inner();
        Agent { up, down }
    }

    /// Opens a session; takes the Welcome.
    async fn session(&self, agent_id: AgentId, hello: pb::Hello) -> (Agent, pb::Welcome) {
        let mut agent = self.stream(agent_id).await;
        agent.send(agent_message::Message::Hello(hello)).await;
        match agent.next().await {
            Message::Welcome(welcome) => (agent, welcome),
            other => panic!("expected a Welcome, got {other:?}"),
        }
    }
}

impl Agent {
    async fn send(&self, message: agent_message::Message) {
        self.up.send(pb::AgentMessage { message: Some(message) }).await.unwrap();
    }

    async fn report(&self, sequence: u64) {
        self.send(agent_message::Message::Report(report(sequence))).await;
    }

    async fn message(&mut self) -> Result<Option<Message>, Status> {
        let message = timeout(LIMIT, self.down.message()).await.expect("nothing came in time")?;
        Ok(message.and_then(|message| message.message))
    }

    /// The next message; it must come.
    async fn next(&mut self) -> Message {
        self.message().await.unwrap().expect("the stream ended")
    }

    async fn ack(&mut self) -> pb::Ack {
        match self.next().await {
            Message::Ack(ack) => ack,
            other => panic!("expected an Ack, got {other:?}"),
        }
    }

    /// The Goodbye that ends the stream.
    async fn goodbye(&mut self) -> pb::Goodbye {
        let goodbye = match self.next().await {
            Message::Goodbye(goodbye) => goodbye,
            other => panic!("expected a Goodbye, got {other:?}"),
        };
        assert!(self.message().await.unwrap().is_none(), "the stream goes on after a Goodbye");
        goodbye
    }

    /// The code with which the stream is refused.
    async fn refused(&mut self) -> String {
        let status = self.message().await.expect_err("the stream is not refused");
        status.metadata().get(refusal::CODE).expect("no code").to_str().unwrap().to_owned()
    }
}

fn hello() -> pb::Hello {
    pb::Hello {
        agent_version: "0.1.0".into(),
        protocol_version: PROTOCOL_VERSION,
        boot_id: "boot-1".into(),
        outbox_id: vec![1; 16],
        machine: Some(pb::Machine { hostname: "web-1".into(), ..pb::Machine::default() }),
        ..pb::Hello::default()
    }
}

/// A report with one removal, the smallest change there is.
fn report(sequence: u64) -> pb::Report {
    let removal = pb::Removal { native_id: "c1".into(), reason: "removed".into() };
    let change = pb::Change { observed_at_us: 1, change: Some(pb::change::Change::Removal(removal)) };
    let source = pb::SourceReport { source: "docker".into(), status: None, changes: vec![change] };
    pb::Report { sequence, base: sequence - 1, recorded_at_us: 1, sources: vec![source] }
}

/// Waits until a condition holds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(LIMIT, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not in time: {what}"));
}
