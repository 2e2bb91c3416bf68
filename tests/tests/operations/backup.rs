use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use orchestrix_tests::{
    agent::AgentProcess,
    docker::RealDocker,
    installation::Installation,
    inventory::{Workload, wait_for_truth, wait_for_workload},
    part, wait,
};
use serde_json::Value;

use crate::fleet::Fleet;

const AGENTS: usize = 6;
const SOON: Duration = Duration::from_secs(90);

/// Makes a backup and says what it says of itself.
fn back_up(installation: &Installation, to: &Path, flags: &[&str]) -> Value {
    let to = to.to_string_lossy();
    let out = installation.cli(&[&["backup", "--to", &to, "-o", "json"][..], flags].concat()).ok();
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

#[test]
fn an_inventory_that_was_set_back_is_made_whole_by_agents_that_are_ahead_of_it() {
    let Some(docker) = RealDocker::start() else { return };
    let mut installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, Some(&docker));
    docker.run_sleeper("rock", &[]);
    docker.run_sleeper("goes", &[]);
    wait_for_truth(&installation, &docker);
    let collector = installation.agents_address().to_string();
    let mut fleet = Fleet::start(&installation, AGENTS, |_| collector.clone());
    fleet.until_connected();
    let to = installation.folder().join("copy");

    let (mut took, mut manifest) = (Duration::ZERO, Value::Null);
    let mut made = std::thread::scope(|scope| {
        let steps = scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(2));
            let begin = Instant::now();
            manifest = back_up(&installation, &to, &[]);
            took = begin.elapsed();
            std::thread::sleep(Duration::from_secs(2));
        });
        fleet.under_load(Duration::from_millis(100), || steps.is_finished()).made
    });
    part::measured(&format!(
        "backup of {} kB under {} reports/s: {:.2} s",
        manifest["database"]["bytes"].as_u64().unwrap() / 1_024,
        AGENTS * 10,
        took.as_secs_f32()
    ));
    let kept = to.to_string_lossy().into_owned();
    drop(installation.cli(&["restore", "--from", &kept, "--check"]).ok());
    drop(installation.cli(&["backup", "--to", &kept]).refused(1, &["exists", "overwrites nothing"]));
    drop(
        installation.cli(&["restore", "--from", &kept, "--force"]).refused(1, &["stop the collector first", "in use"]),
    );

    // Then much happens that the copy knows nothing of.
    docker.cli(&["rm", "-f", "goes"]);
    docker.run_sleeper("comes", &[]);
    wait_for_docker(&installation);
    for light in &fleet.agents {
        fleet.runtime.block_on(light.identity.renew(&collector)).unwrap();
        fleet.runtime.block_on(light.identity.confirm(&collector)).unwrap();
    }
    let token = installation.join_token(&["--uses", "2"]);
    fleet.enrol(&installation, &token, "newcomer", collector.clone());
    fleet.until_connected();
    made.extend(appear(&fleet, "after"));
    fleet.assert_nothing_is_lost(&installation, &made);
    let revoked = fleet.agents[0].identity.agent_id();

    installation.stop();
    made.extend(appear(&fleet, "meanwhile"));
    drop(installation.cli(&["restore", "--from", &kept]).refused(1, &["is not empty", "--force"]));
    let out = installation.cli(&["restore", "--from", &kept, "--force", "-o", "json"]).ok();
    let restored: Value = serde_json::from_str(&out).unwrap();
    let aside = restored["setAside"].as_array().unwrap();
    assert!(aside.iter().all(|path| fs::exists(path.as_str().unwrap()).unwrap()) && !aside.is_empty(), "{restored}");
    installation.start();

    // Who is not in the copy is told what to do, and everybody else is back by itself.
    let newcomer = fleet.agents.pop().unwrap();
    wait::until("the newcomer to be told to enrol again", SOON, || {
        let trouble = newcomer.status(&fleet.runtime).link.last_trouble.unwrap_or_default();
        wait::check(trouble.contains("enrol this host again with a new token"), || trouble)
    });
    wait_for_docker(&installation);
    fleet.until_connected();
    let of_newcomer: BTreeSet<_> = made.iter().filter(|name| name.starts_with("newcomer")).cloned().collect();
    let made: BTreeSet<_> = made.difference(&of_newcomer).cloned().collect();
    fleet.assert_nothing_is_lost(&installation, &made);
    assert_eq!(installation.list("agents").len(), AGENTS + 1);
    assert_eq!(installation.list("computes").len(), AGENTS + 1);
    assert_eq!(agent.process().has_ended(), None);
    let rock = wait_for_workload(&installation, "docker", "rock", "running", |it| it.status() == "running");
    let ends =
        installation.list(&format!("history?resourceType=workload&resourceId={}&changeKind=ended", rock.0["id"]));
    assert!(ends.is_empty(), "what never stopped was never ended: {ends:?}");
    let recognised = installation.list("audit?action=agent.certificate-recognise");
    assert_eq!(recognised.len(), AGENTS, "those that had renewed: {recognised:#?}");
    assert_eq!(installation.list("audit?action=inventory.restore").len(), 1);

    // Its token is one of before the restore, and gone with it.
    let token = installation.join_token(&[]);
    fleet.enrol(&installation, &token, "newcomer", collector);
    fleet.until_connected();
    // Whoever came back can be revoked like everybody.
    drop(installation.cli(&["agents", "revoke", &revoked.to_string()]).ok());
    drop(installation.cli(&["check"]).ok());
    drop(newcomer);
    fleet.stop();
    agent.stop();
}

