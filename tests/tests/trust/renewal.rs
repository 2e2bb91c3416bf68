use std::{fs, path::Path, sync::Arc, time::Duration};

use orchestrix_agent::identity::{Identity, IdentityError, explain};
use orchestrix_collector::pki::{CertificateStatus, certificate_check};
use orchestrix_common::{
    pki::{RefusalCode, base64url},
    time::ManualClock,
};
use orchestrix_proto::v1::{self as pb, enrollment_client::EnrollmentClient};
use rcgen::{CertificateParams, KeyPair};
use tokio_util::sync::CancellationToken;

use crate::parts::{HOUR, Installation, START, copy_of, machine, refused, valid, who_am_i};

async fn status(installation: &Installation, identity: &Identity, serial: &str) -> CertificateStatus {
    let serial = serial.parse().unwrap();
    certificate_check(&installation.db, identity.agent_id(), serial, installation.now()).await.unwrap()
}

fn new_csr() -> pb::RenewRequest {
    let csr = CertificateParams::default().serialize_request(&KeyPair::generate().unwrap()).unwrap();
    pb::RenewRequest { csr_der: csr.der().to_vec() }
}

/// The key of a freshly enrolled agent, in PKCS #8.
fn stored_key(state: &Path) -> Vec<u8> {
    let text = fs::read_to_string(state.join("identity/slot-0")).unwrap();
    let (_, json) = text.split_once('\n').unwrap();
    let slot: serde_json::Value = serde_json::from_str(json).unwrap();
    base64url::decode(slot["privateKey"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn the_previous_certificate_works_until_the_new_one_was_seen_in_use() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    let first = identity.certificate_serial();
    identity.renew(&installation.collector()).await.unwrap();
    let second = identity.certificate_serial();
    assert_ne!(first, second);
    assert_eq!(status(&installation, &identity, &first).await, CertificateStatus::Active);
    assert_eq!(status(&installation, &identity, &second).await, CertificateStatus::Active);
    // That was the first use of the second.
    assert_eq!(status(&installation, &identity, &first).await, CertificateStatus::JustSuperseded);
    installation.advance(Duration::from_secs(120)).await;
    assert_eq!(status(&installation, &identity, &first).await, CertificateStatus::Superseded);
    assert_eq!(status(&installation, &identity, &second).await, CertificateStatus::Active);
    assert_eq!(status(&installation, &identity, &"42".repeat(16)).await, CertificateStatus::Unknown);
    let channel = identity.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
}

#[tokio::test]
async fn renewals_whose_replies_are_lost_lock_nobody_out() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    let mut client = EnrollmentClient::new(identity.channel(&installation.collector()).await.unwrap());
    for _ in 0..10 {
        client.renew(new_csr()).await.unwrap();
    }
    identity.renew(&installation.collector()).await.unwrap();
    let serial = identity.certificate_serial();
    assert_eq!(status(&installation, &identity, &serial).await, CertificateStatus::Active);
    let sql = "SELECT COUNT(*) AS n FROM agent_certificates WHERE superseded_at_us IS NULL";
    assert_eq!(installation.count(sql).await, 1, "the one in use is the only one left");
}

#[tokio::test]
async fn what_was_issued_and_never_used_does_not_pile_up() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    let mut client = EnrollmentClient::new(identity.channel(&installation.collector()).await.unwrap());
    for _ in 0..10 {
        client.renew(new_csr()).await.unwrap();
    }
    let sql = "SELECT COUNT(*) AS n FROM agent_certificates WHERE superseded_at_us IS NULL";
    assert_eq!(installation.count(sql).await, 4, "the one in use and three");
}

#[tokio::test]
async fn renewal_happens_by_itself_and_leaves_open_connections_alone() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let channel = identity.channel(&installation.collector()).await.unwrap();
    let before = valid(&identity);
    installation.advance(15 * HOUR).await;
    let (stop, address) = (CancellationToken::new(), installation.collector());
    let (keeper, keeper_stop, clock) = (identity.clone(), stop.clone(), installation.clock.clone());
    let keeping = tokio::spawn(async move { keeper.keep_fresh(&address, clock, keeper_stop).await });
    let renewed = async {
        while valid(&identity) == before {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), renewed).await.expect("a renewal within 20 s");
    assert_eq!(identity.certificate_not_after(), installation.now().plus(24 * HOUR));
    // The connection from before shows what it showed, a new one and a restarted agent show the new certificate.
    assert_eq!(who_am_i(channel).await.unwrap(), before);
    let fresh = identity.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(fresh).await.unwrap(), valid(&identity));
    assert_eq!(valid(&installation.reload(state.path())), valid(&identity));
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn a_host_that_was_off_for_days_renews_and_is_back() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let before = identity.certificate_serial();
    installation.advance((24 + 6 * 24) * HOUR).await;
    let identity = installation.reload(state.path());
    let channel = identity.channel(&installation.collector()).await.unwrap();
    assert_ne!(identity.certificate_serial(), before);
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
}

