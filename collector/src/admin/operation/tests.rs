//! Merging, splitting and undoing, on SQLite and on MariaDB.

use orchestrix_common::model::{ContainerState, Entity, Machine, Source};
use serde_json::json;

use super::*;
use crate::{
    query::testing::{compute, on_both, places, run},
    reconcile::{
        Actor, Outcome,
        testing::{Bench, container, host, machine, report, there},
    },
    store::{Executor as _, Value},
};

on_both! {
    a_discovered_host_is_claimed_for_a_row_made_by_hand_and_given_back,
    nothing_of_a_persons_values_is_lost_and_conflicts_are_told_before,
    a_dry_run_changes_nothing,
    two_hosts_that_both_answer_are_not_merged,
    a_reimaged_host_that_came_back_as_a_second_row_is_merged_into_the_first,
    a_merge_is_undone_exactly_even_after_reports,
    undoing_is_refused_when_something_later_stands_in_its_way,
    an_agent_is_split_off_and_the_split_is_undone,
    a_wrong_match_is_undone,
    a_merge_and_a_report_at_the_same_time_lose_nothing,
    what_was_merged_is_left_out_of_lists_and_matching,
}

fn web(id: &str, name: &str) -> Entity {
    container(id, name, ContainerState::Running)
}

fn person() -> Actor {
    Actor::person("ada")
}

async fn merge(bench: &Bench, from: i64, into: i64) -> OperationReport {
    let merge = Merge { from, into, ..Merge::default() };
    merge_computes(bench.db(), bench.now(), &merge, false, &person()).await.unwrap()
}

/// Everything that a merge may touch, as text to compare.
async fn picture(db: &Db) -> Vec<String> {
    let mut lines = Vec::new();
    for (table, columns, order) in [
        (
            "computes",
            "id, name, hostname, ip_address, operating_system, cpu_cores, notes, purpose, status, datacenter_id",
            "id",
        ),
        ("containers", "id, compute_id, name, container_id, image, description, status", "id"),
        ("compute_workloads", "id, compute_id, source, workload_id, status, end_reason, container_row_id", "id"),
        (
            "resource_tags",
            "resource_type, resource_id, tag_key, tag_value, origin",
            "resource_type, resource_id, tag_key",
        ),
        ("environment_associations", "id, environment_id, resource_type, resource_id, is_primary", "id"),
        ("automation_targets", "id, name, target_type, target_id", "id"),
        ("compute_capabilities", "compute_id, capability_type", "compute_id, capability_type"),
        ("compute_identities", "compute_id, fact, content", "compute_id, fact, content"),
        ("agents", "id, compute_id, state, state_reason", "id"),
        ("merged_computes", "compute_id, into_compute_id", "compute_id"),
    ] {
        let parts: Vec<String> =
            columns.split(", ").map(|column| format!("COALESCE(CONCAT({column}, ''), '-')")).collect();
        let sql = format!("SELECT CONCAT('{table} ', {}) AS x FROM {table} ORDER BY {order}", parts.join(", ' ', "));
        let mut executor = db;
        for row in executor.fetch(sql, vec![]).await.unwrap() {
            lines.push(row.get("x").unwrap());
        }
    }
    lines
}

async fn text(db: &Db, sql: &str) -> String {
    let mut executor = db;
    executor.fetch(sql.to_owned(), vec![]).await.unwrap()[0].get("x").unwrap()
}

async fn count(db: &Db, what: &str) -> i64 {
    let mut executor = db;
    executor.fetch(format!("SELECT COUNT(*) AS n FROM {what}"), vec![]).await.unwrap()[0].get("n").unwrap()
}

