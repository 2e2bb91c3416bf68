//! A container appears in the inventory by itself, and everything that happens to it is told, each with its own time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a story fails by panicking with what it saw")]

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::{IMAGE, RealDocker, wait_for_state},
    installation::Installation,
    inventory::{Workload, parse_time, wait_for_health, wait_for_truth, wait_for_workload, workload_named, workloads},
    part, programs,
    stats::Times,
    wait,
};
use serde_json::Value;
use time::OffsetDateTime;

/// Far below the slow rescan: what is seen within it was told by an event.
const BY_EVENT: Duration = Duration::from_secs(5);

/// An installation and an agent that has looked at the engine once.
fn watched(docker: &RealDocker) -> (Installation, AgentProcess) {
    let installation = Installation::on_sqlite();
    let agent = AgentProcess::started(&installation, Some(docker));
    wait_for_health(&installation, "docker", "healthy", Duration::from_secs(30));
    (installation, agent)
}

/// The workload, as soon as an event can have brought it into the wanted state.
#[track_caller]
fn by_event(installation: &Installation, name: &str, what: &str, wanted: impl Fn(&Workload) -> bool) -> Workload {
    wait::until(&format!("{name} to be {what} by event"), BY_EVENT, || {
        let workload = workload_named(installation, "docker", name)?;
        if wanted(&workload) { Ok(workload) } else { Err(format!("{:#}", workload.0)) }
    })
}

/// A time that Docker tells of a container.
#[track_caller]
fn docker_time(docker: &RealDocker, container: &str, field: &str) -> OffsetDateTime {
    let text = docker.inspect(container)["State"][field].as_str().map(ToOwned::to_owned);
    text.as_deref().and_then(parse_time).unwrap_or_else(|| panic!("{container} has no time {field}"))
}

/// Two times are the same to the microsecond, which is what the inventory keeps.
#[track_caller]
fn assert_same_time(ours: Option<OffsetDateTime>, theirs: OffsetDateTime) {
    let ours = ours.expect("a time");
    assert!((ours - theirs).abs() < time::Duration::milliseconds(1), "{ours} is not {theirs}");
}

#[test]
fn a_docker_run_appears_by_event() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let port = programs::free_address().port();
    let publish = format!("127.0.0.1:{port}:80");
    let id = docker.cli(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        &publish,
        "--memory",
        "64m",
        "--cpus",
        "0.5",
        "--label",
        "environment=staging",
        IMAGE,
        "/bin/busybox",
        "httpd",
        "-f",
        "-p",
        "80",
    ]);
    let web = by_event(&installation, "web", "running", |web| web.status() == "running");
    assert_eq!(web.native_id(), id);
    assert_eq!(web.text("workloadType"), "container");
    assert_eq!(web.text("image"), IMAGE);
    assert_eq!(web.text("isolationMethod"), "docker");
    assert_eq!(web.0["labels"]["environment"], "staging");
    assert_eq!(web.0["memoryMb"], 64);
    assert_eq!(web.0["cpuCores"], 0.5);
    assert_eq!(web.0["computeId"], installation.list("computes")[0]["id"]);
    assert_same_time(web.time("startedAt"), docker_time(&docker, "web", "StartedAt"));
    let mapped =
        web.0["ports"].as_array().into_iter().flatten().any(|mapping| {
            mapping["containerPort"] == 80 && mapping["hostPort"] == port && mapping["protocol"] == "tcp"
        });
    assert!(mapped, "port {port} -> 80 is not in {}", web.0["ports"]);
    assert_eq!(workloads(&installation, "docker").len(), 1);
}

