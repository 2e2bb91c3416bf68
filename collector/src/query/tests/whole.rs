//! What is read across lists: the order of changes, the tree, contradictions.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    environment::{
        rule::{Condition, EvidenceKind, Operator, Rule, RuleKind, Scope},
        rules::{rule_create, rules_install},
    },
    query::{
        consistency, sequence,
        testing::{self, Seed, agent, change, compute, now, on_both, one_host, run, source},
        tree,
    },
    store::{Db, Dialect, rows::history::Actor},
};

on_both!(
    a_change_behind_a_gap_waits_until_the_gap_is_final,
    the_tree_hides_nothing,
    the_summary_counts_what_is_seen_in_full,
    a_sound_inventory_has_no_contradictions,
    contradictions_are_found_and_explained,
    gaps_and_contradictions_in_the_history_are_found,
    rules_that_do_nothing_or_contradict_each_other_are_found,
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

/// Findings whose code begins so: code, subject and detail.
async fn found(db: &Db, prefix: &str) -> Vec<String> {
    let found = consistency::findings(db, now()).await.unwrap();
    let of = found.iter().filter(|finding| finding.code.starts_with(prefix));
    of.map(|finding| format!("{} {} ({})", finding.code, finding.subject, finding.detail)).collect()
}

/// A change of a compute's name and of its measured share.
async fn renamed(db: &Db, sequence: i64, was: &str, is: &str) {
    let state = |name: &str| json!({ "name": name, "allocatedPercentage": sequence });
    let sql = "INSERT INTO history (sequence, recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, \
               resource_type, resource_id, resource_name, before_state, after_state) \
               VALUES (?, 1, 1, 'person', 'ada', 'altered', 'compute', 7, 'web', ?, ?)";
    run(db, sql, vec![sequence.into(), (&state(was)).into(), (&state(is)).into()]).await;
}

async fn gaps_and_contradictions_in_the_history_are_found(db: &Db) {
    for (sequence, was, is) in [(1, "a", "b"), (2, "b", "c"), (3, "c", "d")] {
        renamed(db, sequence, was, is).await;
    }
    assert_eq!(found(db, "history-").await, [""; 0]);
    renamed(db, 5, "d", "e").await;
    renamed(db, 9, "x", "f").await;
    renamed(db, 10, "f", "g").await;
    let gaps = ["history-gap change 4 ()", "history-gap change 6 (to 8)"];
    let broken = "history-contradiction change 9 (compute web, name: \"e\" was left, \"x\" was found)";
    assert_eq!(found(db, "history-").await, [gaps[0], gaps[1], broken]);
    // What retention took away is explained by it.
    run(db, "DELETE FROM history WHERE sequence <= 9", vec![]).await;
    let start = json!({ "sequence": 9, "recordedAtUs": 1 }).to_string();
    run(db, "INSERT INTO discovery_settings (name, content) VALUES ('history-start', ?)", vec![start.into()]).await;
    assert_eq!(found(db, "history-").await, [""; 0]);
}

fn rule(name: &str, priority: i64, code: &str, conditions: Vec<Condition>) -> Rule {
    Rule { name: name.to_owned(), priority, environment_code: code.to_owned(), conditions, ..Rule::default() }
}

fn image(operator: Operator, value: &str) -> Vec<Condition> {
    vec![Condition { evidence: EvidenceKind::Image, key: None, operator, values: vec![value.to_owned()] }]
}

async fn rules_that_do_nothing_or_contradict_each_other_are_found(db: &Db) {
    one_host(db).await;
    run(
        db,
        "INSERT INTO environments (id, name, code, type) VALUES (1, 'p', 'PROD', 'QA'), (2, 'd', 'DEV', 'QA')",
        vec![],
    )
    .await;
    rules_install(db, now()).await.unwrap();
    assert_eq!(found(db, "rule").await, [""; 0], "the default set is sound, whatever codes there are");
    Seed { image: Some("shop:1"), ..Seed::container(20, 1, "shop") }.store(db).await;
    let scope = Scope { datacenter_id: Some(99), ..Scope::default() };
    let of_compute = Scope { resource_types: vec!["compute".to_owned()], ..Scope::default() };
    let tags = |value: &str| [("team".to_owned(), value.to_owned())].into();
    let tagger = |name: &str, value: &str, conditions| Rule {
        kind: RuleKind::Tag,
        tags: tags(value),
        ..rule(name, 70, "", conditions)
    };
    for rule in [
        rule("broad", 50, "PROD", image(Operator::Prefix, "shop")),
        rule("narrow", 51, "DEV", image(Operator::Equals, "shop:2")),
        rule("rival", 50, "DEV", image(Operator::Suffix, ":1")),
        rule("other", 50, "DEV", image(Operator::Suffix, ":9")),
        rule("lost", 52, "NOWHERE", image(Operator::Prefix, "x")),
        Rule { scope, ..rule("placed", 53, "DEV", image(Operator::Prefix, "x")) },
        Rule { scope: of_compute, ..rule("never", 54, "DEV", image(Operator::Prefix, "x")) },
        Rule { enabled: false, ..rule("asleep", 50, "DEV", image(Operator::Prefix, "shop")) },
        tagger("red", "red", image(Operator::Prefix, "shop")),
        tagger("blue", "blue", image(Operator::Contains, "op")),
    ] {
        rule_create(db, &Actor::person("ada"), now(), rule).await.unwrap();
    }
    let told = found(db, "rule").await;
    let told: Vec<&str> = told
        .iter()
        .map(|line| line.split_once(" environment rule ").unwrap())
        .map(|(code, rest)| {
            assert!(rest.contains(" ("), "{rest}");
            code
        })
        .collect();
    assert_eq!(
        told,
        [
            "rule-unknown-environment",
            "rule-unknown-scope",
            "rule-never-matches",
            "rule-unreachable",
            "rules-disagree",
            "rules-disagree"
        ]
    );
    let told = found(db, "rule").await.join("\n");
    for wanted in [
        "(lost, code NOWHERE)",
        "(placed, datacenter 99)",
        "(never: a compute has no image)",
        "(narrow, behind broad)",
        "(rival against broad: 1 resource, as workload shop)",
        "(blue against red: 1 resource, as workload shop)",
    ] {
        assert!(told.contains(wanted), "{wanted} is missing:\n{told}");
    }
}
