//! Environments over HTTP: lists that show and filter them, rules, decisions, shares.

use serde_json::json;

use super::*;
use crate::{environment::Worker, query::testing::run};

/// One host with a container labelled `environment=staging`, which the environments PROD and STG could have.
async fn served() -> Served {
    let served = Served::sqlite().await;
    let sql = "INSERT INTO environments (id, name, code, type, partner_id) \
               VALUES (1, 'Production', 'PROD', 'x', 1), (2, 'Staging', 'STG', 'x', 1)";
    run(&served.test.db, sql, vec![]).await;
    served
}

async fn infer(served: &Served) {
    // The lease of the worker before runs out first.
    served.clock.advance(Duration::from_secs(31));
    let clock: SharedClock = served.clock.clone();
    let mut worker = Worker::new(served.test.db.clone(), clock);
    loop {
        let round = worker.round().await.unwrap();
        assert!(round.held);
        if !round.more && round.changed == 0 {
            break;
        }
    }
}

fn rule(name: &str, code: &str) -> Json {
    json!({
        "name": name, "environmentCode": code, "confidence": 0.9,
        "conditions": [{ "evidence": "label", "key": "environment", "operator": "in", "values": ["staging"] }],
    })
}

#[tokio::test]
async fn lists_show_environments_with_the_reason_and_can_be_filtered_by_them() {
    let served = served().await;
    let sql = "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary) \
               VALUES (1, 'datacenter', 1, 1)";
    run(&served.test.db, sql, vec![]).await;
    let (_, page) = served.get("/api/v1/workloads?environment=PROD").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let badge = &page["items"][0]["environments"][0];
    assert_eq!((&badge["code"], &badge["inherited"]), (&json!("PROD"), &json!(true)));
    assert_eq!(badge["reason"], "from datacenter cellar");
    let (_, page) = served.get("/api/v1/workloads?environment=PROD&inherited=false").await;
    assert_eq!(page["items"], json!([]));
    let (_, page) = served.get("/api/v1/datacenters?environment=PROD&inherited=false").await;
    assert_eq!(page["items"][0]["environments"][0]["reason"], Json::Null);
    let (_, found) = served.get("/api/v1/effective-environments?resourceType=compute&resourceId=1&resourceId=9").await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["environments"][0]["on"]["resourceType"], "datacenter");
    for (path, field) in [
        ("workloads?inherited=maybe", "inherited"),
        ("effective-environments?resourceType=rack&resourceId=1", "resourceType"),
        ("effective-environments?resourceType=compute", "resourceId"),
        ("allocations?resourceType=workload&resourceId=1", "resourceType"),
    ] {
        let (status, problem) = served.get(&format!("/api/v1/{path}")).await;
        assert_eq!((status.as_u16(), &problem["field"]), (400, &json!(field)), "{path}");
    }
}

#[tokio::test]
async fn a_rule_is_made_tried_changed_and_removed() {
    let served = served().await;
    let path = "/api/v1/environment-rules";
    let mut bad = rule("r", "STG");
    bad["conditions"][0]["operator"] = json!("regex");
    bad["conditions"][0]["values"] = json!(["("]);
    let (status, problem) = served.json("POST", path, Role::Operator, &bad.to_string()).await;
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("conditions[0].values")));
    let attempt = json!({ "rules": [{ "rule": rule("labels", "STG") }] }).to_string();
    let (_, tried) = served.json("POST", &format!("{path}/dry-run"), Role::Operator, &attempt).await;
    assert_eq!((&tried["total"], &tried["complete"]), (&json!(1), &json!(true)));
    assert_eq!(tried["changes"][0]["to"], "STG");
    assert_eq!(tried["changes"][0]["evidence"][0]["value"], "staging");

    let (status, made) = served.json("POST", path, Role::Operator, &rule("labels", "STG").to_string()).await;
    assert_eq!((status.as_u16(), &made["confidence"], &made["enabled"]), (201, &json!(0.9), &json!(true)));
    let (status, problem) = served.json("POST", path, Role::Operator, &rule("labels", "PROD").to_string()).await;
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("name")));
    infer(&served).await;
    let (_, workload) = served.get("/api/v1/workloads/1").await;
    assert_eq!(workload["environments"][0]["code"], "STG");
    assert_eq!(workload["environments"][0]["origin"], "rule");

    let one = format!("{path}/{}", made["id"]);
    let (_, changed) = served.json("PATCH", &one, Role::Operator, r#"{"environmentCode": "PROD"}"#).await;
    assert_eq!((&changed["environmentCode"], &changed["name"]), (&json!("PROD"), &json!("labels")));
    infer(&served).await;
    let (_, workload) = served.get("/api/v1/workloads/1").await;
    assert_eq!(workload["environments"][0]["code"], "PROD");
    let (status, _) = served.json("DELETE", &one, Role::Operator, "").await;
    assert_eq!(status.as_u16(), 204);
    infer(&served).await;
    let (_, workload) = served.get("/api/v1/workloads/1").await;
    assert_eq!(workload["environments"], json!([]));
}