/// A compute that was entered by hand, with everything that people attach.
async fn by_hand(db: &Db) {
    places(db).await;
    compute(db, 70, "rack 4 slot 2", Some(1)).await;
    for sql in [
        "UPDATE computes SET hostname = NULL, ip_address = NULL, operating_system = 'Debian, hardened', cpu_cores = NULL, \
         memory_gb = NULL, notes = 'ask ada', is_physical = NULL WHERE id = 70",
        "INSERT INTO containers (id, name, container_type, description, image, compute_id) VALUES \
         (700, 'web', 'DOCKER', 'the shop', 'nginx', 70), (701, 'gone', 'DOCKER', NULL, 'old', 70)",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES ('compute', 70, 'owner', 'ada')",
        "INSERT INTO environments (id, name, code, type) VALUES (1, 'Production', 'PROD', 'production'), (2, 'Test', 'TEST', 'test')",
        "INSERT INTO environment_associations (id, environment_id, resource_type, resource_id, is_primary, allocated_percentage) \
         VALUES (1, 1, 'compute', 70, 1, 60)",
        "INSERT INTO automation_targets (id, name, target_type, target_id) VALUES (1, 'ssh', 'compute', 70)",
    ] {
        run(db, sql, vec![]).await;
    }
}

async fn a_discovered_host_is_claimed_for_a_row_made_by_hand_and_given_back(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    let found = agent.opened.compute_id.unwrap();
    bench.apply(&agent, 1, Source::Host, vec![there(host("m1", "Debian 12", 4))]).await;
    bench
        .apply(&agent, 2, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web")), there(web("bbbbbbbbbbbb", "db"))])
        .await;
    let before = picture(db).await;

    let claim = Merge { from: found, into: 70, claim: true, ..Merge::default() };
    let report = merge_computes(db, bench.now(), &claim, false, &person()).await.unwrap();
    assert_eq!(report.moved["workloads"], 2);
    assert_eq!((report.moved["containers"], report.stayed["containers"]), (1, 1), "web is the one that was entered");
    let row = "SELECT CONCAT(name, '|', hostname, '|', operating_system, '|', cpu_cores, '|', notes) AS x FROM computes WHERE id = 70";
    assert_eq!(text(db, row).await, "rack 4 slot 2|web-1|Debian, hardened|4|ask ada");
    let container =
        "SELECT CONCAT(name, '|', description, '|', container_id, '|', image) AS x FROM containers WHERE id = 700";
    assert_eq!(text(db, container).await, "web|the shop|aaaaaaaaaaaa|nginx");
    let link = "SELECT CONCAT(compute_id, '') AS x FROM compute_workloads WHERE container_row_id = 700";
    assert_eq!(text(db, link).await, "70");
    let status = format!("SELECT status AS x FROM computes WHERE id = {found}");
    assert_eq!(text(db, &status).await, "MERGED");

    // The agent comes back and writes where it belongs now.
    let again = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!(again.opened.compute_id, Some(70));
    bench.apply(&again, 3, Source::Host, vec![there(host("m1", "Debian 13", 8))]).await;
    assert_eq!(text(db, row).await, "rack 4 slot 2|web-1|Debian, hardened|8|ask ada");
    bench.apply(&again, 4, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web"))]).await;
    assert_eq!(count(db, "containers").await, 4, "no container is made twice");

    let undone = undo_operation(db, bench.now(), report.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(undone.left, Vec::<String>::new());
    let after = picture(db).await;
    assert_eq!(after, before);
    let audited =
        "SELECT GROUP_CONCAT(action) AS x FROM (SELECT action FROM audit_log WHERE actor_id = 'ada' ORDER BY id) a";
    assert_eq!(text(db, audited).await, "compute.claim,operation.undo");
    assert!(count(db, "history WHERE actor_kind = 'person' AND resource_type = 'container'").await > 0);
}

async fn nothing_of_a_persons_values_is_lost_and_conflicts_are_told_before(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    compute(db, 71, "web-1", Some(1)).await;
    for sql in [
        "UPDATE computes SET notes = 'theirs', purpose = 'shop', operating_system = NULL WHERE id = 71",
        "INSERT INTO resource_tags (resource_type, resource_id, tag_key, tag_value) VALUES \
         ('compute', 71, 'owner', 'bob'), ('compute', 71, 'tier', 'gold')",
        "INSERT INTO environment_associations (id, environment_id, resource_type, resource_id, is_primary, allocated_percentage) \
         VALUES (2, 2, 'compute', 71, 1, 40)",
        "INSERT INTO automation_targets (id, name, target_type, target_id) VALUES (2, 'ssh', 'compute', 71), (3, 'api', 'compute', 71)",
    ] {
        run(db, sql, vec![]).await;
    }
    let wanted = Merge { from: 71, into: 70, ..Merge::default() };
    let told = merge_computes(db, bench.now(), &wanted, true, &person()).await.unwrap();
    let conflicts: Vec<&str> = told.conflicts.iter().map(|conflict| conflict.field.as_str()).collect();
    assert_eq!(conflicts, ["name", "notes", "tag owner"]);
    let wanted = Merge { prefer: ["notes".to_owned()].into(), ..wanted };
    let done = merge_computes(db, bench.now(), &wanted, false, &person()).await.unwrap();
    assert_eq!((done.moved["tags"], done.stayed["tags"]), (1, 1));
    assert_eq!((done.moved["automation targets"], done.stayed["automation targets"]), (1, 1));
    let row = "SELECT CONCAT(name, '|', notes, '|', purpose, '|', operating_system, '|', cpu_cores) AS x FROM computes WHERE id = 70";
    assert_eq!(text(db, row).await, "rack 4 slot 2|theirs|shop|Debian, hardened|2");
    let primary = "SELECT CONCAT(id, '') AS x FROM environment_associations WHERE resource_id = 70 AND is_primary = 1";
    assert_eq!(text(db, primary).await, "1", "there is one primary environment");
    assert_eq!(count(db, "environment_associations WHERE resource_id = 70").await, 2);
    let other = "SELECT tag_value AS x FROM resource_tags WHERE resource_id = 71";
    assert_eq!(text(db, other).await, "bob", "what could not move stays readable");
    let wrong = Merge { prefer: ["colour".to_owned()].into(), from: 70, into: 71, claim: false };
    let refused = merge_computes(db, bench.now(), &wrong, false, &person()).await;
    assert!(matches!(refused, Err(AdminError::Invalid { field: "prefer", .. })), "{refused:?}");
}

async fn a_dry_run_changes_nothing(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    bench.apply(&agent, 1, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web"))]).await;
    let (before, history) = (picture(db).await, count(db, "history").await);
    let wanted = Merge { from: agent.opened.compute_id.unwrap(), into: 70, ..Merge::default() };
    let told = merge_computes(db, bench.now(), &wanted, true, &person()).await.unwrap();
    assert_eq!((told.operation_id, told.moved["workloads"]), (None, 1));
    let compute = agent.opened.compute_id.unwrap();
    let told = split_compute(db, bench.now(), compute, agent.key.agent_id, true, &person()).await.unwrap();
    assert_eq!(told.moved["workloads"], 1);
    assert_eq!(
        (picture(db).await, count(db, "history").await, count(db, "audit_log WHERE actor_id = 'ada'").await),
        (before, history, 0)
    );
}

async fn two_hosts_that_both_answer_are_not_merged(db: &Db) {
    let bench = Bench::on(db);
    let one = bench.open(bench.enrol().await, machine("m1")).await;
    let other = bench.open(bench.enrol().await, other_host("web-2")).await;
    let wanted =
        Merge { from: other.opened.compute_id.unwrap(), into: one.opened.compute_id.unwrap(), ..Merge::default() };
    let told = merge_computes(db, bench.now(), &wanted, true, &person()).await.unwrap();
    assert!(told.refusals[0].contains("these are two hosts"), "{:?}", told.refusals);
    let before = picture(db).await;
    let refused = merge_computes(db, bench.now(), &wanted, false, &person()).await;
    assert!(matches!(refused, Err(AdminError::Conflict(_))), "{refused:?}");
    assert_eq!(picture(db).await, before);
    let same = Merge { from: 1, into: 1, ..Merge::default() };
    assert!(matches!(merge_computes(db, bench.now(), &same, false, &person()).await, Err(AdminError::Unfit { .. })));
    let none = Merge { from: 999, into: 1, ..Merge::default() };
    assert!(matches!(merge_computes(db, bench.now(), &none, false, &person()).await, Err(AdminError::NotFound { .. })));
}

fn other_host(hostname: &str) -> Machine {
    Machine { hostname: hostname.into(), addresses: vec!["192.0.2.8".into()], ..machine(hostname) }
}

async fn a_reimaged_host_that_came_back_as_a_second_row_is_merged_into_the_first(db: &Db) {
    let bench = Bench::on(db);
    let old = bench.open(bench.enrol().await, machine("m1")).await;
    bench.apply(&old, 1, Source::Process, vec![there(web("cccccccccccc", "kept"))]).await;
    bench.apply(&old, 2, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web"))]).await;
    bench.later(3_600);
    let new = bench.open(bench.enrol().await, other_host("fresh")).await;
    bench.apply(&new, 1, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web"))]).await;
    let (first, second) = (old.opened.compute_id.unwrap(), new.opened.compute_id.unwrap());
    assert_ne!(first, second);
    let merged = merge(&bench, second, first).await;
    let fates: Vec<&str> = merged.agents.iter().map(|agent| agent.fate.as_str()).collect();
    assert_eq!(fates, ["speaks", "succeeded"]);
    let late = bench.reconciler.apply(&old.key, report(3, Source::Docker, vec![])).await;
    assert!(late.is_err(), "the former agent is no more");
    let again = bench.open(new.key.agent_id, other_host("fresh")).await;
    assert_eq!(again.opened.compute_id, Some(first));
    // What the former one reported is this one's to end: a whole listing lacks it.
    bench.reconciler.compare_listing(&again.key, &Source::Process, vec![], true).await.unwrap();
    let ended = "SELECT CONCAT(workload_name, ' ', status) AS x FROM compute_workloads WHERE source = 'process'";
    assert_eq!(text(db, ended).await, "kept ended");
    bench.apply(&again, 2, Source::Docker, vec![there(web("aaaaaaaaaaaa", "web"))]).await;
    let sql = format!("compute_workloads WHERE compute_id = {first} AND source = 'docker' AND ended_at_us IS NULL");
    assert_eq!(count(db, &sql).await, 1, "the same container is the same row");
    assert_eq!(count(db, "containers t WHERE t.compute_id = (SELECT MIN(id) FROM computes)").await, 2);
    let undone = undo_operation(db, bench.now(), merged.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(text(db, &format!("SELECT state AS x FROM agents WHERE id = '{}'", old.key.agent_id)).await, "ACTIVE");
    assert_eq!(undone.left, Vec::<String>::new());
    let back = bench.open(old.key.agent_id, machine("m1")).await;
    assert_eq!((back.opened.compute_id, back.opened.held_reason), (Some(first), None));
}

async fn a_merge_is_undone_exactly_even_after_reports(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    bench.apply(&agent, 1, Source::Host, vec![there(host("m1", "Debian 12", 4))]).await;
    bench.apply(&agent, 2, Source::Docker, vec![there(web("aaaaaaaaaaaa", "one"))]).await;
    let found = agent.opened.compute_id.unwrap();
    let hand =
        "SELECT CONCAT(COALESCE(hostname, '-'), COALESCE(cpu_cores, '-'), notes) AS x FROM computes WHERE id = 70";
    let before = text(db, hand).await;
    let report = merge(&bench, found, 70).await;
    let again = bench.open(agent.key.agent_id, machine("m1")).await;
    bench.apply(&again, 3, Source::Host, vec![there(host("m1", "Debian 13", 16))]).await;
    bench.apply(&again, 4, Source::Docker, vec![there(web("bbbbbbbbbbbb", "two"))]).await;
    run(db, "UPDATE computes SET notes = 'changed since' WHERE id = 70", vec![]).await;
    run(db, "DELETE FROM resource_tags WHERE resource_id = 70", vec![]).await;
    let undone = undo_operation(db, bench.now(), report.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(text(db, hand).await, before.replace("ask ada", "changed since"), "a person's later value stays");
    assert_eq!(undone.moved["workloads"], 2, "what was seen since goes with its host");
    let of = |compute| format!("compute_workloads WHERE compute_id = {compute}");
    assert_eq!((count(db, &of(found)).await, count(db, &of(70)).await), (2, 0));
    assert_eq!(count(db, &format!("containers WHERE compute_id = {found}")).await, 2);
    let back = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!(back.opened.compute_id, Some(found));
    assert_eq!(bench.apply(&back, 5, Source::Docker, vec![there(web("bbbbbbbbbbbb", "two"))]).await, Outcome::Applied);
    assert_eq!(count(db, &of(70)).await, 0);
}

async fn undoing_is_refused_when_something_later_stands_in_its_way(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    for (id, name) in [(71, "a"), (72, "b"), (73, "c")] {
        compute(db, id, name, Some(1)).await;
    }
    let first = merge(&bench, 71, 70).await.operation_id.unwrap();
    let second = merge(&bench, 72, 70).await.operation_id.unwrap();
    let why = |result: Result<OperationReport, AdminError>| match result {
        Err(AdminError::Conflict(why)) => why,
        other => panic!("{other:?}"),
    };
    let refused = why(undo_operation(db, bench.now(), first, false, &person()).await);
    assert!(refused.contains(&format!("operation {second} came later")), "{refused}");
    undo_operation(db, bench.now(), second, false, &person()).await.unwrap();
    let refused = why(undo_operation(db, bench.now(), second, false, &person()).await);
    assert_eq!(refused, format!("operation {second} is undone already"));
    run(db, "UPDATE computes SET status = 'ACTIVE' WHERE id = 71", vec![]).await;
    let refused = why(undo_operation(db, bench.now(), first, false, &person()).await);
    assert!(refused.contains("not merged any more"), "{refused}");
    run(db, "UPDATE computes SET status = 'MERGED' WHERE id = 71", vec![]).await;
    undo_operation(db, bench.now(), first, true, &person()).await.unwrap();
    undo_operation(db, bench.now(), first, false, &person()).await.unwrap();
    let unknown = undo_operation(db, bench.now(), 9_999, false, &person()).await;
    assert!(matches!(unknown, Err(AdminError::NotFound { .. })), "{unknown:?}");
    // A compute that took in another one and is itself merged carries it along, and back.
    merge(&bench, 72, 73).await;
    let chain = merge(&bench, 73, 70).await.operation_id.unwrap();
    assert_eq!(
        text(db, "SELECT CONCAT(into_compute_id, '') AS x FROM merged_computes WHERE compute_id = 72").await,
        "70"
    );
    undo_operation(db, bench.now(), chain, false, &person()).await.unwrap();
    assert_eq!(
        text(db, "SELECT CONCAT(into_compute_id, '') AS x FROM merged_computes WHERE compute_id = 72").await,
        "73"
    );
}

async fn an_agent_is_split_off_and_the_split_is_undone(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    run(db, "UPDATE computes SET hostname = 'web-1', ip_address = '192.0.2.7' WHERE id = 70", vec![]).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    assert_eq!(agent.opened.compute_id, Some(70), "matched by name and address");
    bench.apply(&agent, 1, Source::Host, vec![there(host("m1", "Debian 12", 4))]).await;
    bench.apply(&agent, 2, Source::Docker, vec![there(web("aaaaaaaaaaaa", "one"))]).await;
    let report = split_compute(db, bench.now(), 70, agent.key.agent_id, false, &person()).await.unwrap();
    let new = report.other_compute_id.unwrap();
    let row = |id| {
        format!(
            "SELECT CONCAT(name, '|', COALESCE(operating_system, '-'), '|', COALESCE(cpu_cores, '-'), '|', COALESCE(notes, '-')) AS x FROM computes WHERE id = {id}"
        )
    };
    assert_eq!(
        text(db, &row(70)).await,
        "rack 4 slot 2|Debian, hardened|-|ask ada",
        "what discovery wrote goes, what people entered stays"
    );
    assert_eq!(text(db, &row(new)).await, "web-1|Debian 12|4|-");
    assert_eq!(count(db, &format!("compute_workloads WHERE compute_id = {new}")).await, 1);
    assert_eq!(count(db, "compute_identities WHERE compute_id = 70").await, 0);
    let again = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!(again.opened.compute_id, Some(new));
    let stranger = split_compute(db, bench.now(), 70, agent.key.agent_id, false, &person()).await;
    assert!(matches!(stranger, Err(AdminError::Unfit { field: "agentId", .. })), "{stranger:?}");

    undo_operation(db, bench.now(), report.operation_id.unwrap(), false, &person()).await.unwrap();
    assert_eq!(text(db, &row(70)).await, "rack 4 slot 2|Debian, hardened|4|ask ada");
    let status = format!("SELECT status AS x FROM computes WHERE id = {new}");
    assert_eq!(text(db, &status).await, "MERGED");
    let back = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!(back.opened.compute_id, Some(70));
}

async fn a_wrong_match_is_undone(db: &Db) {
    let bench = Bench::on(db);
    let old = bench.open(bench.enrol().await, machine("m1")).await;
    bench.later(3_600);
    let new = bench.open(bench.enrol().await, machine("m1")).await;
    assert_eq!(new.opened.compute_id, old.opened.compute_id, "a new key on the same host succeeds");
    let operation: i64 =
        text(db, "SELECT CONCAT(MAX(id), '') AS x FROM operations WHERE kind = 'MATCH'").await.parse().unwrap();
    let report = undo_operation(db, bench.now(), operation, false, &person()).await.unwrap();
    let back = bench.open(old.key.agent_id, machine("m1")).await;
    assert_eq!((back.opened.compute_id, back.opened.held_reason), (old.opened.compute_id, None));
    let own = bench.open(new.key.agent_id, machine("m1")).await;
    assert_eq!(own.opened.compute_id, report.other_compute_id);
}

async fn a_merge_and_a_report_at_the_same_time_lose_nothing(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    let found = agent.opened.compute_id.unwrap();
    let reports = async {
        let mut session = bench.open(agent.key.agent_id, machine("m1")).await;
        for sequence in 1..=30 {
            let change = there(web(&format!("{sequence:012}"), &format!("c{sequence}")));
            loop {
                let report = report(sequence, Source::Docker, vec![change.clone()]);
                match bench.reconciler.apply(&session.key, report).await {
                    Ok(applied) => break assert_eq!(applied.outcome, Outcome::Applied),
                    // The merge ended the session, as it ends every one that it moves.
                    Err(crate::reconcile::ApplyError::Fenced) => {
                        session = bench.open(agent.key.agent_id, machine("m1")).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    let merges = async {
        for _ in 0..3 {
            let report = merge(&bench, found, 70).await;
            tokio::task::yield_now().await;
            undo_operation(db, bench.now(), report.operation_id.unwrap(), false, &person()).await.unwrap();
            tokio::task::yield_now().await;
        }
        merge(&bench, found, 70).await;
    };
    tokio::join!(reports, merges);
    assert_eq!(count(db, "compute_workloads WHERE compute_id = 70 AND ended_at_us IS NULL").await, 30);
    assert_eq!(count(db, &format!("compute_workloads WHERE compute_id = {found}")).await, 0);
    let sql = "compute_workloads w JOIN containers t ON t.id = w.container_row_id AND t.compute_id = w.compute_id";
    assert_eq!(count(db, sql).await, 30, "every container stands beside its workload");
}

async fn what_was_merged_is_left_out_of_lists_and_matching(db: &Db) {
    let bench = Bench::on(db);
    by_hand(db).await;
    compute(db, 71, "web-1", Some(1)).await;
    merge(&bench, 71, 70).await;
    let listed = crate::query::tree::tree(db, bench.now(), 7).await.unwrap();
    assert_eq!(listed.summary.computes, 1);
    let one = crate::query::get::<crate::query::Compute>(db, bench.now(), vec![Value::Int(71)]).await.unwrap().unwrap();
    assert_eq!((one.status.as_deref(), one.merged_into), (Some("MERGED"), Some(70)));
    // It has the name and the address of what was merged, which the other one does not.
    run(db, "UPDATE computes SET ip_address = '198.51.100.1' WHERE id = 70", vec![]).await;
    let agent = bench.open(bench.enrol().await, machine("m1")).await;
    assert_ne!(agent.opened.compute_id, Some(71));
    let again = Merge { from: 71, into: 70, ..Merge::default() };
    let told = merge_computes(db, bench.now(), &again, true, &person()).await.unwrap();
    assert_eq!(told.refusals, ["compute 71 was merged into compute 70; name that one"]);
    assert_eq!(json!(told)["refusals"][0], "compute 71 was merged into compute 70; name that one");
}
