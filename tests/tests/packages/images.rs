//! The images, made without any registry, and what their health says.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, time::Duration};

use orchestrix_tests::{docker::RealDocker, programs, wait};
use serde_json::Value;

use super::host::{LIMIT, deploy};

fn build(docker: &RealDocker, part: &str) -> String {
    let tag = format!("test:{part}");
    let mut command = Command::new(deploy("docker/build"));
    command.args([part, "--tag", &tag, "--programs"]).arg(programs::path(programs::AGENT).parent().unwrap());
    command.env("DOCKER_HOST", docker.host());
    let _ = programs::run_command(command, Duration::from_secs(300)).ok();
    tag
}

#[track_caller]
fn wait_for_health(docker: &RealDocker, container: &str, wanted: &str) {
    wait::until(&format!("{container} to be {wanted}"), LIMIT, || {
        let state = docker.try_cli(&["inspect", "--format", "{{json .State}}", container])?;
        let json: Value = serde_json::from_str(&state).unwrap();
        wait::check(json["Health"]["Status"] == wanted, || {
            format!("{state}\n{}", docker.try_cli(&["logs", "--tail", "20", container]).unwrap_or_default())
        })
    });
}

#[test]
fn images_run_without_root_and_their_health_is_the_truth() {
    let Some(docker) = RealDocker::start() else { return };
    let (collector, agent) = (build(&docker, "collector"), build(&docker, "agent"));
    let quick = ["--health-interval", "1s", "--health-start-period", "1s", "--health-retries", "2"];
    let run = |name: &str, options: &[&str], image: &str| {
        docker.cli(
            &[&["run", "-d", "--name", name, "--read-only", "--tmpfs", "/tmp"][..], &quick, options, &[image]].concat(),
        )
    };
    run("collector", &[], &collector);
    wait_for_health(&docker, "collector", "healthy");
    assert_eq!(docker.inspect("collector")["Config"]["User"], "10001:10001");
    let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker.cli(&["inspect", "--format", format, "collector"]);

    // An agent that nobody let in waits, and says so.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let volume = format!("{}:/etc/orchestrix:ro", folder.path().display());
    let variable = format!("ORCHESTRIX_COLLECTOR={address}:7443");
    run("agent", &["-v", &volume, "-e", &variable], &agent);
    wait_for_health(&docker, "agent", "unhealthy");
    let refused = docker.try_cli(&["exec", "agent", "/usr/bin/orchestrix-agent", "health"]).unwrap_err();
    assert!(refused.contains("not enrolled yet"), "{refused}");

    let made = docker.cli(&["exec", "collector", "/usr/bin/orchestrix-collector", "token", "create", "-o", "json"]);
    let token = serde_json::from_str::<Value>(&made).unwrap()["token"].as_str().unwrap().to_owned();
    fs::write(folder.path().join("join.token"), token).unwrap();
    fs::set_permissions(folder.path().join("join.token"), fs::Permissions::from_mode(0o644)).unwrap();
    wait_for_health(&docker, "agent", "healthy");

    // Without rights it still tells of itself, and which right it lacks is not hidden.
    let status = docker.cli(&["exec", "agent", "/usr/bin/orchestrix-agent", "status", "-o", "json"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["link"]["state"]["name"], "connected", "{status:#}");

    docker.cli(&["stop", "--time", "20", "collector"]);
    wait_for_health(&docker, "agent", "unhealthy");
    docker.cli(&["start", "collector"]);
    let again = docker.cli(&["inspect", "--format", format, "collector"]);
    assert_eq!(again, address, "the engine gave it another address");
    wait_for_health(&docker, "agent", "healthy");
}