#[tokio::test]
async fn people_decide_on_what_was_inferred_one_by_one_or_many() {
    let served = served().await;
    let body = rule("labels", "STG").to_string();
    served.json("POST", "/api/v1/environment-rules", Role::Operator, &body).await;
    infer(&served).await;
    let (_, page) = served.get("/api/v1/environment-associations?origin=rule").await;
    let association = &page["items"][0];
    assert_eq!((&association["ruleName"], &association["confidence"]), (&json!("labels"), &json!(0.9)));
    let path = "/api/v1/environment-associations/decide";
    let id = &association["id"];
    let body = json!({ "decisions": [{ "associationId": id, "decision": "change" }] }).to_string();
    let (status, problem) = served.json("POST", path, Role::Operator, &body).await;
    assert_eq!((status.as_u16(), &problem["field"]), (400, &json!("decisions[0].environmentId")));
    let body = json!({ "decisions": [
        { "associationId": 99, "decision": "accept" },
        { "associationId": id, "decision": "change", "environmentId": 1 },
    ] });
    let (_, decided) = served.json("POST", path, Role::Operator, &body.to_string()).await;
    assert_eq!(decided["results"][0]["done"], false);
    assert_eq!(decided["results"][1], json!({ "associationId": id, "done": true, "reason": null }));
    infer(&served).await;
    let (_, page) = served.get("/api/v1/environment-associations?resourceType=workload").await;
    assert_eq!(page["items"].as_array().unwrap().len(), 1);
    assert_eq!((&page["items"][0]["origin"], &page["items"][0]["environmentId"]), (&json!("person"), &json!(1)));
    let (_, audit) = served.json("GET", "/api/v1/audit", Role::Admin, "").await;
    assert_eq!(audit["items"][0]["action"], "environment-association.change");
}

