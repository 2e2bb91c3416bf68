//! A small Debian host of its own with a real systemd, inside a container of a real Docker Engine.
//!
//! It has its own process ids, control groups and network, so to an agent inside it looks like any host. The image is made
//! once by `tests/run` with debootstrap and kept outside the clone.

use std::{path::PathBuf, time::Duration};

use crate::{docker::RealDocker, part, programs, wait};

const IMAGE: &str = "test:systemd";
/// Name of the container, and of the host inside.
pub const NAME: &str = "systemd-host";
/// Folder inside that holds the programs under test.
pub const PROGRAMS: &str = "/opt/orchestrix";

/// A host with systemd.
#[derive(Debug)]
pub struct SystemdHost<'a> {
    docker: &'a RealDocker,
}

impl<'a> SystemdHost<'a> {
    /// Boots the host; `None` after telling that it cannot be had.
    ///
    /// # Panics
    /// When it does not come up.
    #[must_use]
    pub fn boot(docker: &'a RealDocker) -> Option<Self> {
        let tar = image_file();
        if !tar.is_file() {
            part::skip("systemd", &format!("no image at {}; tests/run makes it with debootstrap", tar.display()));
            return None;
        }
        docker.cli(&["import", &tar.to_string_lossy(), IMAGE]);
        let folder = programs::path(programs::AGENT).parent().expect("a program lies in a folder").to_owned();
        // Mounts that reach the services, as on a host that booted: credentials of units are such mounts.
        // Own control groups, writable, so that systemd manages them as it does on a real host (versions 1 and 2).
        let init = "mount --make-rshared /; for m in /sys/fs/cgroup /sys/fs/cgroup/*; do \
                    mountpoint -q $m && mount -o remount,bind,rw $m; done; exec /lib/systemd/systemd";
        let options = [
            "run",
            "-d",
            "--name",
            NAME,
            "--hostname",
            NAME,
            "--cgroupns",
            "private",
            "--cap-add",
            "SYS_ADMIN",
            "--cap-add",
            "SYS_PTRACE",
            // What the agent's unit gives to its user.
            "--cap-add",
            "DAC_READ_SEARCH",
            "--security-opt",
            "seccomp=unconfined",
            "--security-opt",
            "apparmor=unconfined",
            "--tmpfs",
            "/run",
            "--tmpfs",
            "/tmp",
            "-e",
            "container=docker",
            "-v",
        ];
        let volume = format!("{}:{PROGRAMS}:ro", folder.display());
        docker.cli(&[&options[..], &[&volume, IMAGE, "/bin/sh", "-c", init]].concat());
        let host = Self { docker };
        wait::until("systemd to be up", Duration::from_secs(60), || {
            match docker.try_cli(&["exec", NAME, "systemctl", "is-system-running"]) {
                Ok(state) if state == "running" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
        Some(host)
    }

    /// Runs a shell command inside, which must succeed, and returns what it printed.
    #[track_caller]
    pub fn shell(&self, command: &str) -> String {
        self.docker.cli(&["exec", NAME, "/bin/sh", "-c", command])
    }

    /// Writes a unit file and starts the unit.
    #[track_caller]
    pub fn start_unit(&self, unit: &str, text: &str) {
        self.shell(&format!("cat > /etc/systemd/system/{unit} <<'END'\n{text}\nEND\nsystemctl daemon-reload"));
        self.shell(&format!("systemctl start {unit} && systemctl is-active {unit}"));
    }
}

/// Where the image is kept.
fn image_file() -> PathBuf {
    if let Some(file) = std::env::var_os("ORCHESTRIX_TEST_SYSTEMD_IMAGE") {
        return file.into();
    }
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")).unwrap_or_default();
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or(home, PathBuf::from);
    cache.join("orchestrix-tests").join("systemd-bookworm.tar")
}
