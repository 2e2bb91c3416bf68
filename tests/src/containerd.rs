//! A real containerd of the test's own, which plays the runtime below a kubelet: containers in the control groups that a
//! kubelet would put them in, and no engine in between that the agent could ask.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use tempfile::TempDir;

use crate::{
    daemon::Daemon,
    part,
    programs::{self, Ran},
    wait,
};

/// How long the daemon may take to be ready.
const READY: Duration = Duration::from_secs(30);
/// Time for one command.
const COMMAND: Duration = Duration::from_secs(30);
/// What the daemon runs with.
const PROGRAMS: [&str; 5] = ["containerd", "containerd-shim-runc-v2", "ctr", "runc", "busybox"];

/// A containerd with a root file system that holds `busybox`.
#[derive(Debug)]
pub struct RealContainerd {
    daemon: Daemon,
    folder: TempDir,
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    id: String,
    control_group: String,
}

impl RealContainerd {
    /// Starts one; `None` after telling that it cannot be had.
    ///
    /// # Panics
    /// When its programs are there but it does not start.
    #[must_use]
    pub fn start() -> Option<Self> {
        if !part::is_root() {
            part::skip("containerd", "it needs root");
            return None;
        }
        if let Some(missing) = PROGRAMS.iter().find(|name| part::program(name).is_none()) {
            part::skip("containerd", &format!("{missing} is missing (Debian packages containerd and busybox-static)"));
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
        let at = |name: &str| folder.path().join(name);
        let config = format!(
            "version = 2\nroot = {:?}\nstate = {:?}\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\naddress = {:?}\n",
            at("root"),
            at("state"),
            at("containerd.sock"),
        );
        fs::write(at("config.toml"), config).expect("the configuration can be written");
        let bin = at("rootfs").join("bin");
        fs::create_dir_all(&bin).expect("a folder can be made");
        let busybox = part::program("busybox").expect("it was just found");
        fs::copy(busybox, bin.join("busybox")).expect("busybox can be copied");
        let mut command = Command::new("containerd");
        command.arg("--config").arg(at("config.toml"));
        let daemon = Daemon::start(command, &at("containerd.log"));
        let mut containerd = Self { daemon, folder, running: Vec::new() };
        wait::until("containerd to be ready", READY, || {
            if let Some(status) = containerd.daemon.has_ended() {
                panic!("containerd ended with {status}:\n{}", containerd.daemon.log_tail());
            }
            let ran = containerd.ctr(&["version"]);
            wait::check(ran.code == Some(0), || ran.err)
        });
        Some(containerd)
    }

    /// Runs `busybox` with these arguments as container `id`, in this control group, with a network of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[track_caller]
    pub fn run(&mut self, id: &str, control_group: &str, arguments: &[&str]) {
        let root = self.folder.path().join("rootfs").to_string_lossy().into_owned();
        let run = ["run", "--detach", "--rootfs", "--cgroup", control_group, &root, id, "/bin/busybox"];
        let _ = self.ctr(&[&run[..], arguments].concat()).ok();
        self.running.push(Running { id: id.to_owned(), control_group: control_group.to_owned() });
    }

    /// Ends a container and forgets it.
    pub fn remove(&mut self, id: &str) {
        let (gone, rest) = self.running.drain(..).partition(|running| running.id == id);
        self.running = rest;
        for running in gone {
            self.clear_away(&running);
        }
    }

    fn clear_away(&self, running: &Running) {
        let _ = self.ctr(&["task", "kill", "--signal", "SIGKILL", &running.id]);
        // Its end is known a moment later.
        for _ in 0..100 {
            if self.ctr(&["task", "delete", &running.id]).code == Some(0) {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.ctr(&["container", "delete", &running.id]);
        // The groups above it are its kubelet's to remove; those that others use stay.
        for hierarchy in hierarchies() {
            for group in PathBuf::from(&running.control_group).ancestors() {
                if let Ok(group) = group.strip_prefix("/") {
                    let _ = fs::remove_dir(hierarchy.join(group));
                }
            }
        }
    }

    fn ctr(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new("ctr");
        command.arg("--address").arg(self.folder.path().join("containerd.sock"));
        command.args(["--namespace", "k8s.io"]).args(arguments);
        programs::run_command(command, COMMAND)
    }
}

impl Drop for RealContainerd {
    fn drop(&mut self) {
        for running in std::mem::take(&mut self.running) {
            self.clear_away(&running);
        }
    }
}

/// Where control groups are: one folder, or one for each controller in version 1.
fn hierarchies() -> Vec<PathBuf> {
    let root = PathBuf::from("/sys/fs/cgroup");
    let each = fs::read_dir(&root).into_iter().flatten().flatten().map(|entry| entry.path());
    each.chain([root.clone()]).collect()
}
