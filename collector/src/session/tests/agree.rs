//! How differences between an agent and the inventory are found and repaired.

use orchestrix_common::{hash::EntityHash, model::Source};
use orchestrix_proto::v1::agent_message::Message as Up;

use super::*;

fn digest(ids: &[&str]) -> SourceDigest {
    let digest = ids.iter().map(|id| (*id, EntityHash([1; 16]))).collect();
    SourceDigest { source: Source::Docker, digest, entities: ids.len() as u64 }
}

fn sent(digest: &SourceDigest) -> pb::SourceDigest {
    pb::SourceDigest { source: "docker".into(), digest: digest.digest.to_bytes().to_vec(), entities: digest.entities }
}

fn listing(ids: &[&str], more: bool) -> Up {
    let entry = |id: &&str| pb::ListingEntry { native_id: (*id).into(), hash: vec![1; 16] };
    let entries = ids.iter().map(entry).collect();
    Up::Listing(pb::Listing { source: "docker".into(), head_sequence: 0, entries, more, whole: true })
}

#[tokio::test]
async fn a_source_that_differs_at_hello_is_listed_and_what_is_missing_is_asked_for() {
    let collector = collector().await;
    collector.fake.with(|state| state.wanted = vec!["a".into(), "b".into()]);
    let hello = pb::Hello { digests: vec![sent(&digest(&["a", "b", "c"]))], ..hello() };
    let (mut agent, welcome) = collector.session(AgentId::generate(), hello).await;
    assert_eq!(welcome.digests, []);
    match agent.next().await {
        Message::ListingRequest(request) => assert_eq!(request.sources, ["docker"]),
        other => panic!("{other:?}"),
    }
    agent.send(listing(&["a", "b"], true)).await;
    agent.send(listing(&["c"], false)).await;
    match agent.next().await {
        Message::Wanted(wanted) => assert_eq!((wanted.source.as_str(), wanted.native_ids.len()), ("docker", 2)),
        other => panic!("{other:?}"),
    }
    assert_eq!(collector.fake.with(|state| state.listings.clone()), [(Source::Docker, 3, true)]);
}

#[tokio::test]
async fn what_is_wanted_is_asked_for_in_chunks() {
    let collector = collector().await;
    let wanted: Vec<_> = (0..1_000).map(|number| format!("{number:0>300}")).collect();
    collector.fake.with(|state| state.wanted = wanted.clone());
    let hello = pb::Hello { digests: vec![sent(&digest(&["a"]))], ..hello() };
    let (mut agent, _) = collector.session(AgentId::generate(), hello).await;
    assert!(matches!(agent.next().await, Message::ListingRequest(_)));
    agent.send(listing(&[], false)).await;
    let mut asked = Vec::new();
    while asked.len() < wanted.len() {
        match agent.next().await {
            Message::Wanted(chunk) => {
                assert!(chunk.native_ids.len() < 500, "one chunk of {}", chunk.native_ids.len());
                asked.extend(chunk.native_ids);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(asked, wanted);
}

#[tokio::test]
async fn a_heartbeat_that_differs_leads_to_a_repair_and_an_equal_one_to_nothing() {
    let collector = collector().await;
    let (held, theirs) = (digest(&["a"]), digest(&["a", "b"]));
    collector.fake.with(|state| state.digests = vec![held.clone()]);
    let hello = pb::Hello { digests: vec![sent(&held)], ..hello() };
    let (mut agent, welcome) = collector.session(AgentId::generate(), hello).await;
    assert_eq!(welcome.digests, [sent(&held)]);
    let heartbeat =
        |digest: &SourceDigest| Up::Heartbeat(pb::Heartbeat { digest: digest.digest.low64(), head_sequence: 0 });
    agent.send(heartbeat(&held)).await;
    agent.send(heartbeat(&theirs)).await;
    assert!(matches!(agent.next().await, Message::DigestRequest(_)), "the equal one must be answered by nothing");
    agent.send(Up::Digests(pb::Digests { head_sequence: 0, digests: vec![sent(&theirs)] })).await;
    assert!(matches!(agent.next().await, Message::ListingRequest(_)));
    assert_eq!(collector.fake.with(|state| state.digest_reads), 0, "nothing was written, nothing is read");
}

#[tokio::test]
async fn after_a_report_the_digests_are_read_again_once() {
    let collector = collector().await;
    let now = digest(&["a", "b"]);
    let (mut agent, _) = collector.session(AgentId::generate(), hello()).await;
    agent.report(1).await;
    agent.ack().await;
    collector.fake.with(|state| state.digests = vec![now.clone()]);
    agent.send(Up::Digests(pb::Digests { head_sequence: 1, digests: vec![sent(&now)] })).await;
    let beat = |head_sequence| Up::Heartbeat(pb::Heartbeat { digest: now.digest.low64(), head_sequence });
    agent.send(beat(1)).await;
    agent.send(beat(1)).await;
    // Reports are under way: nothing is compared.
    agent.send(Up::Heartbeat(pb::Heartbeat { digest: 99, head_sequence: 2 })).await;
    agent.report(2).await;
    assert_eq!(agent.ack().await.sequence, 2);
    assert_eq!(collector.fake.with(|state| state.digest_reads), 1);
}
