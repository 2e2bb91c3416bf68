//! What tables and search show: places with counts, computes in one line, hits.

use super::*;
use crate::query::search::{Found, Search, search};

on_both!(
    every_compute_counts_in_its_place_and_in_those_above,
    a_compute_in_one_line_says_what_is_not_known,
    computes_are_found_by_a_piece_of_what_they_are,
    anything_is_found_by_a_piece_of_what_is_known_of_it,
    what_ended_is_found_on_request_and_limits_hold_for_each_kind,
    what_is_typed_is_never_a_pattern,
);

async fn hosts(db: &Db) {
    one_host(db).await;
    compute(db, 2, "db-1", Some(1)).await;
    compute(db, 3, "typed-in", None).await;
    run(db, "UPDATE computes SET cloud_id = 1 WHERE id = 3", vec![]).await;
    compute(db, 4, "nowhere", None).await;
    agent(db, 2, 2, "ACTIVE", false, 300).await;
    Seed::container(10, 2, "postgres").store(db).await;
    Seed { ended: Some(50), ..Seed::container(11, 2, "old-job") }.store(db).await;
}

async fn every_compute_counts_in_its_place_and_in_those_above(db: &Db) {
    hosts(db).await;
    let context = Context::of(db, now());
    let places = places_of(db, &context).await;
    let counts = |kind: &str| places.items.iter().find(|place| place.kind == kind).unwrap().counts;
    let cellar = Counts {
        computes: 2,
        connected: 1,
        unreachable: 1,
        unwatched: 0,
        covered: 1,
        workloads: 3,
        workloads_unknown: 1,
    };
    for kind in ["datacenter", "availability_zone", "region"] {
        assert_eq!(counts(kind), cellar, "{kind}");
    }
    let cloud = Counts { computes: 3, unwatched: 1, ..cellar };
    assert_eq!((counts("cloud"), counts("partner")), (cloud, cloud));
    assert_eq!(places.unplaced, Counts { computes: 1, unwatched: 1, ..Counts::default() });
    assert_eq!(places.total, Counts { computes: 4, unwatched: 2, ..cellar });
    let zone = places.items.iter().find(|place| place.kind == "datacenter").unwrap();
    assert_eq!((zone.parent_kind, zone.parent_id), (Some("availability_zone"), Some(1)));
}

async fn places_of(db: &Db, context: &Context) -> Places {
    crate::query::places(db, context).await.unwrap()
}

async fn a_compute_in_one_line_says_what_is_not_known(db: &Db) {
    hosts(db).await;
    let page = page::<ComputeSummary>(db, &[]).await.unwrap();
    let line = |id: usize| &page["items"][id - 1];
    assert_eq!((&line(1)["connected"], &line(1)["workloads"]), (&json!(true), &json!(2)));
    assert_eq!((&line(2)["connected"], &line(2)["status"]), (&json!(false), &json!("UNREACHABLE")));
    assert_eq!(line(2)["lastSeenAt"], ago(300).to_string());
    assert_eq!((&line(3)["connected"], &line(3)["lastSeenAt"]), (&Json::Null, &Json::Null), "nobody ever looked");
    assert_eq!((&line(2)["cpuMillicores"], &line(2)["memoryBytes"]), (&Json::Null, &Json::Null));
    assert_eq!(line(1)["troubledSources"], json!([]), "an absent source is no trouble");
}

async fn computes_are_found_by_a_piece_of_what_they_are(db: &Db) {
    hosts(db).await;
    for (parameters, found) in [
        (vec![("match", "WEB")], vec![1]),
        (vec![("match", "192.0.2")], vec![1, 2, 3, 4]),
        (vec![("match", "-1"), ("status", "UNREACHABLE")], vec![2]),
        (vec![("match", "web"), ("match", "typed")], vec![1, 3]),
        (vec![("match", "%")], vec![]),
        (vec![("match", "b_1")], vec![]),
        (vec![("placed", "cloud")], vec![3]),
        (vec![("placed", "none")], vec![4]),
    ] {
        assert_eq!(ids::<ComputeSummary>(db, &parameters).await, found, "{parameters:?}");
    }
}

async fn found(db: &Db, text: &str) -> Found {
    let wanted = Search { text: text.to_owned(), kinds: Vec::new(), limit: 10, ended: false };
    search(db, now(), &wanted).await.unwrap()
}

async fn names(db: &Db, text: &str) -> Vec<(String, String)> {
    let hits = found(db, text).await.items;
    hits.into_iter().map(|hit| (format!("{} {}", hit.kind, hit.name), hit.matched)).collect()
}

async fn anything_is_found_by_a_piece_of_what_is_known_of_it(db: &Db) {
    hosts(db).await;
    run(
        db,
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 1, 'Owner', 'Web Team')",
        vec![],
    )
    .await;
    let hit = |name: &str, matched: &str| (name.to_owned(), matched.to_owned());
    assert_eq!(
        names(db, "WEB").await,
        [hit("compute web-1", "name"), hit("workload web", "name"), hit("tag Owner=Web Team", "tag")]
    );
    assert_eq!(names(db, "cellar").await, [hit("datacenter cellar", "name")]);
    assert_eq!(names(db, "ourselves").await, [hit("partner self", "name")]);
    assert_eq!(names(db, "nginx:1.25").await.len(), 2);
    assert_eq!(names(db, ":18080").await.len(), 2);
    assert_eq!(names(db, "808").await, [], "a port is matched whole");
    assert_eq!(names(db, "22").await, [hit("workload ssh", "port")]);
    assert_eq!(names(db, "environment=stag").await.len(), 2);
    assert_eq!(names(db, "owner=web").await, [hit("tag Owner=Web Team", "tag")]);
    let hits = found(db, "postgres").await.items;
    assert_eq!((hits[0].compute_id, hits[0].compute_name.as_deref()), (Some(2), Some("db-1")));
}

async fn what_ended_is_found_on_request_and_limits_hold_for_each_kind(db: &Db) {
    hosts(db).await;
    assert_eq!(names(db, "old-job").await, []);
    let wanted = Search { text: "old-job".to_owned(), kinds: vec!["workload".to_owned()], limit: 10, ended: true };
    assert_eq!(search(db, now(), &wanted).await.unwrap().items.len(), 1);

    let wanted = Search { text: "e".to_owned(), kinds: Vec::new(), limit: 1, ended: true };
    let all = search(db, now(), &wanted).await.unwrap();
    for kind in ["compute", "workload"] {
        assert_eq!(all.items.iter().filter(|hit| hit.kind == kind).count(), 1, "{kind}");
        assert!(all.more.contains(&kind));
    }
}

async fn what_is_typed_is_never_a_pattern(db: &Db) {
    hosts(db).await;
    for text in ["%", "_", "!", "w%b", "' OR 1=1 --", "\"", "\\", "=", "a=b=c"] {
        let hits = found(db, text).await.items;
        assert!(hits.iter().all(|hit| hit.kind == "workload" && hit.matched == "label"), "{text}: {hits:?}");
    }
}
