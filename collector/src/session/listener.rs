//! The agents' port: accepts connections, shakes hands, and passes on those that succeeded.
//!
//! It knows nothing of gRPC. One loop accepts; each handshake is a task of its own, so that a slow or silent client
//! holds up nobody. Bounds: 256 handshakes in flight (when they are used up nothing more is accepted, and clients wait
//! in the kernel's backlog), 5 s for each, 64 ready connections (when that queue is full, handshakes wait with the
//! result, and so hold up accepting).

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::Stream;
use orchestrix_common::time::SharedClock;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;

use super::{peer::PeerIdentity, peer_stream::PeerStream};

pub(super) const HANDSHAKES: usize = 256;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
pub(super) const READY: usize = 64;
/// How long a refused client is listened to, so that it gets to read why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 << 10;
/// After an error of `accept` itself, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The agents' port, bound but not yet accepting.
#[derive(Debug)]
pub struct AgentListener {
    tcp: TcpListener,
    shaker: Shaker,
    /// One permit for each handshake in flight.
    pub(super) slots: Arc<Semaphore>,
    /// Connections whose handshake succeeded.
    pub(super) ready: mpsc::Sender<PeerStream>,
    connections: mpsc::Receiver<PeerStream>,
}

#[derive(Clone, Debug)]
struct Shaker {
    config: Arc<ArcSwap<ServerConfig>>,
    clock: SharedClock,
}

impl AgentListener {
    /// Binds the port. Each connection uses the TLS settings that `config` holds when it begins.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, config: Arc<ArcSwap<ServerConfig>>, clock: SharedClock) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        // Accepted sockets inherit these. HTTP/2 pings notice a dead peer sooner; this covers the time before them.
        rustix::net::sockopt::set_socket_keepalive(&tcp, true)?;
        rustix::net::sockopt::set_tcp_keepidle(&tcp, Duration::from_secs(60))?;
        rustix::net::sockopt::set_tcp_keepintvl(&tcp, Duration::from_secs(15))?;
        let (ready, connections) = mpsc::channel(READY);
        let slots = Arc::new(Semaphore::new(HANDSHAKES));
        Ok(Self { tcp, shaker: Shaker { config, clock }, slots, ready, connections })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Splits into the connections for tonic's `serve_with_incoming`, and the loop that makes them, which the caller
    /// runs. The loop ends with `stop`, or when nobody takes connections any more; the stream ends with the loop.
    pub fn start(
        self,
        stop: CancellationToken,
    ) -> (impl Stream<Item = io::Result<PeerStream>> + Send + 'static, impl Future<Output = ()> + Send + 'static) {
        let Self { tcp, shaker, slots, ready, connections } = self;
        let door = Door { tcp, shaker, slots };
        (ReceiverStream::new(connections).map(Ok), door.accept(ready, stop))
    }
}

/// What accepts.
struct Door {
    tcp: TcpListener,
    shaker: Shaker,
    slots: Arc<Semaphore>,
}

impl Door {
    async fn accept(self, ready: mpsc::Sender<PeerStream>, stop: CancellationToken) {
        let mut shaking = JoinSet::new();
        loop {
            // Every arm is cancel-safe: a permit, a connection or a result is either taken or left where it is.
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                () = ready.closed() => break,
                Some(_) = shaking.join_next() => continue,
                accepted = self.accept_one() => accepted,
            };
            match accepted {
                Ok((tcp, address, slot)) => {
                    shaking.spawn(self.shaker.clone().shake(tcp, address, slot, ready.clone()));
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    async fn accept_one(&self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        // The semaphore is never closed.
        let slot = self.slots.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (tcp, address) = self.tcp.accept().await?;
        Ok((tcp, address, slot))
    }
}

impl Shaker {
    async fn shake(
        self,
        tcp: TcpStream,
        address: SocketAddr,
        slot: OwnedSemaphorePermit,
        ready: mpsc::Sender<PeerStream>,
    ) {
        let outcome = match timeout(HANDSHAKE_LIMIT, self.handshake(tcp, address)).await {
            Ok(Ok(stream)) => {
                // Fails only when the server has stopped taking connections.
                let _ = ready.send(stream).await;
                "done"
            }
            Ok(Err((error, tcp))) => {
                tracing::debug!(%address, error = &error as &dyn std::error::Error, "handshake refused");
                if let Some(tcp) = tcp {
                    linger(tcp).await;
                }
                "refused"
            }
            Err(_) => {
                tracing::debug!(%address, "handshake timed out");
                "timed-out"
            }
        };
        metrics::counter!("orchestrix_session_handshakes_total", "outcome" => outcome).increment(1);
        drop(slot);
    }

    async fn handshake(
        &self,
        tcp: TcpStream,
        address: SocketAddr,
    ) -> Result<PeerStream, (io::Error, Option<TcpStream>)> {
        tcp.set_nodelay(true).map_err(|error| (error, None))?;
        let tls = TlsAcceptor::from(self.config.load_full())
            .accept(tcp)
            .into_fallible()
            .await
            .map_err(|(error, tcp)| (error, Some(tcp)))?;
        let session = tls.get_ref().1;
        let peer = PeerIdentity::of_verified_chain(session.peer_certificates(), address, self.clock.now());
        match peer {
            Some(peer) => Ok(PeerStream::new(tls, peer)),
            None => Err((io::Error::other("the certificate is not one of an agent"), None)),
        }
    }
}

/// Reads on after a refusal. Closing at once would answer what the client has already sent with a reset, and the alert
/// that says why would be lost with it.
async fn linger(mut tcp: TcpStream) {
    let drained = async {
        tcp.shutdown().await?;
        tokio::io::copy(&mut (&mut tcp).take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    // Either outcome ends the connection.
    let _ = timeout(LINGER, drained).await;
}
