//! A Debian host of its own with a real systemd on which both packages are installed as an operator would.

use std::{fs, net::SocketAddr, path::Path, process::Command, time::Duration};

use orchestrix_tests::{
    docker::RealDocker,
    http, part, programs,
    systemd::{NAME, SystemdHost},
    wait,
};
use serde_json::Value;
use tempfile::TempDir;

/// How long a thing may take that goes by itself.
pub(crate) const LIMIT: Duration = Duration::from_secs(90);
/// A service that listens, as a user of its own.
pub(crate) const SHOP: &str = "[Service]\nUser=www-data\nExecStart=/usr/bin/perl -e 'use IO::Socket::INET; my $s = \
                    IO::Socket::INET->new(LocalAddr => \"127.0.0.1\", LocalPort => 8099, Listen => 5, ReuseAddr => 1) \
                    or die; sleep 1 while 1'\n";

/// The packages of one version, built from the programs under test.
pub(crate) struct Packages(TempDir);

impl Packages {
    /// Builds them; `None` after telling that the tools are missing.
    pub(crate) fn build(version: &str) -> Option<Self> {
        for (tool, package) in [("dpkg-deb", "dpkg"), ("strip", "binutils")] {
            if part::program(tool).is_none() {
                part::skip(tool, &format!("it is missing (Debian package {package})"));
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(deploy("debian/build"));
        let built = programs::path(programs::AGENT).parent().unwrap().to_owned();
        command
            .args(["--profile", "dev", "--version", version, "--out"])
            .arg(folder.path())
            .arg("--programs")
            .arg(built);
        let ran = programs::run_command(command, Duration::from_secs(300));
        let out = ran.ok();
        assert_eq!(out.lines().count(), 2, "{out}");
        Some(Self(folder))
    }

    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

/// A file below `deploy`.
pub(crate) fn deploy(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(file)
}

/// A host on which packages are installed.
pub(crate) struct Host<'a> {
    docker: &'a RealDocker,
    system: SystemdHost<'a>,
}

impl<'a> Host<'a> {
    /// Boots the host; `None` after telling that it cannot be had.
    pub(crate) fn boot(docker: &'a RealDocker) -> Option<Self> {
        Some(Self { docker, system: SystemdHost::boot(docker)? })
    }

    /// Boots the host, installs both packages, enrols it and starts a service there.
    pub(crate) fn enrolled(docker: &'a RealDocker) -> Option<Self> {
        let packages = Packages::build("0.1.0")?;
        let host = Self::boot(docker)?;
        host.install(&packages);
        host.configure_collector();
        host.drop_token();
        host.system.start_unit("shop.service", SHOP);
        host.wait_for("the service with its port", |host| host.shop(true));
        Some(host)
    }

    /// Installs packages, as `apt-get install ./…` would.
    pub(crate) fn install(&self, packages: &Packages) {
        self.shell("rm -rf /root/packages && mkdir /root/packages");
        for file in packages.files() {
            self.docker.cli(&["cp", &file.to_string_lossy(), &format!("{NAME}:/root/packages/")]);
        }
        self.shell("DEBIAN_FRONTEND=noninteractive dpkg --install --force-confold /root/packages/*.deb");
    }

    /// Lets the API be reached from outside, by the environment file of the unit, and waits until it is.
    pub(crate) fn configure_collector(&self) {
        self.shell("echo ORCHESTRIX_API__ADDRESS=0.0.0.0:7480 > /etc/default/orchestrix-collector");
        self.shell("systemctl restart orchestrix-collector");
        self.shell("orchestrix-collector health");
    }

    /// Puts a collector's address and a join token where the agent finds them, as automation would.
    pub(crate) fn drop_token(&self) {
        self.shell("sed -i 's/^# collector = .*/collector = \"127.0.0.1:7443\"/' /etc/orchestrix/agent.toml");
        self.shell(&format!("umask 077; echo '{}' > /etc/orchestrix/join.token", self.token()));
    }

    pub(crate) fn token(&self) -> String {
        let out = self.shell("orchestrix-collector token create -o json");
        let json: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"));
        json["token"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn shell(&self, command: &str) -> String {
        self.system.shell(command)
    }

    pub(crate) fn system(&self) -> &SystemdHost<'a> {
        &self.system
    }

    pub(crate) fn try_shell(&self, command: &str) -> Result<String, String> {
        self.docker.try_cli(&["exec", NAME, "/bin/sh", "-c", command])
    }

    /// Switches the machine off and on.
    pub(crate) fn reboot(&self) {
        self.docker.cli(&["restart", "--time", "30", NAME]);
        self.wait_for("systemd to be up", |host| {
            let state = host.try_shell("systemctl is-system-running")?;
            wait::check(state == "running", || state.clone())
        });
    }

    /// A property of a unit, as `systemctl show` gives it.
    pub(crate) fn property(&self, unit: &str, property: &str) -> String {
        self.shell(&format!("systemctl show --value --property {property} {unit}"))
    }

    pub(crate) fn pid(&self, unit: &str) -> String {
        self.property(unit, "MainPID")
    }

    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, look: impl Fn(&Self) -> Result<T, String>) -> T {
        wait::until(what, LIMIT, || look(self).map_err(|state| format!("{state}\n{}", self.journal_tail())))
    }

    fn journal_tail(&self) -> String {
        let units = "-u orchestrix-agent -u orchestrix-collector";
        self.try_shell(&format!("journalctl -n 15 --no-pager -o cat {units}")).unwrap_or_else(|error| error)
    }

    /// Reads a list of the API as the administrator.
    pub(crate) fn list(&self, path: &str) -> Result<Vec<Value>, String> {
        let token = self.try_shell("cat /var/lib/orchestrix/collector/admin.token")?;
        let format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address: SocketAddr = format!("{}:7480", self.docker.try_cli(&["inspect", "--format", format, NAME])?)
            .parse()
            .map_err(|error| format!("{error}"))?;
        let answer = http::request(address, "GET", &format!("/api/v1/{path}"), Some(&token), None);
        let answer = answer.map_err(|error| error.to_string())?;
        answer.json()["items"].as_array().cloned().ok_or_else(|| format!("{answer:?}"))
    }

    /// The service of the story, running or not, with the port that it listens on.
    pub(crate) fn shop(&self, runs: bool) -> Result<Value, String> {
        let all = self.list("workloads?source=process&ended=any&limit=200")?;
        let named = || all.iter().filter(|it| it["workloadName"] == "shop");
        let shop = named().find(|it| it["endedAt"].is_null()).or_else(|| named().next_back());
        let shop = shop.ok_or_else(|| format!("{all:#?}"))?;
        let listens = shop["ports"].as_array().is_some_and(|ports| ports.iter().any(|port| port["hostPort"] == 8_099));
        let is_as_wanted = shop["endedAt"].is_null() == runs && (!runs || listens);
        if is_as_wanted { Ok(shop.clone()) } else { Err(format!("{shop:#}")) }
    }

    /// What the agent says of itself.
    pub(crate) fn agent(&self) -> Result<Value, String> {
        let out = self.try_shell("orchestrix-agent status -o json")?;
        serde_json::from_str(&out).map_err(|error| format!("{error}: {out}"))
    }

    /// Waits until the agent reports, and lost nothing on its way.
    #[track_caller]
    pub(crate) fn wait_until_well(&self) -> Value {
        self.wait_for("the agent to be well", |host| {
            host.try_shell("orchestrix-agent health")?;
            host.agent()
        })
    }
}
