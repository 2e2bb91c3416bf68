//! A port with TLS: accepts connections, shakes hands, and passes on those that succeeded.
//!
//! It knows nothing of what is spoken on them. One loop accepts; each handshake is a task of its own, so that a slow or
//! silent client holds up nobody. Bounds: 256 handshakes in flight (when they are used up nothing more is accepted, and
//! clients wait in the kernel's backlog), 5 s for each, 64 ready connections (when that queue is full, handshakes wait with
//! the result, and so hold up accepting).

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::CancellationToken;

pub(crate) const HANDSHAKES: usize = 256;
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
pub(crate) const READY: usize = 64;
/// How long a refused client is listened to, so that it gets to read why.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 64 << 10;
/// After an error of `accept` itself, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port, bound but not yet accepting; what shook hands becomes a `T`.
#[derive(Debug)]
pub(crate) struct TlsPort<T> {
    tcp: TcpListener,
    config: Arc<ArcSwap<ServerConfig>>,
    /// Counts handshakes by their outcome.
    count: fn(&'static str),
    /// One permit for each handshake in flight.
    pub(crate) slots: Arc<Semaphore>,
    /// Connections whose handshake succeeded.
    pub(crate) ready: mpsc::Sender<T>,
    connections: mpsc::Receiver<T>,
}

impl<T: Send + 'static> TlsPort<T> {
    /// Binds the port. Each connection uses the TLS settings that `config` holds when it begins.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub(crate) async fn bind(
        address: SocketAddr,
        config: Arc<ArcSwap<ServerConfig>>,
        count: fn(&'static str),
    ) -> io::Result<Self> {
        let tcp = TcpListener::bind(address).await?;
        // Accepted sockets inherit these. HTTP/2 pings notice a dead peer sooner; this covers the time before them.
        rustix::net::sockopt::set_socket_keepalive(&tcp, true)?;
        rustix::net::sockopt::set_tcp_keepidle(&tcp, Duration::from_secs(60))?;
        rustix::net::sockopt::set_tcp_keepintvl(&tcp, Duration::from_secs(15))?;
        let (ready, connections) = mpsc::channel(READY);
        let slots = Arc::new(Semaphore::new(HANDSHAKES));
        Ok(Self { tcp, config, count, slots, ready, connections })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not say.
    pub(crate) fn local_address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Splits into the connections, each as `turn` makes it of what shook hands, and the loop that makes them, which the
    /// caller runs. The loop ends with `stop`, or when nobody takes connections any more; the connections end with the loop.
    pub(crate) fn start<F>(
        self,
        turn: F,
        stop: CancellationToken,
    ) -> (mpsc::Receiver<T>, impl Future<Output = ()> + Send + 'static)
    where
        F: Fn(TlsStream<TcpStream>, SocketAddr) -> io::Result<T> + Clone + Send + Sync + 'static,
    {
        let Self { tcp, config, count, slots, ready, connections } = self;
        let door = Door { tcp, config, count, slots };
        (connections, door.accept(turn, ready, stop))
    }
}

/// What accepts.
struct Door {
    tcp: TcpListener,
    config: Arc<ArcSwap<ServerConfig>>,
    count: fn(&'static str),
    slots: Arc<Semaphore>,
}

impl Door {
    async fn accept<T, F>(self, turn: F, ready: mpsc::Sender<T>, stop: CancellationToken)
    where
        T: Send + 'static,
        F: Fn(TlsStream<TcpStream>, SocketAddr) -> io::Result<T> + Clone + Send + Sync + 'static,
    {
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
                    let (config, turn, ready) = (self.config.load_full(), turn.clone(), ready.clone());
                    let count = self.count;
                    shaking.spawn(async move {
                        count(shake(tcp, address, config, turn, ready).await);
                        drop(slot);
                    });
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

/// Returns the outcome in a word.
async fn shake<T>(
    tcp: TcpStream,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    turn: impl Fn(TlsStream<TcpStream>, SocketAddr) -> io::Result<T>,
    ready: mpsc::Sender<T>,
) -> &'static str {
    match timeout(HANDSHAKE_LIMIT, handshake(tcp, address, config, turn)).await {
        Ok(Ok(connection)) => {
            // Fails only when the server has stopped taking connections.
            let _ = ready.send(connection).await;
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
    }
}

async fn handshake<T>(
    tcp: TcpStream,
    address: SocketAddr,
    config: Arc<ServerConfig>,
    turn: impl Fn(TlsStream<TcpStream>, SocketAddr) -> io::Result<T>,
) -> Result<T, (io::Error, Option<TcpStream>)> {
    tcp.set_nodelay(true).map_err(|error| (error, None))?;
    let accepting = TlsAcceptor::from(config).accept(tcp).into_fallible();
    let tls = accepting.await.map_err(|(error, tcp)| (error, Some(tcp)))?;
    turn(tls, address).map_err(|error| (error, None))
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
