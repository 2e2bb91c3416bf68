//! One suite of behaviours, on SQLite and on MariaDB. Each test is a rule of the inventory.

mod kubernetes;

use std::{collections::BTreeMap, time::Duration};

use orchestrix_common::{
    model::{Body, Capability, ContainerState, Host, Machine, Source},
    time::Timestamp,
};

use super::{
    testing::{Agent, Bench, container, entity, gone, listed, machine, report, running, there},
    *,
};
use crate::query::testing::{now, on_both, run};

mod past;

on_both! {
    a_host_appears_under_the_default_place,
    a_container_lives_half_a_second_and_is_kept,
    a_report_is_applied_once_and_a_gap_is_counted,
    an_unchanged_report_writes_no_history,
    an_older_session_is_fenced,
    what_a_whole_listing_lacks_ends_and_what_differs_is_wanted,
    what_a_partial_listing_lacks_stays,
    a_recreated_container_stays_the_same_row,
    a_mass_removal_waits_for_a_second_report,
    a_listing_that_lacks_most_waits_for_a_second_one,
    a_persons_value_is_never_overwritten,
    a_capability_that_is_no_longer_there_goes_and_its_history_stays,
    a_silent_host_is_unreachable_until_it_answers,
    a_host_that_comes_back_with_a_new_key_is_the_same_compute,
    two_living_agents_of_one_machine_are_left_to_a_person,
    two_agents_write_at_the_same_time,
}

async fn a_host_appears_under_the_default_place(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    assert_eq!((agent.opened.epoch, agent.opened.held_reason), (1, None));
    let sql = "SELECT CONCAT(p.name, '/', c.name, '/', z.name, '/', d.name, '/', m.name) AS x FROM computes m \
               JOIN datacenters d ON d.id = m.datacenter_id JOIN availability_zones z ON z.id = d.availability_zone_id \
               JOIN clouds c ON c.id = d.cloud_id JOIN partners p ON p.id = c.partner_id";
    assert_eq!(bench.text(sql).await, "self/default/default/default/web-1");
    let again = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!((again.opened.epoch, again.opened.compute_id), (2, agent.opened.compute_id));
    assert_eq!(bench.count("computes").await, 1);
    let tag = bench.text("SELECT CONCAT(tag_key, '=', tag_value, ' ', origin) AS x FROM resource_tags").await;
    assert_eq!(tag, "team=red join-token");
}

async fn a_container_lives_half_a_second_and_is_kept(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let changes = vec![there(running("a")), gone("a", Duration::from_millis(500))];
    assert_eq!(bench.apply(&agent, 1, Source::Docker, changes).await, Outcome::Applied);
    let sql = "SELECT status AS x, first_seen_at_us, ended_at_us FROM compute_workloads";
    let row = &bench.rows(sql).await[0];
    assert_eq!(row.get::<String>("x").unwrap(), "ended");
    let (first, end) = (row.time("first_seen_at_us").unwrap(), row.time("ended_at_us").unwrap());
    // A time ahead of the collector's clock is brought back to it.
    assert!(first <= end && end <= now().plus(Duration::from_millis(500)), "{first} {end}");
    assert_eq!(bench.count("agent_entities").await, 0);
    let kinds =
        bench.rows("SELECT change_kind AS x FROM history WHERE resource_type = 'workload' ORDER BY sequence").await;
    let kinds: Vec<String> = kinds.iter().map(|row| row.get("x").unwrap()).collect();
    assert_eq!(kinds, ["appeared", "ended"]);
}

async fn a_report_is_applied_once_and_a_gap_is_counted(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    for (sequence, outcome) in [(1, Outcome::Applied), (1, Outcome::Duplicate), (5, Outcome::Applied)] {
        let changes = vec![there(running(&format!("c{sequence}")))];
        assert_eq!(bench.apply(&agent, sequence, Source::Docker, changes).await, outcome);
    }
    let row = &bench.rows("SELECT applied_sequence, lost_reports FROM agents").await[0];
    assert_eq!((row.get::<i64>("applied_sequence").unwrap(), row.get::<i64>("lost_reports").unwrap()), (5, 3));
    assert_eq!(bench.count("compute_workloads").await, 2);
}

async fn an_unchanged_report_writes_no_history(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let changes: Vec<_> = (0..300).map(|number| there(running(&format!("c{number}")))).collect();
    bench.apply(&agent, 1, Source::Docker, changes.clone()).await;
    let before = bench.count("history").await;
    assert_eq!(bench.apply(&agent, 2, Source::Docker, changes).await, Outcome::Applied);
    assert_eq!(bench.count("history").await, before);
    assert_eq!((bench.count("compute_workloads").await, bench.count("containers").await), (300, 300));
}

async fn an_older_session_is_fenced(db: &Db) {
    let bench = Bench::on(db);
    let older = bench.agent().await;
    let newer = bench.open(older.key.agent_id, machine("m1")).await;
    let late = bench.reconciler.apply(&older.key, report(1, Source::Docker, vec![there(running("a"))])).await;
    assert!(matches!(late, Err(ApplyError::Fenced)), "{late:?}");
    assert_eq!(bench.count("compute_workloads").await, 0);
    assert_eq!(bench.apply(&newer, 1, Source::Docker, vec![there(running("a"))]).await, Outcome::Applied);
}

