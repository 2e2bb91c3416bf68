//! Handshakes in memory, between the settings of this module and those of a careless or hostile other side.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose as Usage, IsCa, Issuer, KeyPair, SanType,
    SerialNumber, string::Ia5String,
};
use rustls::{
    AlertDescription, CertificateError, ClientConnection, Error, HandshakeKind, ServerConnection,
    client::ClientSessionMemoryCache, crypto::aws_lc_rs::Ticketer, pki_types::PrivatePkcs8KeyDer,
    server::ServerSessionMemoryCache,
};

use super::*;
use crate::{
    pki::{AgentVerifier, CollectorVerifier, LeafError, Pin, TrustError},
    time::{ManualClock, Timestamp},
};

const AGENT: &str = "spiffe://orchestrix.local/agent/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";
const COLLECTOR: &str = "spiffe://orchestrix.local/collector/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";
const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(86_400);

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

struct TestCa {
    root: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

fn date(at: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.as_micros() / 1_000_000).unwrap()
}

impl TestCa {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { root: params.self_signed(&key).unwrap().der().clone(), issuer: Issuer::new(params, key) }
    }

    /// A certificate that ends a day after [`NOW`].
    fn issue(&self, names: &[&str], usage: Usage) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.not_before = date(NOW);
        params.not_after = date(NOW.plus(DAY));
        params.subject_alt_names = names.iter().map(|name| SanType::URI(Ia5String::try_from(*name).unwrap())).collect();
        params.extended_key_usages = vec![usage];
        params.serial_number = Some(SerialNumber::from_slice(&[0x42; 16]));
        let leaf = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        (vec![leaf.der().clone(), self.root.clone()], key)
    }

    fn server(&self, at: Timestamp) -> ServerConfig {
        let trust_domain = "orchestrix.local".parse().unwrap();
        let verifier = AgentVerifier::new(std::slice::from_ref(&self.root), trust_domain, 7 * DAY).unwrap();
        let (chain, key) = self.issue(&[COLLECTOR], Usage::ServerAuth);
        server_config(Arc::new(verifier), chain, key, Arc::new(ManualClock::at(at))).unwrap()
    }

    fn client(&self, identity: Option<Identity>) -> ClientConfig {
        let verifier =
            CollectorVerifier::trusting(std::slice::from_ref(&self.root), "orchestrix.local".parse().unwrap()).unwrap();
        client_config(Arc::new(verifier), identity, Arc::new(ManualClock::at(NOW))).unwrap()
    }

    fn agent(&self) -> Identity {
        self.issue(&[AGENT], Usage::ClientAuth)
    }
}

/// Runs a handshake and what follows it; an error is that of the side that refused.
fn shake(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Result<(HandshakeKind, HandshakeKind), Error> {
    let name = "collector.example".try_into().unwrap();
    let mut client = ClientConnection::new(client.clone(), name).unwrap();
    let mut server = ServerConnection::new(server.clone()).unwrap();
    for _ in 0..10 {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        bytes.clear();
        server.write_tls(&mut bytes).unwrap();
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    assert_eq!(server.alpn_protocol(), Some(b"h2".as_slice()));
    Ok((client.handshake_kind().unwrap(), server.handshake_kind().unwrap()))
}

/// The reason that one of our verifiers gave.
fn reason<T: std::error::Error + Copy + 'static>(error: &Error) -> Option<T> {
    match error {
        Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref().copied(),
        _ => None,
    }
}

#[test]
fn the_collector_resumes_no_session_for_a_client_that_would() {
    let ca = TestCa::new();
    let mut client = ca.client(Some(ca.agent()));
    client.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    let (client, server) = (Arc::new(client), Arc::new(ca.server(NOW)));
    for _ in 0..3 {
        let (_, seen) = shake(&client, &server).unwrap();
        assert_ne!(seen, HandshakeKind::Resumed);
    }
}

#[test]
fn an_agent_resumes_no_session_with_a_server_that_would() {
    let ca = TestCa::new();
    let mut server = ca.server(NOW);
    server.session_storage = ServerSessionMemoryCache::new(8);
    server.ticketer = Ticketer::new().unwrap();
    server.send_tls13_tickets = 2;
    let server = Arc::new(server);
    let client = Arc::new(ca.client(Some(ca.agent())));
    for _ in 0..3 {
        assert_ne!(shake(&client, &server).unwrap().0, HandshakeKind::Resumed);
    }
    // The same server does resume for whoever asks: the test would notice.
    let mut careless = ca.client(Some(ca.agent()));
    careless.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(8)));
    let careless = Arc::new(careless);
    shake(&careless, &server).unwrap();
    assert_eq!(shake(&careless, &server).unwrap().0, HandshakeKind::Resumed);
}

#[test]
fn a_client_without_a_certificate_gets_through_to_enrol() {
    let ca = TestCa::new();
    shake(&Arc::new(ca.client(None)), &Arc::new(ca.server(NOW))).unwrap();
}

#[test]
fn an_agent_of_another_ca_is_told_so() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let error = shake(&Arc::new(ca.client(Some(other.agent()))), &Arc::new(ca.server(NOW))).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer)), "{error}");
}