#[test]
fn everything_that_happens_to_a_container_is_told_by_event() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    docker.run_sleeper("first", &[]);
    let first = by_event(&installation, "first", "running", |it| it.status() == "running");

    docker.cli(&["pause", "first"]);
    by_event(&installation, "first", "paused", |it| it.status() == "paused");
    docker.cli(&["unpause", "first"]);
    by_event(&installation, "first", "running again", |it| it.status() == "running");

    docker.cli(&["rename", "first", "second"]);
    let second = by_event(&installation, "second", "there", |it| it.status() == "running");
    assert_eq!(second.0["id"], first.0["id"], "a rename keeps the row");
    assert!(workload_named(&installation, "docker", "first").is_err(), "the old name is gone");

    docker.cli(&["stop", "-t", "0", "second"]);
    let stopped = by_event(&installation, "second", "exited", |it| it.status() == "exited");
    assert!(!stopped.has_ended(), "a stopped container still exists");
    assert_same_time(stopped.time("finishedAt"), docker_time(&docker, "second", "FinishedAt"));

    docker.cli(&["start", "second"]);
    let started = by_event(&installation, "second", "running", |it| it.status() == "running");
    assert_same_time(started.time("startedAt"), docker_time(&docker, "second", "StartedAt"));
    assert!(started.0["finishedAt"].is_null(), "it runs: {}", started.0);

    docker.cli(&["restart", "-t", "0", "second"]);
    let restarted = docker_time(&docker, "second", "StartedAt");
    by_event(&installation, "second", "restarted", |it| {
        it.status() == "running"
            && it.time("startedAt").is_some_and(|at| (at - restarted).abs() < time::Duration::MILLISECOND)
    });

    let before = OffsetDateTime::now_utc();
    docker.cli(&["rm", "-f", "second"]);
    let removed = by_event(&installation, "second", "ended", Workload::has_ended);
    assert_eq!(removed.status(), "ended");
    assert_eq!(removed.text("endReason"), "removed");
    let ended = removed.time("endedAt").unwrap();
    assert!(ended >= before - time::Duration::MILLISECOND && ended <= OffsetDateTime::now_utc(), "ended at {ended}");
    assert_eq!(removed.0["id"], first.0["id"], "one row tells the whole life");
}

#[test]
fn a_health_check_is_followed() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let check = ["--health-cmd", "[ -f /well ]", "--health-interval", "200ms", "--health-retries", "1"];
    docker.run_sleeper("patient", &check);
    let health = |word: &'static str| move |it: &Workload| it.0["isolationDetails"]["health"] == word;
    by_event(&installation, "patient", "unhealthy", health("unhealthy"));
    docker.cli(&["exec", "patient", "sh", "-c", ": > /well"]);
    let healthy = by_event(&installation, "patient", "healthy", health("healthy"));
    assert_eq!(healthy.status(), "running");
}

#[test]
fn a_container_that_lives_for_half_a_second_is_kept_with_its_times() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let before = OffsetDateTime::now_utc();
    docker.cli(&["run", "--rm", "--name", "brief", IMAGE, "sleep", "0.5"]);
    let after = OffsetDateTime::now_utc();
    let brief = by_event(&installation, "brief", "ended", Workload::has_ended);
    let (started, ended) = (brief.time("startedAt").unwrap(), brief.time("endedAt").unwrap());
    assert!(before <= started && ended <= after + time::Duration::SECOND, "{before} {started} {ended} {after}");
    assert!(ended - started >= time::Duration::milliseconds(400), "it lived from {started} to {ended}");
    assert!(brief.time("finishedAt").is_some_and(|at| at >= started && at <= ended), "{:#}", brief.0);
}

#[test]
fn a_container_made_again_with_the_same_name_and_image_stays_the_same_row() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let old = docker.run_sleeper("phoenix", &[]);
    let first = by_event(&installation, "phoenix", "running", |it| it.native_id() == old);
    docker.cli(&["rm", "-f", "phoenix"]);
    let new = docker.run_sleeper("phoenix", &[]);
    let second = by_event(&installation, "phoenix", "running anew", |it| {
        it.native_id() == new && it.status() == "running" && !it.has_ended()
    });
    assert_eq!(second.0["id"], first.0["id"]);
    assert_eq!(workloads(&installation, "docker").len(), 1);
}