async fn what_a_whole_listing_lacks_ends_and_what_differs_is_wanted(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let (kept, changed, ended) = (running("a"), running("b"), running("c"));
    bench.apply(&agent, 1, Source::Docker, [&kept, &changed, &ended].map(|one| there(one.clone())).into()).await;
    let now_there = [kept, container("b", "name-b", ContainerState::Paused), running("d")];
    let list = listed(&now_there);
    let wanted = bench.reconciler.compare_listing(&agent.key, &Source::Docker, list, true).await.unwrap();
    assert_eq!(wanted, ["b", "d"]);
    let sql = "SELECT workload_id AS x FROM compute_workloads WHERE ended_at_us IS NOT NULL";
    assert_eq!(bench.text(sql).await, "c");
    bench.apply(&agent, 2, Source::Docker, now_there[1..].iter().cloned().map(there).collect()).await;
    let digest = listed(&now_there);
    let digest = digest.iter().map(|(id, hash)| (id.as_str(), *hash)).collect();
    assert_eq!(bench.reconciler.digests(agent.key.agent_id).await.unwrap()[0].digest, digest);
}

async fn what_a_partial_listing_lacks_stays(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    bench.apply(&agent, 1, Source::Docker, vec![there(running("a"))]).await;
    let wanted = bench.reconciler.compare_listing(&agent.key, &Source::Docker, Vec::new(), false).await.unwrap();
    assert_eq!(wanted, Vec::<String>::new());
    assert_eq!(bench.text("SELECT status AS x FROM compute_workloads").await, "running");
}

async fn a_recreated_container_stays_the_same_row(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let made = |id| there(container(id, "web", ContainerState::Running));
    bench.apply(&agent, 1, Source::Docker, vec![made("old")]).await;
    bench.apply(&agent, 2, Source::Docker, vec![gone("old", Duration::ZERO), made("new")]).await;
    assert_eq!((bench.count("compute_workloads").await, bench.count("containers").await), (1, 1));
    let row = &bench.rows("SELECT workload_id AS x, ended_at_us FROM compute_workloads").await[0];
    assert_eq!((row.get::<String>("x").unwrap(), row.time_opt("ended_at_us").unwrap()), ("new".to_owned(), None));
}

async fn a_mass_removal_waits_for_a_second_report(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let all = (0..30).map(|number| there(running(&format!("c{number}")))).collect();
    bench.apply(&agent, 1, Source::Docker, all).await;
    let removal = || (0..30).map(|number| gone(&format!("c{number}"), Duration::ZERO)).collect::<Vec<_>>();
    let held = Outcome::Held { reason: HELD_MASS_REMOVAL.to_owned() };
    assert_eq!(bench.apply(&agent, 2, Source::Docker, removal()).await, held);
    assert_eq!(bench.count("compute_workloads WHERE ended_at_us IS NULL").await, 30);
    assert_eq!(bench.apply(&agent, 2, Source::Docker, removal()).await, held, "at once is no second look");
    let later = bench.open(agent.key.agent_id, machine("m1")).await;
    assert_eq!(bench.apply(&later, 2, Source::Docker, removal()).await, Outcome::Applied);
    assert_eq!(bench.count("compute_workloads WHERE ended_at_us IS NULL").await, 0);
}

async fn a_listing_that_lacks_most_waits_for_a_second_one(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let all = (0..30).map(|number| there(running(&format!("c{number}")))).collect();
    bench.apply(&agent, 1, Source::Docker, all).await;
    let left = listed(&[running("c0")]);
    for (waited, expected) in [(0, 30), (10, 30), (60, 1)] {
        bench.clock.advance(Duration::from_secs(waited));
        bench.reconciler.compare_listing(&agent.key, &Source::Docker, left.clone(), true).await.unwrap();
        assert_eq!(bench.count("compute_workloads WHERE ended_at_us IS NULL").await, expected, "after {waited} s");
    }
}

async fn a_persons_value_is_never_overwritten(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let host = |os: &str, cores| {
        let host = Host { machine: machine("m1"), os_name: Some(os.into()), cpu_cores: Some(cores), ..Host::default() };
        there(entity("host", Body::Host(Box::new(host))))
    };
    bench.apply(&agent, 1, Source::Host, vec![host("Debian 12", 4)]).await;
    assert_eq!(bench.text("SELECT operating_system AS x FROM computes").await, "Debian 12");
    run(db, "UPDATE computes SET operating_system = 'Debian, hardened', notes = 'mine'", vec![]).await;
    bench.apply(&agent, 2, Source::Host, vec![host("Debian 13", 8)]).await;
    let sql = "SELECT CONCAT(operating_system, '|', notes, '|', cpu_cores) AS x FROM computes";
    assert_eq!(bench.text(sql).await, "Debian, hardened|mine|8");
    assert_eq!(bench.count("compute_facts WHERE facts LIKE '%Debian 13%'").await, 1, "what was seen is kept beside it");
}

