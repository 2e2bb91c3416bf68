//! What is installed, and the few facts that files tell of its set-up. No program is run here.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::inspect::{
    host::{HostRoot, read_line, read_text},
    process::is_listening,
};

/// Folders in which programs are looked for, below the root.
const FOLDERS: [&str; 7] = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin", "sbin", "bin", "snap/bin"];

/// A capability that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: &'static str,
    /// The program that tells the version.
    pub(super) program: Option<Program>,
    pub(super) configuration: BTreeMap<String, String>,
}

/// A program and how it is asked for its version.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: &'static [&'static str],
}

/// Looks for every known capability.
pub(super) fn all(root: &HostRoot) -> Vec<Found> {
    let lookers = [docker, podman, containerd, kubernetes, systemd, libvirt, lxd, ansible, python, ssh];
    lookers.iter().filter_map(|look| look(root)).collect()
}

fn docker(root: &HostRoot) -> Option<Found> {
    // The `docker` that podman-docker installs is a script around podman.
    let program = program(root, &["dockerd"]).or_else(|| program(root, &["docker"]).filter(|path| !is_script(path)));
    let socket = existing(root, &["run/docker.sock", "var/run/docker.sock"]);
    if program.is_none() && socket.is_none() {
        return None;
    }
    let mut configuration = facts([("socket", socket)]);
    let text = read_text(root.etc.join("docker/daemon.json")).unwrap_or_default();
    if let Ok(serde_json::Value::Object(settings)) = serde_json::from_str(&text) {
        let setting = |key: &str| settings.get(key)?.as_str().map(str::to_owned);
        let driver = settings.get("exec-opts").and_then(serde_json::Value::as_array).and_then(|options| {
            let mut options = options.iter().filter_map(serde_json::Value::as_str);
            options.find_map(|option| option.strip_prefix("native.cgroupdriver=")).map(str::to_owned)
        });
        configuration.extend(facts([
            ("data_root", setting("data-root")),
            ("storage_driver", setting("storage-driver")),
            ("cgroup_driver", driver),
        ]));
    }
    found("docker", program, &["--version"], configuration)
}

fn podman(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["podman"])?;
    found("podman", Some(program), &["--version"], facts([("socket", existing(root, &["run/podman/podman.sock"]))]))
}

fn containerd(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["containerd"]);
    let socket = existing(root, &["run/containerd/containerd.sock"]);
    if program.is_none() && socket.is_none() {
        return None;
    }
    found("containerd", program, &["--version"], facts([("socket", socket)]))
}

fn kubernetes(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["kubelet", "k3s", "rke2"]);
    let files = ["etc/kubernetes/kubelet.conf", "etc/kubernetes/admin.conf", "etc/rancher/k3s/k3s.yaml"];
    let kubeconfig = existing(root, &files).or_else(|| existing(root, &["root/.kube/config"]));
    let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    if program.is_none() && kubeconfig.is_none() && !in_cluster {
        return None;
    }
    let runs = program.as_ref().and_then(|path| path.file_name()?.to_str().map(str::to_owned));
    let in_cluster = in_cluster.then(|| "true".to_owned());
    let facts = facts([("kubeconfig", kubeconfig), ("node_agent", runs), ("in_cluster", in_cluster)]);
    found("kubernetes", program, &["--version"], facts)
}

/// Only where it is process 1: elsewhere the program may be there and manages nothing.
fn systemd(root: &HostRoot) -> Option<Found> {
    if read_line(root.proc.join("1/comm")).as_deref() != Some("systemd") {
        return None;
    }
    let cgroup = root.sys.join("fs/cgroup");
    let hierarchy = match (cgroup.join("cgroup.controllers").exists(), cgroup.join("unified").exists()) {
        (true, _) => "unified",
        (false, true) => "hybrid",
        (false, false) => "legacy",
    };
    let program = program(root, &["systemctl"]);
    found("systemd", program, &["--version"], facts([("cgroup_hierarchy", Some(hierarchy.to_owned()))]))
}

fn libvirt(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["libvirtd", "virtqemud"])?;
    let socket = existing(root, &["run/libvirt/libvirt-sock", "run/libvirt/virtqemud-sock"]);
    found("libvirt", Some(program), &["--version"], facts([("socket", socket)]))
}

/// Ubuntu ships scripts by this name that install LXD when they are run: a script is not run unless LXD is there.
fn lxd(root: &HostRoot) -> Option<Found> {
    let socket = existing(root, &["var/lib/lxd/unix.socket", "var/snap/lxd/common/lxd/unix.socket"]);
    let program = program(root, &["lxd"]).filter(|path| socket.is_some() || !is_script(path));
    if program.is_none() && socket.is_none() {
        return None;
    }
    found("lxd", program, &["--version"], facts([("socket", socket)]))
}

fn ansible(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["ansible"])?;
    let config = existing(root, &["etc/ansible/ansible.cfg"]);
    found("ansible", Some(program), &["--version"], facts([("config", config)]))
}

fn python(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["python3", "python"])?;
    let path = Path::new("/").join(program.strip_prefix(&root.own).unwrap_or(&program));
    found("python", Some(program), &["--version"], facts([("path", Some(path.display().to_string()))]))
}

fn ssh(root: &HostRoot) -> Option<Found> {
    let program = program(root, &["sshd"])?;
    let ports = ssh_ports(root);
    let listening = ports.iter().any(|port| is_listening(&root.proc, *port));
    let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
    let facts = facts([("ports", Some(ports.join(","))), ("listening", Some(listening.to_string()))]);
    found("ssh", Some(program), &["-V"], facts)
}

/// Ports of sshd_config(5), 22 when none is set. Files of the folder that Debian includes come first.
fn ssh_ports(root: &HostRoot) -> Vec<u16> {
    let folder = fs::read_dir(root.etc.join("ssh/sshd_config.d")).into_iter().flatten().flatten();
    let files = folder.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "conf"));
    let files = files.chain([root.etc.join("ssh/sshd_config")]);
    let mut ports: Vec<u16> = files
        .filter_map(|file| read_text(file).ok())
        .flat_map(|text| {
            let port = |line: &str| {
                let (key, value) = line.trim().split_once([' ', '\t', '='])?;
                key.eq_ignore_ascii_case("port").then(|| value.trim().parse().ok()).flatten()
            };
            text.lines().filter_map(port).collect::<Vec<u16>>()
        })
        .collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() { vec![22] } else { ports }
}

#[allow(clippy::unnecessary_wraps, reason = "each looker ends with it")]
fn found(
    name: &'static str,
    program: Option<PathBuf>,
    arguments: &'static [&'static str],
    configuration: BTreeMap<String, String>,
) -> Option<Found> {
    Some(Found { name, program: program.map(|path| Program { path, arguments }), configuration })
}

/// The first of these programs that is installed.
fn program(root: &HostRoot, names: &[&str]) -> Option<PathBuf> {
    let is_program =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0);
    let candidates = names.iter().flat_map(|name| FOLDERS.iter().map(move |folder| (folder, name)));
    candidates.map(|(folder, name)| root.own.join(folder).join(name)).find(is_program)
}

/// The first of these paths that exists, as it is named on the host.
fn existing(root: &HostRoot, paths: &[&str]) -> Option<String> {
    paths.iter().find(|path| root.own.join(path).exists()).map(|path| format!("/{path}"))
}

fn is_script(path: &Path) -> bool {
    let mut start = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok_and(|()| start == *b"#!")
}

fn facts<const N: usize>(facts: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    facts.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
