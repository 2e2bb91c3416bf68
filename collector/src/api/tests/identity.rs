//! Merging, explaining and deciding about drift over HTTP: what is answered, and how bad requests are told.

use super::*;
use crate::query::testing::{agent_id, compute, run};

#[tokio::test]
async fn a_merge_is_told_before_done_listed_and_undone() {
    let served = Served::sqlite().await;
    compute(&served.test.db, 2, "by hand", Some(1)).await;
    let path = "/api/v1/computes/2/merge";
    let (status, told) = served.json("POST", path, Role::Operator, r#"{"from": 1, "dryRun": true}"#).await;
    assert_eq!((status.as_u16(), &told["operationId"]), (200, &Json::Null));
    assert_eq!(told["moved"]["workloads"], 2);
    let (_, page) = served.get("/api/v1/computes").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "nothing was done");

    let (status, done) = served.json("POST", path, Role::Operator, r#"{"from": 1}"#).await;
    assert_eq!(status, 200, "{done}");
    let (_, page) = served.get("/api/v1/computes").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    let (_, page) = served.get("/api/v1/compute-summaries").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "a tree shows it once");
    let (_, page) = served.get("/api/v1/compute-summaries?id=1").await;
    assert_eq!(page["items"][0]["status"], "MERGED", "it is found by its number");
    let (_, places) = served.get("/api/v1/places").await;
    assert_eq!(places["total"]["computes"], 1, "it counts once");
    let (_, merged) = served.get("/api/v1/computes/1").await;
    assert_eq!((&merged["status"], &merged["mergedInto"]), (&"MERGED".into(), &2.into()));
    let (_, page) = served.get("/api/v1/computes?status=MERGED").await;
    assert_eq!(page["items"][0]["id"], 1);
    let (_, history) = served.get("/api/v1/history?computeId=2").await;
    let of_merged = history["items"].as_array().unwrap().iter().any(|entry| entry["computeId"] == 1);
    assert!(of_merged, "the history of what was merged belongs to it: {history}");
    let (_, operations) = served.get("/api/v1/operations?computeId=2").await;
    assert_eq!(
        (&operations["items"][0]["kind"], &operations["items"][0]["actorId"]),
        (&"MERGE".into(), &"operator".into())
    );
    assert!(operations["items"][0].get("undoRecord").is_none(), "what undoing takes is nobody's to read");

    let undo = format!("/api/v1/operations/{}/undo", done["operationId"]);
    let (status, undone) = served.json("POST", &undo, Role::Operator, "").await;
    assert_eq!((status.as_u16(), &undone["left"]), (200, &serde_json::json!([])));
    let (status, problem) = served.json("POST", &undo, Role::Operator, "").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("conflict")));
    let (_, workload) = served.get("/api/v1/workloads/1").await;
    assert_eq!(workload["computeId"], 1);
    served.test.close().await;
}

