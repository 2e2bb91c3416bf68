mod fake;
mod versions;

use std::time::Duration;

use orchestrix_common::{
    hash::Digest,
    model::{Source, Usage},
    time::Timestamp,
    wire,
};
use orchestrix_proto::v1::{self as pb, ack::Outcome, agent_message::Message, collector_message::Message as Told};
use tonic::Status;

use super::*;
use crate::{inspect::Observation, view::Seen};
use fake::{Rig, changes, entity, look, welcome};

/// The first look told the status of docker: report 1 in an empty outbox.
const FIRST: u64 = 1;

#[tokio::test]
async fn hello_says_who_where_and_what_is_believed() {
    let mut rig = Rig::new(&["a", "b"], 0).await;
    let (_session, hello) = rig.accept().await;
    assert_eq!((hello.protocol_version, hello.boot_id.as_str()), (1, "boot"));
    assert_eq!(hello.outbox_id, rig.outbox.position().id.as_bytes());
    assert_eq!((hello.head_sequence, hello.acknowledged_sequence), (FIRST, 0));
    let hashes = ["a", "b"].map(|id| (id, wire::hash(&entity(id))));
    let digest: Digest = hashes.into_iter().collect();
    let expected = pb::SourceDigest { source: "docker".into(), digest: digest.to_bytes().to_vec(), entities: 2 };
    assert_eq!(hello.digests, [expected]);
}

#[tokio::test]
async fn the_backlog_goes_out_in_order_then_the_digests_then_what_is_new() {
    let mut rig = Rig::new(&["a"], 30).await;
    let mut session = rig.welcome(0).await;
    for sequence in 1..=31 {
        let Message::Report(report) = session.next().await else { panic!("no report {sequence}") };
        assert_eq!((report.sequence, report.base), (sequence, sequence - 1));
    }
    let digests = session.digests().await;
    let digest: Digest = [("a", wire::hash(&entity("a")))].into_iter().collect();
    assert_eq!((digests.head_sequence, digests.digests[0].digest.as_slice()), (31, digest.to_bytes().as_slice()));
    rig.appeared("new").await;
    let report = session.report().await;
    assert_eq!((report.sequence, changes(&report)), (32, vec!["+new".to_owned()]));
    session.ack(32, Outcome::Applied).await;
    rig.trimmed_to(32).await;
    rig.until("acknowledged", |status| status.acknowledged_at.is_some()).await;
}

#[tokio::test]
async fn digests_wait_for_a_report_that_is_written_while_the_backlog_goes_out() {
    let mut rig = Rig::new(&["a"], 2).await;
    let (mut session, hello) = rig.accept().await;
    // Whatever comes meanwhile, a collector that has every report it was told of can compare what it is told next.
    rig.appeared("b").await;
    rig.keeper.summary().await;
    session.tell(Told::Welcome(welcome(0))).await;
    let mut reports = 0;
    let digests = loop {
        match session.next().await {
            Message::Report(report) => reports = report.sequence,
            Message::Digests(digests) => break digests,
            other => panic!("{other:?}"),
        }
    };
    assert!(digests.head_sequence >= hello.head_sequence);
    assert_eq!(reports, digests.head_sequence);
}

#[tokio::test]
async fn a_collector_that_has_every_report_gets_a_heartbeat_and_no_digests() {
    let mut rig = Rig::new(&["a"], 2).await;
    let mut session = rig.welcome(3).await;
    let heartbeat = session.heartbeat().await;
    let digest: Digest = [("a", wire::hash(&entity("a")))].into_iter().collect();
    assert_eq!((heartbeat.head_sequence, heartbeat.digest), (3, digest.low64()));
    session.is_quiet().await;
}

#[tokio::test]
async fn what_is_stored_already_is_not_sent_again() {
    let mut rig = Rig::new(&[], 10).await;
    let mut session = rig.welcome(8).await;
    assert_eq!(session.report().await.sequence, 9);
    rig.trimmed_to(8).await;
}

#[tokio::test]
async fn at_most_64_reports_are_under_way() {
    let mut rig = Rig::new(&[], 200).await;
    let mut session = rig.welcome(0).await;
    for sequence in 1..=64 {
        assert_eq!(session.report().await.sequence, sequence);
    }
    session.is_quiet().await;
    session.ack(10, Outcome::Applied).await;
    for sequence in 65..=74 {
        assert_eq!(session.report().await.sequence, sequence);
    }
    session.is_quiet().await;
}

