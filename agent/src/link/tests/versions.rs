//! Collectors of the version before and of the one after.

use orchestrix_proto::golden::{self, bytes};
use prost::Message as _;

use super::*;
use crate::link::tests::fake::Session;

/// As the transport reads it: what is not known is passed over.
async fn tell(session: &Session, golden: &str) {
    session.tell_message(pb::CollectorMessage::decode(bytes(golden).as_slice()).unwrap()).await;
}

#[tokio::test]
async fn a_collector_of_the_oldest_form_is_delivered_to() {
    let mut rig = Rig::new(&["a"], 0).await;
    let (mut session, _) = rig.accept().await;
    tell(&session, golden::WELCOME).await;
    let status = rig.until("connected", LinkStatus::is_taken).await;
    assert_eq!(status.epoch(), Some(7));
    assert_eq!(session.report().await.sequence, FIRST);
    tell(&session, golden::ACK_APPLIED).await;
    rig.trimmed_to(FIRST).await;
    for golden in [golden::DIGEST_REQUEST, golden::LISTING_REQUEST, golden::ORDER_PING, golden::WANTED] {
        tell(&session, golden).await;
    }
    let (mut digests, mut listed, mut done, mut wanted) = (false, false, false, false);
    while !(digests && listed && done && wanted) {
        match session.next_but_heartbeats().await {
            Message::Digests(_) => digests = true,
            Message::Listing(listing) => listed = listing.source == "docker" && listing.entries.len() == 1,
            Message::OrderResult(result) => done = result.id == 1 && result.done,
            Message::Report(report) => wanted = changes(&report) == ["+a"],
            other => panic!("{other:?}"),
        }
    }
    tell(&session, golden::COLLECTOR_GOODBYE).await;
    rig.welcome(FIRST).await;
}

#[tokio::test]
async fn a_collector_of_the_next_version_is_delivered_to() {
    let mut rig = Rig::new(&["a"], 0).await;
    let (mut session, _) = rig.accept().await;
    tell(&session, golden::LATER_WELCOME).await;
    assert_eq!(session.report().await.sequence, FIRST);
    tell(&session, golden::LATER_COLLECTOR_MESSAGE).await;
    tell(&session, golden::LATER_ORDER).await;
    loop {
        match session.next_but_heartbeats().await {
            Message::OrderResult(result) => break assert!(result.id == 2 && !result.done, "{result:?}"),
            Message::Digests(_) => {}
            other => panic!("{other:?}"),
        }
    }
    // What is not known to be stored is kept.
    tell(&session, golden::LATER_ACK).await;
    session.is_quiet_but_for_digests().await;
    assert_eq!(rig.outbox.position().acknowledged_sequence, 0);
    session.ack(FIRST, Outcome::Applied).await;
    rig.trimmed_to(FIRST).await;
}

#[tokio::test]
async fn a_collector_that_is_further_away_is_named() {
    let mut rig = Rig::new(&[], 0).await;
    let (session, _) = rig.accept().await;
    session.tell(Told::Welcome(pb::Welcome { protocol_version: 3, ..welcome(0) })).await;
    let status =
        rig.until("put off", |status| matches!(status.state, LinkState::Waiting { permanent: true, .. })).await;
    let trouble = status.last_trouble.unwrap();
    assert!(
        trouble.contains("the collector speaks version 3") && trouble.contains("update the older one"),
        "{trouble}"
    );
}
