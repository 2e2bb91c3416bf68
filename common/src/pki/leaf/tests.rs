use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose as Usage, IsCa, KeyPair, SanType, SerialNumber,
    string::Ia5String,
};

use super::*;

const AGENT: &str = "spiffe://orchestrix.local/agent/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";
const COLLECTOR: &str = "spiffe://orchestrix.local/collector/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";

fn uri(text: &str) -> SanType {
    SanType::URI(Ia5String::try_from(text).unwrap())
}

fn params(names: Vec<SanType>, usages: Vec<Usage>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.extended_key_usages = usages;
    params.serial_number = Some(SerialNumber::from_slice(&[0x42; 16]));
    params
}

fn der(params: &CertificateParams) -> CertificateDer<'static> {
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
}

fn parse(names: Vec<SanType>, usages: Vec<Usage>) -> Result<Leaf, LeafError> {
    Leaf::parse(&der(&params(names, usages)), Role::Agent)
}

#[test]
fn an_agents_certificate_says_whose_it_is() {
    let leaf = parse(vec![uri(AGENT)], vec![Usage::ClientAuth]).unwrap();
    assert_eq!(leaf.id.to_string(), AGENT);
    assert_eq!(leaf.serial.to_string(), "42".repeat(16));
    assert!(leaf.not_before < leaf.not_after);
}

#[test]
fn a_certificate_with_a_second_name_of_any_kind_is_refused() {
    let email = SanType::Rfc822Name(Ia5String::try_from("a@example.org").unwrap());
    let dns = SanType::DnsName(Ia5String::try_from("example.org").unwrap());
    let address = SanType::IpAddress([127, 0, 0, 1].into());
    let other = SanType::OtherName((vec![1, 2, 3], rcgen::OtherNameValue::Utf8String("x".to_owned())));
    for second in [uri(AGENT), uri(COLLECTOR), email, dns.clone(), address, other] {
        assert_eq!(parse(vec![uri(AGENT), second.clone()], vec![Usage::ClientAuth]), Err(LeafError::Names));
        assert_eq!(parse(vec![second, uri(AGENT)], vec![Usage::ClientAuth]), Err(LeafError::Names));
    }
    assert_eq!(parse(vec![dns], vec![Usage::ClientAuth]), Err(LeafError::Names));
    assert_eq!(parse(vec![], vec![Usage::ClientAuth]), Err(LeafError::Names));
}

#[test]
fn the_key_usage_must_be_exactly_that_of_the_role() {
    for usages in [
        vec![],
        vec![Usage::ServerAuth],
        vec![Usage::ClientAuth, Usage::ServerAuth],
        vec![Usage::ClientAuth, Usage::Any],
        vec![Usage::ClientAuth, Usage::CodeSigning],
        vec![Usage::ClientAuth, Usage::Other(vec![1, 3, 6, 1])],
        vec![Usage::Any],
    ] {
        assert_eq!(parse(vec![uri(AGENT)], usages.clone()), Err(LeafError::Usage(Role::Agent)), "{usages:?}");
    }
}

#[test]
fn neither_end_passes_for_the_other() {
    assert_eq!(parse(vec![uri(COLLECTOR)], vec![Usage::ClientAuth]), Err(LeafError::Role(Role::Agent)));
    let agent = der(&params(vec![uri(AGENT)], vec![Usage::ServerAuth]));
    assert_eq!(Leaf::parse(&agent, Role::Collector), Err(LeafError::Role(Role::Collector)));
    let collector = der(&params(vec![uri(COLLECTOR)], vec![Usage::ServerAuth]));
    assert!(Leaf::parse(&collector, Role::Collector).is_ok());
    assert_eq!(Leaf::parse(&collector, Role::Agent), Err(LeafError::Usage(Role::Agent)));
}

#[test]
fn the_certificate_of_a_ca_is_no_identity() {
    let mut params = params(vec![uri(AGENT)], vec![Usage::ClientAuth]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(Leaf::parse(&der(&params), Role::Agent), Err(LeafError::Ca));
}

#[test]
fn a_serial_that_is_not_issued_here_is_refused() {
    let mut params = params(vec![uri(AGENT)], vec![Usage::ClientAuth]);
    params.serial_number = Some(SerialNumber::from_slice(&[0x42; 20]));
    assert_eq!(Leaf::parse(&der(&params), Role::Agent), Err(LeafError::Serial));
}

#[test]
fn bytes_after_the_certificate_are_refused() {
    let mut bytes = der(&params(vec![uri(AGENT)], vec![Usage::ClientAuth])).to_vec();
    bytes.push(0);
    assert_eq!(Leaf::parse(&bytes.into(), Role::Agent), Err(LeafError::Encoding));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_damage_makes_it_panic_or_changes_the_identity(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
        truncate: bool,
    ) {
        static INTACT: std::sync::LazyLock<Vec<u8>> =
            std::sync::LazyLock::new(|| der(&params(vec![uri(AGENT)], vec![Usage::ClientAuth])).to_vec());
        let mut bytes = INTACT.clone();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if truncate {
            let length = cut.index(bytes.len());
            bytes.truncate(length);
        }
        // The chain's signature guards the content; here it must only never become a malformed identity.
        if let Ok(leaf) = Leaf::parse(&bytes.into(), Role::Agent) {
            let text = leaf.id.to_string();
            prop_assert!(text.starts_with("spiffe://") && text.len() == AGENT.len());
            prop_assert_eq!(leaf.id.subject.role(), Role::Agent);
        }
    }

    #[test]
    fn only_a_canonical_uri_is_an_identity(text in r"[ -~]{0,60}|spiffe://orchestrix\.local/agent/[0-9a-f-]{34,38}") {
        let read = parse(vec![uri(&text)], vec![Usage::ClientAuth]);
        prop_assert_eq!(read.is_ok(), text.parse::<SpiffeId>().is_ok_and(|id| id.subject.role() == Role::Agent));
    }
}
