//! Writing over HTTP: statuses, tags, places and problem documents.

use super::*;
use crate::query::testing::run;

async fn send(
    served: &Served,
    method: &str,
    path: &str,
    role: Role,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, HeaderMap, Json) {
    let request = served.request(method, path, Some(role));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (status, headers, bytes) = served.send(request.body(Body::from(body.to_owned())).unwrap()).await;
    let json = if bytes.is_empty() { Json::Null } else { serde_json::from_slice(&bytes).unwrap() };
    (status.as_u16(), headers, json)
}

#[tokio::test]
async fn a_resource_is_made_changed_and_deleted() {
    let served = Served::sqlite().await;
    let body = r#"{"name": "attic", "availability_zone_id": 1, "latitude": 1.5}"#;
    let (status, headers, made) = send(&served, "POST", "/api/v1/datacenters", Role::Operator, &[], body).await;
    assert_eq!((status, &made["name"], &made["cloudId"]), (201, &"attic".into(), &1.into()));
    let place = headers["location"].to_str().unwrap().to_owned();
    assert_eq!(place, format!("/api/v1/datacenters/{}", made["id"]));
    let (_, read, shown) = send(&served, "GET", &place, Role::Viewer, &[], "").await;
    assert_eq!((&read["etag"], &shown), (&headers["etag"], &made));

    let patch = r#"{"name": "loft", "latitude": null}"#;
    let (status, headers, shown) = send(&served, "PATCH", &place, Role::Operator, &[], patch).await;
    assert_eq!((status, &shown["name"], &shown["latitude"]), (200, &"loft".into(), &Json::Null));
    assert_ne!(headers["etag"], read["etag"]);
    let (status, _, nothing) = send(&served, "DELETE", &place, Role::Operator, &[], "").await;
    assert_eq!((status, nothing), (204, Json::Null));
    assert_eq!(send(&served, "GET", &place, Role::Viewer, &[], "").await.0, 404);
    assert_eq!(send(&served, "DELETE", &place, Role::Operator, &[], "").await.0, 404);
}

