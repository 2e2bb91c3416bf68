//! How sessions begin and end.

use orchestrix_proto::v1::agent_message::Message as Up;
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn the_welcome_says_what_the_agent_needs_to_know() {
    let collector = collector().await;
    collector.fake.with(|state| {
        state.applied_sequence = 7;
        state.held_reason = Some("ambiguous-match".into());
    });
    let (_, welcome) = collector.session(AgentId::generate(), hello()).await;
    assert_eq!((welcome.epoch, welcome.applied_sequence), (1, 7));
    assert_eq!(welcome.trust_bundle_der, [b"root".to_vec()]);
    assert_eq!(welcome.settings.unwrap().heartbeat_secs, 30);
    assert_eq!(welcome.limits.unwrap().message_bytes, 1 << 20);
    assert_eq!(welcome.held_reason.as_deref(), Some("ambiguous-match"));
    assert!(welcome.collector_time_us > 0);
}

#[tokio::test]
async fn a_caller_without_an_identity_is_refused() {
    let collector = collector().await;
    let request = Request::new(tokio_stream::empty());
    let status = DiscoveryClient::new(collector.channel.clone()).session(request).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unauthenticated);
    assert_eq!(status.metadata().get(refusal::CODE).unwrap(), "not-enrolled");
}

#[tokio::test]
async fn a_certificate_that_is_not_in_force_opens_no_session() {
    let collector = collector().await;
    for (status, code) in [
        (CertificateStatus::Unknown, "not-enrolled"),
        (CertificateStatus::Revoked, "revoked"),
        (CertificateStatus::Superseded, "certificate-superseded"),
    ] {
        let agent_id = AgentId::generate();
        collector.fake.with(|state| state.certificates.insert(agent_id, status));
        let mut agent = collector.stream(agent_id).await;
        agent.send(Up::Hello(hello())).await;
        assert_eq!(agent.refused().await, code);
    }
    let mut request = Request::new(tokio_stream::empty());
    request.metadata_mut().insert("test-expired", "yes".parse().unwrap());
    request.metadata_mut().insert("test-agent", AgentId::generate().to_string().parse().unwrap());
    let status = DiscoveryClient::new(collector.channel.clone()).session(request).await.unwrap_err();
    assert_eq!(status.metadata().get(refusal::CODE).unwrap(), "certificate-expired");
}

#[tokio::test]
async fn an_older_certificate_in_use_quarantines_the_agent() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut first, _) = collector.session(agent_id, hello()).await;
    collector.fake.with(|state| state.certificates.insert(agent_id, CertificateStatus::Superseded));
    let mut copy = collector.stream(agent_id).await;
    copy.send(Up::Hello(hello())).await;
    assert_eq!(copy.refused().await, "certificate-superseded");
    assert_eq!(first.goodbye().await.reason, "quarantined");
    assert_eq!(collector.fake.with(|state| state.agents[&agent_id].state), AgentState::Quarantined);
}

#[tokio::test]
async fn the_first_message_must_be_a_hello_that_keeps_to_the_contract() {
    let collector =
        collector_with(SessionSettings { hello_limit: Duration::from_millis(100), ..settings() }, Fake::new()).await;
    let mut silent = collector.stream(AgentId::generate()).await;
    assert_eq!(silent.refused().await, "request-malformed");
    for (message, code) in [
        (Up::Heartbeat(pb::Heartbeat::default()), "request-malformed"),
        (Up::Hello(pb::Hello { protocol_version: 99, ..hello() }), "protocol-version"),
        (Up::Hello(pb::Hello { boot_id: String::new(), ..hello() }), "request-malformed"),
    ] {
        let mut agent = collector.stream(AgentId::generate()).await;
        agent.send(message).await;
        assert_eq!(agent.refused().await, code);
    }
}

