//! What goes wrong is told in one clear line that says what to do, with the right exit code.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, path::Path, process::Command, time::Duration};

use orchestrix_tests::{
    agent::AgentProcess, docker::RealDocker, installation::Installation, inventory::wait_for_health, part, programs,
    wait,
};

const FAILED: i32 = 1;
const CONFIG: i32 = 78;
const LIMIT: Duration = Duration::from_secs(60);

/// An agent without state that holds this token.
fn holding(installation: &Installation, token: &str) -> AgentProcess {
    let agent = AgentProcess::bare(installation.agents_address(), None);
    agent.set_token(token);
    agent
}

#[test]
fn a_wrong_token_is_refused() {
    let installation = Installation::on_sqlite();
    let token = installation.join_token(&[]);
    let mut parts: Vec<String> = token.split('.').map(ToOwned::to_owned).collect();
    assert_eq!(parts.len(), 4, "{token}");
    let flipped = if parts[2].starts_with('A') { "B" } else { "A" };
    parts[2].replace_range(..1, flipped);
    let line = holding(&installation, &parts.join(".")).cli("enroll", LIMIT).refused(FAILED, &["token"]);
    assert!(!line.contains(&parts[2]), "the secret is not repeated: {line}");
    let _ = holding(&installation, "nonsense").cli("enroll", LIMIT).refused(FAILED, &["token"]);
    assert!(installation.list("agents").is_empty());
}

#[test]
fn a_used_token_is_refused() {
    let installation = Installation::on_sqlite();
    let token = installation.join_token(&[]);
    let _ = holding(&installation, &token).cli("enroll", LIMIT).ok();
    let _ = holding(&installation, &token).cli("enroll", LIMIT).refused(FAILED, &["token", "used"]);
    assert_eq!(installation.list("agents").len(), 1);
}

#[test]
fn an_expired_token_is_refused() {
    let installation = Installation::on_sqlite();
    let token = installation.join_token(&["--expires", "1s"]);
    std::thread::sleep(Duration::from_millis(1_500));
    let _ = holding(&installation, &token).cli("enroll", LIMIT).refused(FAILED, &["token", "expired"]);
}

#[test]
fn a_collector_of_another_authority_is_refused() {
    let (ours, theirs) = (Installation::on_sqlite(), Installation::on_sqlite());
    let agent = AgentProcess::bare(theirs.agents_address(), None);
    agent.set_token(&ours.join_token(&[]));
    let _ = agent.cli("enroll", LIMIT).refused(FAILED, &["token", &theirs.agents_address().to_string()]);
    assert!(theirs.list("agents").is_empty());
}

#[test]
fn a_collector_that_does_not_answer_is_told() {
    // Nobody listens there.
    let installation = Installation::on_sqlite();
    let token = installation.join_token(&[]);
    let nobody = programs::free_address();
    let agent = AgentProcess::bare(nobody, None);
    agent.set_token(&token);
    let _ = agent.cli("enroll", LIMIT).refused(FAILED, &[&nobody.to_string()]);
    // Somebody listens and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let agent = AgentProcess::bare(silent.local_addr().unwrap(), None);
    agent.set_token(&token);
    let ran = agent.cli("enroll", LIMIT);
    assert!(ran.took < Duration::from_secs(45), "it waited {:?}", ran.took);
    let _ = ran.refused(FAILED, &[&silent.local_addr().unwrap().to_string()]);
}

#[test]
fn a_revoked_agent_is_cut_off_at_once_and_told_why() {
    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::started(&installation, None);
    wait_for_health(&installation, "host", "healthy", LIMIT);
    let id = installation.list("agents")[0]["id"].as_str().unwrap().to_owned();
    let answer = installation.request("POST", &format!("/api/v1/agents/{id}/revoke"), None).unwrap();
    assert!((200..300).contains(&answer.status), "{answer:?}");
    wait::until("the agent to tell that it was revoked", LIMIT, || {
        let log = agent.process().log();
        wait::check(log.contains("revoked"), || agent.process().log_tail())
    });
    let agents = installation.list("agents");
    assert_eq!((&agents[0]["state"], &agents[0]["connected"]), (&"REVOKED".into(), &false.into()), "{agents:#?}");
    wait::throughout("it stays out", Duration::from_secs(3), || {
        let agents = installation.list("agents");
        wait::check(agents[0]["connected"] == false, || agents[0].to_string())
    });
}