#[tokio::test]
async fn an_expired_certificate_is_marked_so_that_it_may_only_renew() {
    let installation = Installation::start().await;
    let (state, _) = installation.agent().await;
    // The agent's clock is slow, so it does not know that its certificate has ended.
    let slow = Arc::new(ManualClock::at(START.plus(HOUR)));
    let identity = Identity::load_with_clock(state.path(), &machine(), slow).unwrap().unwrap();
    installation.clock.advance(30 * HOUR);
    let seen = who_am_i(identity.channel(&installation.collector()).await.unwrap()).await.unwrap();
    assert_eq!(seen, valid(&identity).replace("valid", "expired"));
}

#[tokio::test]
async fn after_the_grace_period_only_a_new_token_helps() {
    let installation = Installation::start().await;
    let (state, _) = installation.agent().await;
    installation.advance((24 + 7 * 24) * HOUR + Duration::from_secs(1)).await;
    let identity = installation.reload(state.path());
    let error = identity.channel(&installation.collector()).await.unwrap_err();
    assert!(matches!(error, IdentityError::CertificateExpired), "{error:?}");
    assert!(error.is_permanent());
    assert!(error.to_string().contains("new token"), "{error}");
    let token = installation.token(|_| ()).await;
    installation.enrol_with(state.path(), &token).await.unwrap();
    installation.reload(state.path()).channel(&installation.collector()).await.unwrap();
}

#[tokio::test]
async fn a_revoked_agent_gets_no_certificate_expired_or_not() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    installation.set_state(identity.agent_id(), "REVOKED").await;
    let error = identity.renew(&installation.collector()).await;
    assert!(error.as_ref().unwrap_err().is_permanent());
    assert_eq!(refused(error), RefusalCode::AgentRevoked);
    let serial = identity.certificate_serial();
    assert_eq!(status(&installation, &identity, &serial).await, CertificateStatus::Revoked);
    installation.advance(30 * HOUR).await;
    let identity = installation.reload(state.path());
    assert_eq!(refused(identity.channel(&installation.collector()).await), RefusalCode::AgentRevoked);
}

#[tokio::test]
async fn a_quarantined_agent_waits_and_a_held_one_goes_on() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    installation.set_state(identity.agent_id(), "QUARANTINED").await;
    let error = identity.renew(&installation.collector()).await;
    assert!(!error.as_ref().unwrap_err().is_permanent());
    assert_eq!(refused(error), RefusalCode::AgentQuarantined);
    installation.set_state(identity.agent_id(), "HELD").await;
    identity.renew(&installation.collector()).await.unwrap();
}

#[tokio::test]
async fn a_copy_of_an_identity_stops_working_when_the_original_has_moved_on() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let copied = copy_of(state.path());
    identity.renew(&installation.collector()).await.unwrap();
    // In use from here on; the copy is an older serial.
    identity.renew(&installation.collector()).await.unwrap();
    let copy = installation.reload(copied.path());
    assert_eq!(refused(copy.renew(&installation.collector()).await), RefusalCode::CertificateSuperseded);
    assert_eq!(status(&installation, &copy, &copy.certificate_serial()).await, CertificateStatus::JustSuperseded);
    installation.advance(Duration::from_secs(120)).await;
    assert_eq!(status(&installation, &copy, &copy.certificate_serial()).await, CertificateStatus::Superseded);
}

#[tokio::test]
async fn renewing_without_a_certificate_or_with_the_old_key_is_refused() {
    let installation = Installation::start().await;
    let token = installation.token(|_| ()).await;
    let mut anonymous = EnrollmentClient::new(installation.anonymous(&token).await);
    let status = anonymous.renew(new_csr()).await.unwrap_err();
    assert!(matches!(explain(&status), IdentityError::Refused { code: RefusalCode::CertificateRequired, .. }));
    let (state, identity) = installation.agent().await;
    let key = KeyPair::try_from(stored_key(state.path()).as_slice()).unwrap();
    let csr = CertificateParams::default().serialize_request(&key).unwrap().der().to_vec();
    let mut client = EnrollmentClient::new(identity.channel(&installation.collector()).await.unwrap());
    let status = client.renew(pb::RenewRequest { csr_der: csr }).await.unwrap_err();
    assert!(matches!(explain(&status), IdentityError::Refused { code: RefusalCode::CsrRefused, .. }));
}

#[tokio::test]
async fn a_new_trust_bundle_is_kept_and_an_empty_one_refused() {
    let installation = Installation::start().await;
    let other = Installation::start().await;
    let (state, identity) = installation.agent().await;
    assert!(matches!(identity.trust(vec![]), Err(IdentityError::Answer(_))));
    assert!(matches!(identity.trust(vec![vec![1, 2, 3]]), Err(IdentityError::Answer(_))));
    let both = [installation.authority.roots_der(), other.authority.roots_der()].concat();
    identity.trust(both).unwrap();
    let identity = installation.reload(state.path());
    // It trusts the other collector now, which does not know the agent's CA and says so at the first call.
    let channel = identity.channel(&other.collector()).await.unwrap();
    let error = explain(&who_am_i(channel).await.unwrap_err());
    assert!(matches!(error, IdentityError::UnknownCa), "{error:?}");
    assert!(error.is_permanent());
    identity.channel(&installation.collector()).await.unwrap();
}
