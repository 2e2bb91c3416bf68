//! The drawn tree, as people see it.

use std::sync::Arc;

use orchestrix_common::time::ManualClock;
use serde_json::{Value as Json, json};

use super::{
    super::text::Paint,
    draw::{Part, draw},
    read,
};
use crate::{
    edit::{Editor, Expected, Mode, Operation, Verb, forms},
    query::{
        as_of::{self, AsOf},
        testing::{Seed, TestDb, agent, ago, change, compute, now, one_host, places, run, source},
        tree::{self, Narrow},
    },
    store::{Commits, Db, Executor as _, rows::history::Actor},
};

async fn drawn(db: &Db, depth: u8) -> String {
    draw(&tree::tree(db, now(), depth).await.unwrap(), Part::Whole, now(), Paint::OFF)
}

#[tokio::test]
async fn the_tree_is_what_people_reviewed() {
    let test = TestDb::sqlite().await;
    let db = &test.db;
    one_host(db).await;
    change(db, 42, 1, ago(60)).await;
    compute(db, 2, "web-2", Some(1)).await;
    agent(db, 2, 2, "ACTIVE", true, 5).await;
    source(db, 2, "docker", "failing", "none", "no answer within 5 s").await;
    source(db, 2, "process", "degraded", "partial", "3 programs could not be read").await;
    Seed { status: "paused", image: Some("redis:7"), ..Seed::container(3, 2, "cache") }.store(db).await;
    compute(db, 3, "db-1", Some(1)).await;
    agent(db, 3, 3, "ACTIVE", false, 500).await;
    source(db, 3, "docker", "healthy", "complete", "").await;
    Seed::container(4, 3, "postgres").store(db).await;
    run(db, "INSERT INTO computes (id, name) VALUES (4, 'entered-by-hand')", vec![]).await;
    insta::assert_snapshot!("tree", drawn(db, tree::LEVELS).await);
    insta::assert_snapshot!("tree_to_the_computes", drawn(db, 6).await);
    insta::assert_snapshot!("tree_to_the_clouds", drawn(db, 2).await);
}

#[tokio::test]
async fn the_tree_shows_environments_and_can_be_narrowed_to_one() {
    let test = TestDb::sqlite().await;
    let db = &test.db;
    one_host(db).await;
    compute(db, 2, "web-2", None).await;
    for sql in [
        "INSERT INTO environments (id, name, code, type) VALUES (1, 'Production', 'PROD', 'x'), (2, 'Staging', 'STG', 'x')",
        "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, allocated_percentage) \
         VALUES (1, 'datacenter', 1, 1, NULL), (1, 'compute', 1, 1, 62.5), (2, 'workload', 2, 1, NULL)",
        "UPDATE compute_workloads SET environment_id = 2 WHERE id = 2",
    ] {
        run(db, sql, vec![]).await;
    }
    insta::assert_snapshot!("tree_with_environments", drawn(db, tree::LEVELS).await);
    let of = |code: &str| Narrow { environment: Some(code.to_owned()), ..Narrow::default() };
    let only = read(db, now(), tree::LEVELS, &of("stg")).await.unwrap();
    insta::assert_snapshot!("tree_of_one_environment", draw(&only, Part::Some, now(), Paint::OFF));
    let only = read(db, now(), 5, &of("PROD")).await.unwrap();
    assert_eq!(only.summary.computes, 1);
    let text = draw(&only, Part::Some, now(), Paint::OFF);
    assert!(text.contains("cellar  datacenter  [PROD]") && !text.contains("web-"), "{text}");
}

#[tokio::test]
async fn an_empty_inventory_says_what_to_do() {
    let test = TestDb::sqlite().await;
    let text = drawn(&test.db, tree::LEVELS).await;
    assert!(text.contains("token create") && text.contains("coverage ? %"), "{text}");
}

#[tokio::test]
async fn hostile_names_neither_drive_the_terminal_nor_break_the_lines() {
    let test = TestDb::sqlite().await;
    let db = &test.db;
    places(db).await;
    compute(db, 1, "\u{1b}[2Jevil\u{202e}gpj\nsecond line", Some(1)).await;
    let name: &'static str = "x\u{1b}]0;title\u{7}";
    let long: &'static str = Box::leak("i".repeat(5_000).into_boxed_str());
    Seed { image: Some("img\u{9b}31m"), labels: json!({}), ..Seed::container(1, 1, name) }.store(db).await;
    Seed { image: Some(long), ..Seed::container(2, 1, long) }.store(db).await;
    let text = drawn(db, tree::LEVELS).await;
    assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n' || letter == '\u{202e}'), "{text:?}");
    // Partner, cloud, region, zone, datacenter, compute, two workloads, an empty line, the summary.
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(text.lines().all(|line| line.chars().count() < 400), "{text}");
}

/// What the command prints where no terminal is, for these flags.
async fn printed(db: &Db, depth: u8, narrow: Narrow) -> String {
    let part = match db.past() {
        Some(_) => Part::Past,
        None if narrow.is_nothing() => Part::Whole,
        None => Part::Some,
    };
    let tree = read(db, now(), depth, &narrow).await.unwrap_or_else(|error| panic!("{narrow:?}: {error}"));
    draw(&tree, part, now(), Paint::OFF)
}

