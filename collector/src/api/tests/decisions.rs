//! Decisions: what they change, and that they are audited.

use super::*;
use crate::query::testing::{agent_id, run};

async fn audit(served: &Served) -> Vec<(String, String)> {
    let (_, page) = served.json("GET", "/api/v1/audit", Role::Admin, "").await;
    let items = page["items"].as_array().unwrap();
    let text = |item: &Json, name: &str| item[name].as_str().unwrap().to_owned();
    items.iter().map(|item| (text(item, "action"), text(item, "actorId"))).collect()
}

async fn decisions_about_agents_are_told_and_audited(served: Served) {
    let path = format!("/api/v1/agents/{}", agent_id(1));
    let (status, agent) =
        served.json("POST", &format!("{path}/revoke"), Role::Admin, r#"{"reason": "host was sold"}"#).await;
    assert_eq!(status, 200);
    assert_eq!((&agent["state"], &agent["stateReason"]), (&"REVOKED".into(), &"host was sold".into()));
    assert_eq!(agent["connected"], false);
    assert_eq!(served.parts.asked(), [format!("revoked {}", agent_id(1))]);
    assert_eq!(audit(&served).await[0], ("agent.revoke".to_owned(), "admin".to_owned()));
    let (_, history) = served.get("/api/v1/history").await;
    assert_eq!(history["items"][0]["resourceType"], "agent");
    assert_eq!(history["items"][0]["after"]["state"], "REVOKED");
    let (_, workload) = served.get("/api/v1/workloads/1").await;
    assert_eq!(workload["status"], "unknown", "nobody looks any more");

    // Again: nothing changes, and nothing is written.
    let entries = audit(&served).await.len();
    assert_eq!(served.json("POST", &format!("{path}/revoke"), Role::Admin, "").await.0, 200);
    assert_eq!(audit(&served).await.len(), entries);

    let (status, problem) = served.json("POST", &format!("{path}/activate"), Role::Admin, "").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("conflict")));
    run(&served.test.db, "UPDATE agents SET state = 'HELD'", vec![]).await;
    assert_eq!(served.json("POST", &format!("{path}/activate"), Role::Admin, "").await.0, 409);
    run(&served.test.db, "UPDATE agents SET state = 'QUARANTINED'", vec![]).await;
    let (status, agent) = served.json("POST", &format!("{path}/activate"), Role::Admin, "").await;
    assert_eq!((status.as_u16(), agent["state"].as_str()), (200, Some("ACTIVE")));
    assert_eq!(audit(&served).await[0].0, "agent.activate");

    for id in [agent_id(9), "nobody".to_owned()] {
        assert_eq!(served.json("POST", &format!("/api/v1/agents/{id}/revoke"), Role::Admin, "").await.0, 404);
    }
    let (status, problem) = served.json("POST", &format!("{path}/revoke"), Role::Admin, r#"{"why": 1}"#).await;
    assert_eq!((status.as_u16(), problem["field"].as_str()), (400, Some("why")));
    served.test.close().await;
}

#[tokio::test]
async fn decisions_about_agents_are_told_and_audited_on_sqlite() {
    decisions_about_agents_are_told_and_audited(Served::sqlite().await).await;
}

#[tokio::test]
async fn decisions_about_agents_are_told_and_audited_on_mariadb() {
    let Some(test) = TestDb::mariadb().await else { return };
    decisions_about_agents_are_told_and_audited(Served::on(test).await).await;
}

