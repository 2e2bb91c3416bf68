//! Every route against every role.

use std::collections::BTreeSet;

use super::*;
use crate::query::testing::{agent_id, change, run};

/// Status for nobody, viewer, operator and admin.
type Row = (&'static str, &'static str, [u16; 4]);

/// The whole table: a route without a row fails the test. `{id}` and the like stand for something that is there; DELETE
/// and the decisions answer 404, 409 or 400 where the request passes the check but finds nothing to do.
const TABLE: &[Row] = &[
    ("GET", "/api/v1/partners", [401, 200, 200, 200]),
    ("GET", "/api/v1/partners/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/clouds", [401, 200, 200, 200]),
    ("GET", "/api/v1/clouds/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/regions", [401, 200, 200, 200]),
    ("GET", "/api/v1/regions/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/availability-zones", [401, 200, 200, 200]),
    ("GET", "/api/v1/availability-zones/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/datacenters", [401, 200, 200, 200]),
    ("GET", "/api/v1/datacenters/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/computes", [401, 200, 200, 200]),
    ("GET", "/api/v1/computes/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/compute-summaries", [401, 200, 200, 200]),
    ("GET", "/api/v1/compute-summaries/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/places", [401, 200, 200, 200]),
    ("GET", "/api/v1/samples/environments", [401, 200, 200, 200]),
    ("GET", "/api/v1/samples/inventory", [401, 200, 200, 200]),
    ("GET", "/api/v1/search", [401, 400, 400, 400]),
    ("GET", "/api/v1/containers", [401, 200, 200, 200]),
    ("GET", "/api/v1/containers/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/k8s-clusters", [401, 200, 200, 200]),
    ("GET", "/api/v1/k8s-clusters/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/k8s-namespaces", [401, 200, 200, 200]),
    ("GET", "/api/v1/k8s-namespaces/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/k8s-nodes", [401, 200, 200, 200]),
    ("GET", "/api/v1/k8s-nodes/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/k8s-services", [401, 200, 200, 200]),
    ("GET", "/api/v1/k8s-services/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/k8s-ingresses", [401, 200, 200, 200]),
    ("GET", "/api/v1/k8s-ingresses/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/environments", [401, 200, 200, 200]),
    ("GET", "/api/v1/environments/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/environment-associations", [401, 200, 200, 200]),
    ("GET", "/api/v1/environment-associations/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/environment-associations", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/environment-associations/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/environment-associations/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/environment-associations/decide", [401, 403, 400, 400]),
    ("GET", "/api/v1/effective-environments", [401, 400, 400, 400]),
    ("GET", "/api/v1/allocations", [401, 400, 400, 400]),
    ("GET", "/api/v1/computes/{id}/allocation", [401, 200, 200, 200]),
    ("GET", "/api/v1/environments/{id}/summary", [401, 404, 404, 404]),
    ("GET", "/api/v1/environment-rules", [401, 200, 200, 200]),
    ("GET", "/api/v1/environment-rules/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/environment-rules", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/environment-rules/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/environment-rules/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/environment-rules/dry-run", [401, 403, 200, 200]),
    ("POST", "/api/v1/environment-rules/reset", [401, 403, 204, 204]),
    ("GET", "/api/v1/environment-violations", [401, 200, 200, 200]),
    ("GET", "/api/v1/workloads", [401, 200, 200, 200]),
    ("GET", "/api/v1/workloads/{id}", [401, 200, 200, 200]),
    ("GET", "/api/v1/tags", [401, 200, 200, 200]),
    ("GET", "/api/v1/tags/{resourceType}/{resourceId}/{tagKey}", [401, 404, 404, 404]),
    ("GET", "/api/v1/capabilities", [401, 200, 200, 200]),
    ("GET", "/api/v1/capabilities/{computeId}/{capabilityType}", [401, 200, 200, 200]),
    ("POST", "/api/v1/capabilities", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/capabilities/{computeId}/{capabilityType}", [401, 403, 200, 200]),
    ("PUT", "/api/v1/capabilities/{computeId}/{capabilityType}", [401, 403, 200, 200]),
    // The operator takes back what the PUT before said; what is discovered cannot be taken away.
    ("DELETE", "/api/v1/capabilities/{computeId}/{capabilityType}", [401, 403, 204, 409]),
    ("GET", "/api/v1/automation-targets", [401, 200, 200, 200]),
    ("GET", "/api/v1/automation-targets/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/partners", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/partners/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/partners/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/clouds", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/clouds/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/clouds/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/regions", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/regions/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/regions/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/availability-zones", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/availability-zones/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/availability-zones/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/datacenters", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/datacenters/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/datacenters/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/computes", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/computes/{id}", [401, 403, 200, 200]),
    ("DELETE", "/api/v1/computes/{id}", [401, 403, 409, 409]),
    ("POST", "/api/v1/containers", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/containers/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/containers/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/environments", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/environments/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/environments/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/automation-targets", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/automation-targets/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/automation-targets/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/tags", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/tags/{resourceType}/{resourceId}/{tagKey}", [401, 403, 404, 404]),
    ("PUT", "/api/v1/tags/{resourceType}/{resourceId}/{tagKey}", [401, 403, 400, 400]),
    ("DELETE", "/api/v1/tags/{resourceType}/{resourceId}/{tagKey}", [401, 403, 404, 404]),
    ("GET", "/api/v1/network-devices", [401, 200, 200, 200]),
    ("GET", "/api/v1/network-devices/{id}", [401, 404, 404, 404]),
    ("GET", "/api/v1/resource-pools", [401, 200, 200, 200]),
    ("GET", "/api/v1/resource-pools/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/network-devices", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/network-devices/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/network-devices/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/resource-pools", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/resource-pools/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/resource-pools/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/environment-associations", [401, 403, 400, 400]),
    ("PATCH", "/api/v1/environment-associations/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/environment-associations/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/mutate", [401, 403, 400, 400]),
    ("GET", "/api/v1/api-tokens", [401, 403, 403, 200]),
    ("GET", "/api/v1/api-tokens/{id}", [401, 403, 403, 404]),
    ("POST", "/api/v1/api-tokens", [401, 403, 403, 400]),
    ("DELETE", "/api/v1/api-tokens/{id}", [401, 403, 403, 404]),
    ("GET", "/api/v1/agents", [401, 200, 200, 200]),
    ("GET", "/api/v1/agents/{id}", [401, 200, 200, 200]),
    ("POST", "/api/v1/agents/{id}/refresh", [401, 403, 200, 200]),
    ("POST", "/api/v1/agents/{id}/activate", [401, 403, 403, 200]),
    ("POST", "/api/v1/agents/{id}/revoke", [401, 403, 403, 200]),
    ("GET", "/api/v1/join-tokens", [401, 403, 200, 200]),
    ("POST", "/api/v1/join-tokens", [401, 403, 409, 409]),
    ("GET", "/api/v1/join-tokens/{id}", [401, 403, 404, 404]),
    ("DELETE", "/api/v1/join-tokens/{id}", [401, 403, 404, 404]),
    ("GET", "/api/v1/matches", [401, 200, 200, 200]),
    ("GET", "/api/v1/matches/{id}", [401, 200, 200, 200]),
    ("POST", "/api/v1/matches/{id}/resolve", [401, 403, 400, 400]),
    ("GET", "/api/v1/agents/{id}/match-explanation", [401, 200, 200, 200]),
    ("GET", "/api/v1/operations", [401, 200, 200, 200]),
    ("GET", "/api/v1/operations/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/operations/{id}/undo", [401, 403, 404, 404]),
    ("POST", "/api/v1/computes/{id}/merge", [401, 403, 400, 400]),
    ("POST", "/api/v1/computes/{id}/claim", [401, 403, 400, 400]),
    ("POST", "/api/v1/computes/{id}/split", [401, 403, 400, 400]),
    ("GET", "/api/v1/drifts", [401, 200, 200, 200]),
    ("GET", "/api/v1/drifts/{id}", [401, 404, 404, 404]),
    ("POST", "/api/v1/drifts/decide", [401, 403, 400, 400]),
    ("GET", "/api/v1/identity-junk", [401, 200, 200, 200]),
    ("POST", "/api/v1/identity-junk", [401, 403, 400, 400]),
    ("GET", "/api/v1/identity-junk/{id}", [401, 404, 404, 404]),
    ("DELETE", "/api/v1/identity-junk/{id}", [401, 403, 404, 404]),
    ("POST", "/api/v1/query", [401, 400, 400, 400]),
    ("GET", "/api/v1/history", [401, 200, 200, 200]),
    ("GET", "/api/v1/history/{sequence}", [401, 200, 200, 200]),
    ("GET", "/api/v1/audit", [401, 403, 403, 200]),
    ("GET", "/api/v1/audit/{id}", [401, 403, 403, 200]),
    ("GET", "/api/v1/changes", [401, 200, 200, 200]),
    ("GET", "/api/v1/openapi.json", [200, 200, 200, 200]),
    ("POST", "/api/v1/session", [415, 415, 415, 415]),
    ("GET", "/api/v1/session", [401, 200, 200, 200]),
    ("DELETE", "/api/v1/session", [401, 204, 204, 204]),
    ("GET", "/api/v1/collector", [401, 200, 200, 200]),
    ("GET", "/healthz", [200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200]),
    ("GET", "/metrics", [404, 404, 404, 404]),
];

#[tokio::test]
async fn every_route_keeps_to_its_roles() {
    let served = Served::sqlite().await;
    let sql = "INSERT INTO match_conflicts (id, agent_id, machine, candidates, state, created_at_us) \
               VALUES (1, ?, '{}', '[]', 'OPEN', 1)";
    run(&served.test.db, sql, vec![agent_id(1).into()]).await;
    change(&served.test.db, 1, 1, now()).await;
    for (method, path, expected) in TABLE {
        let path = path
            .replace("/agents/{id}", &format!("/agents/{}", agent_id(1)))
            .replace("{id}", "1")
            .replace("{sequence}", "1")
            .replace("{resourceType}/{resourceId}/{tagKey}", "compute/1/none")
            .replace("{computeId}/{capabilityType}", "1/docker");
        let roles = [None, Some(Role::Viewer), Some(Role::Operator), Some(Role::Admin)];
        for (role, expected) in roles.into_iter().zip(expected) {
            let request = served.request(method, &path, role).body(Body::empty()).unwrap();
            // The body is not awaited: a change feed has no end.
            let status = served.router.clone().oneshot(request).await.unwrap().status();
            assert_eq!(status.as_u16(), *expected, "{method} {path} as {role:?}");
        }
    }
}

#[tokio::test]
async fn no_route_is_without_a_row() {
    let described = serde_json::to_value(openapi()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    let rows: BTreeSet<_> = TABLE.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, rows);
}

#[tokio::test]
async fn a_token_that_is_not_in_force_is_nobodys() {
    let served = Served::sqlite().await;
    let db = &served.test.db;
    let actor = Actor::person("test");
    let ends = now().plus(Duration::from_secs(60));
    let made = admin::create_api_token(db, now(), "short", Role::Admin, Some(ends), &actor).await.unwrap();
    let status = async |header: String| {
        let request = Request::builder().uri("/api/v1/audit").header("authorization", header).body(Body::empty());
        served.send(request.unwrap()).await.0.as_u16()
    };
    let bearer = format!("Bearer {}", made.token.as_str());
    assert_eq!(status(bearer.clone()).await, 200);
    assert_eq!(status(bearer.to_lowercase()).await, 200, "the scheme has no case");
    served.clock.advance(Duration::from_secs(60));
    assert_eq!(status(bearer).await, 401, "expired");

    let admin = served.token(Role::Admin).to_owned();
    assert_eq!(status(format!("Bearer {admin}")).await, 200);
    let mut near = admin.clone();
    let last = near.pop().unwrap();
    near.push(if last == '0' { '1' } else { '0' });
    for header in [
        format!("Bearer {near}"),
        format!("Bearer {admin}{admin}"),
        format!("Basic {admin}"),
        admin.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
        "Bearer ' OR 1=1 --".to_owned(),
    ] {
        assert_eq!(status(header.clone()).await, 401, "{header}");
    }
    let id = served.test.db.clone();
    let tokens = crate::store::rows::api_token::api_token_list(&mut &id, "", 10).await.unwrap();
    let row = tokens.iter().find(|row| row.name == "admin").unwrap();
    admin::revoke_api_token(db, now(), &row.id, &actor).await.unwrap();
    assert_eq!(status(format!("Bearer {admin}")).await, 401, "revoked");
    assert!(admin::revoke_api_token(db, now(), &row.id, &actor).await.is_err(), "there is none in force any more");
}
