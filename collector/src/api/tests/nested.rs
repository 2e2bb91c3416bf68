//! The nested query over HTTP, on both databases.

use super::*;
use crate::{
    catalog::COMPUTE,
    query::sequence,
    store::rows::{history::history_insert_in_tx, row_change::RowChange, stored::stored_many_in_tx},
};

async fn is_answered(test: TestDb) {
    let served = Served::on(test).await;
    let query = r#"{"kind": "compute", "criteria": {"id": 1}, "select": ["id"], "include": [
        {"kind": "workload", "select": ["id"], "sort": "id", "page": {"limit": 1}},
        {"kind": "datacenter", "select": ["id"]}]}"#;
    let (status, answer) = served.json("POST", "/api/v1/query", Role::Viewer, query).await;
    assert_eq!((status.as_u16(), &answer["success"], &answer["count"]), (200, &Json::from(true), &Json::from(1)));
    let compute = &answer["data"][0];
    assert_eq!(compute["workloads"], serde_json::json!([{ "id": 1 }]));
    assert_eq!(compute["datacenters"].as_array().map(Vec::len), Some(1));

    for (query, code, field) in [
        ("{", "invalid-body", Json::Null),
        (r#"{"kind": "computer"}"#, "unknown-kind", Json::from("kind")),
        (r#"{"kind": "compute", "criteria": {"id": "1"}}"#, "wrong-type", Json::from("criteria.id")),
    ] {
        let (status, answer) = served.json("POST", "/api/v1/query", Role::Viewer, query).await;
        assert_eq!((status.as_u16(), &answer["success"]), (400, &Json::from(false)), "{query}");
        assert_eq!((&answer["error"]["code"], &answer["error"]["field"]), (&Json::from(code), &field), "{query}");
    }
    served.test.close().await;
}

#[tokio::test]
async fn a_nested_query_is_answered_on_sqlite() {
    is_answered(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn a_nested_query_is_answered_on_mariadb() {
    if let Some(test) = TestDb::mariadb().await {
        is_answered(test).await;
    }
}

/// The past over HTTP: in the nested query, in lists and for single resources.
async fn the_past_is_read(test: TestDb) {
    let served = Served::on(test).await;
    let change = |notes: &'static str| {
        let db = &served.test.db;
        async move {
            let mut tx = db.begin().await.unwrap();
            let before = stored_many_in_tx(&mut tx, &COMPUTE, [1]).await.unwrap().remove(&1).unwrap();
            tx.execute("UPDATE computes SET notes = ? WHERE id = 1", vec![notes.into()]).await.unwrap();
            let after = stored_many_in_tx(&mut tx, &COMPUTE, [1]).await.unwrap().remove(&1).unwrap();
            let entry = RowChange { kind: &COMPUTE, before, after }.entry(&Actor::person("test"), now());
            history_insert_in_tx(&mut tx, now(), entry.as_slice()).await.unwrap();
            tx.commit().await.unwrap();
            sequence::current(db, now()).await.unwrap()
        }
    };
    let (first, last) = (change("first").await, change("last").await);
    let (status, compute) = served.get(&format!("/api/v1/computes/1?asOf={first}")).await;
    assert_eq!((status.as_u16(), &compute["notes"]), (200, &Json::from("first")));
    let (_, compute) = served.get("/api/v1/computes/1").await;
    assert_eq!(compute["notes"], "last");
    let (_, page) = served.get(&format!("/api/v1/computes?asOf={first}&name=web-1")).await;
    assert_eq!((&page["items"][0]["notes"], &page["sequence"]), (&Json::from("first"), &Json::from(first)));
    let query = format!(r#"{{"kind": "compute", "criteria": {{"id": 1}}, "select": ["notes"], "asOf": {first}}}"#);
    let (_, answer) = served.json("POST", "/api/v1/query", Role::Viewer, &query).await;
    assert_eq!((&answer["data"][0]["notes"], &answer["sequence"]), (&Json::from("first"), &Json::from(first)));

    for (text, code) in [
        ("yesterday", "invalid-parameter"),
        ("2126-01-01T00:00:00Z", "in-the-future"),
        ("2001-01-01T00:00:00Z", "before-known-past"),
        ("999", "in-the-future"),
    ] {
        for path in ["/api/v1/computes", "/api/v1/computes/1"] {
            let (status, problem) = served.get(&format!("{path}?asOf={text}")).await;
            let expected = if code == "invalid-parameter" { 400 } else { 404 };
            assert_eq!((status.as_u16(), &problem["code"]), (expected, &Json::from(code)), "{path} {text}");
        }
        let query = format!(r#"{{"kind": "compute", "asOf": "{text}"}}"#);
        let (status, answer) = served.json("POST", "/api/v1/query", Role::Viewer, &query).await;
        let code = if code == "invalid-parameter" { "wrong-type" } else { code };
        assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &Json::from(code)), "{text}");
        assert_eq!(answer["error"]["field"], "asOf");
    }
    let (status, problem) = served.get("/api/v1/agents?asOf=1").await;
    assert_eq!((status.as_u16(), &problem["code"]), (400, &Json::from("unknown-parameter")));

    // The same changes, asked for again and again.
    let poll = format!("/api/v1/changes?since={}", first - 1);
    let (status, told) = served.get_as("application/json", &poll).await;
    assert_eq!((status.as_u16(), &told["sequence"], &told["reset"]), (200, &Json::from(last), &Json::from(false)));
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(2));
    let (_, told) = served.get_as("application/json", &format!("{poll}&resourceType=workload")).await;
    assert_eq!((told["changes"].as_array().map(Vec::len), &told["sequence"]), (Some(0), &Json::from(last)));
    let (_, told) = served.get_as("application/json", &format!("{poll}&computeId=1&resourceType=compute")).await;
    assert_eq!(told["changes"].as_array().map(Vec::len), Some(2));
    let (status, problem) = served.get_as("application/json", &format!("{poll}&computeid=1")).await;
    assert_eq!((status.as_u16(), &problem["code"]), (400, &Json::from("unknown-parameter")));
    served.test.close().await;
}

#[tokio::test]
async fn the_past_is_read_over_http_on_sqlite() {
    the_past_is_read(TestDb::sqlite().await).await;
}

#[tokio::test]
async fn the_past_is_read_over_http_on_mariadb() {
    if let Some(test) = TestDb::mariadb().await {
        the_past_is_read(test).await;
    }
}
