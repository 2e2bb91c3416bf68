//! What becomes of reports.

use orchestrix_proto::v1::{ack::Outcome as Word, agent_message::Message as Up};

use super::{
    fake::{State, away},
    *,
};
use crate::reconcile::HELD_MASS_REMOVAL;

async fn session() -> (Collector, Agent) {
    let collector = collector().await;
    let (agent, _) = collector.session(AgentId::generate(), hello()).await;
    (collector, agent)
}

#[tokio::test]
async fn reports_are_applied_in_order_and_each_is_acknowledged() {
    let (collector, mut agent) = session().await;
    for sequence in 1..=200 {
        agent.report(sequence).await;
        if sequence % 50 == 0 {
            for expected in sequence - 49..=sequence {
                let ack = agent.ack().await;
                assert_eq!((ack.sequence, ack.outcome()), (expected, Word::Applied));
            }
        }
    }
    assert_eq!(collector.fake.applied(), (1..=200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_report_is_acknowledged_only_after_its_commit() {
    let (collector, mut agent) = session().await;
    collector.fake.commits.send_replace(false);
    agent.report(1).await;
    assert!(timeout(Duration::from_millis(200), agent.down.message()).await.is_err(), "an ack without a commit");
    collector.fake.commits.send_replace(true);
    assert_eq!(agent.ack().await.sequence, 1);
    assert_eq!(collector.fake.applied(), [1]);
}

#[tokio::test]
async fn reports_wait_their_turn_and_who_opens_a_session_does_not_wait_behind_them() {
    let settings = SessionSettings { storing: 1, ..settings() };
    let collector = collector_with(settings, Fake::new()).await;
    collector.fake.commits.send_replace(false);
    let mut agents = Vec::new();
    for _ in 0..3 {
        let (agent, _) = collector.session(AgentId::generate(), hello()).await;
        agent.report(1).await;
        until("a report is being stored", || collector.fake.with(|state| state.begun) == 1).await;
        agents.push(agent);
    }
    let (_another, welcome) = collector.session(AgentId::generate(), hello()).await;
    assert_eq!((welcome.epoch, collector.fake.with(|state| state.begun)), (1, 1));
    collector.fake.commits.send_replace(true);
    for agent in &mut agents {
        assert_eq!(agent.ack().await.outcome(), Word::Applied);
    }
}

#[tokio::test]
async fn who_waits_too_long_for_a_turn_may_look_for_another_collector() {
    let settings = SessionSettings { storing: 1, database_patience: Duration::from_millis(300), ..settings() };
    let collector = collector_with(settings, Fake::new()).await;
    collector.fake.commits.send_replace(false);
    let (first, _) = collector.session(AgentId::generate(), hello()).await;
    first.report(1).await;
    until("a report is being stored", || collector.fake.with(|state| state.begun) == 1).await;
    let (mut second, _) = collector.session(AgentId::generate(), hello()).await;
    second.report(1).await;
    assert_eq!(second.goodbye().await.reason, "overloaded");
    assert_eq!(collector.fake.with(|state| state.begun), 1);
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_acknowledged_and_nothing_is_lost() {
    let (collector, mut agent) = session().await;
    collector.fake.with(|state| state.next.extend([Err(away().into()), Err(away().into())]));
    agent.report(1).await;
    agent.report(2).await;
    assert_eq!((agent.ack().await.sequence, agent.ack().await.sequence), (1, 2));
    assert_eq!(collector.fake.applied(), [1, 2]);
}

#[tokio::test]
async fn a_database_that_stays_away_lets_the_agent_look_for_another_collector() {
    let settings = SessionSettings { database_patience: Duration::from_millis(100), ..settings() };
    let collector = collector_with(settings, Fake::new()).await;
    let (mut agent, _) = collector.session(AgentId::generate(), hello()).await;
    collector.fake.with(|state| state.next.extend((0..100).map(|_| Err(away().into()))));
    agent.report(1).await;
    let goodbye = agent.goodbye().await;
    assert_eq!(goodbye.reason, "overloaded");
    assert!(goodbye.retry_after_ms.is_some_and(|pause| (1_000..40_000).contains(&pause)), "{goodbye:?}");
    assert!(collector.fake.applied().is_empty(), "nothing was acknowledged, nothing stored");
}

#[tokio::test]
async fn duplicates_and_held_reports_are_told_apart() {
    let (collector, mut agent) = session().await;
    let held = Outcome::Held { reason: "ambiguous-match".into() };
    collector.fake.with(|state| state.next.extend([Ok(Outcome::Duplicate), Ok(held)]));
    agent.report(1).await;
    let ack = agent.ack().await;
    assert_eq!((ack.outcome(), ack.refusal), (Word::Duplicate, None));
    agent.report(2).await;
    let ack = agent.ack().await;
    assert_eq!((ack.outcome(), ack.refusal.unwrap().code.as_str()), (Word::Held, "ambiguous-match"));
    agent.report(3).await;
    assert_eq!(agent.ack().await.outcome(), Word::Applied, "the session goes on");
}

#[tokio::test]
async fn after_a_held_mass_removal_the_agent_is_told_to_come_back_with_it() {
    let (collector, mut agent) = session().await;
    let held = Outcome::Held { reason: HELD_MASS_REMOVAL.into() };
    collector.fake.with(|state| state.next.push_back(Ok(held)));
    agent.report(1).await;
    assert_eq!(agent.ack().await.outcome(), Word::Held);
    let Message::Goodbye(goodbye) = agent.next().await else { panic!("expected a goodbye") };
    assert_eq!(goodbye.reason, "second-look");
    assert!((30_000..35_000).contains(&goodbye.retry_after_ms.unwrap()), "{goodbye:?}");
    assert_eq!(collector.fake.applied(), [] as [u64; 0]);
}

#[tokio::test]
async fn a_report_that_breaks_the_contract_is_refused_by_its_field_and_the_session_goes_on() {
    let (collector, mut agent) = session().await;
    let mut broken = report(1);
    broken.sources[0].changes[0].change = Some(pb::change::Change::Removal(pb::Removal::default()));
    agent.send(Up::Report(broken)).await;
    let ack = agent.ack().await;
    let refusal = ack.refusal.clone().unwrap();
    assert_eq!((ack.sequence, ack.outcome()), (1, Word::Refused));
    assert_eq!(refusal.code, "missing");
    assert_eq!(refusal.field, "sources[0].changes[0].removal.native_id");
    agent.report(2).await;
    assert_eq!(agent.ack().await.outcome(), Word::Applied);
    let buried = collector.fake.with(|state| std::mem::take(&mut state.buried));
    assert_eq!((buried[0].sequence, buried[0].field.as_str()), (1, "sources[0].changes[0].removal.native_id"));
}

#[tokio::test]
async fn a_report_over_the_size_limit_is_refused_and_the_session_goes_on() {
    let mut settings = settings();
    settings.limits.message_bytes = 1_000;
    let collector = collector_with(settings, Fake::new()).await;
    let (mut agent, _) = collector.session(AgentId::generate(), hello()).await;
    let mut large = report(1);
    large.sources[0].changes = vec![large.sources[0].changes[0].clone(); 200];
    agent.send(Up::Report(large)).await;
    assert_eq!(agent.ack().await.refusal.unwrap().code, "message-too-large");
    agent.report(2).await;
    assert_eq!(agent.ack().await.outcome(), Word::Applied);
}

#[tokio::test]
async fn a_report_that_the_database_cannot_hold_is_set_aside() {
    let (collector, mut agent) = session().await;
    let poison = StoreError::Content { column: "x", content: "y".into(), expected: "z" };
    collector.fake.with(|state| state.next.push_back(Err(poison.into())));
    agent.report(1).await;
    assert_eq!(agent.ack().await.refusal.unwrap().code, "not-storable");
    agent.report(2).await;
    assert_eq!(agent.ack().await.outcome(), Word::Applied);
    assert_eq!(collector.fake.with(|state: &mut State| state.buried.len()), 1);
}

#[tokio::test]
async fn measurements_are_kept_without_an_answer() {
    let (collector, agent) = session().await;
    let usage =
        pb::Usage { source: "docker".into(), native_id: "c1".into(), cpu_millicores: Some(5), ..Default::default() };
    let nameless = pb::Usage::default();
    agent.send(Up::Measurements(pb::Measurements { usages: vec![usage, nameless] })).await;
    until("one usage is kept", || collector.fake.with(|state| state.usages) == 1).await;
}
