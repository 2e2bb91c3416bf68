//! Enrolment: a join token and a signing request go to a collector that this host has never met, a certificate and the
//! roots to trust come back.

use std::{sync::Arc, time::Duration};

use orchestrix_common::{
    model::Machine,
    pki::{CollectorVerifier, InvalidToken, JoinToken, Pins, client_config},
    time::SharedClock,
};
use orchestrix_proto::v1::{self as pb, enrollment_client::EnrollmentClient};
use rustls::pki_types::CertificateDer;
use zeroize::Zeroizing;

use super::{IdentityError, checked_roots, connect, credential::Credential, error::explain, keystore::Keystore};

/// For the call itself, after the connection stands.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(30);

/// What an agent enrols with.
#[derive(Clone, Debug)]
pub enum Pass {
    /// A join token, which also says which collector to trust.
    Token(JoinToken),
    /// The service account of the pod that the agent runs in.
    ServiceAccount {
        /// Token that the cluster projected into the pod.
        token: Zeroizing<String>,
        /// The collector's CA, or several of which it has one.
        collector: Pins,
    },
}

impl Pass {
    /// Reads a join token as it was printed.
    ///
    /// # Errors
    /// When it is none.
    pub fn token(text: &str) -> Result<Self, InvalidToken> {
        text.parse().map(Self::Token)
    }

    const fn pins(&self) -> &Pins {
        match self {
            Self::Token(token) => &token.pins,
            Self::ServiceAccount { collector, .. } => collector,
        }
    }

    /// Names it, for a try after a lost reply. A pod's token changes by itself; the pod stays.
    fn name(&self) -> String {
        match self {
            Self::Token(token) => token.id.to_string(),
            Self::ServiceAccount { collector, .. } => format!("service-account {collector}"),
        }
    }
}

/// Enrols and stores the result.
pub(super) async fn enroll(
    keystore: &Keystore,
    collector: &str,
    pass: &Pass,
    machine: &Machine,
    agent_version: &str,
    clock: SharedClock,
) -> Result<Credential, IdentityError> {
    let key = keystore.pending_key(&pass.name())?;
    let verifier = Arc::new(CollectorVerifier::pinned(pass.pins().clone()));
    let settings: connect::Settings = Arc::new(move || client_config(verifier.clone(), None, clock.clone()));
    let channel = connect::channel(collector, settings).await?;
    let mut request = tonic::Request::new(pb::EnrollRequest {
        token: match pass {
            Pass::Token(token) => token.reveal(),
            Pass::ServiceAccount { .. } => String::new(),
        },
        service_account_token: match pass {
            Pass::Token(_) => None,
            Pass::ServiceAccount { token, .. } => Some(token.to_string()),
        },
        csr_der: key.signing_request()?,
        machine: Some(machine.clone().into()),
        agent_version: agent_version.to_owned(),
    });
    request.set_timeout(CALL_LIMIT);
    let response = EnrollmentClient::new(channel).enroll(request).await.map_err(|status| explain(&status))?;
    let pb::EnrollResponse { agent_id, certificate_chain_der, trust_bundle_der, trust_domain } = response.into_inner();
    let roots = checked_roots(trust_bundle_der)?;
    if !roots.iter().any(|root| pass.pins().match_certificate(root)) {
        return Err(IdentityError::Answer("its trust bundle lacks the CA that it was recognised by"));
    }
    let chain = certificate_chain_der.into_iter().map(CertificateDer::from).collect();
    let credential = Credential::new(key, chain, roots)?;
    if credential.agent_id.to_string() != agent_id || credential.trust_domain.as_str() != trust_domain {
        return Err(IdentityError::Answer("the certificate it issued is for somebody else"));
    }
    let stored = (keystore.clone(), credential.clone());
    super::off_the_runtime(move || stored.0.save(&stored.1)).await?;
    tracing::info!(agent_id = %credential.agent_id, not_after = %credential.not_after, "enrolled");
    Ok(credential)
}
