//! The API's port.

use std::{future, io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use axum::{Router, serve::Listener};
use orchestrix_common::time::SharedClock;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
};
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::certificate::ApiCertificate;
use crate::{
    api::{ApiState, MatchDecisions, router as api_router},
    metrics::Exposition,
    query::LabelIndex,
    reconcile::{Actor, MatchChoice, Reconciler, ResolveError},
    session::Registry,
    tls_port::TlsPort,
};

/// The API's port, bound but not yet accepting.
#[derive(Debug)]
pub(super) enum ApiPort {
    /// For loopback, or behind a proxy that does TLS.
    Plain(TcpListener),
    /// With the certificate of the configuration.
    Tls(TlsPort<Connection>),
}

impl ApiPort {
    /// Binds the port.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub(super) async fn bind(address: SocketAddr, certificate: Option<&ApiCertificate>) -> io::Result<Self> {
        Ok(match certificate {
            Some(certificate) => {
                let count =
                    |outcome| metrics::counter!("orchestrix_api_handshakes_total", "outcome" => outcome).increment(1);
                Self::Tls(TlsPort::bind(address, certificate.config(), count).await?)
            }
            None => Self::Plain(TcpListener::bind(address).await?),
        })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not say.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Plain(tcp) => tcp.local_addr(),
            Self::Tls(port) => port.local_address(),
        }
    }
}

/// Puts together what is served.
pub(super) fn router(
    reconciler: &Reconciler,
    registry: Arc<Registry>,
    clock: SharedClock,
    metrics: Exposition,
    agents_port: Option<u16>,
    labels: LabelIndex,
    halt: CancellationToken,
) -> Router {
    let db = reconciler.db().clone();
    let state = ApiState::new(db, clock, reconciler.commits(), registry, Arc::new(reconciler.clone()), halt);
    let state = state.with_metrics(metrics).with_labels(labels);
    api_router(match agents_port {
        Some(port) => state.with_agents_port(port),
        None => state,
    })
}

/// Serves until `halt`, then lets requests finish.
pub(super) async fn serve(port: ApiPort, router: Router, halt: CancellationToken) -> io::Result<()> {
    match port {
        ApiPort::Plain(tcp) => axum::serve(tcp, router).with_graceful_shutdown(halt.cancelled_owned()).await,
        ApiPort::Tls(port) => {
            let address = port.local_address()?;
            let (connections, accepting) = port.start(|tls, peer| Ok((tls, peer)), halt.clone());
            let shaken = Shaken { connections, address };
            let serving = axum::serve(shaken, router).with_graceful_shutdown(halt.cancelled_owned());
            // The loop ends before the requests do: it stops accepting.
            tokio::join!(accepting, async { serving.await }).1
        }
    }
}

/// A connection, and where it comes from.
type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Connections whose handshake succeeded.
struct Shaken {
    connections: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

impl Listener for Shaken {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.connections.recv().await {
            Some(connection) => connection,
            // Nothing comes any more: the collector ends.
            None => future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

#[async_trait]
impl MatchDecisions for Reconciler {
    async fn resolve(&self, id: i64, choice: MatchChoice, actor: &Actor) -> Result<(), ResolveError> {
        self.resolve_match(id, choice, actor).await
    }
}
