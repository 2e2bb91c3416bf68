use std::{collections::BTreeMap, fs, time::Duration};

use orchestrix_agent::identity::{Identity, IdentityError, explain};
use orchestrix_collector::{
    pki::token::{self, TokenError},
    store::Executor as _,
};
use orchestrix_common::pki::{JoinToken, Leaf, RefusalCode, Role, SpiffeId, Subject};
use orchestrix_proto::v1::{self as pb, enrollment_client::EnrollmentClient};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType, string::Ia5String};

use crate::parts::{Installation, machine, refused, valid, who_am_i};

fn request(token: &str, csr_der: Vec<u8>) -> pb::EnrollRequest {
    pb::EnrollRequest {
        token: token.to_owned(),
        csr_der,
        machine: Some(machine().into()),
        agent_version: "0.1.0".to_owned(),
        service_account_token: None,
    }
}

fn plain_csr() -> Vec<u8> {
    CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

/// Another token whose part `index` is that of `other`.
fn mixed(token: &str, other: &str, index: usize) -> String {
    let mut parts: Vec<&str> = token.split('.').collect();
    parts[index] = other.split('.').nth(index).unwrap();
    parts.join(".")
}

#[tokio::test]
async fn a_host_enrols_with_a_token_and_proves_who_it_is() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let channel = identity.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
    // A restart finds the same identity.
    let reloaded = installation.reload(state.path());
    assert_eq!(reloaded.agent_id(), identity.agent_id());
    let channel = reloaded.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM audit_log WHERE action = 'agent.enrol'").await, 1);
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents WHERE state = 'ACTIVE'").await, 1);
}

