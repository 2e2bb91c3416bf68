//! The agents' port: connections of whoever shows a certificate of an agent, or wants one.
//!
//! It knows nothing of gRPC.

use std::{io, net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;
use futures::Stream;
use orchestrix_common::time::SharedClock;
use rustls::ServerConfig;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tokio_util::sync::CancellationToken;

use super::{peer::PeerIdentity, peer_stream::PeerStream};
use crate::tls_port::TlsPort;

/// The agents' port, bound but not yet accepting.
#[derive(Debug)]
pub struct AgentListener {
    pub(super) port: TlsPort<PeerStream>,
    clock: SharedClock,
}

impl AgentListener {
    /// Binds the port. Each connection uses the TLS settings that `config` holds when it begins.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn bind(address: SocketAddr, config: Arc<ArcSwap<ServerConfig>>, clock: SharedClock) -> io::Result<Self> {
        let count =
            |outcome| metrics::counter!("orchestrix_session_handshakes_total", "outcome" => outcome).increment(1);
        Ok(Self { port: TlsPort::bind(address, config, count).await?, clock })
    }

    /// The address that it is bound to.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.port.local_address()
    }

    /// Splits into the connections for tonic's `serve_with_incoming`, and the loop that makes them, which the caller
    /// runs. The loop ends with `stop`, or when nobody takes connections any more; the stream ends with the loop.
    pub fn start(
        self,
        stop: CancellationToken,
    ) -> (impl Stream<Item = io::Result<PeerStream>> + Send + 'static, impl Future<Output = ()> + Send + 'static) {
        let Self { port, clock } = self;
        let (connections, accepting) = port.start(
            move |tls, address| {
                let chain = tls.get_ref().1.peer_certificates();
                let peer = PeerIdentity::of_verified_chain(chain, address, clock.now());
                let peer = peer.ok_or_else(|| io::Error::other("the certificate is not one of an agent"))?;
                Ok(PeerStream::new(tls, peer))
            },
            stop,
        );
        (ReceiverStream::new(connections).map(Ok), accepting)
    }
}
