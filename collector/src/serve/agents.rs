//! The agents' port: enrolment and sessions over connections whose handshake succeeded.

use std::{io, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::Stream;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Error, Server};

use crate::{
    pki::{EnrollmentService, RegisteredCluster, TrustAuthority},
    session::{DiscoveryService, PeerStream, Shared},
};

/// A dead peer is noticed within half a minute, also when nothing is sent.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);
/// Streams of one connection: a session, its successor, and a renewal.
const STREAMS: u32 = 8;

/// Serves until `halt`, then closes the connections once their streams have ended.
pub(super) async fn serve(
    connections: impl Stream<Item = io::Result<PeerStream>> + Send + 'static,
    authority: Arc<TrustAuthority>,
    clusters: Arc<ArcSwap<Vec<RegisteredCluster>>>,
    sessions: Shared,
    halt: CancellationToken,
) -> Result<(), Error> {
    Server::builder()
        .http2_keepalive_interval(Some(PING_EVERY))
        .http2_keepalive_timeout(Some(PING_LIMIT))
        .max_concurrent_streams(STREAMS)
        .add_service(EnrollmentService::new(authority).with_clusters(clusters).into_server())
        .add_service(DiscoveryService::new(sessions).into_server())
        .serve_with_incoming_shutdown(connections, halt.cancelled_owned())
        .await
}
