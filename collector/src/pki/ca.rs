//! Makes certificates: the root, the issuing CA, and the leaves of agents and collectors. Every field comes from here.

use std::time::Duration;

use orchestrix_common::{
    pki::{Role, Serial, SpiffeId, TrustDomain},
    time::Timestamp,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber, string::Ia5String,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};
use zeroize::Zeroizing;

use super::{PkiError, sealing::random};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ROOT_LIFE: Duration = Duration::from_secs(3_653 * DAY.as_secs());
const ISSUING_LIFE: Duration = Duration::from_secs(365 * DAY.as_secs());
/// Life of an agent's or a collector's certificate.
pub(super) const LEAF_LIFE: Duration = DAY;
/// How far another host's clock may be behind.
pub(super) const BACK_DATED: Duration = Duration::from_secs(5 * 60);

/// A CA that can sign.
#[derive(Debug)]
pub(super) struct Ca {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) generation: i64,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate that was just made, with what the database keeps of it.
#[derive(Clone, Debug)]
pub(super) struct Issued {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) serial: Serial,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
}

impl Ca {
    /// Makes a self-signed root.
    pub(super) fn new_root(trust_domain: &TrustDomain, generation: i64, now: Timestamp) -> Result<Self, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let (mut params, _) = template(now, now.plus(ROOT_LIFE), &trust_domain.uri())?;
        // Two installations with one trust domain still have CAs of different names.
        let mark = Serial::from_random(random()?).to_string();
        make_ca(&mut params, &format!("Orchestrix root {}, {trust_domain}", &mark[24..]), 1);
        let certificate = params.self_signed(&key)?.der().clone();
        Self::open(certificate, generation, key)
    }

    /// Certifies another root: a chain through this certificate leads from what the other one issues to this one. By it,
    /// whoever still trusts only this root accepts what comes from the other.
    pub(super) fn certify_root(
        &self,
        other: &Self,
        trust_domain: &TrustDomain,
        now: Timestamp,
    ) -> Result<CertificateDer<'static>, PkiError> {
        let name = common_name(&other.certificate).ok_or(PkiError::Incomplete("a root has no name"))?;
        let (mut params, _) = template(now, self.not_after.min(other.not_after), &trust_domain.uri())?;
        make_ca(&mut params, &name, 1);
        Ok(params.signed_by(other.issuer.key(), &self.issuer)?.der().clone())
    }

    /// Makes an issuing CA under this root.
    pub(super) fn new_issuing(
        &self,
        trust_domain: &TrustDomain,
        generation: i64,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let not_after = now.plus(ISSUING_LIFE).min(self.not_after);
        let (mut params, _) = template(now, not_after, &trust_domain.uri())?;
        make_ca(&mut params, &format!("Orchestrix issuing {generation}, {trust_domain}"), 0);
        let certificate = params.signed_by(&key, &self.issuer)?.der().clone();
        Self::open(certificate, generation, key)
    }

    /// Puts a stored certificate and its opened key (PKCS #8) together.
    pub(super) fn from_stored(certificate: Vec<u8>, generation: i64, key: &[u8]) -> Result<Self, PkiError> {
        Self::open(CertificateDer::from(certificate), generation, KeyPair::try_from(key)?)
    }

    fn open(certificate: CertificateDer<'static>, generation: i64, key: KeyPair) -> Result<Self, PkiError> {
        let unreadable = |_| PkiError::Incomplete("a certificate cannot be read");
        let (_, parsed) = X509Certificate::from_der(&certificate).map_err(unreadable)?;
        let (not_before, not_after) = (parsed.validity().not_before, parsed.validity().not_after);
        if parsed.public_key().raw != key.subject_public_key_info() {
            return Err(PkiError::Incomplete("a key does not fit its certificate"));
        }
        Ok(Self {
            generation,
            not_before: Timestamp::from_secs(not_before.timestamp()),
            not_after: Timestamp::from_secs(not_after.timestamp()),
            issuer: Issuer::from_ca_cert_der(&certificate, key)?,
            certificate,
        })
    }

    /// The private key in PKCS #8, to be sealed.
    pub(super) fn key(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.issuer.key().serialize_der())
    }

    /// Issues the certificate of an agent or a collector over a public key.
    pub(super) fn issue(
        &self,
        id: &SpiffeId,
        public_key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<Issued, PkiError> {
        // A leaf that outlived its issuer would stop working before its renewal is due.
        let not_after = now.plus(LEAF_LIFE).min(self.not_after);
        let (mut params, serial) = template(now, not_after, &id.to_string())?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![match id.subject.role() {
            Role::Agent => ExtendedKeyUsagePurpose::ClientAuth,
            Role::Collector => ExtendedKeyUsagePurpose::ServerAuth,
        }];
        Ok(Issued {
            certificate: params.signed_by(public_key, &self.issuer)?.der().clone(),
            serial,
            not_before: whole_seconds(now.minus(BACK_DATED)),
            not_after: whole_seconds(not_after),
        })
    }
}

/// What all certificates have in common.
fn template(now: Timestamp, not_after: Timestamp, uri: &str) -> Result<(CertificateParams, Serial), PkiError> {
    let serial = Serial::from_random(random()?);
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial.to_bytes()));
    params.not_before = date(now.minus(BACK_DATED));
    params.not_after = date(not_after);
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = vec![SanType::URI(Ia5String::try_from(uri)?)];
    params.use_authority_key_identifier_extension = true;
    Ok((params, serial))
}