/// Two partners: one with two datacenters and a compute in each, one with a cloud only; production is the first
/// datacenter, and staging a container in it.
async fn two_partners(db: &Db) {
    one_host(db).await;
    for sql in [
        "INSERT INTO partners (id, name, display_name, type) VALUES (2, 'other', 'Other', 'vendor')",
        "INSERT INTO clouds (id, name, partner_id) VALUES (2, 'theirs', 2)",
        "INSERT INTO datacenters (id, name, partner_id, cloud_id, availability_zone_id) VALUES (2, 'attic', 1, 1, 1)",
        "INSERT INTO environments (id, name, code, type) VALUES (1, 'Production', 'PROD', 'x'), (2, 'Staging', 'STG', 'x')",
        "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary) VALUES \
         (1, 'datacenter', 1, 1), (2, 'workload', 2, 1)",
        "UPDATE compute_workloads SET environment_id = 2 WHERE id = 2",
    ] {
        run(db, sql, vec![]).await;
    }
    compute(db, 2, "spare", Some(2)).await;
}

#[tokio::test]
async fn each_flag_narrows_the_tree_and_they_go_together() {
    let test = TestDb::sqlite().await;
    let db = &test.db;
    two_partners(db).await;
    let of = |env: &str, partner: &str, datacenter: &str| {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Narrow { environment: given(env), partner: given(partner), datacenter: given(datacenter) }
    };
    insta::assert_snapshot!("tree_whole", printed(db, tree::LEVELS, Narrow::default()).await);
    insta::assert_snapshot!("tree_of_an_environment_to_the_computes", printed(db, 6, of("prod", "", "")).await);
    insta::assert_snapshot!("tree_of_a_partner", printed(db, tree::LEVELS, of("", "OTHER", "")).await);
    insta::assert_snapshot!("tree_of_a_datacenter", printed(db, tree::LEVELS, of("", "", "Attic")).await);
    assert_eq!(printed(db, 7, of("", "2", "")).await, printed(db, 7, of("", "other", "")).await, "a number is a name");
    assert_eq!(printed(db, 7, of("", "", "2")).await, printed(db, 7, of("", "", "attic")).await);
    let both = printed(db, tree::LEVELS, of("STG", "self", "cellar")).await;
    insta::assert_snapshot!("tree_of_all_three", both);
    // Nothing fits all of them: nothing is shown, and it is not said that the inventory is empty.
    let none = printed(db, tree::LEVELS, of("PROD", "other", "")).await;
    assert!(!none.contains("theirs") && none.contains("Nothing"), "{none}");
    for (narrow, wanted) in [
        (of("PRD", "", ""), "no environment is called \"PRD\"; nearest: PROD"),
        (of("", "othr", ""), "no partner is called \"othr\"; nearest: other"),
        (of("", "", "attik"), "no datacenter is called \"attik\"; nearest: attic"),
    ] {
        let refused = read(db, now(), tree::LEVELS, &narrow).await.unwrap_err().to_string();
        assert!(refused.starts_with(wanted), "{refused}");
    }
}

#[tokio::test]
async fn the_tree_of_an_earlier_time_is_that_of_then() {
    let test = TestDb::sqlite().await;
    let db = &test.db;
    two_partners(db).await;
    let editor = Editor::new(db.clone(), Arc::new(ManualClock::at(now())), Commits::default());
    let change = async |key: i64, data: Json| {
        let verb = Verb::Update { key: vec![key.into()], data, expected: Expected::default() };
        editor.one(&Actor::person("ada"), &Operation::new(&forms::COMPUTE, verb), Mode::Commit).await.unwrap();
    };
    change(2, json!({ "notes": "a spare one" })).await;
    let before = printed(db, 6, Narrow::default()).await;
    let last: i64 = {
        let mut executor = db;
        let sql = "SELECT MAX(sequence) AS last FROM history".to_owned();
        executor.fetch_optional(sql, vec![]).await.unwrap().unwrap().get("last").unwrap()
    };
    change(2, json!({ "name": "renamed" })).await;
    change(1, json!({ "datacenterId": 2 })).await;
    let after = printed(db, 6, Narrow::default()).await;
    assert!(after.contains("renamed") && !after.contains("spare"), "{after}");
    let past = as_of::open(db, now(), AsOf::parse(&last.to_string()).unwrap()).await.unwrap();
    // Signs of life have no past; the rest is what it was.
    let then = printed(&past, 6, Narrow::default()).await;
    insta::assert_snapshot!("tree_as_of_a_change", then);
    let names = |text: &str| {
        let first = |line: &str| {
            line.trim_start_matches([' ', '│', '├', '└', '─']).split("  ").next().unwrap_or_default().to_owned()
        };
        text.lines()
            .take_while(|line| !line.is_empty())
            .filter(|line| line.contains("compute"))
            .map(first)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&then), names(&before));
    let attic = Narrow { datacenter: Some("attic".to_owned()), ..Narrow::default() };
    let narrowed = printed(&past, 6, attic).await;
    assert!(narrowed.contains("spare") && !narrowed.contains("web-1"), "{narrowed}");
}
