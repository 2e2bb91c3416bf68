//! The gRPC service: who may open a session, and how many at a time.

use std::pin::Pin;

use orchestrix_common::id::AgentId;
use orchestrix_proto::v1::{self as pb, discovery_server::Discovery};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Extensions, Request, Response, Status, Streaming};
use tracing::Instrument as _;

use super::{Shared, open, outgoing::Outgoing, refusal::Refusal};

/// Tells which agent a caller is, from what the listener attached to its connection. The certificate's path was
/// verified in the handshake; this looks at whose it is and whether it is still in force.
pub(super) type Authenticate = fn(&Extensions, &Shared) -> Result<AgentId, Refusal>;

/// Serves `Discovery`.
#[derive(Clone)]
pub struct DiscoveryService {
    shared: Shared,
    authenticate: Authenticate,
}

impl DiscoveryService {
    pub(super) const fn with_authentication(shared: Shared, authenticate: Authenticate) -> Self {
        Self { shared, authenticate }
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
        let agent_id = (self.authenticate)(request.extensions(), &self.shared).map_err(|refusal| {
            metrics::counter!("orchestrix_session_refused_total", "code" => refusal.code()).increment(1);
            Status::from(refusal)
        })?;
        let (outgoing, items) = Outgoing::new(self.shared.settings.send_limit);
        let span = tracing::info_span!("session", agent = %agent_id);
        // Ends with its stream, by its limits, or by the registry's switch; draining waits for it.
        tokio::spawn(open::run(self.shared.clone(), agent_id, request.into_inner(), outgoing).instrument(span));
        Ok(Response::new(Box::pin(ReceiverStream::new(items))))
    }
}
