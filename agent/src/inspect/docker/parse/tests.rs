//! Recorded answers of Docker 20.10 and Podman 4.3 (`../fixtures`, trimmed to the meaningful part, with planted
//! secrets), and tables over single fields.

use orchestrix_common::model::DEFAULT_LIMITS;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

const WEB: &str = include_str!("../fixtures/web.json");
const JOB: &str = include_str!("../fixtures/job.json");
const IDLE: &str = include_str!("../fixtures/idle.json");
const CRASHING: &str = include_str!("../fixtures/crashing.json");
const PODMAN: &str = include_str!("../fixtures/podman.json");

const RULES: Rules = Rules { runtime: "docker", arguments: false, limits: DEFAULT_LIMITS };

fn read(answer: &str) -> Container {
    let (container, warnings) = container(serde_json::from_str(answer).unwrap(), &RULES);
    assert_eq!(warnings, Vec::new());
    container.unwrap()
}

/// The web container with one place of its answer replaced.
fn web_with(pointer: &str, value: Value) -> Container {
    let mut answer: Value = serde_json::from_str(WEB).unwrap();
    *answer.pointer_mut(pointer).unwrap() = value;
    read(&answer.to_string())
}

#[rstest]
#[case("web", WEB, "docker")]
#[case("job", JOB, "docker")]
#[case("idle", IDLE, "docker")]
#[case("crashing", CRASHING, "docker")]
#[case("podman", PODMAN, "podman")]
fn recorded_answers_are_read_in_full(#[case] name: &str, #[case] answer: &str, #[case] runtime: &'static str) {
    let rules = Rules { runtime, ..RULES };
    let (container, warnings) = container(serde_json::from_str(answer).unwrap(), &rules);
    assert_eq!(warnings, Vec::new());
    insta::with_settings!({ snapshot_path => "../fixtures", prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(name, container);
    });
}

#[test]
fn planted_secrets_are_nowhere_in_what_is_kept() {
    let rules = Rules { arguments: true, ..RULES };
    for answer in [WEB, JOB, PODMAN] {
        assert!(answer.contains("fixture-planted"), "the fixture has lost its secrets");
        let raw: api::Inspected = serde_json::from_str(answer).unwrap();
        assert!(raw.config.as_ref().unwrap().env.iter().flatten().all(|name| !name.0.contains("planted")), "{raw:?}");
        let kept = format!("{:?}", container(raw, &rules));
        assert!(!kept.contains("fixture-planted"), "{kept}");
    }
    let names = read(WEB).environment_names;
    assert_eq!(names, ["DB_PASSWORD", "EMPTY", "IMAGE_SECRET", "PATH", "TZ"]);
}

#[test]
fn process_ids_and_health_logs_do_not_alter_the_body() {
    let quiet = read(WEB);
    assert_eq!(web_with("/State/Pid", json!(77)), quiet);
    assert_eq!(web_with("/State/Health/Log", json!([])), quiet);
    let reversed: Vec<_> = ["Z=1", "A=2"].into_iter().collect();
    assert_eq!(web_with("/Config/Env", json!(reversed)).environment_names, ["A", "Z"]);
}

#[rstest]
#[case(json!(0), json!(0), json!(0), None)]
#[case(json!(1_500_000_000_i64), json!(0), json!(0), Some(1_500))]
#[case(json!(null), json!(25_000), json!(50_000), Some(500))]
#[case(json!(0), json!(25_000), json!(0), Some(250))]
#[case(json!(0), json!(-1), json!(100_000), None)]
#[case(json!(1_000), json!(0), json!(0), Some(1))]
#[case(json!(0), json!(i64::MAX), json!(1), None)]
fn cpu_limits_become_millicores(
    #[case] nano: Value,
    #[case] quota: Value,
    #[case] period: Value,
    #[case] expected: Option<u32>,
) {
    let mut answer: Value = serde_json::from_str(WEB).unwrap();
    answer["HostConfig"]["NanoCpus"] = nano;
    answer["HostConfig"]["CpuQuota"] = quota;
    answer["HostConfig"]["CpuPeriod"] = period;
    assert_eq!(read(&answer.to_string()).cpu_limit_millicores, expected);
}

#[test]
fn no_limit_is_not_a_limit_of_zero() {
    assert_eq!(web_with("/HostConfig/Memory", json!(0)).memory_limit_bytes, None);
    assert_eq!(web_with("/HostConfig/Memory", json!(-1)).memory_limit_bytes, None);
    assert_eq!(web_with("/HostConfig/Memory", json!(1)).memory_limit_bytes, Some(1));
}