/// Waits until the real engine's containers are told of as they are, beside those of the light agents.
fn wait_for_docker(installation: &Installation) {
    wait_for_workload(installation, "docker", "goes", "ended", Workload::has_ended);
    for name in ["rock", "comes"] {
        wait_for_workload(installation, "docker", name, "running", |it| it.status() == "running");
    }
}

/// A container appears at each agent.
fn appear(fleet: &Fleet, what: &str) -> Vec<String> {
    let names: Vec<_> = fleet.agents.iter().map(|agent| format!("{}-{what}", agent.name)).collect();
    for (agent, name) in fleet.agents.iter().zip(&names) {
        agent.appears(name);
    }
    names
}

#[test]
fn a_backup_goes_to_another_machine_with_its_key_apart() {
    let mut first = Installation::on_sqlite();
    let agent = AgentProcess::prepare(&first, None);
    let to = first.folder().join("copy");
    let manifest = back_up(&first, &to, &["--without-key"]);
    assert!(manifest["sealingKey"].is_null() && manifest["caPin"].is_string(), "{manifest}");
    let key = first.folder().join("apart.key");
    fs::copy(first.data_dir().join("sealing.key"), &key).unwrap();
    first.stop();
    let second = tempfile::tempdir().unwrap();
    let data = second.path().join("data").to_string_lossy().into_owned();
    let from = to.to_string_lossy().into_owned();
    let restore = |flags: &[&str]| {
        let arguments = [&["restore", "--from", &from, "--data-dir", &data][..], flags].concat();
        orchestrix_tests::programs::run(orchestrix_tests::programs::COLLECTOR, &arguments, SOON)
    };
    drop(restore(&[]).refused(1, &["sealing key", "--key"]));
    assert!(!second.path().join("data").exists());
    drop(restore(&["--key", &key.to_string_lossy()]).ok());
    // The token that was printed before serves in the new place.
    fs::rename(first.data_dir(), first.folder().join("old")).unwrap();
    fs::rename(second.path().join("data"), first.data_dir()).unwrap();
    first.start();
    let mut agent = agent;
    agent.start();
    wait::until("the host to be there", SOON, || {
        wait::check(first.list("computes").len() == 1, || format!("{:?}", first.list("agents")))
    });
    agent.stop();
}

#[test]
fn an_inventory_on_mariadb_says_which_tools_are_to_be_used() {
    let Some(installation) = Installation::on_mariadb() else { return };
    let to = installation.folder().join("copy").to_string_lossy().into_owned();
    drop(installation.cli(&["backup", "--to", &to]).refused(64, &["mariadb-dump --single-transaction", "sealing.key"]));
    assert_eq!(installation.cli(&["restore", "--as-of", "yesterday"]).code, Some(64));
    let out = installation.cli(&["restore", "--as-of", "2026-03-01T04:00:00Z", "-o", "json"]).ok();
    assert!(out.contains("2026-03-01T04:00:00Z"), "{out}");
    assert_eq!(installation.list("audit?action=inventory.restore").len(), 1);
}