#[tokio::test]
async fn a_refresh_waits_for_the_agent_and_says_why_there_is_no_result() {
    let served = Served::sqlite().await;
    let path = format!("/api/v1/agents/{}/refresh", agent_id(1));
    let (status, result) = served.json("POST", &path, Role::Operator, r#"{"sources": ["docker"]}"#).await;
    assert_eq!((status.as_u16(), &result["done"]), (200, &Json::Bool(true)));
    assert!(result["sequence"].is_i64());
    assert_eq!(served.parts.asked(), ["refresh [Docker]"]);
    for (error, expected, code) in [
        (RefreshError::NotConnected, 409, "agent-not-connected"),
        (RefreshError::Busy, 429, "agent-busy"),
        (RefreshError::TimedOut, 504, "agent-timed-out"),
    ] {
        *served.parts.refresh.lock().unwrap() = Some(error);
        let (status, problem) = served.json("POST", &path, Role::Operator, "").await;
        assert_eq!((status.as_u16(), problem["code"].as_str()), (expected, Some(code)));
    }
    let unknown = format!("/api/v1/agents/{}/refresh", agent_id(9));
    assert_eq!(served.json("POST", &unknown, Role::Operator, "").await.0, 404);
    let (status, problem) = served.json("POST", &path, Role::Operator, r#"{"sources": [""]}"#).await;
    assert_eq!((status.as_u16(), problem["field"].as_str()), (400, Some("sources")));
}

#[tokio::test]
async fn a_match_is_decided_by_exactly_one_choice() {
    let served = Served::sqlite().await;
    let sql = "INSERT INTO match_conflicts (id, agent_id, machine, candidates, state, created_at_us) \
               VALUES (5, ?, '{\"hostname\":\"web-1\"}', '[]', 'OPEN', 1)";
    run(&served.test.db, sql, vec![agent_id(1).into()]).await;
    let resolve = async |body: &str| {
        let (status, answer) = served.json("POST", "/api/v1/matches/5/resolve", Role::Operator, body).await;
        (status.as_u16(), answer["field"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(resolve("{}").await, (400, "computeId".to_owned()));
    assert_eq!(resolve(r#"{"new": true, "computeId": 1}"#).await, (400, "computeId".to_owned()));
    assert_eq!(resolve(r#"{"computeId": 99}"#).await, (409, "computeId".to_owned()));
    let (status, problem) =
        served.json("POST", "/api/v1/matches/5/resolve", Role::Operator, r#"{"computeId": 98}"#).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("conflict")));
    assert!(problem["detail"].as_str().unwrap().contains("POST /api/v1/computes/98/claim"), "{problem}");
    assert_eq!(problem["expected"], "1, the compute that the agent speaks for");
    assert_eq!(resolve(r#"{"computeId": 1}"#).await.0, 200);
    assert_eq!(resolve(r#"{"new": true}"#).await.0, 200);
    let decided = format!("decided {}", agent_id(1));
    let asked = [
        "resolve 5 Claim(99) by operator",
        "resolve 5 Claim(98) by operator",
        "resolve 5 Claim(1) by operator",
        &decided,
        "resolve 5 New by operator",
        &decided,
    ];
    assert_eq!(served.parts.asked(), asked);
    assert_eq!(served.json("POST", "/api/v1/matches/6/resolve", Role::Operator, r#"{"new": true}"#).await.0, 404);
}

#[tokio::test]
async fn a_join_token_is_shown_once_and_can_be_withdrawn() {
    let served = Served::sqlite().await;
    let (status, problem) = served.json("POST", "/api/v1/join-tokens", Role::Operator, "").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (409, Some("conflict")), "there is no CA yet");

    // A token names the root CA: any certificate will do here.
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec![]).unwrap().self_signed(&key).unwrap();
    let sql = "INSERT INTO certificate_authorities (id, role, generation, certificate_der, sealed_key, \
               not_before_at_us, not_after_at_us, created_at_us) VALUES ('r', 'root', 1, ?, ?, 1, ?, 1)";
    let values = vec![certificate.der().to_vec().into(), vec![0_u8].into(), i64::MAX.into()];
    run(&served.test.db, sql, values).await;

    let body = r#"{"uses": 3, "expiresSecs": 60, "datacenterId": 1, "tags": {"rack": "b7"}, "description": "rack"}"#;
    let (status, made) = served.json("POST", "/api/v1/join-tokens", Role::Operator, body).await;
    assert_eq!(status, 201, "{made}");
    let (id, token) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    assert!(token.starts_with(&format!("ojt.{id}.")), "{token}");
    let (_, shown) = served.json("GET", &format!("/api/v1/join-tokens/{id}"), Role::Operator, "").await;
    assert_eq!((&shown["usesLeft"], &shown["tags"]["rack"]), (&3.into(), &"b7".into()));
    assert_eq!((&shown["state"], &shown["createdBy"]), (&"usable".into(), &"operator".into()));
    let secret = token.split('.').nth(2).unwrap();
    let (_, page) = served.json("GET", "/api/v1/join-tokens", Role::Operator, "").await;
    let (_, log) = served.json("GET", "/api/v1/audit", Role::Admin, "").await;
    assert!(!page.to_string().contains(secret) && !log.to_string().contains(secret));
    assert_eq!(audit(&served).await[0], ("join-token.create".to_owned(), "operator".to_owned()));

    for (body, field) in [
        (r#"{"uses": 0}"#, "uses"),
        (r#"{"expiresSecs": 0}"#, "expiresSecs"),
        (r#"{"datacenterId": 99}"#, "datacenterId"),
        (r#"{"tags": {"": "x"}}"#, "tags"),
        (r#"{"tags": {"a": 1}}"#, "tags.a"),
    ] {
        let (status, problem) = served.json("POST", "/api/v1/join-tokens", Role::Operator, body).await;
        let expected = if field == "datacenterId" { 409 } else { 400 };
        assert_eq!((status.as_u16(), problem["field"].as_str()), (expected, Some(field)), "{body}");
    }

    let path = format!("/api/v1/join-tokens/{id}");
    assert_eq!(served.json("DELETE", &path, Role::Operator, "").await.0, 204);
    assert_eq!(served.json("DELETE", &path, Role::Operator, "").await.0, 404);
    let (_, shown) = served.json("GET", &path, Role::Operator, "").await;
    assert_eq!(shown["state"], "revoked");
    assert_eq!(audit(&served).await[0].0, "join-token.revoke");
}

#[tokio::test]
async fn a_decided_match_is_told_and_audited() {
    let test = TestDb::sqlite().await;
    let db = test.db.clone();
    one_host(&db).await;
    let machine = r#"{"hostname":"web-1","machineId":null,"productUuid":null,"productSerial":null,"cloudInstanceId":null,"macAddresses":[],"addresses":[],"inContainer":false}"#;
    run(&db, "UPDATE agents SET compute_id = NULL, state = 'HELD'", vec![]).await;
    let sql = "INSERT INTO match_conflicts (id, agent_id, machine, candidates, state, created_at_us) \
               VALUES (5, ?, ?, '[]', 'OPEN', 1)";
    run(&db, sql, vec![agent_id(1).into(), machine.into()]).await;
    let clock: SharedClock = Arc::new(ManualClock::at(now()));
    let reconciler = crate::reconcile::Reconciler::new(db.clone(), clock);
    let actor = Actor::person("somebody");
    reconciler.resolve_match(5, MatchChoice::Claim(1), &actor).await.unwrap();
    assert!(matches!(reconciler.resolve_match(5, MatchChoice::New, &actor).await, Err(ResolveError::NotOpen(5))));
    let log = crate::query::every::<crate::query::AuditEntry>(&db, now()).await.unwrap();
    let entries: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.actor_id.as_str())).collect();
    assert_eq!(entries, [("match.resolve", "somebody")]);
    let agents = crate::query::every::<crate::query::Agent>(&db, now()).await.unwrap();
    assert_eq!((agents[0].compute_id, agents[0].state.as_str()), (Some(1), "ACTIVE"));
}
