//! How an agent verifies the certificate of a collector: by SPIFFE identity and CA, never by DNS name.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme,
    client::{
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_cert_signed_by_trust_anchor,
    },
    crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
};

use super::{Leaf, LeafError, Pins, Role, TrustDomain, agent_verifier::from_another_ca, provider};

/// Accepts any collector whose certificate comes from the expected CA.
#[derive(Debug)]
pub struct CollectorVerifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Trust {
    /// The agent has enrolled and knows the CA.
    Roots { roots: RootCertStore, trust_domain: TrustDomain },
    /// The agent knows of the CA only what the join token says; the collector sends the root along.
    Pinned(Pins),
}

impl CollectorVerifier {
    /// Makes a verifier that trusts `roots` for collectors of `trust_domain`.
    ///
    /// # Errors
    /// When a root cannot be read.
    pub fn trusting(roots: &[CertificateDer<'_>], trust_domain: TrustDomain) -> Result<Self, Error> {
        let mut store = RootCertStore::empty();
        for root in roots {
            store.add(root.clone().into_owned())?;
        }
        Ok(Self::new(Trust::Roots { roots: store, trust_domain }))
    }

    /// Makes a verifier that trusts the roots which the collector sends along, provided that they have one of these pins.
    #[must_use]
    pub fn pinned(pins: Pins) -> Self {
        Self::new(Trust::Pinned(pins))
    }

    fn new(trust: Trust) -> Self {
        Self { trust, algorithms: provider().signature_verification_algorithms }
    }
}

impl ServerCertVerifier for CollectorVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let certificate = ParsedCertificate::try_from(end_entity)?;
        let verify = |roots: &RootCertStore| {
            verify_server_cert_signed_by_trust_anchor(&certificate, roots, intermediates, now, self.algorithms.all)
                .map_err(from_another_ca)
        };
        match &self.trust {
            Trust::Roots { roots, .. } => verify(roots)?,
            Trust::Pinned(pins) => {
                let mut roots = RootCertStore::empty();
                for root in intermediates.iter().filter(|certificate| pins.match_certificate(certificate)) {
                    roots.add(root.clone().into_owned())?;
                }
                if roots.is_empty() {
                    return Err(refused(TrustError::Pin));
                }
                verify(&roots)?;
            }
        }
        let leaf = Leaf::parse(end_entity, Role::Collector).map_err(|error| refused(TrustError::Leaf(error)))?;
        match &self.trust {
            Trust::Roots { trust_domain, .. } if *trust_domain != leaf.id.trust_domain => {
                Err(refused(TrustError::Leaf(LeafError::TrustDomain)))
            }
            _ => Ok(ServerCertVerified::assertion()),
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
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn refused(error: TrustError) -> Error {
    Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error))))
}

/// Why an agent does not trust a collector, beyond what TLS itself can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// The chain holds no root with the pin of the join token.
    #[error("the collector's certificate is not from the CA that the token names")]
    Pin,
    /// The chain is right, but the certificate is not one of a collector.
    #[error("the server is not a collector of this installation")]
    Leaf(#[source] LeafError),
}
