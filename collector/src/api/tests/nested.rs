//! The nested query over HTTP, on both databases.

use super::*;

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
