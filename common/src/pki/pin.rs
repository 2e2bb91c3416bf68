//! The pin of a CA: enough of it to recognise it, short enough to travel in a join token.

use std::{fmt, str::FromStr};

use aws_lc_rs::digest::{SHA256, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::base64url;

/// SHA-256 of a certificate's `SubjectPublicKeyInfo` in DER.
///
/// It names the key and not the certificate, so that a root may be signed anew without new tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin([u8; 32]);

impl Pin {
    /// The pin of a certificate; `None` when it cannot be read.
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        Some(Self(sha256(certificate.public_key().raw)))
    }
}

impl fmt::Display for Pin {
    /// Writes 43 characters of base64url.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base64url::encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = InvalidPin;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = base64url::decode(text).ok_or(InvalidPin)?;
        bytes.try_into().map(Self).map_err(|_| InvalidPin)
    }
}

/// A text is not a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 43 characters of base64url")]
pub struct InvalidPin;

/// SHA-256 of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
