//! How a collector verifies the certificate of an agent.

use std::{sync::Arc, time::Duration};

use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, RootCertStore, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    pki_types::{CertificateDer, UnixTime},
    server::{
        WebPkiClientVerifier,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
};

use super::{Leaf, LeafError, Role, TrustDomain, provider};

/// Accepts agents of one trust domain, and clients without a certificate, which may only enrol.
///
/// A chain whose leaf expired within the grace period is accepted too, as it was on its last second: such an agent may
/// renew and nothing else, which the services decide.
#[derive(Debug)]
pub struct AgentVerifier {
    chain: Arc<dyn ClientCertVerifier>,
    trust_domain: TrustDomain,
    grace: Duration,
}

impl AgentVerifier {
    /// Makes a verifier that trusts `roots`.
    ///
    /// # Errors
    /// When there is no root or one cannot be read.
    pub fn new(roots: &[CertificateDer<'_>], trust_domain: TrustDomain, grace: Duration) -> Result<Self, Error> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone().into_owned())?;
        }
        let chain = WebPkiClientVerifier::builder_with_provider(store.into(), provider())
            .allow_unauthenticated()
            .build()
            .map_err(|error| Error::General(error.to_string()))?;
        Ok(Self { chain, trust_domain, grace })
    }

    fn leaf(&self, certificate: &CertificateDer<'_>) -> Result<Leaf, Error> {
        let leaf = Leaf::parse(certificate, Role::Agent).and_then(|leaf| {
            if leaf.id.trust_domain == self.trust_domain { Ok(leaf) } else { Err(LeafError::TrustDomain) }
        });
        leaf.map_err(|error| Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error)))))
    }
}

impl ClientCertVerifier for AgentVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.chain.verify_client_cert(end_entity, intermediates, now) {
            Ok(verified) => self.leaf(end_entity).map(|_| verified),
            Err(
                expired
                @ Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }),
            ) => {
                let last = UnixTime::from(self.leaf(end_entity)?.not_after);
                if last.as_secs().saturating_add(self.grace.as_secs()) < now.as_secs() {
                    return Err(expired);
                }
                self.chain.verify_client_cert(end_entity, intermediates, last).map_err(from_another_ca)
            }
            Err(error) => Err(from_another_ca(error)),
        }
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// A chain from another CA of the same name fails at its signature. Its holder is told what it is told of any other CA.
pub(super) fn from_another_ca(error: Error) -> Error {
    match error {
        Error::InvalidCertificate(CertificateError::BadSignature) => CertificateError::UnknownIssuer.into(),
        other => other,
    }
}
