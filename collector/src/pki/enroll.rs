//! The Enrollment service: takes requests apart, and says no in words that an agent can act on.

use std::{net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;
use orchestrix_common::{model::Machine, pki::RefusalCode};
use orchestrix_proto::v1::{
    self as pb,
    enrollment_server::{Enrollment, EnrollmentServer},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use tonic::{Code, Request, Response, Status, metadata::MetadataValue};

use super::{
    CertificateStatus, PkiError, RegisteredCluster, TrustAuthority,
    account::{self, Attested},
    csr::ProvenKey,
    issue::{Enrolment, Outcome, Pass, Renewal},
    status::certificate_admit,
    throttle::Failures,
};
use crate::session::PeerIdentity;

/// Calls in flight; further ones are told to come back. The database sees no more than this at once.
const IN_FLIGHT: usize = 64;
/// A request is a token, a signing request and a few facts.
const MESSAGE_BYTES: usize = 64 << 10;

/// Gives certificates to hosts with a join token, and fresh ones to agents.
#[derive(Debug)]
pub struct EnrollmentService {
    authority: Arc<TrustAuthority>,
    clusters: Arc<ArcSwap<Vec<RegisteredCluster>>>,
    in_flight: Semaphore,
    failures: Failures,
}

impl EnrollmentService {
    /// Makes the service.
    #[must_use]
    pub fn new(authority: Arc<TrustAuthority>) -> Self {
        Self {
            authority,
            clusters: Arc::default(),
            in_flight: Semaphore::new(IN_FLIGHT),
            failures: Failures::default(),
        }
    }

    /// Lets agents of these clusters, read at each enrolment, enrol by their service account.
    #[must_use]
    pub fn with_clusters(self, clusters: Arc<ArcSwap<Vec<RegisteredCluster>>>) -> Self {
        Self { clusters, ..self }
    }

    /// Wraps it for tonic's router, with its limits.
    #[must_use]
    pub fn into_server(self) -> EnrollmentServer<Self> {
        EnrollmentServer::new(self).max_decoding_message_size(MESSAGE_BYTES).max_encoding_message_size(MESSAGE_BYTES)
    }

    fn slot(&self) -> Result<SemaphorePermit<'_>, Status> {
        let busy = |_| refusal(RefusalCode::Overloaded, "too many enrolments at once, come back in a few seconds");
        self.in_flight.try_acquire().map_err(busy)
    }

    async fn try_enroll(&self, request: pb::EnrollRequest, peer: SocketAddr) -> Result<pb::EnrollResponse, Status> {
        let pb::EnrollRequest { token, csr_der, machine, agent_version, service_account_token } = request;
        let key = proven_key(&csr_der)?;
        let machine = machine.ok_or_else(|| refusal(RefusalCode::RequestMalformed, "machine: is required"))?;
        let machine = Machine::try_from(machine)
            .map_err(|error| refusal(RefusalCode::RequestMalformed, &format!("machine.{error}")))?;
        let (hostname, agent_version) = (cut(&machine.hostname, 255), cut(&agent_version, 64));
        let pass = match &service_account_token {
            Some(account) => Pass::Pod(self.attested(account, &hostname).await?),
            None => Pass::Token(
                token.parse().map_err(|error| refusal(RefusalCode::TokenMalformed, &format!("join token: {error}")))?,
            ),
        };
        let enrolment = Enrolment { pass: &pass, key: &key, hostname: &hostname, agent_version: &agent_version, peer };
        let pass = pass.id();
        match self.authority.enrol(enrolment).await.map_err(|error| failed(&error))? {
            Outcome::Issued { agent_id, chain_der } => {
                tracing::info!(%agent_id, hostname, token = pass, %peer, "agent enrolled");
                Ok(pb::EnrollResponse {
                    agent_id: agent_id.to_string(),
                    certificate_chain_der: chain_der,
                    trust_bundle_der: self.authority.roots_der(),
                    trust_domain: self.authority.trust_domain().to_string(),
                })
            }
            Outcome::Refused(code) => {
                tracing::warn!(%code, hostname, token = pass, %peer, "enrolment refused");
                // A pod's use is its own: nobody could make it another token.
                if service_account_token.is_some() && matches!(code, RefusalCode::TokenUsed | RefusalCode::TokenExpired)
                {
                    return Err(refusal(RefusalCode::AccountRefused, "the pod has enrolled an agent already"));
                }
                Err(refusal(code, explanation(code)))
            }
        }
    }

    /// Has the token of a service account judged, and binds it to the node that the agent names.
    async fn attested(&self, token: &str, hostname: &str) -> Result<Attested, Status> {
        let refuse = |reason: String| {
            tracing::warn!(hostname, reason, "service account refused");
            refusal(RefusalCode::AccountRefused, &reason)
        };
        let judged = account::attest(&self.clusters.load_full(), token, self.authority.now()).await;
        let attested = judged.map_err(|error| refuse(error.to_string()))?;
        match &attested.node {
            Some(node) if node != hostname => Err(refuse(format!("the pod runs on node {node}, not on {hostname}"))),
            _ => Ok(attested),
        }
    }

    async fn try_renew(&self, peer: Option<&PeerIdentity>, csr_der: &[u8]) -> Result<pb::RenewResponse, Status> {
        let Some(&PeerIdentity::Agent { ref shown, expired, .. }) = peer else {
            return Err(refusal(RefusalCode::CertificateRequired, explanation(RefusalCode::CertificateRequired)));
        };
        let (agent_id, serial) = (shown.agent_id, shown.serial);
        let key = proven_key(csr_der)?;
        match self.authority.renew(Renewal { shown, key: &key }).await.map_err(|error| failed(&error))? {
            Outcome::Issued { chain_der, .. } => {
                tracing::info!(%agent_id, %serial, expired, "certificate renewed");
                Ok(pb::RenewResponse { certificate_chain_der: chain_der, trust_bundle_der: self.authority.roots_der() })
            }
            Outcome::Refused(code) => {
                tracing::warn!(%agent_id, %serial, %code, "renewal refused");
                Err(refusal(code, explanation(code)))
            }
        }
    }
}

impl EnrollmentService {
    async fn try_confirm(&self, peer: Option<&PeerIdentity>) -> Result<pb::ConfirmResponse, Status> {
        let Some(PeerIdentity::Agent { shown, expired: false, .. }) = peer else {
            return Err(refusal(RefusalCode::CertificateRequired, explanation(RefusalCode::CertificateRequired)));
        };
        let checked = certificate_admit(self.authority.db(), shown, self.authority.now()).await;
        let code = match checked.map_err(|error| failed(&error.into()))? {
            CertificateStatus::Active => {
                tracing::debug!(agent_id = %shown.agent_id, serial = %shown.serial, "certificate confirmed");
                return Ok(pb::ConfirmResponse {});
            }
            CertificateStatus::JustSuperseded | CertificateStatus::Superseded => RefusalCode::CertificateSuperseded,
            CertificateStatus::Unknown => RefusalCode::CertificateUnknown,
            CertificateStatus::Revoked => RefusalCode::AgentRevoked,
        };
        Err(refusal(code, explanation(code)))
    }
}

#[tonic::async_trait]
impl Enrollment for EnrollmentService {
    async fn enroll(&self, request: Request<pb::EnrollRequest>) -> Result<Response<pb::EnrollResponse>, Status> {
        let peer = PeerIdentity::of(&request).map(PeerIdentity::address);
        let peer = peer.ok_or_else(|| Status::internal("the connection has no peer"))?;
        if !self.failures.allow(peer.ip(), self.authority.now()) {
            counted("enrol", Some(RefusalCode::RateLimited.as_str()));
            return Err(refusal(RefusalCode::RateLimited, "too many failed attempts from this address"));
        }
        let _slot = self.slot()?;
        let result = self.try_enroll(request.into_inner(), peer).await;
        let code = result.as_ref().err().map(code_of);
        if let Err(status) = &result
            && matches!(status.code(), Code::PermissionDenied | Code::InvalidArgument)
        {
            self.failures.record(peer.ip(), self.authority.now());
        }
        counted("enrol", code);
        result.map(Response::new)
    }

    async fn renew(&self, request: Request<pb::RenewRequest>) -> Result<Response<pb::RenewResponse>, Status> {
        let _slot = self.slot()?;
        let peer = PeerIdentity::of(&request).cloned();
        let pb::RenewRequest { csr_der } = request.into_inner();
        let result = self.try_renew(peer.as_ref(), &csr_der).await;
        counted("renew", result.as_ref().err().map(code_of));
        result.map(Response::new)
    }

    async fn confirm(&self, request: Request<pb::ConfirmRequest>) -> Result<Response<pb::ConfirmResponse>, Status> {
        let _slot = self.slot()?;
        let peer = PeerIdentity::of(&request).cloned();
        let result = self.try_confirm(peer.as_ref()).await;
        counted("confirm", result.as_ref().err().map(code_of));
        result.map(Response::new)
    }
}

fn proven_key(csr_der: &[u8]) -> Result<ProvenKey, Status> {
    ProvenKey::from_request(csr_der).map_err(|error| refusal(RefusalCode::CsrRefused, &error.to_string()))
}

fn failed(error: &PkiError) -> Status {
    tracing::error!(error = error as &dyn std::error::Error, "cannot issue a certificate");
    match error {
        PkiError::Store(_) => refusal(RefusalCode::Unavailable, "the collector's database does not answer"),
        _ => Status::internal("the collector cannot issue certificates, its log says why"),
    }
}

/// A status that carries the code where programs look for it.
fn refusal(code: RefusalCode, message: &str) -> Status {
    let grpc = match code {
        RefusalCode::TokenMalformed | RefusalCode::RequestMalformed | RefusalCode::CsrRefused => Code::InvalidArgument,
        RefusalCode::CertificateRequired => Code::Unauthenticated,
        RefusalCode::RateLimited | RefusalCode::Overloaded => Code::ResourceExhausted,
        RefusalCode::Unavailable => Code::Unavailable,
        _ => Code::PermissionDenied,
    };
    let mut status = Status::new(grpc, message);
    status.metadata_mut().insert(RefusalCode::METADATA_KEY, MetadataValue::from_static(code.as_str()));
    status
}

const fn explanation(code: RefusalCode) -> &'static str {
    match code {
        RefusalCode::TokenUnknown => "there is no such join token",
        RefusalCode::TokenWrongSecret => "the secret of the join token is wrong",
        RefusalCode::TokenUsed => "the join token has no use left",
        RefusalCode::TokenExpired => "the join token has expired",
        RefusalCode::TokenRevoked => "the join token was revoked",
        RefusalCode::CsrRefused => "a renewal needs a new key",
        RefusalCode::CertificateRequired => "a certificate of an agent is needed",
        RefusalCode::CertificateSuperseded => "a newer certificate of this agent is in use",
        RefusalCode::CertificateUnknown => "the certificate is not known",
        RefusalCode::AgentRevoked => "the agent is revoked",
        RefusalCode::AgentQuarantined => "the agent's identity was seen on two hosts",
        _ => "refused",
    }
}

fn code_of(status: &Status) -> &'static str {
    let code = status.metadata().get(RefusalCode::METADATA_KEY).and_then(|code| code.to_str().ok());
    code.and_then(|code| code.parse::<RefusalCode>().ok()).map_or("internal", RefusalCode::as_str)
}

fn counted(call: &'static str, code: Option<&'static str>) {
    metrics::counter!("orchestrix_pki_calls_total", "call" => call, "code" => code.unwrap_or("ok")).increment(1);
}

/// Cuts a text to what its column holds.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