#[tokio::test]
async fn bad_requests_about_computes_are_told_with_field_and_reason() {
    let served = Served::sqlite().await;
    let agent = agent_id(1);
    let post = async |path: &str, body: String| {
        let (status, problem) = served.json("POST", path, Role::Operator, &body).await;
        (status.as_u16(), problem["field"].as_str().unwrap_or_default().to_owned())
    };
    for (path, body, expected) in [
        ("/api/v1/computes/1/merge", "{}".to_owned(), (400, "from")),
        ("/api/v1/computes/1/merge", r#"{"from": 1}"#.to_owned(), (409, "from")),
        ("/api/v1/computes/1/merge", r#"{"from": "x"}"#.to_owned(), (400, "from")),
        ("/api/v1/computes/1/merge", r#"{"form": 2}"#.to_owned(), (400, "form")),
        ("/api/v1/computes/1/merge", r#"{"from": 99}"#.to_owned(), (404, "")),
        ("/api/v1/computes/x/merge", r#"{"from": 2}"#.to_owned(), (404, "")),
        ("/api/v1/computes/1/claim", "{}".to_owned(), (400, "agentId")),
        ("/api/v1/computes/1/claim", format!(r#"{{"agentId": "{}"}}"#, agent_id(9)), (404, "")),
        ("/api/v1/computes/1/claim", format!(r#"{{"agentId": "{agent}"}}"#), (409, "from")),
        ("/api/v1/computes/1/split", format!(r#"{{"agentId": "{}"}}"#, agent_id(9)), (409, "agentId")),
        ("/api/v1/computes/9/split", format!(r#"{{"agentId": "{agent}"}}"#), (404, "")),
        ("/api/v1/operations/7/undo", String::new(), (404, "")),
        ("/api/v1/drifts/decide", r#"{"decision": "both"}"#.to_owned(), (400, "decision")),
        ("/api/v1/drifts/decide", r#"{"decision": "take"}"#.to_owned(), (400, "drifts")),
        ("/api/v1/drifts/decide", r#"{"decision": "take", "drifts": [{"id": 5}]}"#.to_owned(), (404, "")),
        ("/api/v1/drifts/decide", r#"{"decision": "take", "drifts": [{"it": 5}]}"#.to_owned(), (400, "drifts[0].it")),
        ("/api/v1/identity-junk", r#"{"evidence": "colour", "content": "x"}"#.to_owned(), (400, "evidence")),
        ("/api/v1/identity-junk", r#"{"evidence": "mac", "content": " "}"#.to_owned(), (400, "content")),
    ] {
        let (status, field) = post(path, body.clone()).await;
        assert_eq!((status, field.as_str()), expected, "{path} {body}");
    }
    served.test.close().await;
}

#[tokio::test]
async fn a_match_is_explained_and_a_compute_can_be_asked_about() {
    let served = Served::sqlite().await;
    compute(&served.test.db, 2, "db-1", Some(1)).await;
    let path = format!("/api/v1/agents/{}/match-explanation", agent_id(1));
    let (status, told) = served.get(&path).await;
    assert_eq!(status, 200);
    assert_eq!(told["summary"], "it was matched by a version that did not keep the reasons");
    let sql = "INSERT INTO match_decisions (agent_id, outcome, compute_id, machine, explanation, actor_kind, actor_id, \
               decided_at_us) VALUES (?, 'NEW', 1, ?, '{\"summary\":\"it is new\"}', 'agent', 'a', 1)";
    let machine = r#"{"hostname":"web-1","addresses":["192.0.2.7"],"macAddresses":[],"inContainer":false}"#;
    run(&served.test.db, sql, vec![agent_id(1).into(), machine.into()]).await;
    let (_, told) = served.get(&format!("{path}?computeId=2")).await;
    assert_eq!(told["decisions"][0]["explanation"]["summary"], "it is new");
    assert_eq!(told["asked"]["verdict"], "rejected");
    assert_eq!(told["asked"]["whyNot"][0]["code"], "differs");
    for (query, status) in [("?computeId=x", 400), ("?computeId=99", 404), ("?compute=2", 400)] {
        assert_eq!(served.get(&format!("{path}{query}")).await.0.as_u16(), status, "{query}");
    }
    let unknown = format!("/api/v1/agents/{}/match-explanation", agent_id(9));
    assert_eq!(served.get(&unknown).await.0, 404);
    served.test.close().await;
}

#[tokio::test]
async fn junk_is_added_once_listed_and_removed() {
    let served = Served::sqlite().await;
    let body = r#"{"evidence": "product_serial", "content": " SN-0001 ", "note": "the whole batch"}"#;
    let (status, made) = served.json("POST", "/api/v1/identity-junk", Role::Operator, body).await;
    assert_eq!((status.as_u16(), made["content"].as_str()), (201, Some("sn-0001")));
    assert_eq!(served.json("POST", "/api/v1/identity-junk", Role::Operator, body).await.0, 409);
    let (_, page) = served.get("/api/v1/identity-junk?evidence=product_serial").await;
    assert_eq!(page["items"][0]["note"], "the whole batch");
    let path = format!("/api/v1/identity-junk/{}", made["id"]);
    assert_eq!(served.json("DELETE", &path, Role::Operator, "").await.0, 204);
    assert_eq!(served.json("DELETE", &path, Role::Operator, "").await.0, 404);
    served.test.close().await;
}