#[tokio::test]
async fn duplicate_and_repeated_acknowledgements_do_no_harm() {
    let mut rig = Rig::new(&[], 4).await;
    let mut session = rig.welcome(0).await;
    for _ in 0..5 {
        session.report().await;
    }
    for sequence in [2, 2, 1, 3, 3, 5, 99] {
        session.ack(sequence, Outcome::Duplicate).await;
    }
    rig.trimmed_to(5).await;
    rig.appeared("new").await;
    assert_eq!(session.report().await.sequence, 6);
}

#[tokio::test]
async fn a_break_loses_nothing_and_repeats_only_what_is_not_stored() {
    let mut rig = Rig::new(&[], 6).await;
    let mut session = rig.welcome(0).await;
    for _ in 0..7 {
        session.report().await;
    }
    session.ack(3, Outcome::Applied).await;
    rig.trimmed_to(3).await;
    session.fail(Status::unavailable("gone")).await;
    let status = rig.until("waiting", |status| matches!(status.state, LinkState::Waiting { .. })).await;
    assert_eq!(status.last_trouble.as_deref(), Some("gone"));
    let (mut session, hello) = rig.accept().await;
    assert_eq!((hello.head_sequence, hello.acknowledged_sequence), (7, 3));
    session.tell(Told::Welcome(welcome(5))).await;
    assert_eq!(session.report().await.sequence, 6);
    assert_eq!(session.report().await.sequence, 7);
}

