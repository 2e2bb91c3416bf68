//! Docker itself fails: what was known is kept and marked, the reason is shown, and all is true again by itself.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::RealDocker,
    installation::Installation,
    inventory::{Workload, coverage, wait_for_health, wait_for_truth, workloads},
    wait,
};

/// A hung engine is noticed when it does not answer, well before the next slow look.
const NOTICED: Duration = Duration::from_secs(60);

/// Nothing is ended, each is marked with the reason, and the source is shown as failing.
#[track_caller]
fn assert_kept_and_marked(installation: &Installation, count: usize) {
    let coverage = wait_for_health(installation, "docker", "failing", NOTICED);
    let reason = coverage["reason"].as_str().unwrap_or_default();
    assert!(!reason.is_empty(), "the reason is missing: {coverage}");
    wait::throughout("all workloads are kept, and marked stale", Duration::from_secs(2), || {
        let all = workloads(installation, "docker");
        let wrong =
            all.iter().find(|it| it.has_ended() || it.status() != "running" || it.0["stale"]["reason"].is_null());
        wait::check(wrong.is_none() && all.len() == count, || format!("{} of {count}, {wrong:#?}", all.len()))
    });
}

/// The source is healthy and nothing is marked any more.
#[track_caller]
fn assert_true_again(installation: &Installation, docker: &RealDocker) {
    wait_for_health(installation, "docker", "healthy", NOTICED);
    wait_for_truth(installation, docker);
    let stale: Vec<Workload> =
        workloads(installation, "docker").into_iter().filter(|it| !it.0["stale"].is_null()).collect();
    assert!(stale.is_empty(), "{stale:#?}");
}

#[test]
fn a_stopped_engine_ends_nothing_and_comes_back_by_itself() {
    let Some(mut docker) = RealDocker::start() else { return };
    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("one", &[]);
    docker.run_sleeper("two", &[]);
    wait_for_truth(&installation, &docker);
    docker.stop_daemon();
    assert_kept_and_marked(&installation, 2);
    docker.start_daemon();
    docker.run_sleeper("three", &[]);
    docker.cli(&["rm", "-f", "one"]);
    assert_true_again(&installation, &docker);
    assert_eq!(agent.process().has_ended(), None);
}

#[test]
fn a_hung_engine_ends_nothing_and_comes_back_by_itself() {
    let Some(mut docker) = RealDocker::start() else { return };
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("one", &[]);
    wait_for_truth(&installation, &docker);
    docker.freeze();
    assert_kept_and_marked(&installation, 1);
    let host = coverage(&installation, "host").unwrap();
    assert_eq!(host["health"], "healthy", "a hung source takes no other down: {host}");
    docker.thaw();
    docker.cli(&["pause", "one"]);
    assert_true_again(&installation, &docker);
}

#[test]
fn an_engine_that_appears_later_comes_to_life() {
    let Some(mut docker) = RealDocker::start() else { return };
    docker.run_sleeper("one", &[]);
    docker.stop_daemon();
    std::fs::remove_file(docker.socket()).ok();
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, Some(&docker));
    let absent = wait_for_health(&installation, "docker", "absent", NOTICED);
    assert!(absent["reason"].as_str().is_some_and(|reason| reason.contains("docker.sock")), "{absent}");
    docker.start_daemon();
    assert_true_again(&installation, &docker);
}

#[test]
fn a_silent_host_makes_its_workloads_unknown_and_ends_nothing() {
    let Some(docker) = RealDocker::start() else { return };
    let installation = Installation::with_heartbeat(1);
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("one", &[]);
    wait_for_truth(&installation, &docker);
    agent.process().freeze();
    let state = || {
        let compute = installation.list("computes").remove(0);
        let one = workloads(&installation, "docker").remove(0);
        (compute["status"].as_str().unwrap_or_default().to_owned(), one)
    };
    wait::until("the host to be unreachable and its workload unknown", NOTICED, || {
        let (status, one) = state();
        wait::check(status == "UNREACHABLE" && one.status() == "unknown", || format!("{status} {:#}", one.0))
    });
    let (_, one) = state();
    assert!(!one.has_ended() && one.text("lastKnownStatus") == "running", "{:#}", one.0);
    agent.process().thaw();
    wait::until("the host to be back", NOTICED, || {
        let (status, one) = state();
        wait::check(status == "ACTIVE" && one.status() == "running", || format!("{status} {:#}", one.0))
    });
}