#[tokio::test]
async fn revoking_an_agent_ends_its_stream_and_refuses_the_next() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut agent, _) = collector.session(agent_id, hello()).await;
    let (mut other, _) = collector.session(AgentId::generate(), hello()).await;
    collector.fake.with(|state| state.agents.get_mut(&agent_id).unwrap().state = AgentState::Revoked);
    assert_eq!(collector.shared.registry.revoke(agent_id), 1);
    assert_eq!(agent.goodbye().await.reason, "revoked");
    let mut again = collector.stream(agent_id).await;
    again.send(Up::Hello(hello())).await;
    assert_eq!(again.refused().await, "revoked");
    other.report(1).await;
    assert_eq!(other.ack().await.sequence, 1);
}

#[tokio::test]
async fn a_revocation_reaches_a_session_that_waits_for_the_database() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut agent, _) = collector.session(agent_id, hello()).await;
    collector.fake.commits.send_replace(false);
    agent.report(1).await;
    until("the report is being stored", || collector.fake.with(|state| state.begun == 1)).await;
    collector.shared.registry.revoke(agent_id);
    assert_eq!(agent.goodbye().await.reason, "revoked");
    assert!(collector.fake.applied().is_empty());
}

#[tokio::test]
async fn a_revocation_on_another_collector_ends_the_stream() {
    let collector =
        collector_with(SessionSettings { watch_every: Duration::from_millis(20), ..settings() }, Fake::new()).await;
    let stop = CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    tokio::spawn(watch_agents(collector.shared.clone(), stop));
    let agent_id = AgentId::generate();
    let (mut agent, _) = collector.session(agent_id, hello()).await;
    collector.fake.with(|state| state.agents.get_mut(&agent_id).unwrap().state = AgentState::Revoked);
    assert_eq!(agent.goodbye().await.reason, "revoked");
}