#[tokio::test]
async fn shares_sum_to_exactly_100_on_a_compute_and_above_it() {
    let served = served().await;
    let body = rule("labels", "STG").to_string();
    served.json("POST", "/api/v1/environment-rules", Role::Operator, &body).await;
    let sql = "INSERT INTO compute_usage (compute_id, cpu_millicores, memory_bytes, measured_at_us) \
               VALUES (1, 333, 7000000000, 1)";
    run(&served.test.db, sql, vec![]).await;
    infer(&served).await;
    #[allow(clippy::cast_possible_truncation, reason = "per cents are small")]
    let hundredths = |number: &Json| (number.as_f64().unwrap() * 100.0).round() as i64;
    for path in ["computes/1/allocation", "allocations?resourceType=partner&resourceId=1"] {
        let (status, found) = served.get(&format!("/api/v1/{path}")).await;
        assert_eq!(status.as_u16(), 200);
        let found = found["items"].get(0).cloned().unwrap_or(found);
        let shares = found["shares"].as_array().unwrap();
        assert_eq!((shares.len(), &shares[0]["code"]), (1, &json!("STG")), "{path}");
        let sum = hundredths(&shares[0]["measured"]) + hundredths(&found["unclaimed"]) + hundredths(&found["idle"]);
        assert_eq!(sum, 10_000, "{path}: {found}");
        assert_eq!((&found["computes"], &found["unmeasuredComputes"]), (&json!(1), &json!(0)));
    }
    let (_, summary) = served.get("/api/v1/environments/2/summary").await;
    assert_eq!((&summary["dedicatedComputes"], &summary["workloads"]), (&json!(1), &json!({ "container": 1 })));
    assert!(summary["cpuMillicores"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn associations_are_made_changed_and_removed_by_the_rules_of_environments() {
    let served = served().await;
    let path = "/api/v1/environment-associations";
    let body = |environment: i64, share: f64| json!({ "environmentId": environment, "resourceType": "compute", "resourceId": 1, "allocatedPercentage": share });
    let (status, made) = served.json("POST", path, Role::Operator, &body(1, 60.0).to_string()).await;
    assert_eq!((status.as_u16(), &made["isPrimary"], &made["origin"]), (201, &json!(true), &json!("person")));
    assert_eq!((&made["declaredPercentage"], &made["allocatedPercentage"]), (&json!(60.0), &json!(60.0)));
    let (status, problem) = served.json("POST", path, Role::Operator, &body(2, 40.01).to_string()).await;
    assert!(status.is_client_error());
    assert_eq!(problem["errors"][0]["field"], "allocatedPercentage");
    assert_eq!(problem["errors"][0]["expected"], "at most 40");
    let (status, other) = served.json("POST", path, Role::Operator, &body(2, 40.0).to_string()).await;
    assert_eq!((status.as_u16(), &other["isPrimary"]), (201, &json!(false)));
    let one = format!("{path}/{}", other["id"]);
    let (status, changed) = served.json("PATCH", &one, Role::Operator, r#"{"isPrimary": true}"#).await;
    assert_eq!((status.as_u16(), &changed["isPrimary"]), (200, &json!(true)));
    let (_, first) = served.get(&format!("{path}/{}", made["id"])).await;
    assert_eq!(first["isPrimary"], false, "there is one primary environment");
    let (status, _) = served.json("DELETE", &one, Role::Operator, "").await;
    assert_eq!(status.as_u16(), 204);
    let (_, first) = served.get(&format!("{path}/{}", made["id"])).await;
    assert_eq!(first["isPrimary"], true);
    let (_, audit) = served.json("GET", "/api/v1/audit", Role::Admin, "").await;
    assert_eq!(audit["items"][0]["action"], "environment-association.delete");
}

#[tokio::test]
async fn a_rule_that_tags_is_made_tried_and_taken_back_and_people_stand_above_it() {
    let served = served().await;
    let path = "/api/v1/environment-rules";
    let send = async |method: &str, path: &str, body: &Json| {
        let (status, answer) = served.json(method, path, Role::Operator, &body.to_string()).await;
        (status.as_u16(), answer)
    };
    let conditions = json!([{ "evidence": "label", "key": "environment", "operator": "in", "values": ["staging"] }]);
    let body = |tags: Json| json!({ "kind": "tag", "name": "tiers", "tags": tags, "conditions": conditions });
    for (body, field) in [
        (body(json!({})), "tags"),
        (body(json!({ " tier": "x" })), "tags"),
        (
            json!({ "kind": "tag", "name": "t", "environmentCode": "PROD", "tags": { "a": "b" }, "conditions": conditions }),
            "environmentCode",
        ),
        (json!({ "name": "t", "environmentCode": "PROD", "tags": { "a": "b" }, "conditions": conditions }), "tags"),
    ] {
        let (status, problem) = send("POST", path, &body).await;
        assert_eq!((status, problem["field"].as_str()), (400, Some(field)), "{body}");
    }
    let wanted = body(json!({ "tier": "silver" }));
    let (status, tried) = send("POST", &format!("{path}/dry-run"), &json!({ "rules": [{ "rule": wanted }] })).await;
    assert_eq!((status, &tried["total"], &tried["retagged"]), (200, &json!(1), &json!(1)), "{tried}");
    assert_eq!(tried["counts"], json!([]));
    let told = json!([{ "key": "tier", "from": null, "to": "silver", "rule": "tiers" }]);
    assert_eq!(tried["changes"][0]["tags"], told);

    let (status, made) = send("POST", path, &wanted).await;
    assert_eq!((status, made["kind"].as_str(), &made["tags"]), (201, Some("tag"), &json!({ "tier": "silver" })));
    assert_eq!(made["environmentCode"], "", "what is shown is shown whole: {made}");
    infer(&served).await;
    let tag = "/api/v1/tags/workload/1/tier";
    let (_, shown) = served.get(tag).await;
    assert_eq!((&shown["tagValue"], &shown["origin"]), (&json!("silver"), &json!("rule")));
    let (_, history) = served.get("/api/v1/history?resourceType=tag").await;
    let entry = &history["items"][0];
    assert_eq!((&entry["actorKind"], &entry["actorId"]), (&json!("rule"), &json!("tiers")), "{history}");

    // A person does not take it away, and stands above it.
    let (status, problem) = send("DELETE", tag, &Json::Null).await;
    assert_eq!((status, problem["field"].as_str()), (409, Some("tagKey")), "{problem}");
    let again = json!({ "resourceType": "workload", "resourceId": 1, "tagKey": "tier", "tagValue": "mine" });
    let (status, problem) = send("POST", "/api/v1/tags", &again).await;
    assert_eq!((status, problem["field"].as_str()), (409, Some("tagKey")), "{problem}");
    let (status, put) = send("PUT", tag, &json!({ "tagValue": "mine" })).await;
    assert_eq!((status, &put["origin"]), (200, &json!("person")), "{put}");
    infer(&served).await;
    assert_eq!(served.get(tag).await.1["tagValue"], "mine");
    assert_eq!(send("DELETE", tag, &Json::Null).await.0, 204);
    infer(&served).await;
    assert_eq!(served.get(tag).await.1["tagValue"], "silver", "where nobody says otherwise, the rule does");

    let id = made["id"].as_i64().unwrap();
    let (status, changed) = send("PATCH", &format!("{path}/{id}"), &json!({ "tags": { "tier": "gold" } })).await;
    assert_eq!((status, &changed["tags"]), (200, &json!({ "tier": "gold" })));
    infer(&served).await;
    assert_eq!(served.get(tag).await.1["tagValue"], "gold");
    assert_eq!(send("DELETE", &format!("{path}/{id}"), &Json::Null).await.0, 204);
    infer(&served).await;
    assert_eq!(served.get(tag).await.0, 404);
}