#[test]
fn a_bad_configuration_key_is_named() {
    let agent = AgentProcess::bare(programs::free_address(), None);
    fs::write(agent.config_file(), "[inspect.docker]\nadress = \"unix:///x\"\n").unwrap();
    let _ = agent.cli("run", LIMIT).refused(CONFIG, &["adress"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("collector.toml");
    fs::write(&config, "[agents]\nheartbeat_secs = \"often\"\n").unwrap();
    let config = config.to_string_lossy();
    let _ = programs::run(programs::COLLECTOR, &["serve", "--config", &config], LIMIT)
        .refused(CONFIG, &["agents.heartbeat_secs"]);
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    for program in [programs::AGENT, programs::COLLECTOR] {
        let ran = programs::run(program, &["no-such-command"], LIMIT);
        assert_eq!(ran.code, Some(64), "{ran:#?}");
        assert!(programs::run(program, &["--help"], LIMIT).ok().contains("Usage"));
    }
}

#[test]
fn a_state_folder_that_cannot_be_written_is_told() {
    let installation = Installation::on_sqlite();
    let agent = holding(&installation, &installation.join_token(&[]));
    // A file in the way.
    fs::write(agent.state_dir(), "").unwrap();
    let state = agent.state_dir().to_string_lossy().into_owned();
    let _ = agent.cli("run", LIMIT).refused(FAILED, &[&state]);
    fs::remove_file(agent.state_dir()).unwrap();
    // A read-only file system, which stops root too.
    fs::create_dir(agent.state_dir()).unwrap();
    let Some(_mount) = ReadOnly::mount(&agent.state_dir()) else { return };
    let _ = agent.cli("run", LIMIT).refused(FAILED, &[&state]);
    assert!(installation.list("agents").is_empty(), "no token is spent for nothing");
}

/// An empty read-only file system.
struct ReadOnly(String);

impl ReadOnly {
    fn mount(folder: &Path) -> Option<Self> {
        let folder = folder.to_string_lossy().into_owned();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", &folder]);
        let ran = programs::run_command(command, LIMIT);
        if ran.code != Some(0) {
            part::skip("mount", &format!("a read-only file system cannot be mounted: {}", ran.err.trim()));
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        command.arg(&self.0);
        drop(programs::run_command(command, LIMIT));
    }
}

#[test]
fn a_socket_that_may_not_be_read_is_told_with_what_to_do() {
    let Some(docker) = RealDocker::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    // Where anybody may go, except that the socket is for root and its group.
    let open = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    open(folder.path());
    open(docker.socket().parent().unwrap());
    let program = folder.path().join("agent");
    fs::copy(programs::path(programs::AGENT), &program).unwrap();
    open(&program);
    let config = folder.path().join("agent.toml");
    fs::write(&config, format!("[inspect.docker]\naddress = {:?}\n", docker.host())).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    command.args(["inspect", "docker", "--config"]).arg(&config);
    let socket = docker.socket().to_string_lossy().into_owned();
    let _ = programs::run_command(command, LIMIT).refused(FAILED, &[&socket, "group"]);
}

#[test]
fn an_address_in_use_is_told() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let agents = programs::free_address().to_string();
    let flags = ["serve", "--data-dir", &data, "--api", &address, "--agents", &agents];
    let ran = programs::run(programs::COLLECTOR, &flags, LIMIT);
    assert_eq!(ran.code, Some(FAILED), "{ran:#?}");
    assert!(ran.err.contains(&address), "{ran:#?}");
}

#[test]
fn a_request_without_a_token_is_refused() {
    let installation = Installation::on_sqlite();
    let ask =
        |token| orchestrix_tests::http::request(installation.api_address(), "GET", "/api/v1/workloads", token, None);
    for token in [None, Some("wrong")] {
        let answer = ask(token).unwrap();
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(answer.headers.to_lowercase().contains("application/problem+json"), "{answer:?}");
        assert!(answer.json()["code"].is_string(), "{answer:?}");
    }
    assert_eq!(ask(Some(&installation.admin_token())).unwrap().status, 200);
    let mode = fs::metadata(installation.data_dir().join("admin.token")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