#[test]
fn the_right_ca_does_not_make_every_certificate_an_agents() {
    let ca = TestCa::new();
    let foreign = AGENT.replace("orchestrix.local", "example.org");
    for (names, usage, expected) in [
        (vec![AGENT, COLLECTOR], Usage::ClientAuth, LeafError::Names),
        (vec![], Usage::ClientAuth, LeafError::Names),
        (vec![foreign.as_str()], Usage::ClientAuth, LeafError::TrustDomain),
        (vec![COLLECTOR], Usage::ClientAuth, LeafError::Role(crate::pki::Role::Agent)),
    ] {
        let client = Arc::new(ca.client(Some(ca.issue(&names, usage))));
        let error = shake(&client, &Arc::new(ca.server(NOW))).unwrap_err();
        assert_eq!(reason(&error), Some(expected), "{error}");
    }
}

#[test]
fn a_certificate_passes_for_seven_days_after_its_end_and_not_a_second_longer() {
    let ca = TestCa::new();
    let client = Arc::new(ca.client(Some(ca.agent())));
    let end = NOW.plus(DAY);
    for at in [NOW, end, end.plus(Duration::from_secs(1)), end.plus(7 * DAY)] {
        shake(&client, &Arc::new(ca.server(at))).unwrap_or_else(|error| panic!("{at}: {error}"));
    }
    let late = Arc::new(ca.server(end.plus(7 * DAY + Duration::from_secs(1))));
    let error = shake(&client, &late).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::ExpiredContext { .. })), "{error}");
    let other = TestCa::new();
    let foreign = Arc::new(ca.client(Some(other.agent())));
    let error = shake(&foreign, &Arc::new(ca.server(end.plus(DAY)))).unwrap_err();
    assert!(
        matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer)),
        "grace is not for all: {error}"
    );
}

#[test]
fn at_enrolment_the_pin_decides_which_ca_is_the_right_one() {
    let (ca, other) = (TestCa::new(), TestCa::new());
    let clock: SharedClock = Arc::new(ManualClock::at(NOW));
    let pinned = |root: &CertificateDer<'_>| {
        let verifier = CollectorVerifier::pinned(Pin::of(root).unwrap().into());
        Arc::new(client_config(Arc::new(verifier), None, clock.clone()).unwrap())
    };
    shake(&pinned(&ca.root), &Arc::new(ca.server(NOW))).unwrap();
    let error = shake(&pinned(&other.root), &Arc::new(ca.server(NOW))).unwrap_err();
    assert_eq!(reason(&error), Some(TrustError::Pin));
    // A stranger who sends the right root along still has no certificate from it.
    let mut stranger = other.issue(&[COLLECTOR], Usage::ServerAuth);
    stranger.0.push(ca.root.clone());
    let verifier =
        AgentVerifier::new(std::slice::from_ref(&other.root), "orchestrix.local".parse().unwrap(), DAY).unwrap();
    let server = server_config(Arc::new(verifier), stranger.0, stranger.1, clock.clone()).unwrap();
    let error = shake(&pinned(&ca.root), &Arc::new(server)).unwrap_err();
    assert!(matches!(error, Error::InvalidCertificate(CertificateError::UnknownIssuer)), "{error}");
}

#[test]
fn an_agent_does_not_talk_to_another_agent_or_to_another_domain() {
    let ca = TestCa::new();
    let client = Arc::new(ca.client(None));
    let foreign = COLLECTOR.replace("orchestrix.local", "example.org");
    for (name, expected) in
        [(AGENT, LeafError::Role(crate::pki::Role::Collector)), (foreign.as_str(), LeafError::TrustDomain)]
    {
        let verifier =
            AgentVerifier::new(std::slice::from_ref(&ca.root), "orchestrix.local".parse().unwrap(), DAY).unwrap();
        let (chain, key) = ca.issue(&[name], Usage::ServerAuth);
        let server = server_config(Arc::new(verifier), chain, key, Arc::new(ManualClock::at(NOW))).unwrap();
        let error = shake(&client, &Arc::new(server)).unwrap_err();
        assert_eq!(reason(&error), Some(TrustError::Leaf(expected)));
    }
}

#[test]
fn a_hello_without_tls_13_is_answered_with_an_alert() {
    // ClientHello of TLS 1.2: no supported_versions, one cipher suite, one group, one signature scheme.
    let extensions = [&[0, 10, 0, 4, 0, 2, 0, 23][..], &[0, 13, 0, 4, 0, 2, 4, 3]].concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x2b, 1, 0, 0, u8::try_from(extensions.len()).unwrap()]);
    body.extend(&extensions);
    let length = u8::try_from(body.len()).unwrap();
    let hello = [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat();
    let mut server = ServerConnection::new(Arc::new(TestCa::new().server(NOW))).unwrap();
    server.read_tls(&mut hello.as_slice()).unwrap();
    let error = server.process_new_packets().unwrap_err();
    assert!(matches!(error, Error::PeerIncompatible(_)), "{error}");
    let mut answer = Vec::new();
    server.write_tls(&mut answer).unwrap();
    assert_eq!(answer.last(), Some(&u8::from(AlertDescription::ProtocolVersion)));
}
