//! Either side may be away or be killed at any moment: in the end the inventory equals the truth.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use orchestrix_tests::{
    agent::AgentProcess,
    docker::{IMAGE, RealDocker},
    installation::Installation,
    inventory::{Workload, wait_for_truth, wait_for_workload, workloads},
    wait,
};

/// Names of all containers that the inventory knows, ended ones included.
fn known(installation: &Installation) -> BTreeSet<String> {
    workloads(installation, "docker").iter().map(|workload| workload.name().to_owned()).collect()
}

/// No container may be in the inventory twice, whatever became of it.
#[track_caller]
fn assert_nothing_is_doubled(installation: &Installation) {
    let all = workloads(installation, "docker");
    let ids: BTreeSet<&str> = all.iter().map(Workload::native_id).collect();
    assert_eq!(ids.len(), all.len(), "a container is there twice");
}

#[test]
fn nothing_is_lost_while_the_collector_is_away() {
    let Some(docker) = RealDocker::start() else { return };
    let mut installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("stays", &[]);
    docker.run_sleeper("goes", &[]);
    wait_for_truth(&installation, &docker);

    installation.stop();
    docker.cli(&["rm", "-f", "goes"]);
    docker.run_sleeper("comes", &[]);
    docker.cli(&["rename", "stays", "stayed"]);
    for number in 0..5 {
        docker.cli(&["run", "--rm", "--name", &format!("passes{number}"), IMAGE, "sleep", "0.1"]);
    }
    assert_eq!(agent.process().has_ended(), None, "the agent goes on without its collector");

    installation.start();
    wait_for_truth(&installation, &docker);
    let gone = wait_for_workload(&installation, "docker", "goes", "ended", Workload::has_ended);
    assert_eq!(gone.text("endReason"), "removed");
    for number in 0..5 {
        let name = format!("passes{number}");
        let passed = wait_for_workload(&installation, "docker", &name, "ended", Workload::has_ended);
        let lived = passed.time("endedAt").unwrap() - passed.time("startedAt").unwrap();
        assert!(lived > time::Duration::milliseconds(80), "{name} lived {lived}: that is not its own time");
    }
    assert_nothing_is_doubled(&installation);
}

#[test]
fn nothing_is_lost_while_the_agent_is_away() {
    let Some(docker) = RealDocker::start() else { return };
    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("stays", &[]);
    docker.run_sleeper("goes", &[]);
    wait_for_truth(&installation, &docker);
    agent.stop();
    docker.cli(&["rm", "-f", "goes"]);
    docker.run_sleeper("comes", &[]);
    docker.cli(&["pause", "stays"]);
    agent.start();
    wait_for_truth(&installation, &docker);
    assert_nothing_is_doubled(&installation);
    assert_eq!(installation.list("agents").len(), 1, "it is still the same agent");
    assert_eq!(installation.list("computes").len(), 1, "it is still the same host");
}

#[test]
fn fifty_kills_lose_nothing() {
    const KILLS: usize = 50;
    let Some(docker) = RealDocker::start() else { return };
    let mut installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("rock", &[]);
    wait_for_truth(&installation, &docker);

    let (done, made) = (AtomicBool::new(false), Mutex::new(BTreeSet::new()));
    thread::scope(|scope| {
        let churning = scope.spawn(|| churn(&docker, &done, &made));
        for round in 0..KILLS {
            // Any moment: while connecting, sending, storing, or at rest.
            thread::sleep(Duration::from_millis(fastrand::u64(0..600)));
            if fastrand::bool() {
                agent.kill();
                agent.start();
            } else {
                installation.kill();
                if round % 2 == 0 { installation.launch() } else { installation.start() }
            }
        }
        done.store(true, Ordering::SeqCst);
        churning.join().expect("the containers came and went");
    });

    installation.kill();
    installation.start();
    let made = made.into_inner().unwrap();
    wait::until("every container that still exists to be told", Duration::from_secs(60), || {
        let known = known(&installation);
        let existing: Vec<String> = docker.truth().into_values().map(|container| container.name).collect();
        let missing: Vec<_> = existing.iter().filter(|name| !known.contains(*name)).collect();
        wait::check(missing.is_empty(), || format!("of {} missing: {missing:?}", made.len()))
    });
    wait_for_truth(&installation, &docker);
    assert_nothing_is_doubled(&installation);
    assert_eq!(installation.list("agents").len(), 1);
    assert_eq!(installation.list("computes").len(), 1);
    let rock = wait_for_workload(&installation, "docker", "rock", "running", |it| it.status() == "running");
    let ends =
        installation.list(&format!("history?resourceType=workload&resourceId={}&changeKind=ended", rock.0["id"]));
    assert!(ends.is_empty(), "what never stopped was never ended: {ends:?}");
    let known = known(&installation);
    let lost: Vec<_> = made.iter().filter(|name| !known.contains(*name)).collect();
    assert!(lost.is_empty(), "of {} containers these left no trace: {lost:?}", made.len());
}

/// Makes containers, and stops, renames and removes some, until told to end.
fn churn(docker: &RealDocker, done: &AtomicBool, made: &Mutex<BTreeSet<String>>) {
    let mut number = 0;
    while !done.load(Ordering::SeqCst) {
        number += 1;
        let name = format!("c{number}");
        docker.run_sleeper(&name, &["--network", "none"]);
        made.lock().unwrap().insert(name.clone());
        match number % 4 {
            0 => drop(docker.cli(&["rm", "-f", &name])),
            1 => drop(docker.cli(&["stop", "-t", "0", &name])),
            2 if number > 8 => drop(docker.cli(&["rm", "-f", &format!("c{}", number - 8)])),
            _ => {}
        }
    }
}
