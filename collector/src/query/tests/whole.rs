//! What is read across lists: the order of changes, the tree, contradictions.

use std::collections::BTreeSet;

use crate::{
    query::{
        consistency, sequence,
        testing::{self, Seed, agent, change, compute, now, on_both, one_host, run, source},
        tree,
    },
    store::{Db, Dialect},
};

on_both!(
    a_change_behind_a_gap_waits_until_the_gap_is_final,
    the_tree_hides_nothing,
    the_summary_counts_what_is_seen_in_full,
    a_sound_inventory_has_no_contradictions,
    contradictions_are_found_and_explained,
);

async fn a_change_behind_a_gap_waits_until_the_gap_is_final(db: &Db) {
    let told = async |now| {
        sequence::changes(db, 0, 100, now).await.unwrap().iter().map(|entry| entry.sequence).collect::<Vec<_>>()
    };
    for sequence in [1, 2, 4] {
        change(db, sequence, 1, now()).await;
    }
    match db.dialect() {
        // One writer: a number that is missing was rolled back.
        Dialect::Sqlite => {
            assert_eq!(told(now()).await, [1, 2, 4]);
            assert_eq!(sequence::current(db, now()).await.unwrap(), 4);
        }
        Dialect::MySql => {
            assert_eq!(told(now()).await, [1, 2]);
            assert_eq!(sequence::current(db, now()).await.unwrap(), 2);
            change(db, 3, 1, now()).await;
            assert_eq!(told(now()).await, [1, 2, 3, 4]);
            assert_eq!(sequence::current(db, now()).await.unwrap(), 4);
            change(db, 9, 1, now()).await;
            assert_eq!(told(now()).await, [1, 2, 3, 4]);
            let later = now().plus(sequence::SETTLE);
            assert_eq!(told(later).await, [1, 2, 3, 4, 9]);
            assert_eq!(sequence::current(db, later).await.unwrap(), 9);
        }
    }
}

async fn the_tree_hides_nothing(db: &Db) {
    one_host(db).await;
    compute(db, 2, "nowhere", None).await;
    run(db, "INSERT INTO computes (id, name, cloud_id) VALUES (3, 'in-cloud', 1)", vec![]).await;
    run(db, "INSERT INTO datacenters (id, name) VALUES (2, 'loose')", vec![]).await;
    run(db, "INSERT INTO datacenters (id, name, partner_id) VALUES (3, 'of-partner', 1)", vec![]).await;
    run(db, "INSERT INTO datacenters (id, name, cloud_id) VALUES (4, 'of-cloud', 1)", vec![]).await;
    Seed { ended: Some(5), ..Seed::container(9, 1, "gone") }.store(db).await;
    let tree = tree::tree(db, now(), tree::LEVELS).await.unwrap();
    let json = serde_json::to_value(&tree).unwrap();
    let partner = &json["partners"][0];
    let cellar = &partner["clouds"][0]["regions"][0]["availabilityZones"][0]["datacenters"][0];
    assert_eq!(cellar["computes"][0]["workloads"].as_array().unwrap().len(), 2, "what ended is not in the tree");
    assert_eq!(cellar["computes"][0]["capabilities"][0]["capabilityType"], "docker");
    assert_eq!(partner["clouds"][0]["datacenters"][0]["name"], "of-cloud");
    assert_eq!(partner["clouds"][0]["computes"][0]["name"], "in-cloud");
    assert_eq!(partner["datacenters"][0]["name"], "of-partner");
    assert_eq!(json["datacenters"][0]["name"], "loose");
    assert_eq!(json["computes"][0]["name"], "nowhere");

    let shallow = tree::tree(db, now(), 2).await.unwrap();
    assert!(shallow.partners[0].clouds[0].regions.is_empty() && shallow.computes.is_empty());
    assert_eq!(shallow.summary.computes, 3, "the summary tells of what is not drawn");
}