async fn a_capability_that_is_no_longer_there_goes_and_its_history_stays(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    let python = Capability { name: "python".into(), version: Some("3.11.2".into()), configuration: BTreeMap::new() };
    let python = entity("python", Body::Capability(python));
    bench.apply(&agent, 1, Source::Capability, vec![there(python)]).await;
    assert_eq!(bench.text("SELECT capability_version AS x FROM compute_capabilities").await, "3.11.2");
    bench.apply(&agent, 2, Source::Capability, vec![gone("python", Duration::ZERO)]).await;
    assert_eq!(bench.count("compute_capabilities").await, 0);
    assert_eq!(bench.count("history WHERE source = 'capability'").await, 2);
}

async fn a_silent_host_is_unreachable_until_it_answers(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent().await;
    bench.apply(&agent, 1, Source::Docker, vec![there(running("a"))]).await;
    let id = agent.key.agent_id;
    bench.reconciler.flush_liveness(&[(id, now())]).await.unwrap();
    bench.clock.advance(Duration::from_secs(300));
    let later = now().plus(Duration::from_secs(300));
    assert_eq!(bench.reconciler.sweep_silent(later.minus(Duration::from_secs(90))).await.unwrap(), 1);
    let status = "SELECT status AS x FROM computes";
    assert_eq!(bench.text(status).await, "UNREACHABLE");
    assert_eq!(bench.text("SELECT status AS x FROM compute_workloads").await, "running", "rows of workloads stay");
    bench.reconciler.flush_liveness(&[(id, later)]).await.unwrap();
    assert_eq!(bench.text(status).await, "ACTIVE");
    run(db, "UPDATE computes SET status = 'MAINTENANCE'", vec![]).await;
    bench.reconciler.sweep_silent(later.plus(Duration::from_secs(1))).await.unwrap();
    assert_eq!(bench.text(status).await, "MAINTENANCE", "a person's status stays");
}

async fn a_host_that_comes_back_with_a_new_key_is_the_same_compute(db: &Db) {
    let bench = Bench::on(db);
    let older = bench.agent().await;
    bench.apply(&older, 1, Source::Docker, vec![there(running("a"))]).await;
    bench.clock.advance(Duration::from_secs(3_600));
    let newer = bench.agent().await;
    assert_eq!((newer.opened.compute_id, newer.opened.held_reason), (older.opened.compute_id, None));
    assert_eq!(newer.opened.digests.len(), 1, "what the older one reported is this one's to confirm or to end");
    let late = bench.reconciler.apply(&older.key, report(2, Source::Docker, Vec::new())).await;
    assert!(matches!(late, Err(ApplyError::Revoked)), "{late:?}");
    assert_eq!((bench.count("computes").await, bench.count("compute_workloads").await), (1, 1));
}

async fn two_living_agents_of_one_machine_are_left_to_a_person(db: &Db) {
    let bench = Bench::on(db);
    let first = bench.agent().await;
    let second = bench.agent().await;
    assert_eq!(second.opened.held_reason.as_deref(), Some(HELD_AMBIGUOUS_MATCH));
    let held = Outcome::Held { reason: HELD_AMBIGUOUS_MATCH.to_owned() };
    assert_eq!(bench.apply(&second, 1, Source::Docker, vec![there(running("a"))]).await, held);
    let conflict: i64 =
        bench.rows("SELECT id AS x FROM match_conflicts WHERE state = 'OPEN'").await[0].get("x").unwrap();
    bench.reconciler.resolve_match(conflict, MatchChoice::New, &Actor::person("test")).await.unwrap();
    let again = bench.open(second.key.agent_id, machine("m1")).await;
    assert_eq!(again.opened.held_reason, None);
    assert_ne!(again.opened.compute_id, first.opened.compute_id);
    let twice = bench.reconciler.resolve_match(conflict, MatchChoice::New, &Actor::person("test")).await;
    assert!(matches!(twice, Err(ResolveError::NotOpen(_))), "{twice:?}");
}

async fn two_agents_write_at_the_same_time(db: &Db) {
    let bench = Bench::on(db);
    let one = bench.agent().await;
    let id = bench.enrol().await;
    let other = Machine { hostname: "db-1".into(), addresses: vec!["192.0.2.8".into()], ..machine("m2") };
    let other = bench.open(id, other).await;
    let write = async |agent: &Agent| {
        for sequence in 1..=20 {
            let changes = vec![there(running(&format!("c{sequence}")))];
            assert_eq!(bench.apply(agent, sequence, Source::Docker, changes).await, Outcome::Applied);
        }
    };
    tokio::join!(write(&one), write(&other));
    assert_eq!(bench.count("compute_workloads").await, 40);
    let applied = bench.rows("SELECT applied_sequence AS x FROM agents").await;
    assert!(applied.iter().all(|row| row.get::<i64>("x").unwrap() == 20));
    let _: Timestamp = bench.rows("SELECT MAX(changed_at_us) AS x FROM compute_workloads").await[0].time("x").unwrap();
}
