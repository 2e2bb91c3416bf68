//! Takes the public key out of a signing request, and nothing else.
//!
//! rcgen could sign a request as it is, and would then grant what it asks for: to be a CA, to be somebody else.

use orchestrix_common::pki::sha256;
use rcgen::SubjectPublicKeyInfo;
use x509_parser::{
    certification_request::X509CertificationRequest,
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY},
    prelude::FromDer as _,
};

/// Far more than a request over one P-256 key needs.
const MOST_BYTES: usize = 4096;
/// An uncompressed point: a mark and two coordinates.
const POINT_BYTES: usize = 65;

/// A P-256 key whose holder has proved to have the private one.
#[derive(Clone, Debug)]
pub(super) struct ProvenKey {
    pub(super) public_key: SubjectPublicKeyInfo,
    /// SHA-256 of the `SubjectPublicKeyInfo`.
    pub(super) sha256: [u8; 32],
}

impl ProvenKey {
    /// Reads a PKCS #10 request.
    ///
    /// # Errors
    /// When it is not one, its key is not a P-256 key, or its signature is not by that key.
    pub(super) fn from_request(der: &[u8]) -> Result<Self, CsrError> {
        if der.len() > MOST_BYTES {
            return Err(CsrError::Size);
        }
        let (rest, request) = X509CertificationRequest::from_der(der).map_err(|_| CsrError::Encoding)?;
        if !rest.is_empty() {
            return Err(CsrError::Encoding);
        }
        let key = &request.certification_request_info.subject_pki;
        let curve = key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
        let point = key.subject_public_key.data.as_ref();
        let uncompressed = point.len() == POINT_BYTES && point.first() == Some(&4);
        if key.algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY || curve != Some(OID_EC_P256) || !uncompressed {
            return Err(CsrError::Key);
        }
        request.verify_signature().map_err(|_| CsrError::Signature)?;
        let public_key = SubjectPublicKeyInfo::from_der(key.raw).map_err(|_| CsrError::Key)?;
        Ok(Self { public_key, sha256: sha256(key.raw) })
    }
}

/// A signing request cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsrError {
    #[error("the signing request is longer than {MOST_BYTES} bytes")]
    Size,
    #[error("the signing request is not PKCS #10 in DER")]
    Encoding,
    #[error("the signing request's key is not an uncompressed P-256 key")]
    Key,
    #[error("the signing request is not signed by its own key")]
    Signature,
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PublicKeyData as _};

    use super::*;

    fn request(key: &KeyPair) -> Vec<u8> {
        CertificateParams::default().serialize_request(key).unwrap().der().to_vec()
    }

    #[test]
    fn the_public_key_is_taken() {
        let key = KeyPair::generate().unwrap();
        let proven = ProvenKey::from_request(&request(&key)).unwrap();
        assert_eq!(proven.public_key.subject_public_key_info(), key.subject_public_key_info());
        assert_eq!(proven.sha256, sha256(&key.subject_public_key_info()));
    }

    #[test]
    fn a_request_with_somebody_elses_key_is_refused() {
        let (mine, theirs) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut der = request(&mine);
        let at = der.windows(65).position(|part| part == mine.public_key_raw()).unwrap();
        der[at..at + 65].copy_from_slice(theirs.public_key_raw());
        assert_eq!(ProvenKey::from_request(&der).unwrap_err(), CsrError::Signature);
    }

    #[test]
    fn other_kinds_of_keys_are_refused() {
        for algorithm in [&PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            assert_eq!(ProvenKey::from_request(&request(&key)).unwrap_err(), CsrError::Key);
        }
    }

    #[test]
    fn rubbish_is_refused() {
        let mut der = request(&KeyPair::generate().unwrap());
        assert_eq!(ProvenKey::from_request(&[]).unwrap_err(), CsrError::Encoding);
        assert_eq!(ProvenKey::from_request(&vec![0; 5000]).unwrap_err(), CsrError::Size);
        assert_eq!(ProvenKey::from_request(&der[..der.len() - 1]).unwrap_err(), CsrError::Encoding);
        der.push(0);
        assert_eq!(ProvenKey::from_request(&der).unwrap_err(), CsrError::Encoding);
    }
}