async fn the_summary_counts_what_is_seen_in_full(db: &Db) {
    one_host(db).await;
    compute(db, 2, "web-2", Some(1)).await;
    agent(db, 2, 2, "ACTIVE", true, 5).await;
    source(db, 2, "docker", "failing", "none", "the socket hangs").await;
    Seed::container(3, 2, "web").store(db).await;
    compute(db, 3, "web-3", Some(1)).await;
    agent(db, 3, 3, "ACTIVE", false, 500).await;
    source(db, 3, "host", "healthy", "complete", "").await;
    Seed::container(4, 3, "web").store(db).await;
    let summary = tree::tree(db, now(), tree::LEVELS).await.unwrap().summary;
    assert_eq!((summary.computes, summary.connected, summary.covered, summary.coverage_percent), (3, 2, 1, Some(33)));
    assert_eq!(summary.troubled_sources.into_iter().collect::<Vec<_>>(), [("docker".to_owned(), 1)]);
    assert_eq!(summary.stale_workloads, Some(1));
    let workloads: Vec<_> = summary.workloads.unwrap().into_iter().collect();
    assert_eq!(workloads, [("running".to_owned(), 3), ("unknown".to_owned(), 1)]);
}

async fn codes(db: &Db) -> Vec<&'static str> {
    let found = consistency::findings(db, now()).await.unwrap();
    found.iter().map(|finding| finding.code).collect::<BTreeSet<_>>().into_iter().collect()
}

async fn a_sound_inventory_has_no_contradictions(db: &Db) {
    one_host(db).await;
    assert_eq!(codes(db).await, ["no-admin-token"]);
    let sql = "INSERT INTO api_tokens (id, name, secret_sha256, role, created_at_us) VALUES ('a', 'a', ?, 'admin', 1)";
    run(db, sql, vec![vec![1_u8; 32].into()]).await;
    assert_eq!(codes(db).await, [] as [&str; 0]);
}

async fn contradictions_are_found_and_explained(db: &Db) {
    one_host(db).await;
    compute(db, 2, "web-2", Some(1)).await;
    for sql in [
        "UPDATE compute_workloads SET ended_at_us = 1 WHERE id = 1",
        "DELETE FROM agent_entities WHERE resource_id = 2",
        "UPDATE compute_workloads SET container_row_id = 99 WHERE id = 2",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 99, 'a', 'b')",
        "INSERT INTO environments (id, name, code, type) VALUES (1, 'a', 'a', 'a'), (2, 'b', 'b', 'b')",
        "INSERT INTO environment_associations (environment_id, resource_type, resource_id, allocated_percentage) VALUES (1, 'compute', 1, 60), (2, 'compute', 1, 41)",
        "INSERT INTO join_tokens (id, secret_sha256, uses_allowed, uses_left, created_by, created_at_us, expires_at_us) VALUES ('ab', 'x', 1, 2, 'p', 1, 2)",
        "INSERT INTO dead_letters (agent_id, sequence, code, field, message, received_at_us) VALUES ('x', 1, 'c', 'f', 'm', 1)",
    ] {
        run(db, sql, vec![]).await;
    }
    agent(db, 2, 1, "ACTIVE", true, 5).await;
    agent(db, 3, 2, "HELD", true, 5).await;
    run(db, "UPDATE agents SET compute_id = NULL, state = 'ACTIVE' WHERE id = ?", vec![testing::agent_id(3).into()])
        .await;
    agent(db, 4, 2, "HELD", true, 5).await;
    let mut expected = vec![
        "agent-without-certificate",
        "agent-without-compute",
        "agent-without-sources",
        "allocation-above-100",
        "compute-with-two-agents",
        "duplicate-address",
        "entity-without-workload",
        "held-without-match",
        "join-token-uses",
        "no-admin-token",
        "report-not-stored",
        "tag-without-resource",
        "unusual-value",
        "workload-without-container",
        "workload-without-entity",
    ];
    if db.dialect() == Dialect::Sqlite {
        // MariaDB's column types make these impossible.
        run(db, "UPDATE agent_entities SET hash = x'00'", vec![]).await;
        run(db, "UPDATE compute_workloads SET ports = 'x' WHERE id = 2", vec![]).await;
        expected.extend(["entity-hash", "workload-json"]);
        expected.sort_unstable();
    }
    assert_eq!(codes(db).await, expected);
    for finding in consistency::findings(db, now()).await.unwrap() {
        assert!(!finding.problem.is_empty() && !finding.advice.is_empty(), "{finding:?}");
    }
}
