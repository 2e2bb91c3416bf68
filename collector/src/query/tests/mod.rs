//! Behaviour of the reading half, the same on both databases: lists and what they show.

mod browse;
mod legacy;
mod nested;
mod past;
mod sort;
mod whole;

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{
    testing::{Seed, agent, ago, change, compute, now, on_both, one_host, places, run},
    *,
};
use crate::store::{Db, Value};

on_both!(
    the_status_of_a_workload_depends_on_whether_anybody_can_look,
    what_cannot_be_looked_at_is_stale,
    filters_narrow_and_combine,
    hostile_values_find_nothing_and_break_nothing,
    pages_show_each_row_once_while_rows_come_and_go,
    a_key_of_several_columns_is_paged_through,
    every_filter_of_every_list_is_understood,
    what_is_not_known_is_null,
    a_compute_shows_its_agent_coverage_and_use,
    secrets_of_the_existing_tables_are_never_read,
);

async fn page<R: Resource>(db: &Db, parameters: &[(&str, &str)]) -> Result<Json, QueryError> {
    let parameters: Vec<_> = parameters.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    let context = Context::of(db, now());
    let request = ListRequest::parse::<R>(&context, &parameters)?;
    Ok(serde_json::to_value(list::<R>(db, now(), &request).await?).unwrap())
}

