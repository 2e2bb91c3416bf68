//! The gRPC service: who may open a session, and how many at a time.

use std::pin::Pin;

use orchestrix_proto::v1::{
    self as pb,
    discovery_server::{Discovery, DiscoveryServer},
};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming, codec::CompressionEncoding};
use tracing::Instrument as _;

use super::{PeerIdentity, Shared, admit, open, outgoing::Outgoing};

/// Serves `Discovery`.
#[derive(Clone, Debug)]
pub struct DiscoveryService {
    shared: Shared,
}

impl DiscoveryService {
    /// Makes the service.
    #[must_use]
    pub const fn new(shared: Shared) -> Self {
        Self { shared }
    }

    /// Wraps it for tonic's router, with its limits.
    #[must_use]
    pub fn into_server(self) -> DiscoveryServer<Self> {
        // A report over the limit that agents keep to is refused without ending the session, so it must come in.
        let most = (self.shared.settings.limits.message_bytes as usize).saturating_mul(4);
        DiscoveryServer::new(self)
            .accept_compressed(CompressionEncoding::Zstd)
            .max_decoding_message_size(most)
            .max_encoding_message_size(most)
    }
}

#[tonic::async_trait]
impl Discovery for DiscoveryService {
    type SessionStream = Pin<Box<dyn Stream<Item = Result<pb::CollectorMessage, Status>> + Send>>;

    /// Answers at once; what there is to say, refusals included, comes on the stream. A client may well wait for the
    /// answer before it says Hello.
    async fn session(
        &self,
        request: Request<Streaming<pb::AgentMessage>>,
    ) -> Result<Response<Self::SessionStream>, Status> {
        let caller = admit::caller(PeerIdentity::of(&request), self.shared.clock.now()).map_err(|refusal| {
            metrics::counter!("orchestrix_session_refused_total", "code" => refusal.code()).increment(1);
            Status::from(refusal)
        })?;
        let (outgoing, items) = Outgoing::new(self.shared.settings.send_limit);
        let span = tracing::info_span!("session", agent = %caller.agent_id());
        // Ends with its stream, by its limits, or by the registry's switch; draining waits for it.
        tokio::spawn(open::run(self.shared.clone(), caller, request.into_inner(), outgoing).instrument(span));
        Ok(Response::new(Box::pin(ReceiverStream::new(items))))
    }
}