fn make_ca(params: &mut CertificateParams, name: &str, cas_below: u8) {
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(cas_below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
}

fn date(at: Timestamp) -> OffsetDateTime {
    // The range of a timestamp lies within that of a date.
    OffsetDateTime::from_unix_timestamp(at.as_micros().div_euclid(1_000_000)).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_secs(at.as_micros().div_euclid(1_000_000))
}

/// The one URI that a CA's certificate carries.
pub(super) fn uri_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    match certificate.subject_alternative_name().ok()??.value.general_names.as_slice() {
        [GeneralName::URI(uri)] => Some((*uri).to_owned()),
        _ => None,
    }
}

fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    certificate.subject().iter_common_name().next()?.as_str().ok().map(str::to_owned)
}

/// Whether one certificate names the other as the one that it comes from. Roots of different generations have different
/// names. The signature is for whoever verifies a chain.
pub(super) fn is_issued_by(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok((_, certificate)), Ok((_, issuer))) =
        (X509Certificate::from_der(certificate), X509Certificate::from_der(issuer))
    else {
        return false;
    };
    certificate.issuer().as_raw() == issuer.subject().as_raw()
}

#[cfg(test)]
mod tests {
    use orchestrix_common::{
        id::AgentId,
        pki::{AgentVerifier, Leaf, Pin, Subject},
    };
    use rustls::server::danger::ClientCertVerifier as _;

    use super::*;

    fn agent(trust_domain: &TrustDomain) -> SpiffeId {
        SpiffeId { trust_domain: trust_domain.clone(), subject: Subject::Agent(AgentId::generate()) }
    }

    #[test]
    fn an_agents_certificate_is_the_template_and_nothing_else() {
        let trust_domain: TrustDomain = "orchestrix.local".parse().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let root = Ca::new_root(&trust_domain, 1, now).unwrap();
        let issuing = root.new_issuing(&trust_domain, 1, now).unwrap();
        let (id, key) = (agent(&trust_domain), KeyPair::generate().unwrap());
        let issued = issuing.issue(&id, &key, now).unwrap();
        let leaf = Leaf::parse(&issued.certificate, Role::Agent).unwrap();
        assert_eq!(leaf.id, id);
        assert_eq!(leaf.serial, issued.serial);
        assert_eq!(leaf.not_before, now.minus(Duration::from_secs(300)));
        assert_eq!(leaf.not_after, now.plus(Duration::from_secs(86_400)));
        assert_eq!((leaf.not_before, leaf.not_after), (issued.not_before, issued.not_after));
        let (_, parsed) = X509Certificate::from_der(&issued.certificate).unwrap();
        assert!(!parsed.is_ca());
        assert!(parsed.subject().iter().next().is_none());
        assert!(parsed.key_usage().unwrap().unwrap().value.digital_signature());
        let verifier = AgentVerifier::new(&[root.certificate], trust_domain, Duration::ZERO).unwrap();
        verifier.verify_client_cert(&issued.certificate, &[issuing.certificate], now.into()).unwrap();
    }

    #[test]
    fn what_a_certified_root_issues_is_accepted_by_whoever_trusts_either() {
        let trust_domain: TrustDomain = "orchestrix.local".parse().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let old = Ca::new_root(&trust_domain, 1, now).unwrap();
        let new = Ca::new_root(&trust_domain, 2, now).unwrap();
        let cross = old.certify_root(&new, &trust_domain, now).unwrap();
        let issuing = new.new_issuing(&trust_domain, 2, now).unwrap();
        assert!(is_issued_by(&issuing.certificate, &new.certificate) && is_issued_by(&cross, &old.certificate));
        assert!(!is_issued_by(&issuing.certificate, &old.certificate));
        assert_eq!(Pin::of(&cross), Pin::of(&new.certificate));
        let issued = issuing.issue(&agent(&trust_domain), &KeyPair::generate().unwrap(), now).unwrap();
        let verify = |root: &Ca, chain: &[CertificateDer<'_>]| {
            let roots = [root.certificate.clone()];
            let verifier = AgentVerifier::new(&roots, trust_domain.clone(), Duration::ZERO).unwrap();
            verifier.verify_client_cert(&issued.certificate, chain, now.into()).map(drop)
        };
        let chain = [issuing.certificate.clone(), cross];
        verify(&old, &chain).unwrap();
        verify(&new, &chain).unwrap();
        verify(&new, &chain[..1]).unwrap();
        assert!(verify(&old, &chain[..1]).is_err(), "without the certificate between the two");
    }

    #[test]
    fn a_leaf_ends_with_its_issuer_at_the_latest() {
        let trust_domain: TrustDomain = "orchestrix.local".parse().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let issuing = Ca::new_root(&trust_domain, 1, now).unwrap().new_issuing(&trust_domain, 1, now).unwrap();
        let late = issuing.not_after.minus(Duration::from_secs(60));
        let issued = issuing.issue(&agent(&trust_domain), &KeyPair::generate().unwrap(), late).unwrap();
        assert_eq!(issued.not_after, issuing.not_after);
    }

    #[test]
    fn a_stored_ca_needs_the_key_that_fits_it() {
        let trust_domain: TrustDomain = "orchestrix.local".parse().unwrap();
        let now = Timestamp::from_secs(1_800_000_000);
        let (one, other) = (Ca::new_root(&trust_domain, 1, now).unwrap(), Ca::new_root(&trust_domain, 1, now).unwrap());
        assert_eq!(uri_of(&one.certificate).as_deref(), Some("spiffe://orchestrix.local"));
        let stored = one.certificate.to_vec();
        assert!(Ca::from_stored(stored.clone(), 1, &one.key()).is_ok());
        assert!(matches!(Ca::from_stored(stored, 1, &other.key()), Err(PkiError::Incomplete(_))));
    }
}