async fn ids<R: Resource>(db: &Db, parameters: &[(&str, &str)]) -> Vec<i64> {
    let page = page::<R>(db, parameters).await.unwrap();
    page["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

async fn workload(db: &Db, id: i64) -> Json {
    serde_json::to_value(get::<Workload>(db, now(), vec![id.into()]).await.unwrap().unwrap()).unwrap()
}

async fn the_status_of_a_workload_depends_on_whether_anybody_can_look(db: &Db) {
    places(db).await;
    // Connected; unreachable; silent without anybody to notice; revoked; entered by people.
    for id in 1..=5 {
        compute(db, id, &format!("host-{id}"), Some(1)).await;
    }
    agent(db, 1, 1, "ACTIVE", true, 12).await;
    agent(db, 2, 2, "ACTIVE", false, 100).await;
    agent(db, 3, 3, "ACTIVE", true, 3_600).await;
    agent(db, 4, 4, "REVOKED", true, 12).await;
    for id in 1..=5 {
        Seed::container(id, id, "web").store(db).await;
    }
    Seed { ended: Some(50), ..Seed::container(6, 2, "old") }.store(db).await;

    let shown = |workload: &Json| {
        ["status", "lastKnownStatus", "unknownSince"].map(|name| workload[name].as_str().map(str::to_owned))
    };
    let words = |status: &str, last: Option<&str>, since: Option<u64>| {
        [Some(status.to_owned()), last.map(str::to_owned), since.map(|seconds| ago(seconds).to_string())]
    };
    assert_eq!(shown(&workload(db, 1).await), words("running", None, None));
    assert_eq!(shown(&workload(db, 2).await), words("unknown", Some("running"), Some(100)));
    assert_eq!(shown(&workload(db, 3).await), words("unknown", Some("running"), Some(3_600)));
    assert_eq!(shown(&workload(db, 4).await), words("unknown", Some("running"), Some(12)));
    assert_eq!(shown(&workload(db, 5).await), words("running", None, None));
    assert_eq!(shown(&workload(db, 6).await), words("ended", Some("exited"), None));

    assert_eq!(ids::<Workload>(db, &[("status", "unknown")]).await, [2, 3, 4]);
    assert_eq!(ids::<Workload>(db, &[("status", "running")]).await, [1, 5]);
    assert_eq!(ids::<Workload>(db, &[("status", "ended")]).await, [6]);
    assert_eq!(ids::<Compute>(db, &[("status", "UNREACHABLE")]).await, [2, 3, 4]);
    let connected = page::<Agent>(db, &[("connected", "true")]).await.unwrap();
    assert_eq!(connected["items"].as_array().unwrap().len(), 1);

    // Enrolled again: the new identity speaks for the host.
    agent(db, 5, 4, "ACTIVE", true, 5).await;
    assert_eq!(workload(db, 4).await["status"], "running");
}

async fn what_cannot_be_looked_at_is_stale(db: &Db) {
    one_host(db).await;
    assert_eq!(workload(db, 1).await["stale"], Json::Null);
    let set = |health: &'static str, completeness: &'static str| async move {
        let sql = "UPDATE agent_sources SET health = ?, completeness = ?, reason = 'the socket hangs' WHERE source = 'docker'";
        run(db, sql, vec![health.into(), completeness.into()]).await;
        workload(db, 1).await["stale"].clone()
    };
    let stale = json!({ "since": ago(600).to_string(), "reason": "the socket hangs" });
    assert_eq!(set("failing", "none").await, stale);
    assert_eq!(set("absent", "complete").await, stale);
    assert_eq!(set("degraded", "partial").await, Json::Null, "most of it was seen");
    assert_eq!(set("degraded", "none").await, stale);
    // Another source, and what ended, are not concerned.
    assert_eq!(workload(db, 2).await["stale"], Json::Null);
    run(db, "UPDATE compute_workloads SET ended_at_us = 1 WHERE id = 1", vec![]).await;
    assert_eq!(workload(db, 1).await["stale"], Json::Null);
}

async fn filters_narrow_and_combine(db: &Db) {
    one_host(db).await;
    compute(db, 2, "web-2", Some(1)).await;
    Seed { labels: json!({ "environment": "production", "a.b/c": "x=y" }), ..Seed::container(3, 2, "web") }
        .store(db)
        .await;
    Seed { ended: Some(60), image: Some("redis:7"), ..Seed::container(4, 1, "cache") }.store(db).await;
    let found = async |parameters: &[(&str, &str)]| ids::<Workload>(db, parameters).await;
    assert_eq!(found(&[]).await, [1, 2, 3], "what ended is not listed by default");
    assert_eq!(found(&[("ended", "true")]).await, [4]);
    assert_eq!(found(&[("ended", "any")]).await, [1, 2, 3, 4]);
    assert_eq!(found(&[("computeId", "1")]).await, [1, 2]);
    assert_eq!(found(&[("computeId", "1"), ("computeId", "2")]).await, [1, 2, 3]);
    assert_eq!(found(&[("type", "process")]).await, [2]);
    assert_eq!(found(&[("workloadType", "container"), ("name", "web")]).await, [1, 3]);
    assert_eq!(found(&[("source", "docker"), ("image", "nginx:1.25"), ("computeId", "2")]).await, [3]);
    assert_eq!(found(&[("isolationMethod", "systemd")]).await, [2]);
    assert_eq!(found(&[("label", "environment=staging")]).await, [1]);
    assert_eq!(found(&[("label", "environment")]).await, [1, 3]);
    assert_eq!(found(&[("label", "environment=production"), ("label", "a.b/c=x=y")]).await, [3]);
    assert_eq!(found(&[("label", "environment=staging"), ("label", "a.b/c")]).await, [] as [i64; 0]);

    let refused = async |parameters: &[(&str, &str)]| match page::<Workload>(db, parameters).await {
        Err(QueryError::Parameter(error)) => (error.code, error.field, error.expected),
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(&[("computeId", "one")]).await.0, "invalid-parameter");
    assert_eq!(refused(&[("ended", "maybe")]).await.2, "false, true, any");
    assert_eq!(refused(&[("limit", "0")]).await.1, "limit");
    assert_eq!(refused(&[("limit", "1001")]).await.1, "limit");
    assert_eq!(refused(&[("cursor", "xyz")]).await.0, "invalid-cursor");
    assert_eq!(refused(&[("lable", "a")]).await.0, "unknown-parameter");
}

async fn hostile_values_find_nothing_and_break_nothing(db: &Db) {
    one_host(db).await;
    let hostile =
        ["' OR 1 --", "\"); DROP TABLE computes; --", "\\", "%", "\u{0}", "\u{1F4A9}", "$.\"x\"", "{{", "\r\n"];
    for text in hostile {
        for name in ["name", "status", "source", "image", "label"] {
            assert_eq!(ids::<Workload>(db, &[(name, text)]).await, [] as [i64; 0], "{name}={text}");
        }
        let label = format!("{text}={text}");
        assert_eq!(ids::<Workload>(db, &[("label", &label)]).await, [] as [i64; 0], "{label}");
    }
    // The same strings as data are found exactly.
    for (index, text) in hostile.into_iter().filter(|text| *text != "\u{0}").enumerate() {
        let id = 100 + i64::try_from(index).unwrap();
        Seed { labels: json!({ text: text }), ..Seed::container(id, 1, "odd") }.store(db).await;
        assert_eq!(ids::<Workload>(db, &[("label", &format!("{text}={text}"))]).await, [id], "{text}");
        assert_eq!(ids::<Workload>(db, &[("label", text)]).await, [id], "{text}");
    }
    assert_eq!(ids::<Compute>(db, &[]).await, [1]);
}

async fn pages_show_each_row_once_while_rows_come_and_go(db: &Db) {
    one_host(db).await;
    for id in 10..30 {
        Seed::container(id, 1, "web").store(db).await;
    }
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    let mut round = 0;
    loop {
        let mut parameters = vec![("limit", "3")];
        parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = page::<Workload>(db, &parameters).await.unwrap();
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 3);
        seen.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        // One comes behind the reader, one before it, and one that was told goes.
        round += 1;
        if round < 4 {
            Seed::container(2 + round, 1, "early").store(db).await;
            Seed::container(100 + round, 1, "late").store(db).await;
            run(db, "UPDATE compute_workloads SET ended_at_us = 1 WHERE id = ?", vec![seen[0].into()]).await;
        }
        match page["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    let unique: BTreeSet<_> = seen.iter().copied().collect();
    assert_eq!(unique.len(), seen.len(), "{seen:?}");
    assert!((10..30).chain(101..104).all(|id| unique.contains(&id)), "{seen:?}");
}

async fn a_key_of_several_columns_is_paged_through(db: &Db) {
    for (kind, id, key) in
        [("compute", 1, "a"), ("compute", 1, "b"), ("compute", 2, "a"), ("workload", 1, "a"), ("a", 9, "z")]
    {
        let sql = "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES (?, ?, ?, 'x')";
        run(db, sql, vec![kind.into(), i64::from(id).into(), key.into()]).await;
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let mut parameters = vec![("limit", "2")];
        if !cursor.is_empty() {
            parameters.push(("cursor", &cursor));
        }
        let page = page::<Tag>(db, &parameters).await.unwrap();
        for item in page["items"].as_array().unwrap() {
            seen.push(format!("{} {} {}", item["resourceType"], item["resourceId"], item["tagKey"]).replace('"', ""));
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, ["a 9 z", "compute 1 a", "compute 1 b", "compute 2 a", "workload 1 a"]);
    let key = vec![Value::from("compute"), Value::Int(1), Value::from("b")];
    assert!(get::<Tag>(db, now(), key).await.unwrap().is_some());
}

async fn every_filter_of_every_list_is_understood(db: &Db) {
    async fn try_all<R: Resource>(db: &Db) {
        for filter in R::FILTERS {
            let text = match filter.test {
                Test::Int(_) | Test::Compute(_) | Test::Above(_) => "1",
                Test::Flag(_) | Test::Inherited => "true",
                Test::Word(words) => words[0].0,
                Test::Text(_) | Test::Computed(_) | Test::Contains(_) | Test::Label(_) | Test::Environment(..) => "x",
            };
            for name in [Some(filter.name), filter.also].into_iter().flatten() {
                let again = if matches!(filter.test, Test::Inherited) { ("environment", "x") } else { (name, text) };
                let page = page::<R>(db, &[(name, text), again]).await;
                page.unwrap_or_else(|error| panic!("{} ?{name}={text}: {error:?}", R::LIST));
            }
        }
        for item in every::<R>(db, now()).await.unwrap() {
            assert!(get::<R>(db, now(), item.key()).await.unwrap().is_some(), "{}", R::LIST);
        }
    }
    one_host(db).await;
    change(db, 1, 1, ago(10)).await;
    run(
        db,
        "INSERT INTO environments (id, name, code, type, partner_id) VALUES (1, 'Production', 'prod', 'prod', 1)",
        vec![],
    )
    .await;
    run(db, "INSERT INTO environment_associations (environment_id, resource_type, resource_id, is_primary, allocated_percentage, metadata) VALUES (1, 'compute', 1, 1, 62.5, '{}')", vec![]).await;
    run(db, "INSERT INTO automation_targets (name, target_type, target_id, connection_info) VALUES ('t', 'compute', 1, '{}')", vec![]).await;
    run(db, "INSERT INTO containers (name, compute_id, exposed_ports) VALUES ('legacy', 1, '80,443')", vec![]).await;
    run(db, "INSERT INTO match_conflicts (agent_id, machine, candidates, state, created_at_us) SELECT id, '{}', '[]', 'OPEN', 5 FROM agents", vec![]).await;
    run(db, "INSERT INTO audit_log (at_us, actor_kind, actor_id, action, resource_type, resource_id) VALUES (5, 'person', 'p', 'x', 'agent', '1')", vec![]).await;
    run(db, "INSERT INTO join_tokens (id, secret_sha256, uses_allowed, uses_left, created_by, created_at_us, expires_at_us) VALUES ('ab', 'x', 1, 1, 'p', 1, 2)", vec![]).await;
    try_all::<Partner>(db).await;
    try_all::<Cloud>(db).await;
    try_all::<Region>(db).await;
    try_all::<AvailabilityZone>(db).await;
    try_all::<Datacenter>(db).await;
    try_all::<Compute>(db).await;
    try_all::<ComputeSummary>(db).await;
    try_all::<Container>(db).await;
    try_all::<Environment>(db).await;
    try_all::<EnvironmentAssociation>(db).await;
    try_all::<Workload>(db).await;
    try_all::<Tag>(db).await;
    try_all::<Capability>(db).await;
    try_all::<AutomationTarget>(db).await;
    try_all::<Agent>(db).await;
    try_all::<JoinToken>(db).await;
    try_all::<Match>(db).await;
    try_all::<HistoryEntry>(db).await;
    try_all::<AuditEntry>(db).await;
    let association = page::<EnvironmentAssociation>(db, &[("isPrimary", "true")]).await.unwrap();
    assert_eq!(association["items"][0]["allocatedPercentage"], 62.5);
    let container = page::<Container>(db, &[]).await.unwrap();
    assert_eq!(container["items"][0]["exposedPorts"], "80,443", "text that is no JSON is shown as text");
    assert_eq!(page::<JoinToken>(db, &[("state", "expired")]).await.unwrap()["items"][0]["id"], "ab");
}

async fn what_is_not_known_is_null(db: &Db) {
    run(db, "INSERT INTO computes (id, name, cpu_cores) VALUES (1, 'bare', NULL)", vec![]).await;
    Seed { image: None, labels: Json::Null, ..Seed::process(1, 1, "ssh") }.store(db).await;
    let compute = page::<Compute>(db, &[]).await.unwrap()["items"][0].clone();
    for name in ["cpuCores", "memoryGb", "operatingSystem", "agent", "usage", "facts", "createdAt", "hypervisor"] {
        assert_eq!(compute.get(name), Some(&Json::Null), "{name}");
    }
    let shown = workload(db, 1).await;
    for name in ["usage", "image", "cpuCores", "memoryMb", "diskGb", "finishedAt", "endedAt", "stale", "unknownSince"] {
        assert_eq!(shown.get(name), Some(&Json::Null), "{name}");
    }
    testing::usage(db, 1, None, Some(0)).await;
    let usage = workload(db, 1).await["usage"].clone();
    assert_eq!((&usage["cpuMillicores"], &usage["memoryBytes"]), (&Json::Null, &json!(0)), "zero is not unknown");
}

async fn a_compute_shows_its_agent_coverage_and_use(db: &Db) {
    one_host(db).await;
    let sql = "INSERT INTO compute_facts (compute_id, facts, filled, changed_at_us) VALUES (1, '{\"architecture\":\"x86_64\"}', '{}', 9)";
    run(db, sql, vec![]).await;
    run(
        db,
        "INSERT INTO compute_usage (compute_id, cpu_millicores, memory_bytes, measured_at_us) VALUES (1, 150, 99, 8)",
        vec![],
    )
    .await;
    let compute = serde_json::to_value(get::<Compute>(db, now(), vec![1_i64.into()]).await.unwrap().unwrap()).unwrap();
    assert_eq!(compute["agent"]["connected"], true);
    assert_eq!(compute["agent"]["lastSeenAt"], ago(12).to_string());
    assert_eq!(compute["facts"]["architecture"], "x86_64");
    assert_eq!(compute["usage"]["cpuMillicores"], 150);
    let coverage: Vec<_> =
        compute["coverage"].as_array().unwrap().iter().map(|one| one["source"].as_str().unwrap()).collect();
    assert_eq!(coverage, ["docker", "host", "podman", "process"]);
    assert_eq!(compute["coverage"][0]["reason"], Json::Null);
    assert_eq!(compute["coverage"][2]["reason"], "no socket at /run/podman/podman.sock");

    let agent = page::<Agent>(db, &[]).await.unwrap()["items"][0].clone();
    assert_eq!(agent["certificate"]["serial"], "01ab");
    assert_eq!(agent["clockSkewMs"], 1);
    assert_eq!((&agent["computeName"], &agent["appliedSequence"]), (&json!("web-1"), &json!(7)));

    let shown = workload(db, 1).await;
    assert_eq!(shown["seenBy"], json!([{ "source": "docker", "nativeId": "docker-1" }]));
    assert_eq!((&shown["cpuCores"], &shown["memoryMb"]), (&json!(0.5), &json!(64)));
    assert_eq!(shown["ports"][0]["hostPort"], 18_080);
    assert_eq!(shown["ports"][0]["listener"]["process"], "nginx");
    assert_eq!(shown["ports"][1]["declared"], true);
}

async fn secrets_of_the_existing_tables_are_never_read(db: &Db) {
    one_host(db).await;
    run(db, "INSERT INTO containers (name, compute_id, environment_vars) VALUES ('c', 1, 'KEY=planted-value')", vec![])
        .await;
    run(db, "INSERT INTO automation_targets (name, target_type, target_id, connection_info) VALUES ('t', 'compute', 1, '{\"password\":\"planted-password\"}')", vec![]).await;
    for page in [
        page::<Partner>(db, &[]).await.unwrap(),
        page::<Container>(db, &[]).await.unwrap(),
        page::<AutomationTarget>(db, &[]).await.unwrap(),
    ] {
        assert!(!page["items"].as_array().unwrap().is_empty() && !page.to_string().contains("planted"), "{page}");
        if let Some(shown) = page["items"][0].get("connectionInfo") {
            assert_eq!(shown, &json!({ "password": "[redacted]" }));
        }
    }
}