#[tokio::test]
async fn a_stale_tag_is_refused_with_the_row_as_it_is_and_a_heartbeat_is_none() {
    let served = Served::sqlite().await;
    let path = "/api/v1/computes/1";
    let tag = async || {
        let (_, headers, _) = send(&served, "GET", path, Role::Viewer, &[], "").await;
        headers["etag"].to_str().unwrap().to_owned()
    };
    let first = tag().await;
    run(&served.test.db, "UPDATE agent_liveness SET seen_at_us = seen_at_us + 1", vec![]).await;
    let second = tag().await;
    assert_ne!(first, second, "the body tells when the agent was last seen");
    let patch =
        async |tag: &str, body: &str| send(&served, "PATCH", path, Role::Operator, &[("if-match", tag)], body).await;
    assert_eq!(patch(&first, r#"{"notes": "one"}"#).await.0, 200, "the row is the same");
    let (status, headers, problem) = patch(&second, r#"{"notes": "two"}"#).await;
    assert_eq!(
        (status, problem["code"].as_str(), problem["current"]["notes"].as_str()),
        (412, Some("stale"), Some("one"))
    );
    let newer = headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(patch(&newer, r#"{"notes": "two"}"#).await.0, 200, "the problem tells what to name next");
    assert_eq!(patch("*", r#"{"notes": "three"}"#).await.0, 200);
    assert_eq!(patch("\"x\", W/\"y\"", r#"{"notes": "four"}"#).await.0, 412);
    let (status, ..) = send(&served, "DELETE", path, Role::Admin, &[("if-match", &first)], "").await;
    assert_eq!(status, 412);
}

#[tokio::test]
async fn a_bad_body_is_told_field_by_field() {
    let served = Served::sqlite().await;
    let body = r#"{"cpuCores": "many", "nmae": "x", "datacenterId": 99}"#;
    let (status, headers, problem) = send(&served, "POST", "/api/v1/computes", Role::Operator, &[], body).await;
    assert_eq!((status, problem["code"].as_str()), (400, Some("invalid-body")));
    assert_eq!(headers["content-type"], "application/problem+json");
    let told: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["field"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    let expected = [
        ("cpuCores", "wrong-type"),
        ("nmae", "unknown-field"),
        ("name", "required"),
        ("datacenterId", "unknown-reference"),
    ];
    assert_eq!(told, expected);
    assert_eq!(problem["field"], "cpuCores");
    assert_eq!(problem["errors"][0]["expected"], "a whole number from 0 to 2147483647");

    let body = r#"{"name": "x", "datacenterId": 99}"#;
    let (status, _, problem) = send(&served, "POST", "/api/v1/computes", Role::Operator, &[], body).await;
    assert_eq!(
        (status, problem["code"].as_str(), problem["field"].as_str()),
        (409, Some("conflict"), Some("datacenterId"))
    );
    for (body, field) in [("[]", "body"), ("{", "body"), ("7", "body"), ("", "name"), ("{} x", "body")] {
        let (status, _, problem) = send(&served, "POST", "/api/v1/computes", Role::Operator, &[], body).await;
        assert_eq!((status, problem["field"].as_str()), (400, Some(field)), "{body}");
    }
}

#[tokio::test]
async fn what_hangs_on_a_row_is_told_and_only_an_admin_cascades() {
    let served = Served::sqlite().await;
    let (status, _, problem) = send(&served, "DELETE", "/api/v1/regions/1", Role::Operator, &[], "").await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("has-dependents")));
    assert_eq!(problem["hanging"][0]["kind"], "availability-zones");
    let cascade = "/api/v1/regions/1?cascade=true";
    assert_eq!(send(&served, "DELETE", cascade, Role::Operator, &[], "").await.0, 403);
    run(&served.test.db, "UPDATE agents SET state = 'REVOKED'", vec![]).await;
    let (status, _, told) = send(&served, "DELETE", &format!("{cascade}&dryRun=true"), Role::Admin, &[], "").await;
    assert_eq!((status, &told["dryRun"], &told["deleted"]["name"]), (200, &true.into(), &"north".into()));
    assert!(told["also"].as_array().unwrap().iter().any(|hung| hung["kind"] == "computes"), "{told}");
    assert_eq!(send(&served, "GET", "/api/v1/regions/1", Role::Viewer, &[], "").await.0, 200);
    assert_eq!(send(&served, "DELETE", cascade, Role::Admin, &[], "").await.0, 200);
    assert_eq!(send(&served, "GET", "/api/v1/computes/1", Role::Viewer, &[], "").await.0, 404);
    for query in ["cascade=maybe", "cascde=true"] {
        assert_eq!(send(&served, "DELETE", &format!("/api/v1/clouds/1?{query}"), Role::Admin, &[], "").await.0, 400);
    }
}

#[tokio::test]
async fn a_tag_is_put_under_its_key() {
    let served = Served::sqlite().await;
    let path = "/api/v1/tags/compute/1/a.b%2Fc%20%C3%BC";
    let (status, headers, tag) = send(&served, "PUT", path, Role::Operator, &[], r#"{"tagValue": "x"}"#).await;
    assert_eq!((status, &tag["tagKey"], &tag["origin"]), (201, &"a.b/c ü".into(), &"person".into()));
    assert_eq!(headers["location"], path);
    let (status, _, tag) = send(&served, "PUT", path, Role::Operator, &[], r#"{"tagValue": "y"}"#).await;
    assert_eq!((status, &tag["tagValue"]), (200, &"y".into()));
    assert_eq!(send(&served, "PUT", path, Role::Operator, &[], "{}").await.0, 400);
    assert_eq!(send(&served, "DELETE", path, Role::Operator, &[], "").await.0, 204);
    let (status, ..) =
        send(&served, "PUT", "/api/v1/tags/compute/99/a", Role::Operator, &[], r#"{"tagValue": "x"}"#).await;
    assert_eq!(status, 409);
    // What a label said becomes the person's.
    let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value, origin) \
               VALUES ('workload', 1, 'env', 'prod', 'docker-label')";
    run(&served.test.db, sql, vec![]).await;
    let (_, _, tag) =
        send(&served, "PUT", "/api/v1/tags/workload/1/env", Role::Operator, &[], r#"{"tagValue": "test"}"#).await;
    assert_eq!(tag["origin"], "person");
}

#[tokio::test]
async fn mutations_go_the_same_way_in_the_form_of_the_existing_front_end() {
    let served = Served::sqlite().await;
    let mutate = async |role: Role, body: &str| {
        let (status, _, answer) = send(&served, "POST", "/api/v1/mutate", role, &[], body).await;
        (status, answer)
    };
    let body = r#"{"entityName": "compute", "operation": "INSERT", "data": {"name": "web-9", "datacenter_id": 1}}"#;
    let (status, answer) = mutate(Role::Operator, body).await;
    assert_eq!((status, &answer["success"], &answer["data"]["cloudId"]), (200, &true.into(), &1.into()));
    let id = answer["data"]["id"].as_i64().unwrap();
    let body = format!(r#"{{"entityName": "Compute", "operation": "update", "id": "{id}", "data": {{"notes": "x"}}}}"#);
    assert_eq!(mutate(Role::Operator, &body).await.1["data"]["notes"], "x");

    let list = r#"[
        {"entityName": "region", "operation": "INSERT", "data": {"name": "s", "code": "s", "cloudId": 1}},
        {"entityName": "availability_zone", "operation": "INSERT", "data": {"name": "z", "code": "z", "regionId": {"$ref": 0}}},
        {"entityName": "tag", "operation": "INSERT", "data": {"resourceType": "region", "resourceId": {"$ref": 0}, "tagKey": "a", "tagValue": "b"}},
        {"entityName": "region", "operation": "UPDATE", "id": {"$ref": 0}, "data": {"name": "south"}}
    ]"#;
    let (status, answer) = mutate(Role::Operator, list).await;
    assert_eq!((status, &answer["count"], &answer["data"][3]["name"]), (200, &4.into(), &"south".into()), "{answer}");
    assert_eq!(answer["data"][1]["regionId"], answer["data"][0]["id"]);

    let bad = r#"[{"entityName": "cloud", "operation": "INSERT", "data": {"name": "x", "partnerId": 1}},
                  {"entityName": "cloud", "operation": "INSERT", "data": {"name": "y"}}]"#;
    let (status, answer) = mutate(Role::Operator, bad).await;
    assert_eq!(
        (status, &answer["success"], answer["error"]["field"].as_str()),
        (400, &false.into(), Some("[1].data.partnerId"))
    );
    let (_, clouds) = served.get("/api/v1/clouds").await;
    assert_eq!(clouds["items"].as_array().unwrap().len(), 1, "all or nothing");

    for (body, status, field) in [
        (r#"{"entityName": "computer", "operation": "INSERT"}"#, 400, "entityName"),
        (r#"{"entityName": "compute", "operation": "UPSERT"}"#, 400, "operation"),
        (r#"{"entityName": "compute", "operation": "UPDATE"}"#, 400, "id"),
        (r#"{"entityName": "compute", "operation": "INSERT", "dat": {}}"#, 400, "dat"),
        (r#"{"entityName": "compute", "operation": "INSERT", "data": {"nam": 1}}"#, 400, "data.nam"),
        (r#"{"entityName": "tag", "operation": "DELETE", "id": {"resourceType": "compute"}}"#, 400, "id"),
        (r#"[]"#, 400, "body"),
    ] {
        let (got, answer) = mutate(Role::Operator, body).await;
        assert_eq!((got, answer["error"]["field"].as_str()), (status, Some(field)), "{body} {answer}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["code"].is_string());
    }
    assert_eq!(mutate(Role::Operator, r#"{"entityName": "compute", "operation": "DELETE", "id": 999}"#).await.0, 404);
    let cascade = r#"{"entityName": "region", "operation": "DELETE", "id": 1, "cascade": true}"#;
    assert_eq!(mutate(Role::Operator, cascade).await.0, 403);
    assert_eq!(mutate(Role::Operator, r#"{"entityName": "region", "operation": "DELETE", "id": 1}"#).await.0, 409);
    let tag = r#"{"entityName": "tag", "operation": "DELETE", "id": {"resourceType": "region", "resourceId": 2, "tagKey": "a"}}"#;
    assert_eq!(mutate(Role::Operator, tag).await.0, 200);
}

#[tokio::test]
async fn an_api_token_is_shown_once_listed_without_its_secret_and_withdrawn() {
    let served = Served::sqlite().await;
    let body = r#"{"name": "backup", "role": "viewer", "expiresDays": 1}"#;
    let (status, _, made) = send(&served, "POST", "/api/v1/api-tokens", Role::Admin, &[], body).await;
    assert_eq!(status, 201, "{made}");
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let ask = async || {
        let request = Request::builder().uri("/api/v1/partners").header("authorization", format!("Bearer {token}"));
        served.send(request.body(Body::empty()).unwrap()).await.0.as_u16()
    };
    assert_eq!(ask().await, 200);
    let (_, _, shown) = send(&served, "GET", &format!("/api/v1/api-tokens/{id}"), Role::Admin, &[], "").await;
    assert_eq!((&shown["name"], &shown["state"]), (&"backup".into(), &"active".into()));
    assert!(!shown.to_string().contains(token));
    assert_eq!(send(&served, "DELETE", &format!("/api/v1/api-tokens/{id}"), Role::Admin, &[], "").await.0, 204);
    assert_eq!(ask().await, 401);
    for (body, field) in [
        (r#"{"name": " ", "role": "viewer"}"#, "name"),
        (r#"{"name": "x", "role": "root"}"#, "role"),
        (r#"{"name": "x", "role": "viewer", "expiresDays": 0}"#, "expiresDays"),
    ] {
        let (status, _, problem) = send(&served, "POST", "/api/v1/api-tokens", Role::Admin, &[], body).await;
        assert_eq!((status, problem["field"].as_str()), (400, Some(field)), "{body}");
    }
}
