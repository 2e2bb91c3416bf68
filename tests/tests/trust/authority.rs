use std::{fs, sync::Arc, time::Duration};

use orchestrix_collector::{
    pki::{PkiError, TrustAuthority, token},
    store::Executor as _,
};
use orchestrix_common::time::ManualClock;

use crate::parts::{HOUR, Installation, START, database, open, valid, who_am_i};

#[tokio::test(flavor = "multi_thread")]
async fn collectors_that_start_at_once_end_with_one_ca() {
    let dir = tempfile::tempdir().unwrap();
    let mut databases = Vec::new();
    for _ in 0..4 {
        databases.push(database(dir.path()).await);
    }
    let clock = Arc::new(ManualClock::at(START));
    let opening = databases.iter().map(|db| open(dir.path(), db, clock.clone()));
    let authorities = futures::future::join_all(opening).await;
    assert!(authorities.iter().all(|authority| authority.pin() == authorities[0].pin()));
    let rows = (&databases[0]).fetch("SELECT role FROM certificate_authorities".to_owned(), vec![]).await.unwrap();
    assert_eq!(rows.len(), 2);
}

#[tokio::test]
async fn a_restarted_collector_has_the_same_ca_and_the_keys_are_sealed() {
    let installation = Installation::start().await;
    let again = open(installation.dir.path(), &installation.db, installation.clock.clone()).await;
    assert_eq!(again.pin(), installation.authority.pin());
    assert_eq!(again.roots_der(), installation.authority.roots_der());
    assert_ne!(again.collector_id(), installation.authority.collector_id());
    let sql = "SELECT sealed_key FROM certificate_authorities".to_owned();
    for row in (&installation.db).fetch(sql, vec![]).await.unwrap() {
        let sealed: Vec<u8> = row.get("sealed_key").unwrap();
        // The object identifier of P-256, which every such key in the clear holds.
        assert!(!sealed.windows(8).any(|part| part == [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]));
    }
}

#[tokio::test]
async fn without_the_right_sealing_key_a_collector_does_not_start() {
    let installation = Installation::start().await;
    let start = async |path: &str, domain: &str| {
        let path = installation.dir.path().join(path);
        let (db, clock) = (installation.db.clone(), installation.clock.clone());
        TrustAuthority::open(db, &path, domain.parse().unwrap(), clock).await.unwrap_err()
    };
    let missing = start("elsewhere/sealing.key", "orchestrix.local").await;
    assert!(matches!(missing, PkiError::SealingKeyMissing(_)), "{missing:?}");
    assert!(!installation.dir.path().join("elsewhere").exists(), "no other key is made in its place");
    let other = tempfile::tempdir().unwrap();
    let other_db = database(other.path()).await;
    open(other.path(), &other_db, installation.clock.clone()).await;
    fs::copy(other.path().join("sealing.key"), installation.dir.path().join("wrong.key")).unwrap();
    assert!(matches!(start("wrong.key", "orchestrix.local").await, PkiError::Sealed));
    let domain = start("sealing.key", "example.org").await;
    assert!(matches!(domain, PkiError::TrustDomain { .. }), "{domain:?}");
    assert!(domain.to_string().contains("orchestrix.local") && domain.to_string().contains("example.org"));
}

#[tokio::test]
async fn a_token_before_the_first_start_is_told_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let db = database(dir.path()).await;
    let error = token::create(&db, &token::NewToken::single_use("somebody"), START).await.unwrap_err();
    assert!(matches!(error, token::TokenError::NoAuthority));
}

#[tokio::test]
async fn the_ports_certificate_is_renewed_while_running() {
    let installation = Installation::start().await;
    let before = installation.authority.server_config().load_full();
    installation.advance(11 * HOUR).await;
    assert!(Arc::ptr_eq(&before, &installation.authority.server_config().load()), "nothing was due");
    installation.advance(2 * HOUR).await;
    assert!(!Arc::ptr_eq(&before, &installation.authority.server_config().load()));
    let (_state, identity) = installation.agent().await;
    identity.channel(&installation.collector()).await.unwrap();
}

#[tokio::test]
async fn a_renewed_issuing_ca_disconnects_nobody() {
    let installation = Installation::start().await;
    let pin = installation.authority.pin();
    let second = open(installation.dir.path(), &installation.db, installation.clock.clone()).await;
    // An agent enrols shortly before half of the issuing CA's year is over, and stays.
    installation.advance(Duration::from_secs(182 * 86_400)).await;
    let (_state, old) = installation.agent().await;
    installation.advance(13 * HOUR).await;
    assert_eq!(installation.count("SELECT MAX(generation) AS n FROM certificate_authorities").await, 2);
    assert_eq!(installation.authority.pin(), pin);
    let (_state, new) = installation.agent().await;
    for identity in [&old, &new] {
        let channel = identity.channel(&installation.collector()).await.unwrap();
        assert_eq!(who_am_i(channel).await.unwrap(), valid(identity));
    }
    // The other collector takes the new one over and makes no third.
    second.refresh().await.unwrap();
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM certificate_authorities").await, 3);
}

#[tokio::test]
async fn certificates_that_ended_long_ago_are_forgotten() {
    let installation = Installation::start().await;
    installation.agent().await;
    installation.advance(30 * 24 * HOUR).await;
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agent_certificates").await, 1);
    installation.advance(25 * HOUR).await;
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agent_certificates").await, 0);
    assert_eq!(installation.count("SELECT COUNT(*) AS n FROM agents").await, 1);
}