#[rstest]
#[case("running", None, None)]
#[case("paused", None, None)]
#[case("stopping", None, None)]
#[case("exited", Some(137), Some("2026-11-23T23:58:00Z"))]
#[case("stopped", Some(137), Some("2026-11-23T23:58:00Z"))]
#[case("restarting", Some(137), Some("2026-11-23T23:58:00Z"))]
#[case("dead", Some(137), Some("2026-11-23T23:58:00Z"))]
#[case("hibernating", Some(137), Some("2026-11-23T23:58:00Z"))]
fn an_exit_status_belongs_to_a_run_that_ended(
    #[case] status: &str,
    #[case] exit_code: Option<i32>,
    #[case] finished: Option<&str>,
) {
    let state = json!({
        "Status": status, "ExitCode": 137, "OOMKilled": true,
        "StartedAt": "2026-11-23T23:57:00Z", "FinishedAt": "2026-11-23T23:58:00Z",
    });
    let container = web_with("/State", state);
    assert_eq!(container.exit_code, exit_code);
    assert_eq!(container.finished_at, finished.and_then(Timestamp::parse_rfc3339));
    assert_eq!((container.out_of_memory_killed, container.health), (Some(true), None));
}

#[test]
fn an_unknown_state_is_kept_by_its_word() {
    assert_eq!(web_with("/State/Status", json!("hibernating")).state, ContainerState::Other("hibernating".to_owned()));
    assert_eq!(web_with("/State", json!(null)).state, ContainerState::Other("unknown".to_owned()));
    assert_eq!(web_with("/Mounts/0/Type", json!("cluster")).mounts[0].kind, "cluster");
}

#[test]
fn older_words_for_the_same_thing_are_translated() {
    assert_eq!(web_with("/HostConfig/NetworkMode", json!("default")).network_mode.as_deref(), Some("bridge"));
    assert_eq!(web_with("/HostConfig/RestartPolicy/Name", json!("")).restart_policy.as_deref(), Some("no"));
    assert_eq!(web_with("/State/Health/Status", json!("none")).health, None);
    assert!(web_with("/HostConfig/Tmpfs", json!({"/a": "size=1m,ro"})).mounts[0].read_only);
}

#[test]
fn arguments_are_counted_and_reported_only_on_request() {
    let mut answer: Value = serde_json::from_str(WEB).unwrap();
    answer["Args"] = json!(["httpd", "--password=planted", "-f"]);
    let command = read(&answer.to_string()).command.unwrap();
    assert_eq!((command.program.as_str(), command.argument_count, command.arguments.len()), ("/busybox", 3, 0));
    let raw = serde_json::from_value(answer).unwrap();
    let (full, _) = container(raw, &Rules { arguments: true, ..RULES });
    let arguments = full.unwrap().command.unwrap().arguments;
    assert_eq!((arguments.len(), arguments[0].as_str(), arguments[2].as_str()), (3, "httpd", "-f"));
    assert!(!arguments[1].contains("planted"), "{arguments:?}");
}

#[test]
fn an_answer_of_almost_nothing_is_a_container_and_one_of_nothing_is_a_warning() {
    let bare = read(r#"{"Id":"0123456789abcdef"}"#);
    assert_eq!((bare.name.as_str(), bare.image.as_str()), ("0123456789ab", ""));
    assert_eq!((bare.created_at, bare.command, bare.privileged, bare.restart_count), (None, None, None, None));
    let (none, warnings) = container(serde_json::from_str(r#"{"Name":"/ghost"}"#).unwrap(), &RULES);
    assert_eq!((none, warnings[0].item.as_str()), (None, "/ghost"));
}

#[test]
fn odd_values_cost_only_themselves() {
    let mut answer: Value = serde_json::from_str(WEB).unwrap();
    answer["Created"] = json!("yesterday");
    answer["NetworkSettings"]["Ports"] = json!({"http": [{"HostIp": "::", "HostPort": "80"}], "80/tcp": null});
    answer["Config"]["Env"] = (0..2_000).map(|n| json!(format!("V{n:04}=x"))).collect();
    let (read, warnings) = container(serde_json::from_value(answer).unwrap(), &RULES);
    let read = read.unwrap();
    assert_eq!((read.created_at, read.environment_names.len(), read.ports.len()), (None, LIST_LIMIT, 4));
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.item == "web"));
}
