//! Two sessions of one agent: a restart, a half-open connection, or a cloned identity.

use orchestrix_proto::v1::agent_message::Message as Up;

use super::*;

fn boot(boot_id: &str) -> pb::Hello {
    pb::Hello { boot_id: boot_id.into(), ..hello() }
}

/// Answers the Ping that must come.
async fn answer_ping(agent: &mut Agent) {
    match agent.next().await {
        Message::Order(pb::Order { id, order: Some(pb::order::Order::Ping(_)) }) => {
            agent.send(Up::OrderResult(pb::OrderResult { id, done: true, message: String::new() })).await;
        }
        other => panic!("expected a Ping, got {other:?}"),
    }
}

#[tokio::test]
async fn a_newer_session_of_the_same_boot_supersedes_the_older_at_once() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut older, first) = collector.session(agent_id, hello()).await;
    let (mut newer, second) = collector.session(agent_id, hello()).await;
    assert!(second.epoch > first.epoch);
    assert_eq!(older.goodbye().await.reason, "superseded");
    newer.report(1).await;
    assert_eq!(newer.ack().await.sequence, 1);
}

#[tokio::test]
async fn a_host_that_restarted_is_not_taken_for_a_clone() {
    let collector = collector().await;
    let agent_id = AgentId::generate();
    let (mut older, _) = collector.session(agent_id, boot("boot-1")).await;
    // The older stream is open and silent, as after a power cut; what it sent before proves nothing.
    older.send(Up::Heartbeat(pb::Heartbeat::default())).await;
    let (mut newer, _) = collector.session(agent_id, boot("boot-2")).await;
    newer.report(1).await;
    assert_eq!(newer.ack().await.sequence, 1);
    assert!(matches!(older.next().await, Message::Order(_)));
    assert_eq!(older.goodbye().await.reason, "superseded");
    assert_eq!(collector.fake.with(|state| state.agents[&agent_id].state), AgentState::Active);
}

#[tokio::test]
async fn a_restart_whose_older_stream_ended_waits_for_nothing() {
    let collector = collector_with(SessionSettings { ping_limit: LIMIT * 3, ..settings() }, Fake::new()).await;
    let agent_id = AgentId::generate();
    let (older, _) = collector.session(agent_id, boot("boot-1")).await;
    drop(older);
    until("the older session is gone", || !collector.shared.registry.is_connected(agent_id)).await;
    collector.session(agent_id, boot("boot-2")).await;
}

#[tokio::test]
async fn a_cloned_identity_is_quarantined_on_both_hosts() {
    let collector = collector_with(SessionSettings { ping_limit: LIMIT, ..settings() }, Fake::new()).await;
    let agent_id = AgentId::generate();
    let (mut older, _) = collector.session(agent_id, boot("boot-1")).await;
    let mut newer = collector.stream(agent_id).await;
    newer.send(Up::Hello(boot("boot-2"))).await;
    answer_ping(&mut older).await;
    assert_eq!(older.goodbye().await.reason, "quarantined");
    assert_eq!(newer.refused().await, "quarantined");
    assert!(collector.fake.applied().is_empty(), "nothing of the clone is applied");
    until("the state is stored", || {
        collector.fake.with(|state| state.agents[&agent_id].state) == AgentState::Quarantined
    })
    .await;
    let mut again = collector.stream(agent_id).await;
    again.send(Up::Hello(boot("boot-1"))).await;
    assert_eq!(again.refused().await, "quarantined");
}

#[tokio::test]
async fn a_clone_on_another_collector_is_found_by_the_epoch_in_the_database() {
    let fake = Fake::new();
    let settings = SessionSettings { ping_limit: LIMIT, watch_every: Duration::from_millis(50), ..settings() };
    let (one, two) =
        (collector_with(settings.clone(), fake.clone()).await, collector_with(settings, fake.clone()).await);
    let stop = tokio_util::sync::CancellationToken::new();
    let _stops = stop.clone().drop_guard();
    for shared in [&one.shared, &two.shared] {
        tokio::spawn(watch_agents(shared.clone(), stop.clone()));
    }
    let agent_id = AgentId::generate();
    let (mut older, _) = one.session(agent_id, boot("boot-1")).await;
    let (mut newer, _) = two.session(agent_id, boot("boot-2")).await;
    answer_ping(&mut older).await;
    assert_eq!(older.goodbye().await.reason, "quarantined");
    assert_eq!(newer.goodbye().await.reason, "quarantined");
}

#[tokio::test]
async fn a_fenced_session_writes_nothing_and_says_goodbye() {
    let fake = Fake::new();
    let (one, two) = (collector_with(settings(), fake.clone()).await, collector_with(settings(), fake.clone()).await);
    let agent_id = AgentId::generate();
    let (mut older, _) = one.session(agent_id, hello()).await;
    let (_newer, _) = two.session(agent_id, hello()).await;
    older.report(1).await;
    assert_eq!(older.goodbye().await.reason, "superseded");
    assert!(fake.applied().is_empty());
}
