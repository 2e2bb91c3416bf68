//! Drift and what people decide about it, on SQLite and on MariaDB.

use orchestrix_common::model::{ContainerState, Source};
use serde_json::json;

use super::*;
use crate::{
    query::{
        self, Drift, ListRequest,
        testing::{compute, on_both, places, run},
    },
    reconcile::{
        drift::renew_one_in_tx,
        testing::{Agent, Bench, container, host, machine, there},
    },
};

on_both! {
    a_drift_is_listed_with_both_values_and_since_when,
    taking_the_discovered_value_lets_discovery_follow_it_again,
    keeping_holds_until_the_discovered_value_changes,
    containers_drift_like_computes,
    a_decision_about_many_is_all_or_nothing,
    a_change_by_a_person_is_noticed,
}

fn person() -> Actor {
    Actor::person("ada")
}

async fn drifts(bench: &Bench, state: &str) -> Vec<Drift> {
    let context = query::Context { dialect: bench.db().dialect(), now: bench.now(), past: false };
    let request = ListRequest::parse::<Drift>(&context, &[("state".to_owned(), state.to_owned())]).unwrap();
    query::list::<Drift>(bench.db(), bench.now(), &request).await.unwrap().items
}

async fn fields(bench: &Bench, state: &str) -> Vec<String> {
    drifts(bench, state).await.into_iter().map(|drift| drift.field).collect()
}

fn pick(drift: &Drift) -> DriftPick {
    DriftPick { id: drift.id, seen: drift.discovered.clone() }
}

async fn decide(bench: &Bench, decision: DriftDecision, picks: &[DriftPick]) -> Result<OperationReport, AdminError> {
    decide_drifts(bench.db(), bench.now(), decision, picks, &person()).await
}

async fn says(bench: &Bench, agent: &Agent, sequence: u64, os: &str) {
    bench.apply(agent, sequence, Source::Host, vec![there(host("m1", os, 4))]).await;
}

/// A host whose row was entered by hand, with an operating system that a person named.
async fn hosted(db: &Db) -> (Bench, Agent) {
    let bench = Bench::on(db);
    places(db).await;
    compute(db, 7, "web-1", Some(1)).await;
    run(db, "UPDATE computes SET operating_system = 'mine', cpu_cores = NULL, memory_gb = NULL, is_physical = NULL WHERE id = 7", vec![]).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    assert_eq!(agent.opened.compute_id, Some(7));
    says(&bench, &agent, 1, "Debian 12").await;
    (bench, agent)
}

async fn os(bench: &Bench) -> String {
    bench.text("SELECT operating_system AS x FROM computes WHERE id = 7").await
}

async fn a_drift_is_listed_with_both_values_and_since_when(db: &Db) {
    let (bench, agent) = hosted(db).await;
    let [drift] = drifts(&bench, "open").await.try_into().unwrap();
    assert_eq!(
        (drift.resource_type.as_str(), drift.resource_id, drift.field.as_str()),
        ("compute", 7, "operatingSystem")
    );
    assert_eq!((&drift.value, &drift.discovered), (&Some(json!("mine")), &Some(json!("Debian 12"))));
    let since = drift.since;
    bench.later(60);
    bench.apply(&agent, 2, Source::Host, vec![there(host("m1", "Debian 12", 8))]).await;
    assert_eq!(drifts(&bench, "open").await[0].since, since, "it is the same drift as before");
    says(&bench, &agent, 3, "Debian 13").await;
    assert!(drifts(&bench, "open").await[0].since > since, "discovery sees something else");
    run(db, "UPDATE computes SET operating_system = NULL WHERE id = 7", vec![]).await;
    says(&bench, &agent, 4, "Debian 14").await;
    assert_eq!((fields(&bench, "any").await, os(&bench).await), (Vec::<String>::new(), "Debian 14".to_owned()));
}

