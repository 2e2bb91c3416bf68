//! The drawn tree, as people see it.

use serde_json::json;

use super::{super::text::Paint, draw::draw};
use crate::{
    query::{
        testing::{Seed, TestDb, agent, ago, change, compute, now, one_host, places, run, source},
        tree,
    },
    store::Db,
};

async fn drawn(db: &Db, depth: u8) -> String {
    draw(&tree::tree(db, now(), depth).await.unwrap(), now(), Paint::OFF)
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
    let only = tree::tree(db, now(), tree::LEVELS).await.unwrap().only("stg", tree::LEVELS);
    insta::assert_snapshot!("tree_of_one_environment", draw(&only, now(), Paint::OFF));
    let only = tree::tree(db, now(), tree::LEVELS).await.unwrap().only("PROD", 5);
    assert_eq!((only.summary.computes, &only.summary.workloads), (1, &None));
    let text = draw(&only, now(), Paint::OFF);
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
