//! Enrolment: a join token and a signing request go to a collector that this host has never met, a certificate and the
//! roots to trust come back.

use std::{sync::Arc, time::Duration};

use orchestrix_common::{
    model::Machine,
    pki::{CollectorVerifier, JoinToken, Pin, client_config},
    time::SharedClock,
};
use orchestrix_proto::v1::{self as pb, enrollment_client::EnrollmentClient};
use rustls::pki_types::CertificateDer;

use super::{IdentityError, checked_roots, connect, credential::Credential, error::explain, keystore::Keystore};

/// For the call itself, after the connection stands.
pub(super) const CALL_LIMIT: Duration = Duration::from_secs(30);

/// Enrols and stores the result.
pub(super) async fn enroll(
    keystore: &Keystore,
    collector: &str,
    token: &str,
    machine: &Machine,
    agent_version: &str,
    clock: SharedClock,
) -> Result<Credential, IdentityError> {
    let token: JoinToken = token.parse().map_err(IdentityError::Token)?;
    let key = keystore.pending_key(token.id)?;
    let verifier = Arc::new(CollectorVerifier::pinned(token.pin));
    let settings: connect::Settings = Arc::new(move || client_config(verifier.clone(), None, clock.clone()));
    let channel = connect::channel(collector, settings).await?;
    let mut request = tonic::Request::new(pb::EnrollRequest {
        token: token.reveal(),
        csr_der: key.signing_request()?,
        machine: Some(machine.clone().into()),
        agent_version: agent_version.to_owned(),
    });
    request.set_timeout(CALL_LIMIT);
    let response = EnrollmentClient::new(channel).enroll(request).await.map_err(|status| explain(&status))?;
    let pb::EnrollResponse { agent_id, certificate_chain_der, trust_bundle_der, trust_domain } = response.into_inner();
    let roots = checked_roots(trust_bundle_der)?;
    if !roots.iter().any(|root| Pin::of(root) == Some(token.pin)) {
        return Err(IdentityError::Answer("its trust bundle lacks the CA that the token names"));
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
