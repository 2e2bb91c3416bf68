//! Agents of the version before and of the one after.

use orchestrix_common::model::{ChangeKind, Completeness, Health, Report};
use orchestrix_proto::golden::{self, bytes};
use prost::Message as _;

use super::*;

/// As the transport reads it: what is not known is passed over.
fn message(golden: &str) -> pb::AgentMessage {
    pb::AgentMessage::decode(bytes(golden).as_slice()).unwrap()
}

fn report_in(golden: &str) -> pb::Report {
    match message(golden).message {
        Some(agent_message::Message::Report(report)) => report,
        other => panic!("{other:?}"),
    }
}

async fn opened(golden: &str) -> (Collector, Agent, pb::Welcome) {
    let collector = collector().await;
    let mut agent = collector.stream(AgentId::generate()).await;
    agent.up.send(message(golden)).await.unwrap();
    let Message::Welcome(welcome) = agent.next().await else { panic!("expected a Welcome") };
    (collector, agent, welcome)
}

#[tokio::test]
async fn an_agent_of_the_oldest_form_is_served() {
    let (collector, mut agent, welcome) = opened(golden::HELLO).await;
    assert_eq!(welcome.protocol_version, PROTOCOL_VERSION);
    for (golden, sequence) in [(golden::REPORT_UPSERT, 1), (golden::REPORT_REMOVAL, 2)] {
        agent.up.send(message(golden)).await.unwrap();
        let ack = agent.ack().await;
        assert_eq!((ack.sequence, ack.outcome()), (sequence, pb::ack::Outcome::Applied));
    }
    for golden in [golden::MEASUREMENTS, golden::ORDER_RESULT, golden::DIGESTS, golden::HEARTBEAT, golden::LISTING] {
        agent.up.send(message(golden)).await.unwrap();
    }
    agent.up.send(message(golden::AGENT_GOODBYE)).await.unwrap();
    assert!(timeout(LIMIT, agent.down.message()).await.unwrap().unwrap().is_none(), "it ends without a word");
    assert_eq!(collector.fake.applied(), [1, 2]);
    assert_eq!(collector.fake.with(|state| state.usages), 1);
}

#[test]
fn a_report_of_the_oldest_form_says_what_it_said() {
    let report = Report::try_from(report_in(golden::REPORT_UPSERT)).unwrap();
    let [source] = report.sources.as_slice() else { panic!("{report:?}") };
    let status = source.status.as_ref().unwrap();
    assert_eq!(
        (source.source.as_str(), status.health, status.completeness),
        ("docker", Health::Healthy, Completeness::Complete)
    );
    let ChangeKind::Upsert { entity, .. } = &source.changes[0].kind else { panic!("{source:?}") };
    let orchestrix_common::model::Body::Container(container) = &entity.body else { panic!("{entity:?}") };
    assert_eq!((container.name.as_str(), container.labels["team"].as_str()), ("web", "blue"));
    // What the oldest form does not say is unknown, not zero.
    assert_eq!((container.exit_code, container.health.as_ref()), (None, None));
    let report = Report::try_from(report_in(golden::REPORT_REMOVAL)).unwrap();
    assert!(matches!(&report.sources[0].changes[0].kind, ChangeKind::Removal { native_id, .. } if native_id == "c1"));
}

#[tokio::test]
async fn an_agent_of_the_next_version_is_served() {
    let (collector, mut agent, _) = opened(golden::LATER_HELLO).await;
    agent.up.send(message(golden::LATER_AGENT_MESSAGE)).await.unwrap();
    agent.up.send(message(golden::LATER_REPORT)).await.unwrap();
    let ack = agent.ack().await;
    assert_eq!((ack.sequence, ack.outcome(), ack.refusal), (1, pb::ack::Outcome::Applied, None));
    assert_eq!(collector.fake.applied(), [1]);
    assert!(collector.fake.with(|state| state.buried.is_empty()));
}

#[test]
fn of_a_later_report_everything_counts_that_is_known() {
    let message = report_in(golden::LATER_REPORT);
    assert_eq!(orchestrix_common::wire::unknown_changes(&message), 2);
    let report = Report::try_from(message).unwrap();
    let [source] = report.sources.as_slice() else { panic!("{report:?}") };
    let status = source.status.as_ref().unwrap();
    assert_eq!((status.health, status.completeness), (Health::Degraded, Completeness::Partial), "the cautious ones");
    let [change] = source.changes.as_slice() else { panic!("{source:?}") };
    assert!(matches!(&change.kind, ChangeKind::Upsert { entity, .. } if entity.native_id == "c1"));
}

#[tokio::test]
async fn a_version_that_is_further_away_is_refused_by_name() {
    for version in [0, PROTOCOL_VERSION + 2] {
        let collector = collector().await;
        let mut agent = collector.stream(AgentId::generate()).await;
        agent.send(agent_message::Message::Hello(pb::Hello { protocol_version: version, ..hello() })).await;
        let status = timeout(LIMIT, agent.down.message()).await.unwrap().unwrap_err();
        assert!(status.message().contains(&format!("protocol version {version}")), "{status:?}");
    }
}