async fn taking_the_discovered_value_lets_discovery_follow_it_again(db: &Db) {
    let (bench, agent) = hosted(db).await;
    let [drift] = drifts(&bench, "open").await.try_into().unwrap();
    let done = decide(&bench, DriftDecision::Take, &[pick(&drift)]).await.unwrap();
    assert_eq!((os(&bench).await.as_str(), done.values.len()), ("Debian 12", 1));
    assert_eq!(fields(&bench, "any").await, Vec::<String>::new());
    let history = bench
        .text("SELECT CONCAT(actor_id, before_state, after_state) AS x FROM history WHERE actor_kind = 'person'")
        .await;
    assert!(history.contains("mine") && history.contains("Debian 12"), "{history}");
    says(&bench, &agent, 2, "Debian 13").await;
    assert_eq!(os(&bench).await, "Debian 13");
    undo_operation(db, bench.now(), done.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(os(&bench).await, "mine");
    assert_eq!(fields(&bench, "open").await, ["operatingSystem"]);
    says(&bench, &agent, 3, "Debian 14").await;
    assert_eq!(os(&bench).await, "mine", "it is a person's again");
    let gone = decide(&bench, DriftDecision::Take, &[DriftPick { id: drift.id + 99, seen: None }]).await;
    assert!(matches!(gone, Err(AdminError::NotFound { what: "drift", .. })), "{gone:?}");
}

async fn keeping_holds_until_the_discovered_value_changes(db: &Db) {
    let (bench, agent) = hosted(db).await;
    let [drift] = drifts(&bench, "open").await.try_into().unwrap();
    let done = decide(&bench, DriftDecision::Keep, &[pick(&drift)]).await.unwrap();
    assert_eq!((fields(&bench, "open").await.len(), os(&bench).await.as_str()), (0, "mine"));
    assert_eq!(drifts(&bench, "kept").await[0].kept_by.as_deref(), Some("ada"));
    bench.apply(&agent, 2, Source::Host, vec![there(host("m1", "Debian 12", 16))]).await;
    assert_eq!(fields(&bench, "open").await.len(), 0, "nothing new was seen");
    undo_operation(db, bench.now(), done.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(fields(&bench, "open").await.len(), 1);
    decide(&bench, DriftDecision::Keep, &[pick(&drift)]).await.unwrap();
    says(&bench, &agent, 3, "Debian 13").await;
    assert_eq!(drifts(&bench, "open").await[0].discovered, Some(json!("Debian 13")));
    let stale = decide(&bench, DriftDecision::Take, &[pick(&drift)]).await;
    assert!(matches!(stale, Err(AdminError::Conflict(_))), "what was seen is not what is taken: {stale:?}");
    let audited =
        bench.count("audit_log WHERE action = 'drift.keep' AND resource_type = 'compute' AND resource_id = '7'").await;
    assert_eq!(audited, 2);
}

async fn containers_drift_like_computes(db: &Db) {
    let (bench, agent) = hosted(db).await;
    let web = || container("aaaaaaaaaaaa", "web", ContainerState::Running);
    bench.apply(&agent, 2, Source::Docker, vec![there(web())]).await;
    run(db, "UPDATE containers SET image = 'ours/nginx'", vec![]).await;
    let mut paused = web();
    paused.body = container("aaaaaaaaaaaa", "web", ContainerState::Paused).body;
    bench.apply(&agent, 3, Source::Docker, vec![there(paused)]).await;
    let found: Vec<Drift> =
        drifts(&bench, "open").await.into_iter().filter(|drift| drift.resource_type == "container").collect();
    let [drift] = found.try_into().unwrap();
    assert_eq!((drift.field.as_str(), &drift.discovered), ("image", &Some(json!("nginx"))));
    assert_eq!((drift.compute_id, drift.resource_name.as_deref()), (Some(7), Some("web")));
    let done = decide(&bench, DriftDecision::Take, &[pick(&drift)]).await.unwrap();
    assert_eq!(bench.text("SELECT image AS x FROM containers").await, "nginx");
    undo_operation(db, bench.now(), done.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(bench.text("SELECT image AS x FROM containers").await, "ours/nginx");
}

async fn a_decision_about_many_is_all_or_nothing(db: &Db) {
    let (bench, agent) = hosted(db).await;
    run(db, "UPDATE computes SET cpu_cores = 99, kernel_version = 'mine' WHERE id = 7", vec![]).await;
    says(&bench, &agent, 2, "Debian 13").await;
    let all = drifts(&bench, "open").await;
    assert_eq!(all.iter().map(|drift| drift.field.as_str()).collect::<Vec<_>>(), ["operatingSystem", "cpuCores"]);
    let mut picks: Vec<DriftPick> = all.iter().map(pick).collect();
    picks.push(DriftPick { id: 99_999, seen: None });
    assert!(decide(&bench, DriftDecision::Take, &picks).await.is_err());
    assert_eq!((os(&bench).await.as_str(), drifts(&bench, "open").await.len()), ("mine", 2));
    picks.pop();
    decide(&bench, DriftDecision::Take, &picks).await.unwrap();
    let row = "SELECT CONCAT(operating_system, ' ', cpu_cores, ' ', kernel_version) AS x FROM computes WHERE id = 7";
    assert_eq!(bench.text(row).await, "Debian 13 4 mine");
    assert!(matches!(decide(&bench, DriftDecision::Keep, &[]).await, Err(AdminError::Invalid { field: "drifts", .. })));
}

async fn a_change_by_a_person_is_noticed(db: &Db) {
    let (bench, _agent) = hosted(db).await;
    run(db, "UPDATE computes SET cpu_cores = 64 WHERE id = 7", vec![]).await;
    assert_eq!(fields(&bench, "open").await, ["operatingSystem"]);
    let now = bench.now();
    crate::transaction!(db, |tx| drop(renew_one_in_tx(tx, "compute", 7, now).await?)).unwrap();
    assert_eq!(fields(&bench, "open").await, ["operatingSystem", "cpuCores"]);
    run(db, "UPDATE computes SET cpu_cores = 4 WHERE id = 7", vec![]).await;
    crate::transaction!(db, |tx| drop(renew_one_in_tx(tx, "compute", 7, now).await?)).unwrap();
    assert_eq!(fields(&bench, "open").await, ["operatingSystem"], "they agree again");
}
