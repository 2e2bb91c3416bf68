//! The database was put back to an earlier state, and agents are ahead of it.

use std::time::Duration;

use orchestrix_agent::identity::Identity;
use orchestrix_collector::{
    backup::note_set_back,
    pki::{CertificateStatus, certificate_check},
    store::rows::history::Actor,
};
use orchestrix_common::{pki::RefusalCode, time::Timestamp};

use crate::parts::{HOUR, Installation, copy_of, refused, valid, who_am_i};

/// Long enough that nobody can have been connecting just then.
const LATER: Duration = Duration::from_secs(180);

async fn sql(installation: &Installation, statements: &[&str]) {
    let mut tx = installation.db.begin().await.unwrap();
    for statement in statements {
        tx.execute(*statement, vec![]).await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Keeps what is known of certificates; returns when.
async fn back_up(installation: &Installation) -> Timestamp {
    sql(installation, &["CREATE TABLE kept AS SELECT * FROM agent_certificates"]).await;
    installation.now()
}

/// Puts the database back, and takes note of it.
async fn restore(installation: &Installation, from: Timestamp) {
    forget(installation).await;
    let actor = Actor::person("somebody");
    note_set_back(&installation.db, from, &actor, installation.now()).await.unwrap();
}

async fn forget(installation: &Installation) {
    sql(installation, &["DELETE FROM agent_certificates", "INSERT INTO agent_certificates SELECT * FROM kept"]).await;
}

async fn renew(installation: &Installation, identity: &Identity) {
    identity.renew(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
    installation.advance(LATER).await;
}

async fn status(installation: &Installation, identity: &Identity, serial: &str) -> CertificateStatus {
    let serial = serial.parse().unwrap();
    certificate_check(&installation.db, identity.agent_id(), serial, installation.now()).await.unwrap()
}

#[tokio::test]
async fn a_certificate_that_was_lost_with_the_database_is_taken_over() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    identity.confirm(&installation.collector()).await.unwrap();
    let first = identity.certificate_serial();
    let from = back_up(&installation).await;
    renew(&installation, &identity).await;
    renew(&installation, &identity).await;
    restore(&installation, from).await;
    identity.confirm(&installation.collector()).await.unwrap();
    // It is the current one from now on, and the one before it serves no more.
    installation.advance(LATER).await;
    assert_eq!(status(&installation, &identity, &first).await, CertificateStatus::Superseded);
    assert_eq!(status(&installation, &identity, &identity.certificate_serial()).await, CertificateStatus::Active);
    renew(&installation, &identity).await;
    let recognised = "SELECT COUNT(*) AS n FROM audit_log WHERE action = 'agent.certificate-recognise'";
    assert_eq!(installation.count(recognised).await, 1);
    let channel = identity.channel(&installation.collector()).await.unwrap();
    assert_eq!(who_am_i(channel).await.unwrap(), valid(&identity));
}

#[tokio::test]
async fn one_that_has_ended_meanwhile_can_still_be_renewed() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let from = back_up(&installation).await;
    renew(&installation, &identity).await;
    restore(&installation, from).await;
    installation.advance(48 * HOUR).await;
    let identity = installation.reload(state.path());
    identity.renew(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
}

#[tokio::test]
async fn without_a_note_it_is_refused_and_so_is_one_of_another_time() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    back_up(&installation).await;
    renew(&installation, &identity).await;
    forget(&installation).await;
    assert_eq!(refused(identity.confirm(&installation.collector()).await), RefusalCode::CertificateUnknown);
    assert_eq!(refused(identity.renew(&installation.collector()).await), RefusalCode::CertificateUnknown);
    // What is noted begins after that one was issued: the copy must have held it.
    installation.advance(HOUR).await;
    restore(&installation, installation.now()).await;
    assert_eq!(refused(identity.confirm(&installation.collector()).await), RefusalCode::CertificateUnknown);
}

#[tokio::test]
async fn a_copy_of_an_earlier_time_is_found_out_once_the_agent_was_there() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let from = back_up(&installation).await;
    renew(&installation, &identity).await;
    let stolen = copy_of(state.path());
    renew(&installation, &identity).await;
    restore(&installation, from).await;
    identity.confirm(&installation.collector()).await.unwrap();
    installation.advance(LATER).await;
    let thief = installation.reload(stolen.path());
    assert_eq!(refused(thief.confirm(&installation.collector()).await), RefusalCode::CertificateSuperseded);
    identity.confirm(&installation.collector()).await.unwrap();
}

#[tokio::test]
async fn a_copy_that_comes_first_is_superseded_by_the_agent() {
    let installation = Installation::start().await;
    let (state, identity) = installation.agent().await;
    let from = back_up(&installation).await;
    renew(&installation, &identity).await;
    let stolen = copy_of(state.path());
    renew(&installation, &identity).await;
    restore(&installation, from).await;
    let thief = installation.reload(stolen.path());
    thief.confirm(&installation.collector()).await.unwrap();
    identity.confirm(&installation.collector()).await.unwrap();
    installation.advance(LATER).await;
    assert_eq!(status(&installation, &thief, &thief.certificate_serial()).await, CertificateStatus::Superseded);
    assert_eq!(refused(thief.renew(&installation.collector()).await), RefusalCode::CertificateSuperseded);
}

#[tokio::test]
async fn who_was_revoked_before_the_backup_stays_revoked_and_who_is_unknown_enrols_again() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    let from = back_up(&installation).await;
    renew(&installation, &identity).await;
    let (_other_state, stranger) = installation.agent().await;
    installation.set_state(identity.agent_id(), "REVOKED").await;
    restore(&installation, from).await;
    assert_eq!(refused(identity.confirm(&installation.collector()).await), RefusalCode::AgentRevoked);
    assert_eq!(refused(identity.renew(&installation.collector()).await), RefusalCode::AgentRevoked);
    let enrolled_since = format!("DELETE FROM agents WHERE id = '{}'", stranger.agent_id());
    sql(&installation, &["DELETE FROM join_token_uses", &enrolled_since]).await;
    assert_eq!(refused(stranger.confirm(&installation.collector()).await), RefusalCode::CertificateUnknown);
}