#[tokio::test]
async fn a_listing_comes_after_the_reports_before_it_and_wanted_entities_as_a_report() {
    let mut rig = Rig::new(&["a", "b"], 3).await;
    let mut session = rig.welcome(0).await;
    session.tell(Told::ListingRequest(pb::ListingRequest { sources: vec!["docker".into(), "podman".into()] })).await;
    for sequence in 1..=4 {
        assert_eq!(session.report().await.sequence, sequence);
    }
    let Message::Listing(docker) = session.next_but_heartbeats().await else { panic!("no listing") };
    assert_eq!((docker.source.as_str(), docker.head_sequence, docker.whole, docker.more), ("docker", 4, true, false));
    let ids: Vec<_> = docker.entries.iter().map(|entry| entry.native_id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    assert_eq!(docker.entries[0].hash, wire::hash(&entity("a")).0);
    let Message::Listing(podman) = session.next_but_heartbeats().await else { panic!("no listing") };
    assert_eq!((podman.source.as_str(), podman.whole, podman.entries.len()), ("podman", false, 0));

    let native_ids = vec!["b".into(), "gone".into()];
    session.tell(Told::Wanted(pb::Wanted { source: "docker".into(), native_ids })).await;
    assert_eq!(changes(&session.report().await), ["+b"]);
}

#[tokio::test]
async fn digests_come_on_request_and_when_another_source_is_whole() {
    let mut rig = Rig::new(&["a"], 0).await;
    let mut session = rig.welcome(0).await;
    session.report().await;
    session.tell(Told::DigestRequest(pb::DigestRequest {})).await;
    let Message::Digests(digests) = session.next_but_heartbeats().await else { panic!("no digests") };
    assert_eq!((digests.head_sequence, digests.digests.len()), (FIRST, 1));
    rig.keeper.saw(look(Source::Process, Observation::Complete(vec![entity("p")]))).await;
    assert_eq!(session.report().await.sources[0].source, "process");
    let Message::Digests(digests) = session.next_but_heartbeats().await else { panic!("no digests") };
    let sources: Vec<_> = digests.digests.iter().map(|digest| digest.source.as_str()).collect();
    assert_eq!((digests.head_sequence, sources), (2, vec!["docker", "process"]));
}

#[tokio::test]
async fn a_held_report_stays_and_nothing_follows_until_the_next_welcome() {
    let mut rig = Rig::new(&["a"], 2).await;
    let mut session = rig.welcome(0).await;
    for _ in 0..3 {
        session.report().await;
    }
    session.digests().await;
    session.ack(1, Outcome::Applied).await;
    session.ack(2, Outcome::Held).await;
    session.ack(3, Outcome::Held).await;
    let held = |status: &LinkStatus| match &status.state {
        LinkState::Connected { held, .. } => held.clone(),
        _ => None,
    };
    let status = rig.until("held", |status| held(status).is_some()).await;
    assert_eq!(held(&status).as_deref(), Some("because"));
    rig.appeared("new").await;
    session.is_quiet().await;
    assert_eq!(rig.outbox.position().acknowledged_sequence, 1);
    // A Welcome in the same session says that it goes on.
    session.tell(Told::Welcome(welcome(1))).await;
    for sequence in 2..=4 {
        assert_eq!(session.report().await.sequence, sequence);
    }
    rig.until("not held", |status| held(status).is_none()).await;
}

#[tokio::test]
async fn a_collector_that_holds_from_the_start_gets_heartbeats_only() {
    let mut rig = Rig::new(&["a"], 2).await;
    let (mut session, _) = rig.accept().await;
    let held = pb::Welcome { held_reason: Some("ambiguous-match".into()), ..welcome(0) };
    session.tell(Told::Welcome(held)).await;
    session.heartbeat().await;
    session.is_quiet().await;
    assert_eq!(rig.outbox.position().waiting_reports, 3);
}

#[tokio::test]
async fn a_refused_report_is_dropped_counted_and_does_not_stop_the_rest() {
    let mut rig = Rig::new(&["a"], 1).await;
    let mut session = rig.welcome(0).await;
    session.report().await;
    session.report().await;
    session.ack(1, Outcome::Refused).await;
    session.ack(2, Outcome::Applied).await;
    rig.trimmed_to(2).await;
    let status = rig.until("counted", |status| status.refused_reports == 1).await;
    assert_eq!(status.last_refusal.as_deref(), Some("sources[0]: because (why)"));
}

#[tokio::test]
async fn a_goodbye_ends_the_session_and_its_hint_is_honoured() {
    let mut rig = Rig::new(&[], 0).await;
    let mut session = rig.welcome(0).await;
    session.report().await;
    let goodbye =
        pb::Goodbye { reason: "draining".into(), retry_after_ms: Some(700), message: "back in a moment".into() };
    let told = tokio::time::Instant::now();
    session.tell(Told::Goodbye(goodbye)).await;
    assert!(session.ended().await);
    let status = rig.until("waiting", |status| matches!(status.state, LinkState::Waiting { .. })).await;
    assert_eq!(status.last_trouble.as_deref(), Some("the collector closed the session: back in a moment (draining)"));
    rig.accept().await;
    assert!(told.elapsed() >= Duration::from_millis(690), "{:?}", told.elapsed());
}

#[tokio::test]
async fn a_refused_identity_is_shown_and_not_tried_again_at_once() {
    let mut rig = Rig::new(&[], 0).await;
    let (session, _) = rig.accept().await;
    session.fail(Status::permission_denied("this agent was revoked")).await;
    let status = rig.until("waiting", |status| matches!(status.state, LinkState::Waiting { .. })).await;
    let LinkState::Waiting { reason, permanent, next_try } = status.state else { panic!() };
    assert_eq!((reason.as_str(), permanent), ("this agent was revoked", true));
    use orchestrix_common::time::{Clock as _, SystemClock};
    assert!(next_try.since(SystemClock.now()) > Duration::from_secs(100));
}

#[tokio::test]
async fn an_agent_that_ends_says_goodbye() {
    let mut rig = Rig::new(&[], 0).await;
    let mut session = rig.welcome(0).await;
    session.report().await;
    session.digests().await;
    rig.stop.cancel();
    let Message::Goodbye(goodbye) = session.next_but_heartbeats().await else { panic!("no goodbye") };
    assert_eq!(goodbye.reason, "stopping");
    assert!(session.ended().await);
}

#[tokio::test]
async fn orders_are_answered_and_a_ping_brings_a_heartbeat() {
    let mut rig = Rig::new(&["a"], 0).await;
    let mut session = rig.welcome(0).await;
    session.report().await;
    session.digests().await;
    session.tell(Told::Order(pb::Order { id: 7, order: Some(pb::order::Order::Ping(pb::Ping {})) })).await;
    session.heartbeat().await;
    let Message::OrderResult(result) = session.next_but_heartbeats().await else { panic!("no result") };
    assert_eq!((result.id, result.done), (7, true));
    // This rig has no inspectors at all.
    let refresh = pb::Refresh { sources: vec!["docker".into()] };
    session.tell(Told::Order(pb::Order { id: 8, order: Some(pb::order::Order::Refresh(refresh)) })).await;
    let Message::OrderResult(result) = session.next_but_heartbeats().await else { panic!("no result") };
    assert_eq!((result.id, result.done), (8, false));
    assert_eq!(result.message, "docker: this agent does not look at it");
    session.tell(Told::Order(pb::Order { id: 9, order: None })).await;
    let Message::OrderResult(result) = session.next_but_heartbeats().await else { panic!("no result") };
    assert_eq!((result.id, result.done), (9, false));
}

#[tokio::test]
async fn use_is_sent_once_to_each_session() {
    let mut rig = Rig::new(&["a"], 0).await;
    let usage = Usage {
        source: Source::Docker,
        native_id: "a".into(),
        cpu_millicores: Some(120),
        memory_bytes: Some(64 << 20),
    };
    let seen = || Seen::Usages { source: Source::Docker, at: Timestamp::from_secs(9), usages: vec![usage.clone()] };
    rig.keeper.saw(seen()).await;
    // The answer comes after what was handed over before.
    rig.keeper.summary().await;
    for _ in 0..2 {
        let mut session = rig.welcome(FIRST).await;
        let Message::Measurements(measurements) = session.next_but_heartbeats().await else { panic!("no use") };
        assert_eq!(measurements.usages.len(), 1);
        assert_eq!(measurements.usages[0].cpu_millicores, Some(120));
        rig.keeper.saw(seen()).await;
        session.is_quiet().await;
        session.fail(Status::unavailable("gone")).await;
    }
}

#[tokio::test]
async fn use_of_entities_that_the_collector_lacked_is_sent_again_once_it_has_them() {
    let mut rig = Rig::new(&["a"], 0).await;
    let usage =
        Usage { source: Source::Docker, native_id: "a".into(), cpu_millicores: Some(120), memory_bytes: Some(1 << 20) };
    rig.keeper.saw(Seen::Usages { source: Source::Docker, at: Timestamp::from_secs(9), usages: vec![usage] }).await;
    rig.keeper.summary().await;
    let mut session = rig.welcome(FIRST).await;
    let Message::Measurements(_) = session.next_but_heartbeats().await else { panic!("no use") };
    session.tell(Told::Wanted(pb::Wanted { source: "docker".into(), native_ids: vec!["a".into()] })).await;
    let report = session.report().await;
    session.is_quiet().await;
    session.ack(report.sequence, Outcome::Applied).await;
    let Message::Measurements(again) = session.next_but_heartbeats().await else { panic!("no use") };
    assert_eq!(again.usages.len(), 1);
    session.is_quiet().await;
}

#[tokio::test]
async fn an_idle_agent_sends_nothing_but_heartbeats() {
    let mut rig = Rig::new(&["a"], 0).await;
    let mut session = rig.welcome(FIRST).await;
    session.heartbeat().await;
    for _ in 0..5 {
        rig.keeper.saw(look(Source::Docker, Observation::Complete(vec![entity("a")]))).await;
    }
    session.is_quiet().await;
}

#[tokio::test]
async fn the_trust_bundle_of_a_welcome_is_taken_over() {
    let mut rig = Rig::new(&[], 0).await;
    let (session, _) = rig.accept().await;
    session.tell(Told::Welcome(pb::Welcome { trust_bundle_der: vec![vec![1, 2, 3]], ..welcome(0) })).await;
    rig.until("connected", |status| matches!(status.state, LinkState::Connected { .. })).await;
    assert_eq!(*rig.trusted.lock().unwrap(), [vec![1, 2, 3]]);
}

#[tokio::test]
async fn a_trust_bundle_in_the_middle_is_taken_over_and_the_session_goes_on() {
    let mut rig = Rig::new(&["a"], 0).await;
    let mut session = rig.welcome(FIRST).await;
    session.heartbeat().await;
    let told = pb::TrustBundle {
        trust_bundle_der: vec![vec![1], vec![2]],
        issuing_root_sha256: vec![7; 32],
        renew_within_secs: 30,
    };
    session.tell(Told::TrustBundle(told)).await;
    rig.appeared("b").await;
    let report = session.report().await;
    assert_eq!(changes(&report), ["+b"]);
    assert_eq!(*rig.trusted.lock().unwrap(), [vec![1], vec![2]]);
    let (root, within) = rig.followed.lock().unwrap()[0];
    assert_eq!((root.to_bytes(), within), ([7; 32], std::time::Duration::from_secs(30)));
}

#[tokio::test]
async fn an_outbox_that_lost_what_the_collector_has_takes_a_new_identity() {
    let mut rig = Rig::new(&["a"], 0).await;
    let (session, hello) = rig.accept().await;
    session.tell(Told::Welcome(welcome(50))).await;
    let (session, renewed) = rig.accept().await;
    assert_ne!(renewed.outbox_id, hello.outbox_id);
    session.tell(Told::Welcome(welcome(0))).await;
    let mut session = session;
    // Its first report, and the statuses anew, since those may be among what was lost.
    let first = session.report().await;
    assert_eq!(first.sequence, FIRST);
    let restated = session.report().await;
    assert_eq!(restated.sources[0].source, "docker");
    assert!(restated.sources[0].status.is_some());
}