#[tokio::test]
async fn a_silent_agent_is_closed_after_three_heartbeats() {
    let collector =
        collector_with(SessionSettings { heartbeat: Duration::from_millis(100), ..settings() }, Fake::new()).await;
    let agent_id = AgentId::generate();
    let (mut agent, _) = collector.session(agent_id, hello()).await;
    for _ in 0..5 {
        agent.send(Up::Heartbeat(pb::Heartbeat::default())).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(collector.shared.registry.is_connected(agent_id), "a heartbeat keeps the session");
    assert!(agent.message().await.unwrap().is_none());
    until("the session is gone", || !collector.shared.registry.is_connected(agent_id)).await;
}

#[tokio::test]
async fn an_agent_that_never_reads_is_dropped() {
    let collector =
        collector_with(SessionSettings { send_limit: Duration::from_millis(200), ..settings() }, Fake::new()).await;
    let agent_id = AgentId::generate();
    let (agent, _) = collector.session(agent_id, hello()).await;
    // Each report is answered at length: windows and queues fill up.
    let held = || Ok(Outcome::Held { reason: "h".repeat(100_000) });
    collector.fake.with(|state| state.next.extend((0..1_000).map(|_| held())));
    let mut sequence = 0;
    until("the session is gone", || {
        for _ in 0..8 {
            sequence += 1;
            let _ = agent.up.try_send(pb::AgentMessage { message: Some(Up::Report(report(sequence))) });
        }
        !collector.shared.registry.is_connected(agent_id)
    })
    .await;
    assert!(collector.fake.with(|state| state.next.len()) > 700, "what is not read must not pile up");
}

#[tokio::test]
async fn draining_lets_a_report_finish_and_says_when_to_come_back() {
    let collector = collector().await;
    let (mut agent, _) = collector.session(AgentId::generate(), hello()).await;
    collector.fake.commits.send_replace(false);
    agent.report(1).await;
    until("the report is being stored", || collector.fake.with(|state| state.begun == 1)).await;
    let registry = Arc::clone(&collector.shared.registry);
    let drained = tokio::spawn(async move { registry.drain(LIMIT).await });
    assert!(timeout(Duration::from_millis(100), agent.down.message()).await.is_err());
    collector.fake.commits.send_replace(true);
    assert_eq!(agent.ack().await.sequence, 1);
    let goodbye = agent.goodbye().await;
    assert_eq!(goodbye.reason, "draining");
    assert!((500..8_000).contains(&goodbye.retry_after_ms.unwrap()));
    assert_eq!(drained.await.unwrap(), 0);
    let mut late = collector.stream(AgentId::generate()).await;
    late.send(Up::Hello(hello())).await;
    assert_eq!(late.goodbye().await.reason, "draining");
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back_and_a_database_that_is_away_sends_nobody_away_for_good() {
    let collector = collector_with(SessionSettings { opening: 1, waiting: 1, ..settings() }, Fake::new()).await;
    // Two that have not said Hello yet take the places.
    let (_one, _two) = (collector.stream(AgentId::generate()).await, collector.stream(AgentId::generate()).await);
    until("both wait", || collector.shared.waiting.available_permits() == 0).await;
    let mut third = collector.stream(AgentId::generate()).await;
    let goodbye = third.goodbye().await;
    assert_eq!(goodbye.reason, "overloaded");
    assert!((2_000..=20_000).contains(&goodbye.retry_after_ms.unwrap()));

    let away = super::collector().await;
    away.fake.with(|state| state.down = true);
    let mut agent = away.stream(AgentId::generate()).await;
    agent.send(Up::Hello(hello())).await;
    assert_eq!(agent.goodbye().await.reason, "overloaded");
}

#[tokio::test]
async fn a_refresh_waits_for_the_result() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut agent, _) = collector.session(agent_id, hello()).await;
    let registry = Arc::clone(&collector.shared.registry);
    let refresh =
        tokio::spawn(
            async move { registry.refresh(agent_id, &[orchestrix_common::model::Source::Docker], LIMIT).await },
        );
    match agent.next().await {
        Message::Order(pb::Order { id, order: Some(pb::order::Order::Refresh(refresh)) }) => {
            assert_eq!(refresh.sources, ["docker"]);
            agent.send(Up::OrderResult(pb::OrderResult { id, done: true, message: String::new() })).await;
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(refresh.await.unwrap(), Ok(OrderOutcome { done: true, message: String::new() }));
    let unanswered = collector.shared.registry.refresh(agent_id, &[], Duration::from_millis(20)).await;
    assert_eq!(unanswered, Err(OrderError::TimedOut));
}

#[tokio::test]
async fn liveness_is_written_in_batches_and_silence_is_judged_after_a_while() {
    let settings =
        SessionSettings { heartbeat: Duration::from_millis(100), flush_every: Duration::from_millis(50), ..settings() };
    let collector = collector_with(settings, Fake::new()).await;
    let agent_id = AgentId::generate();
    let (_agent, _) = collector.session(agent_id, hello()).await;
    let stop = CancellationToken::new();
    let upkeep = tokio::spawn(keep_liveness(collector.shared.clone(), stop.clone()));
    until("liveness is written", || collector.fake.with(|state| !state.flushed.is_empty())).await;
    assert_eq!(collector.fake.with(|state| (state.flushed[0][0].0, state.swept.len())), (agent_id, 0));
    until("silence is judged", || collector.fake.with(|state| !state.swept.is_empty())).await;
    // While the database is away nothing is judged, and what was noted is kept.
    collector.fake.with(|state| {
        state.down = true;
        state.flushed.clear();
    });
    collector.shared.liveness.touch(agent_id, collector.shared.clock.now());
    tokio::time::sleep(Duration::from_millis(120)).await;
    collector.fake.with(|state| {
        state.down = false;
        state.swept.clear();
    });
    until("liveness is written again", || collector.fake.with(|state| !state.flushed.is_empty())).await;
    assert_eq!(collector.fake.with(|state| state.swept.len()), 0, "silence is judged right after an outage");
    stop.cancel();
    upkeep.await.unwrap();
}
