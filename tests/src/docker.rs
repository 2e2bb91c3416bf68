//! A real Docker Engine of the test's own, driven by the `docker` command as a person would.
//!
//! Each has its own data, socket, bridge and process id, and keeps away from the firewall, so that several can run beside
//! each other and beside the machine's own. Containers outlive the daemon (`--live-restore`), so that it can be killed
//! and brought back. At the end all containers are removed, then the daemon is ended.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{daemon::Daemon, part, programs, wait};

/// The image that every engine has: a static busybox with `sh`.
pub const IMAGE: &str = "test:bb";
/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running Docker Engine.
#[derive(Debug)]
pub struct RealDocker {
    folder: TempDir,
    bridge: Bridge,
    daemon: Daemon,
}

/// A container as the engine lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Full identifier.
    pub id: String,
    /// Name.
    pub name: String,
    /// Docker's word for its state.
    pub state: String,
}

impl RealDocker {
    /// Starts an engine; `None` after telling that it cannot be had.
    #[must_use]
    pub fn start() -> Option<Self> {
        Self::try_start().map_err(|reason| part::skip("docker", &reason)).ok()
    }

    fn try_start() -> Result<Self, String> {
        if !part::is_root() {
            return Err("dockerd needs root".to_owned());
        }
        for (program, package) in [("dockerd", "docker.io"), ("docker", "docker.io"), ("busybox", "busybox-static")] {
            part::program(program).ok_or_else(|| format!("{program} is missing (Debian package {package})"))?;
        }
        let folder = tempfile::Builder::new().prefix("orx").tempdir().map_err(|error| error.to_string())?;
        let bridge = Bridge::make()?;
        let daemon = spawn(folder.path(), &bridge);
        let mut engine = Self { folder, bridge, daemon };
        engine.wait_until_it_answers()?;
        engine.import_busybox()?;
        Ok(engine)
    }

    /// Address of its API, in the notation of `DOCKER_HOST`.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Path of its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// The host's address on the network of the containers.
    #[must_use]
    pub fn gateway(&self) -> &str {
        &self.bridge.gateway
    }

