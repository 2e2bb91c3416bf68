//! How agents learn of roots that come and go.

use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn a_change_of_the_roots_is_told_over_open_sessions() {
    let collector = collector().await;
    let (mut agent, welcome) = collector.session(AgentId::generate(), hello()).await;
    assert_eq!(welcome.trust_bundle_der, [b"root".to_vec()]);
    collector.fake.trust.send_replace(bundle(&["root", "next"]));
    let Message::TrustBundle(told) = agent.next().await else { panic!("expected a bundle") };
    assert_eq!(told.trust_bundle_der, [b"root".to_vec(), b"next".to_vec()]);
    assert_eq!((told.issuing_root_sha256, told.renew_within_secs), (vec![2; 32], 60));
    // The session goes on.
    agent.report(1).await;
    assert_eq!(agent.ack().await.sequence, 1);
}

#[tokio::test]
async fn who_connects_during_a_rotation_is_told_where_certificates_come_from() {
    let collector = collector().await;
    collector.fake.trust.send_replace(bundle(&["root", "next"]));
    let (mut agent, welcome) = collector.session(AgentId::generate(), hello()).await;
    assert_eq!(welcome.trust_bundle_der.len(), 2);
    assert!(matches!(agent.next().await, Message::TrustBundle(told) if told.issuing_root_sha256 == [2; 32]));
    // Once: the next message answers the report.
    agent.report(1).await;
    assert_eq!(agent.ack().await.sequence, 1);
}

#[tokio::test]
async fn an_agent_that_renewed_while_it_connected_comes_back_and_is_no_clone() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    collector.fake.with(|state| state.certificates.insert(agent_id, CertificateStatus::JustSuperseded));
    let mut agent = collector.stream(agent_id).await;
    agent.send(agent_message::Message::Hello(hello())).await;
    let goodbye = agent.goodbye().await;
    assert_eq!(goodbye.reason, "renewed");
    assert!(goodbye.retry_after_ms.is_some_and(|pause| pause <= 1_000));
    assert!(collector.fake.with(|state| state.agents.is_empty()), "nobody was quarantined");
}

#[tokio::test]
async fn the_sessions_of_a_retired_root_end_and_the_others_stay() {
    let collector = collector().await;
    let (stays, goes) = (AgentId::generate(), AgentId::generate());
    let (mut staying, _) = collector.session(stays, hello()).await;
    let (mut going, _) = collector.session(goes, hello()).await;
    let stop = CancellationToken::new();
    let watch = tokio::spawn(watch_trust(collector.shared.clone(), stop.clone()));
    tokio::task::yield_now().await;
    collector.fake.with(|state| state.untrusted = vec![goes]);
    collector.fake.trust.send_replace(bundle(&["next"]));
    let first = going.next().await;
    let goodbye = match first {
        Message::Goodbye(goodbye) => goodbye,
        Message::TrustBundle(_) => going.goodbye().await,
        other => panic!("{other:?}"),
    };
    assert_eq!(goodbye.reason, "untrusted");
    assert!(matches!(staying.next().await, Message::TrustBundle(_)));
    staying.report(1).await;
    assert_eq!(staying.ack().await.sequence, 1);
    stop.cancel();
    watch.await.unwrap();
}
