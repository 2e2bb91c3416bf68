//! A certificate with its key and the roots to trust: what proves who this agent is.

use std::{fmt, sync::Arc};

use orchestrix_common::{
    id::AgentId,
    pki::{AgentVerifier, CollectorVerifier, Leaf, Pin, Role, Serial, SpiffeId, Subject, TrustDomain, client_config},
    time::{SharedClock, Timestamp},
};
use rustls::{
    ClientConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::danger::ClientCertVerifier as _,
};
use zeroize::Zeroizing;

use super::IdentityError;

/// A P-256 private key. It has no way out but to sign and to be stored.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<Vec<u8>>);

impl Key {
    pub(super) fn generate() -> Result<Self, IdentityError> {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(IdentityError::Key)?;
        Ok(Self(Zeroizing::new(pair.serialize_der())))
    }

    /// Takes a key in PKCS #8 as it was stored.
    pub(super) fn from_pkcs8(der: Zeroizing<Vec<u8>>) -> Result<Self, IdentityError> {
        let key = Self(der);
        key.pair().map(|_| key)
    }

    pub(super) fn pkcs8(&self) -> &[u8] {
        &self.0
    }

    /// A signing request that proves possession of the key and asks for nothing.
    pub(super) fn signing_request(&self) -> Result<Vec<u8>, IdentityError> {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        let request = params.serialize_request(&self.pair()?).map_err(IdentityError::Key)?;
        Ok(request.der().to_vec())
    }

    /// SHA-256 of the `SubjectPublicKeyInfo`.
    fn public_key_sha256(&self) -> Result<[u8; 32], IdentityError> {
        Ok(orchestrix_common::pki::sha256(&rcgen::PublicKeyData::subject_public_key_info(&self.pair()?)))
    }

    fn pair(&self) -> Result<rcgen::KeyPair, IdentityError> {
        let der = PrivatePkcs8KeyDer::from(self.0.as_slice());
        rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ECDSA_P256_SHA256).map_err(IdentityError::Key)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

/// All that is needed to connect to a collector.
#[derive(Clone, Debug)]
pub(super) struct Credential {
    pub(super) agent_id: AgentId,
    pub(super) trust_domain: TrustDomain,
    pub(super) serial: Serial,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) key: Key,
    /// Leaf first.
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) roots: Vec<CertificateDer<'static>>,
}

impl Credential {
    /// Puts a credential together, and checks that its parts fit: the leaf is one of an agent, over this key, and comes
    /// from one of the roots.
    ///
    /// # Errors
    /// Says which part does not fit.
    pub(super) fn new(
        key: Key,
        chain: Vec<CertificateDer<'static>>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, IdentityError> {
        let credential = Self::stored(key, chain, roots)?;
        credential
            .verify(&credential.roots, &credential.chain)
            .map_err(|_| IdentityError::Answer("the certificate it issued is not from the CA it names"))?;
        Ok(credential)
    }

    /// Puts a credential together as it was stored. Its certificate may be of a root that is trusted no more; whether it
    /// still serves is for the collector to say.
    ///
    /// # Errors
    /// Says which part does not fit.
    pub(super) fn stored(
        key: Key,
        chain: Vec<CertificateDer<'static>>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, IdentityError> {
        let end = chain.first().ok_or(IdentityError::Answer("its certificate chain is empty"))?;
        let leaf = Leaf::parse(end, Role::Agent)
            .map_err(|_| IdentityError::Answer("the certificate it issued is not one of an agent"))?;
        let SpiffeId { trust_domain, subject: Subject::Agent(agent_id) } = leaf.id else {
            return Err(IdentityError::Answer("the certificate it issued is not one of an agent"));
        };
        if leaf.public_key_sha256 != key.public_key_sha256()? {
            return Err(IdentityError::Answer("the certificate it issued is over another key"));
        }
        Ok(Self {
            agent_id,
            trust_domain,
            serial: leaf.serial,
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            key,
            chain,
            roots,
        })
    }

    /// Whether the certificate comes from the root with this pin itself, not by way of what another one certified.
    pub(super) fn comes_from(&self, root: Pin) -> bool {
        let own: Vec<_> = self.roots.iter().filter(|known| Pin::of(known) == Some(root)).cloned().collect();
        let direct = self.chain.get(..2).unwrap_or(&self.chain);
        !own.is_empty() && self.verify(&own, direct).is_ok()
    }

    /// The time of the check is within the validity whatever this host's clock says: a certificate that expired while the
    /// host was off still serves to renew itself.
    fn verify(
        &self,
        roots: &[CertificateDer<'static>],
        chain: &[CertificateDer<'static>],
    ) -> Result<(), rustls::Error> {
        let (end, intermediates) = chain.split_first().ok_or(rustls::Error::NoCertificatesPresented)?;
        AgentVerifier::new(roots, self.trust_domain.clone(), std::time::Duration::ZERO)
            .and_then(|verifier| verifier.verify_client_cert(end, intermediates, self.not_after.into()))
            .map(drop)
    }

    /// TLS settings that show this certificate and trust these roots.
    pub(super) fn client_config(&self, clock: SharedClock) -> Result<ClientConfig, rustls::Error> {
        let verifier = CollectorVerifier::trusting(&self.roots, self.trust_domain.clone())?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.pkcs8().to_vec()));
        client_config(Arc::new(verifier), Some((self.chain.clone(), key)), clock)
    }
}