    /// Process id of the daemon.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.daemon.pid()
    }

    /// Runs `docker` with the arguments, which must succeed, and returns what it printed, trimmed.
    ///
    /// # Panics
    /// When the command fails.
    #[track_caller]
    pub fn cli(&self, arguments: &[&str]) -> String {
        self.try_cli(arguments).unwrap_or_else(|error| panic!("docker {}: {error}", arguments.join(" ")))
    }

    /// Runs `docker` with the arguments.
    ///
    /// # Errors
    /// What the command said when it failed.
    pub fn try_cli(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("docker");
        command.args(arguments).env("DOCKER_HOST", self.host()).env("DOCKER_CONFIG", self.folder.path().join("cli"));
        let ran = programs::run_command(command, PATIENCE);
        if ran.code == Some(0) { Ok(ran.out.trim().to_owned()) } else { Err(format!("{:?}: {}", ran.code, ran.err)) }
    }

    /// Runs a container that sleeps, detached, with further options, and returns its identifier.
    #[track_caller]
    pub fn run_sleeper(&self, name: &str, options: &[&str]) -> String {
        let fixed = ["run", "-d", "--name", name];
        self.cli(&[&fixed[..], options, &[IMAGE, "sleep", "100000"]].concat())
    }

    /// What the engine knows of one container.
    ///
    /// # Panics
    /// When it does not know it.
    #[must_use]
    pub fn inspect(&self, container: &str) -> Value {
        let text = self.cli(&["inspect", "--type", "container", container]);
        let list: Value = serde_json::from_str(&text).expect("docker inspect prints JSON");
        list[0].clone()
    }

    /// Every container there is, by identifier: the truth that the inventory must equal.
    ///
    /// # Panics
    /// When the engine does not answer.
    #[must_use]
    pub fn truth(&self) -> BTreeMap<String, Listed> {
        let text = self.cli(&["ps", "-a", "--no-trunc", "--format", "{{.ID}}\t{{.Names}}\t{{.State}}"]);
        let listed = text.lines().map(|line| {
            let mut fields = line.split('\t').map(ToOwned::to_owned);
            let mut field = || fields.next().unwrap_or_default();
            Listed { id: field(), name: field(), state: field() }
        });
        listed.map(|container| (container.id.clone(), container)).collect()
    }

    /// Freezes the daemon: it accepts connections and never answers.
    pub fn freeze(&mut self) {
        self.daemon.freeze();
    }

    /// Lets the daemon go on.
    pub fn thaw(&mut self) {
        self.daemon.thaw();
    }

    /// Ends the daemon; its containers go on.
    pub fn stop_daemon(&mut self) {
        self.daemon.stop();
    }

    /// Brings the daemon back.
    ///
    /// # Panics
    /// When it does not come back.
    pub fn start_daemon(&mut self) {
        self.daemon = spawn(self.folder.path(), &self.bridge);
        self.wait_until_it_answers().unwrap_or_else(|reason| panic!("{reason}"));
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let start = std::time::Instant::now();
        loop {
            let Err(state) = self.try_cli(&["version", "--format", "{{.Server.Version}}"]) else { return Ok(()) };
            if self.daemon.has_ended().is_some() || start.elapsed() > PATIENCE {
                return Err(format!("dockerd does not start: {}\n{}", state.trim(), self.daemon.log_tail()));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn import_busybox(&self) -> Result<(), String> {
        let (root, tar) = (self.folder.path().join("busybox"), self.folder.path().join("busybox.tar"));
        let bin = root.join("bin");
        let busybox = part::program("busybox").ok_or("busybox is missing")?;
        let made = fs::create_dir_all(&bin).and_then(|()| fs::copy(busybox, bin.join("busybox")));
        made.map_err(|error| format!("the image's folder: {error}"))?;
        for link in ["sh", "sleep"] {
            std::os::unix::fs::symlink("busybox", bin.join(link)).map_err(|error| error.to_string())?;
        }
        let mut command = Command::new("tar");
        command.arg("-C").arg(&root).arg("-cf").arg(&tar).arg(".");
        let ran = programs::run_command(command, PATIENCE);
        if ran.code != Some(0) {
            return Err(format!("tar: {}", ran.err));
        }
        self.try_cli(&["import", &tar.to_string_lossy(), IMAGE]).map(drop)
    }
}

impl Drop for RealDocker {
    fn drop(&mut self) {
        self.daemon.thaw();
        if self.daemon.has_ended().is_some() {
            self.daemon = spawn(self.folder.path(), &self.bridge);
            drop(self.wait_until_it_answers());
        }
        // Twice, for a container that was being made meanwhile.
        for _ in 0..2 {
            let all = self.try_cli(&["ps", "-aq"]).unwrap_or_default();
            let ids: Vec<&str> = all.split_whitespace().collect();
            if !ids.is_empty() {
                drop(self.try_cli(&[&["rm", "-f", "-v"][..], &ids].concat()));
            }
        }
        self.daemon.signal(rustix::process::Signal::TERM);
        self.daemon.wait(Duration::from_secs(20));
    }
}

fn spawn(folder: &Path, bridge: &Bridge) -> Daemon {
    let mut command = Command::new(part::program("dockerd").unwrap_or_else(|| "dockerd".into()));
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let path = |name: &str| folder.join(name);
    command.arg("--data-root").arg(path("data")).arg("--exec-root").arg(path("exec"));
    command.arg("-H").arg(format!("unix://{}", path("docker.sock").display())).arg("-p").arg(path("docker.pid"));
    command.arg(format!("--bridge={}", bridge.name)).args([
        "--iptables=false",
        "--ip6tables=false",
        "--ip-masq=false",
        "--ip-forward=false",
        "--live-restore",
    ]);
    // A containerd of the machine, when there is one, is shared by name space only.
    command.args(["--containerd-namespace", &name, "--containerd-plugins-namespace", &format!("{name}p")]);
    Daemon::start(command, &path("dockerd.log"))
}

/// A network bridge of our own, so that the machine's Docker keeps its own.
#[derive(Debug)]
struct Bridge {
    name: String,
    gateway: String,
}

impl Bridge {
    fn make() -> Result<Self, String> {
        let (name, third) = (format!("orx{:08x}", fastrand::u32(..)), fastrand::u8(1..255));
        let gateway = format!("10.213.{third}.1");
        let bridge = Self { name, gateway };
        let (name, address) = (bridge.name.as_str(), format!("{}/24", bridge.gateway));
        for arguments in [
            &["link", "add", name, "type", "bridge"][..],
            &["addr", "add", &address, "dev", name],
            &["link", "set", name, "up"],
        ] {
            ip(arguments)?;
        }
        Ok(bridge)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        drop(ip(&["link", "delete", &self.name]));
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let program = part::program("ip").ok_or("ip is missing (Debian package iproute2)")?;
    let mut command = Command::new(program);
    command.args(arguments);
    let ran = programs::run_command(command, PATIENCE);
    if ran.code == Some(0) { Ok(()) } else { Err(format!("ip {}: {}", arguments.join(" "), ran.err.trim())) }
}

/// Waits until a container is in a state.
#[track_caller]
pub fn wait_for_state(docker: &RealDocker, container: &str, state: &str) {
    wait::until(&format!("{container} to be {state}"), PATIENCE, || {
        let seen = docker.cli(&["inspect", "--format", "{{.State.Status}}", container]);
        wait::check(seen == state, || seen.clone())
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_of_our_own_runs_dies_and_comes_back() {
        let Some(mut docker) = RealDocker::start() else { return };
        let id = docker.run_sleeper("one", &["--memory", "64m"]);
        docker.stop_daemon();
        assert!(docker.try_cli(&["ps"]).is_err());
        docker.start_daemon();
        let truth = docker.truth();
        assert_eq!(truth.len(), 1);
        assert_eq!((truth[&id].name.as_str(), truth[&id].state.as_str()), ("one", "running"));
        assert_eq!(docker.inspect("one")["HostConfig"]["Memory"], 67_108_864);
    }
}