#[tokio::test]
async fn what_a_token_is_bound_to_ends_up_with_its_agents() {
    let installation = Installation::start().await;
    let mut tx = installation.db.begin().await.unwrap();
    let datacenter = tx.insert("INSERT INTO datacenters (name) VALUES ('dc-1')", vec![]).await.unwrap();
    tx.commit().await.unwrap();
    let token = installation.token(|new| {
        new.datacenter_id = Some(datacenter);
        new.tags = BTreeMap::from([("team".to_owned(), "web".to_owned())]);
    });
    let (token, state) = (token.await, tempfile::tempdir().unwrap());
    let identity = installation.enrol_with(state.path(), &token).await.unwrap();
    let sql = "SELECT datacenter_id, tags, hostname FROM agents WHERE id = ?".to_owned();
    let row = (&installation.db).fetch_optional(sql, vec![identity.agent_id().into()]).await.unwrap().unwrap();
    assert_eq!(row.get::<Option<i64>>("datacenter_id").unwrap(), Some(datacenter));
    assert_eq!(row.get::<String>("tags").unwrap(), r#"{"team":"web"}"#);
    assert_eq!(row.get::<String>("hostname").unwrap(), "host-1");
}

#[tokio::test]
async fn a_token_serves_once_and_a_second_host_is_refused_and_audited() {
    let installation = Installation::start().await;
    let token = installation.token(|_| ()).await;
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    installation.enrol_with(first.path(), &token).await.unwrap();
    let result = installation.enrol_with(second.path(), &token).await;
    let line = result.as_ref().unwrap_err().to_string();
    assert!(line.contains("used") && line.contains("token create"), "{line}");
    assert_eq!(refused(result), RefusalCode::TokenUsed);
    assert!(Identity::load(second.path(), &machine()).unwrap().is_none());
    let sql = "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'agent.enrol-refused' AND detail LIKE '%token-used%'";
    assert_eq!(installation.count(sql).await, 1);
}

#[tokio::test]
async fn of_many_hosts_at_once_as_many_get_in_as_the_token_has_uses() {
    let installation = Installation::start().await;
    let token = installation.token(|new| new.uses = 3).await;
    let states: Vec<_> = (0..8).map(|_| tempfile::tempdir().unwrap()).collect();
    let enrolling = states.iter().map(|state| installation.enrol_with(state.path(), &token));
    let results = futures::future::join_all(enrolling).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
    for result in results.into_iter().filter(Result::is_err) {
        assert_eq!(refused(result), RefusalCode::TokenUsed);
    }
    assert_eq!(installation.count("SELECT uses_left AS n FROM join_tokens").await, 0);
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents").await, 3);
}

#[tokio::test]
async fn each_way_in_which_a_token_can_be_wrong_has_its_own_code() {
    let installation = Installation::start().await;
    let state = tempfile::tempdir().unwrap();
    let (good, other) = (installation.token(|_| ()).await, installation.token(|_| ()).await);
    let secret = mixed(&good, &other, 2);
    assert_eq!(refused(installation.enrol_with(state.path(), &secret).await), RefusalCode::TokenWrongSecret);
    let unknown = good.replace(good.split('.').nth(1).unwrap(), "0123456789abcdef");
    assert_eq!(refused(installation.enrol_with(state.path(), &unknown).await), RefusalCode::TokenUnknown);
    let id = other.parse::<JoinToken>().unwrap().id;
    assert!(token::revoke(&installation.db, id, "somebody", installation.now()).await.unwrap());
    assert!(!token::revoke(&installation.db, id, "somebody", installation.now()).await.unwrap());
    assert_eq!(refused(installation.enrol_with(state.path(), &other).await), RefusalCode::TokenRevoked);
    // The agent itself does not even send what is no token.
    let malformed = installation.enrol_with(state.path(), "ojt.x").await.unwrap_err();
    assert!(matches!(malformed, IdentityError::Token(_)) && malformed.is_permanent());
    let mut client = EnrollmentClient::new(installation.anonymous(&good).await);
    let status = client.enroll(request("ojt.x", plain_csr())).await.unwrap_err();
    assert_eq!(status.metadata().get("orchestrix-code").unwrap(), "token-malformed");
    // None of these took the use of the good one.
    installation.advance(Duration::from_secs(14 * 60)).await;
    installation.enrol_with(state.path(), &good).await.unwrap();
}

#[tokio::test]
async fn a_token_works_for_a_quarter_of_an_hour() {
    let installation = Installation::start().await;
    let (token, state) = (installation.token(|_| ()).await, tempfile::tempdir().unwrap());
    installation.advance(Duration::from_secs(15 * 60)).await;
    assert_eq!(refused(installation.enrol_with(state.path(), &token).await), RefusalCode::TokenExpired);
    assert_eq!(installation.count("SELECT uses_left AS n FROM join_tokens").await, 1);
}

#[tokio::test]
async fn a_collector_of_another_ca_never_gets_to_see_the_token() {
    let (ours, theirs) = (Installation::start().await, Installation::start().await);
    let (token, state) = (ours.token(|_| ()).await, tempfile::tempdir().unwrap());
    let error = theirs.enrol_with(state.path(), &token).await.unwrap_err();
    assert!(matches!(error, IdentityError::WrongCa(_)), "{error:?}");
    assert!(error.is_permanent());
    let line = error.to_string();
    assert!(line.contains("not from the CA that the token names") && line.contains(&theirs.collector()), "{line}");
    // Their calls are counted when they reach the service; this one ended in the handshake.
    assert_eq!(theirs.count("SELECT COUNT(*) AS n FROM audit_log").await, 0);
}

#[tokio::test]
async fn a_lost_reply_costs_nothing() {
    let installation = Installation::start().await;
    let (token, state) = (installation.token(|_| ()).await, tempfile::tempdir().unwrap());
    // The collector issues, the agent cannot store: as if it had died right then.
    fs::create_dir_all(state.path().join("identity/slot-0.new/in-the-way")).unwrap();
    let error = installation.enrol_with(state.path(), &token).await.unwrap_err();
    assert!(matches!(error, IdentityError::Storage { .. }), "{error:?}");
    assert_eq!(installation.count("SELECT uses_left AS n FROM join_tokens").await, 0);
    fs::remove_dir_all(state.path().join("identity/slot-0.new")).unwrap();
    let identity = installation.enrol_with(state.path(), &token).await.unwrap();
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents").await, 1);
    let channel = identity.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
}

#[tokio::test]
async fn the_same_key_gets_the_same_agent_for_ten_minutes_and_no_longer() {
    let installation = Installation::start().await;
    let (token, csr) = (installation.token(|_| ()).await, plain_csr());
    let mut client = EnrollmentClient::new(installation.anonymous(&token).await);
    let first = client.enroll(request(&token, csr.clone())).await.unwrap().into_inner();
    installation.clock.advance(Duration::from_secs(10 * 60));
    let again = client.enroll(request(&token, csr.clone())).await.unwrap().into_inner();
    assert_eq!(again.agent_id, first.agent_id);
    assert_ne!(again.certificate_chain_der[0], first.certificate_chain_der[0]);
    installation.clock.advance(Duration::from_secs(1));
    let status = client.enroll(request(&token, csr)).await.unwrap_err();
    assert_eq!(status.metadata().get("orchestrix-code").unwrap(), "token-used");
    let status = client.enroll(request(&token, plain_csr())).await.unwrap_err();
    assert!(explain(&status).is_permanent());
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents").await, 1);
}

#[tokio::test]
async fn a_request_to_be_a_ca_or_somebody_else_yields_an_ordinary_certificate() {
    let installation = Installation::start().await;
    let (_state, victim) = installation.agent().await;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let foreign = format!("spiffe://orchestrix.local/agent/{}", victim.agent_id());
    params.subject_alt_names = vec![
        SanType::URI(Ia5String::try_from(foreign).unwrap()),
        SanType::DnsName(Ia5String::try_from("collector.example").unwrap()),
    ];
    let csr = params.serialize_request(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let token = installation.token(|_| ()).await;
    let mut client = EnrollmentClient::new(installation.anonymous(&token).await);
    let issued = client.enroll(request(&token, csr)).await.unwrap().into_inner();
    // `Leaf::parse` refuses a CA, further names and other usages.
    let leaf = Leaf::parse(&issued.certificate_chain_der[0].clone().into(), Role::Agent).unwrap();
    let SpiffeId { subject: Subject::Agent(id), .. } = leaf.id else { panic!("{:?}", leaf.id) };
    assert_eq!(id.to_string(), issued.agent_id);
    assert_ne!(id, victim.agent_id());
    assert_eq!(leaf.not_after, installation.now().plus(Duration::from_secs(86_400)));
}

#[tokio::test]
async fn a_request_that_its_key_did_not_sign_is_refused_and_takes_no_use() {
    let installation = Installation::start().await;
    let token = installation.token(|_| ()).await;
    let mut csr = plain_csr();
    *csr.last_mut().unwrap() ^= 1;
    let mut client = EnrollmentClient::new(installation.anonymous(&token).await);
    let status = client.enroll(request(&token, csr)).await.unwrap_err();
    assert_eq!(status.metadata().get("orchestrix-code").unwrap(), "csr-refused");
    assert_eq!(installation.count("SELECT uses_left AS n FROM join_tokens").await, 1);
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down() {
    let installation = Installation::start().await;
    let (good, other) = (installation.token(|_| ()).await, installation.token(|_| ()).await);
    let (state, wrong) = (tempfile::tempdir().unwrap(), mixed(&good, &other, 2));
    for _ in 0..10 {
        assert_eq!(refused(installation.enrol_with(state.path(), &wrong).await), RefusalCode::TokenWrongSecret);
    }
    let limited = installation.enrol_with(state.path(), &good).await;
    assert!(!limited.as_ref().unwrap_err().is_permanent());
    assert_eq!(refused(limited), RefusalCode::RateLimited);
    installation.advance(Duration::from_secs(7)).await;
    installation.enrol_with(state.path(), &good).await.unwrap();
}

#[tokio::test]
async fn a_token_out_of_range_is_not_made() {
    let installation = Installation::start().await;
    let make = async |change: fn(&mut token::NewToken)| {
        let mut new = token::NewToken::single_use("somebody");
        change(&mut new);
        token::create(&installation.db, &new, installation.now()).await.unwrap_err()
    };
    assert!(matches!(make(|new| new.uses = 0).await, TokenError::Uses(0)));
    assert!(matches!(make(|new| new.life = Duration::ZERO).await, TokenError::Life(_)));
    assert!(matches!(make(|new| new.datacenter_id = Some(7)).await, TokenError::UnknownDatacenter(7)));
    assert!(matches!(make(|new| new.description = "x".repeat(256)).await, TokenError::TooLong { .. }));
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM join_tokens").await, 0);
}

#[tokio::test]
async fn no_secret_is_stored_or_listed() {
    let installation = Installation::start().await;
    let text = installation.token(|_| ()).await;
    let listed = token::list(&installation.db, None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    let secret = text.split('.').nth(2).unwrap();
    assert!(!format!("{listed:?}").contains(secret));
    let everything: Vec<u8> = fs::read_dir(installation.dir.path())
        .unwrap()
        .flat_map(|file| fs::read(file.unwrap().path()).unwrap())
        .collect();
    let raw = orchestrix_common::pki::base64url::decode(secret).unwrap();
    let holds = |part: &[u8]| everything.windows(part.len()).any(|window| window == part);
    assert!(!holds(secret.as_bytes()) && !holds(&raw));
    assert!(holds(&text.parse::<JoinToken>().unwrap().secret_sha256()), "the hash is what is stored");
}