#[test]
fn the_change_feed_tells_of_a_container_while_it_appears() {
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let from = installation.sequence();
    let path = format!("/api/v1/changes?since={from}");
    let token = installation.admin_token();
    let mut lines = orchestrix_tests::http::stream(installation.api_address(), &path, &token).unwrap();
    docker.run_sleeper("fed", &[]);
    let told = lines.by_ref().find_map(|line| {
        let line = line.expect("the feed goes on");
        let change: Value = serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()?;
        (change["resourceName"] == "fed").then_some(change)
    });
    let told = told.expect("the feed told of the container");
    assert_eq!(told["changeKind"], "appeared");
    assert!(told["sequence"].as_i64().unwrap() > from);
}

#[test]
fn fifty_containers_are_stored_within_moments_of_their_event() {
    const COUNT: usize = 50;
    let Some(docker) = RealDocker::start() else { return };
    let (installation, _agent) = watched(&docker);
    let begin = OffsetDateTime::now_utc().unix_timestamp();
    for number in 0..COUNT {
        docker.run_sleeper(&format!("c{number}"), &["--network", "none"]);
    }
    wait_for_truth(&installation, &docker);
    let created = created_at(&docker, begin);
    let history = installation.list("history?source=docker&changeKind=appeared");
    let times: Times = history
        .iter()
        .filter_map(|entry| {
            let stored = entry["recordedAt"].as_str().and_then(parse_time)?;
            let event = created.iter().find(|(name, _)| entry["resourceName"] == **name)?.1;
            Some(Duration::try_from(stored - event).unwrap_or_default())
        })
        .collect();
    assert_eq!(times.count(), COUNT);
    part::measured(&format!("Docker event to committed row, {COUNT} containers: {times}"));
    assert!(times.percentile(99) < BY_EVENT, "that is polling, not events: {times}");
}

/// Time of the engine's own `create` event of each container.
fn created_at(docker: &RealDocker, since: i64) -> Vec<(String, OffsetDateTime)> {
    let (since, until) = (since.to_string(), (OffsetDateTime::now_utc().unix_timestamp() + 1).to_string());
    let filter = ["--filter", "type=container", "--filter", "event=create", "--format", "{{json .}}"];
    let text = docker.cli(&[&["events", "--since", &since, "--until", &until], &filter[..]].concat());
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("an event is JSON"));
    let timed = events.map(|event| {
        let nanos = event["timeNano"].as_i64().expect("an event has a time");
        let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos)).expect("a time of today");
        (event["Actor"]["Attributes"]["name"].as_str().unwrap_or_default().to_owned(), at)
    });
    timed.collect()
}

#[test]
fn an_agent_that_starts_later_finds_everything() {
    let Some(docker) = RealDocker::start() else { return };
    docker.run_sleeper("early", &[]);
    docker.cli(&["create", "--name", "never-started", IMAGE, "sleep", "1"]);
    docker.run_sleeper("frozen", &[]);
    docker.cli(&["pause", "frozen"]);
    docker.cli(&["run", "--name", "failed", IMAGE, "sh", "-c", "exit 0"]);
    wait_for_state(&docker, "failed", "exited");
    let (installation, _agent) = watched(&docker);
    wait_for_truth(&installation, &docker);
    let failed = wait_for_workload(&installation, "docker", "failed", "there", |_| true);
    assert_same_time(failed.time("finishedAt"), docker_time(&docker, "failed", "FinishedAt"));
}

#[test]
fn mariadb_holds_the_same_inventory() {
    let Some(docker) = RealDocker::start() else { return };
    let Some(installation) = Installation::on_mariadb() else { return };
    let _agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("kept", &["--memory", "64m", "--label", "team=a"]);
    docker.run_sleeper("removed", &[]);
    wait_for_truth(&installation, &docker);
    docker.cli(&["rm", "-f", "removed"]);
    wait_for_truth(&installation, &docker);
    let removed = wait_for_workload(&installation, "docker", "removed", "ended", Workload::has_ended);
    assert_eq!(removed.text("endReason"), "removed");
    let kept = wait_for_workload(&installation, "docker", "kept", "running", |it| it.status() == "running");
    assert_eq!((&kept.0["memoryMb"], &kept.0["labels"]["team"]), (&64.into(), &"a".into()));
}
