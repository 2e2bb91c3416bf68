//! Reads the certificate at the end of a chain, and says whose it is. This is the security boundary: webpki verifies
//! the chain, but neither URI names nor what else the certificate claims.

use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate, X509Version},
};

use super::{InvalidSpiffeId, Role, Serial, SpiffeId, sha256};
use crate::time::Timestamp;

/// What a certificate says about its holder, once it is known to say nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Whose it is.
    pub id: SpiffeId,
    /// Its number.
    pub serial: Serial,
    /// Start of its validity, whole seconds.
    pub not_before: Timestamp,
    /// End of its validity, whole seconds; it is still valid at that second.
    pub not_after: Timestamp,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub public_key_sha256: [u8; 32],
}

impl Leaf {
    /// Reads a certificate of `role`: X.509 version 3, not a CA, exactly one subject alternative name, which is a URI
    /// and a SPIFFE identity of that role, and exactly the one extended key usage that fits it.
    ///
    /// The signature is not looked at: that is what verifying the chain is for.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn parse(certificate: &CertificateDer<'_>, role: Role) -> Result<Self, LeafError> {
        let (rest, certificate) = X509Certificate::from_der(certificate).map_err(|_| LeafError::Encoding)?;
        if !rest.is_empty() || certificate.version() != X509Version::V3 {
            return Err(LeafError::Encoding);
        }
        if certificate.basic_constraints().map_err(|_| LeafError::Encoding)?.is_some_and(|found| found.value.ca) {
            return Err(LeafError::Ca);
        }
        check_usage(&certificate, role)?;
        let id = identity(&certificate)?;
        if id.subject.role() != role {
            return Err(LeafError::Role(role));
        }
        let serial = Serial::from_der_content(certificate.raw_serial()).ok_or(LeafError::Serial)?;
        Ok(Self {
            id,
            serial,
            not_before: Timestamp::from_secs(certificate.validity().not_before.timestamp()),
            not_after: Timestamp::from_secs(certificate.validity().not_after.timestamp()),
            public_key_sha256: sha256(certificate.public_key().raw),
        })
    }
}

fn check_usage(certificate: &X509Certificate<'_>, role: Role) -> Result<(), LeafError> {
    let found = certificate.extended_key_usage().map_err(|_| LeafError::Encoding)?.ok_or(LeafError::Usage(role))?;
    let usage = found.value;
    let others = usage.any
        || usage.code_signing
        || usage.email_protection
        || usage.time_stamping
        || usage.ocsp_signing
        || !usage.other.is_empty();
    let wanted = match role {
        Role::Agent => usage.client_auth && !usage.server_auth,
        Role::Collector => usage.server_auth && !usage.client_auth,
    };
    if wanted && !others { Ok(()) } else { Err(LeafError::Usage(role)) }
}

fn identity(certificate: &X509Certificate<'_>) -> Result<SpiffeId, LeafError> {
    let names = certificate.subject_alternative_name().map_err(|_| LeafError::Encoding)?.ok_or(LeafError::Names)?;
    match names.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => uri.parse().map_err(LeafError::Identity),
        _ => Err(LeafError::Names),
    }
}

impl From<Timestamp> for UnixTime {
    /// Whole seconds; times before 1970 become 1970.
    fn from(at: Timestamp) -> Self {
        let micros = u64::try_from(at.as_micros()).unwrap_or(0);
        Self::since_unix_epoch(std::time::Duration::from_secs(micros / 1_000_000))
    }
}

/// A certificate is not one that this system issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// It is not X.509 version 3 in DER, or an extension is there twice.
    #[error("the certificate cannot be read")]
    Encoding,
    /// It is the certificate of a CA.
    #[error("the certificate is one of a CA")]
    Ca,
    /// It has other extended key usages than the one of its role.
    #[error("the certificate's extended key usage is not exactly that of a {0}")]
    Usage(Role),
    /// It does not have exactly one name, or that is not a URI.
    #[error("the certificate does not have exactly one URI as its name")]
    Names,
    /// The URI is not an identity.
    #[error("the certificate's URI is not an identity")]
    Identity(#[source] InvalidSpiffeId),
    /// The identity is one of the other end.
    #[error("the certificate is not one of a {0}")]
    Role(Role),
    /// The identity is one of another trust domain.
    #[error("the certificate is one of another trust domain")]
    TrustDomain,
    /// The serial is negative, zero or too long.
    #[error("the certificate's serial number is not one that is issued here")]
    Serial,
}

#[cfg(test)]
mod tests;
