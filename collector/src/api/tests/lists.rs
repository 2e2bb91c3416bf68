//! What all lists and all refusals have in common over HTTP.

use super::*;
use crate::{
    query::testing::{compute, run},
    store::Executor as _,
};

#[test]
fn every_list_has_a_limit_and_a_cursor() {
    let document = serde_json::to_value(openapi()).unwrap();
    let mut lists = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let operation = &methods["get"];
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|name| name.rsplit('/').next()) else { continue };
        let listed = &document["components"]["schemas"][name]["properties"];
        // Answers for resources that are named one by one are no lists.
        let named = ["/api/v1/effective-environments", "/api/v1/allocations", "/api/v1/search"];
        if listed["items"].is_object() && !named.contains(&path.as_str()) {
            let parameters = operation["parameters"].as_array().unwrap();
            for wanted in ["limit", "cursor"] {
                assert!(parameters.iter().any(|parameter| parameter["name"] == wanted), "{path}: {wanted}");
            }
            assert!(listed["next"].is_object(), "{path}");
            lists += 1;
        }
    }
    assert!(lists > 30, "{lists}");
}

#[tokio::test]
async fn whatever_refuses_a_request_says_why_as_a_problem() {
    let served = Served::sqlite().await;
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(70_000));
    let cases: [(&str, &str, &str, &str, u16, &str); 8] = [
        ("GET", "/api/v1/nothing", "", "", 404, "not-found"),
        ("GET", "/api/v1/agents/%FF", "", "", 400, "invalid-request"),
        ("PUT", "/api/v1/computes/1", "application/json", "{}", 405, "method-not-allowed"),
        ("POST", "/api/v1/partners", "text/xml", "<a/>", 415, "unsupported-media-type"),
        ("POST", "/api/v1/query", "multipart/form-data", "x", 415, "unsupported-media-type"),
        ("POST", "/api/v1/partners", "application/json", &large, 413, "body-too-large"),
        ("POST", "/api/v1/partners", "application/json", "[", 400, "invalid-body"),
        ("GET", "/api/v1/computes/1?asof=1", "", "", 400, "unknown-parameter"),
    ];
    for (method, path, kind, body, status, code) in cases {
        let mut request = served.request(method, path, Some(Role::Admin));
        if !kind.is_empty() {
            request = request.header("content-type", kind);
        }
        let (got, headers, bytes) = served.send(request.body(Body::from(body.to_owned())).unwrap()).await;
        let problem: Json = serde_json::from_slice(&bytes).unwrap_or_default();
        assert_eq!((got.as_u16(), &problem["code"]), (status, &code.into()), "{method} {path} {kind}: {problem}");
        assert_eq!(headers["content-type"], "application/problem+json", "{method} {path}");
        assert_eq!(headers.contains_key("allow"), status == 405, "{method} {path}");
    }
    // What says nothing of its type, or what curl says of everything, is read as JSON.
    for kind in [None, Some("application/x-www-form-urlencoded"), Some("application/merge-patch+json; charset=utf-8")] {
        let request = served.request("POST", "/api/v1/query", Some(Role::Viewer));
        let request = kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
        let (status, ..) = served.send(request.body(Body::from(r#"{"kind": "compute"}"#)).unwrap()).await;
        assert_eq!(status, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn places_and_compute_summaries_are_paged_and_read_as_of_the_past() {
    let served = Served::sqlite().await;
    let rename = async |name: &str| {
        let body = format!(r#"{{"name": "{name}"}}"#);
        assert_eq!(served.json("PATCH", "/api/v1/computes/1", Role::Operator, &body).await.0, 200);
        served.get("/api/v1/computes").await.1["sequence"].as_i64().unwrap()
    };
    let first = rename("first").await;
    let (_, before) = served.get(&format!("/api/v1/places?asOf={first}")).await;
    rename("last").await;
    let (_, page) = served.get(&format!("/api/v1/compute-summaries?asOf={first}")).await;
    assert_eq!((&page["items"][0]["name"], &page["items"][0]["workloads"]), (&"first".into(), &2.into()), "{page}");
    let (_, page) = served.get("/api/v1/compute-summaries").await;
    assert_eq!(page["items"][0]["name"], "last");

    let made = r#"{"name": "second", "datacenterId": 1}"#;
    assert_eq!(served.json("POST", "/api/v1/computes", Role::Operator, made).await.0, 201);
    let (_, now) = served.get("/api/v1/places").await;
    let (_, then) = served.get(&format!("/api/v1/places?asOf={first}")).await;
    assert_eq!(now["total"]["computes"], 2);
    assert_eq!((&then["total"]["computes"], &then["items"]), (&1.into(), &before["items"]));
    assert_eq!(served.get("/api/v1/places?asOf=999").await.0, 404);

    let (mut kinds, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = served.get(&format!("/api/v1/places?limit=2&cursor={cursor}")).await;
        assert_eq!((status.as_u16(), &page["total"]), (200, &now["total"]), "what is in them is counted over all");
        kinds.extend(page["items"].as_array().unwrap().iter().map(|place| place["kind"].clone()));
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    let all: Vec<Json> = now["items"].as_array().unwrap().iter().map(|place| place["kind"].clone()).collect();
    assert_eq!(kinds, all);
    assert_eq!(served.get("/api/v1/places?cursor=x").await.0, 400);
}

#[tokio::test]
async fn a_rule_is_changed_only_as_it_was_seen() {
    let served = Served::sqlite().await;
    let condition = r#"[{"evidence": "hostName", "operator": "prefix", "values": ["prod-"]}]"#;
    let rule = format!(r#"{{"name": "by host", "environmentCode": "PROD", "conditions": {condition}}}"#);
    let request = served.request("POST", "/api/v1/environment-rules", Some(Role::Operator));
    let (status, headers, _) = served.send(request.body(Body::from(rule)).unwrap()).await;
    let place = headers["location"].to_str().unwrap().to_owned();
    let (_, shown, _) =
        served.send(served.request("GET", &place, Some(Role::Viewer)).body(Body::empty()).unwrap()).await;
    assert_eq!((status.as_u16(), &shown["etag"]), (201, &headers["etag"]));
    let tag = headers["etag"].to_str().unwrap().to_owned();
    let send = async |method: &str, tag: &str, body: &'static str| {
        let request = served.request(method, &place, Some(Role::Operator)).header("if-match", tag);
        let (status, headers, bytes) = served.send(request.body(Body::from(body)).unwrap()).await;
        let json: Json = serde_json::from_slice(&bytes).unwrap_or_default();
        (status.as_u16(), headers, json)
    };
    let (status, changed, rule) = send("PATCH", &tag, r#"{"priority": 7}"#).await;
    assert_eq!((status, &rule["priority"], &rule["name"]), (200, &7.into(), &"by host".into()));
    let (status, _, problem) = send("PATCH", &tag, r#"{"priority": 8}"#).await;
    assert_eq!((status, &problem["code"], &problem["current"]["priority"]), (412, &"stale".into(), &7.into()));
    assert_eq!(send("DELETE", &tag, "").await.0, 412);
    let (status, _, problem) = send("PATCH", "*", r#"{"priority": "high"}"#).await;
    assert_eq!((status, &problem["field"]), (400, &"priority".into()), "{problem}");
    assert_eq!(send("DELETE", changed["etag"].to_str().unwrap(), "").await.0, 204);
}

#[tokio::test]
async fn a_secret_of_a_connection_is_masked_and_a_mask_that_comes_back_keeps_it() {
    let served = Served::sqlite().await;
    let sql = "INSERT INTO automation_targets (id, name, target_type, target_id, connection_info, status) VALUES \
               (7, 'old', 'compute', 1, '{\"host\":\"a\",\"password\":\"hunter2\"}', 'ACTIVE')";
    run(&served.test.db, sql, vec![]).await;
    let path = "/api/v1/automation-targets/7";
    let (_, shown) = served.get(path).await;
    assert_eq!(shown["connectionInfo"], serde_json::json!({ "host": "a", "password": "[redacted]" }));
    let body = r#"{"connectionInfo": {"host": "b", "password": "[redacted]"}}"#;
    let (status, shown) = served.json("PATCH", path, Role::Operator, body).await;
    assert_eq!((status.as_u16(), &shown["connectionInfo"]["host"]), (200, &"b".into()), "{shown}");
    let mut db = &served.test.db;
    let rows =
        db.fetch("SELECT connection_info FROM automation_targets WHERE id = 7".to_owned(), vec![]).await.unwrap();
    let text: String = rows[0].get("connection_info").unwrap();
    assert!(text.contains("hunter2") && text.contains("\"b\""), "{text}");
    for (method, path, body) in [
        ("GET", "/api/v1/history?resourceType=automation_target", ""),
        ("GET", "/api/v1/audit", ""),
        ("POST", "/api/v1/query", r#"{"kind": "automationtarget"}"#),
        ("POST", "/api/v1/mutate", r#"{"entityName": "automationtarget", "operation": "UPDATE", "id": 7, "data": {}}"#),
    ] {
        let (status, answer) = served.json(method, path, Role::Admin, body).await;
        assert_eq!(status, 200, "{answer}");
        assert!(answer.to_string().contains("[redacted]") && !answer.to_string().contains("hunter2"), "{answer}");
    }
    let guess = r#"{"kind": "automationtarget", "criteria": {"connectionInfo": {"$contains": "hunter"}}}"#;
    let (status, answer) = served.json("POST", "/api/v1/query", Role::Viewer, guess).await;
    assert_eq!((status.as_u16(), &answer["error"]["code"]), (400, &"not-comparable".into()));
    let body = r#"{"connectionInfo": {"token": "[redacted]"}}"#;
    let (status, problem) = served.json("PATCH", path, Role::Operator, body).await;
    assert_eq!((status.as_u16(), &problem["field"]), (400, &"connectionInfo.token".into()), "{problem}");
}

#[tokio::test]
async fn a_query_leaves_out_computes_that_were_merged() {
    let served = Served::sqlite().await;
    compute(&served.test.db, 2, "twin", Some(1)).await;
    assert_eq!(served.json("POST", "/api/v1/computes/1/merge", Role::Operator, r#"{"from": 2}"#).await.0, 200);
    let ids = async |query: &str| {
        let (_, answer) = served.json("POST", "/api/v1/query", Role::Viewer, query).await;
        let rows = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        rows.iter().map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(ids(r#"{"kind": "compute"}"#).await, [1]);
    assert_eq!(ids(r#"{"kind": "compute", "criteria": {"$or": [{"status": "MERGED"}, {"name": "x"}]}}"#).await, [2]);
    assert_eq!(ids(r#"{"kind": "compute", "criteria": {"id": 2}}"#).await, [2]);
    let below = r#"{"kind": "datacenter", "include": [{"kind": "compute", "select": ["id"]}]}"#;
    let (_, answer) = served.json("POST", "/api/v1/query", Role::Viewer, below).await;
    assert_eq!(answer["data"][0]["computes"], serde_json::json!([{ "id": 1 }]));
}
