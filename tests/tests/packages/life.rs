//! Installing, enrolling, reloading, upgrading, removing and purging the packages.

use orchestrix_tests::{docker::RealDocker, wait};

use super::host::{Host, Packages};

const AGENT: &str = "orchestrix-agent";
const COLLECTOR: &str = "orchestrix-collector";

#[test]
fn packages_are_installed_enrolled_upgraded_and_purged_on_a_real_systemd() {
    let Some(docker) = RealDocker::start() else { return };
    let Some(packages) = Packages::build("0.1.0") else { return };
    let Some(host) = Host::boot(&docker) else { return };
    host.install(&packages);

    // Not enrolled: up, saying what it waits for, and not failing over and over.
    host.wait_for("the agent to tell what it waits for", |host| {
        let status = host.property(AGENT, "StatusText");
        wait::check(status.contains("no collector is configured"), || status.clone())
    });
    assert_eq!(host.property(AGENT, "ActiveState"), "active");
    assert_eq!(host.property(AGENT, "NRestarts"), "0");
    let health = host.try_shell("orchestrix-agent health").unwrap_err();
    assert!(health.contains("not enrolled yet"), "{health}");

    host.configure_collector();
    let pid = host.pid(AGENT);
    host.drop_token();
    host.wait_until_well();
    assert_eq!(host.pid(AGENT), pid, "it enrolled by itself");
    everything_is_seen(&host);
    journal_is_clean(&host);
    reload(&host);
    a_missing_right_is_told(&host);

    let next = Packages::build("0.2.0").unwrap();
    host.install(&next);
    assert_eq!(host.shell("dpkg-query -W -f '${Version}' orchestrix-agent"), "0.2.0");
    assert_ne!(host.pid(AGENT), pid, "the new version runs");
    host.shell("systemctl stop shop");
    host.wait_for("the service to have ended", |host| host.shop(false));
    let agent = host.wait_until_well();
    assert_eq!((&agent["outbox"]["droppedReports"], &agent["link"]["refusedReports"]), (&0.into(), &0.into()));
    assert_eq!(host.list("computes").unwrap().len(), 1, "it is the same host");
    let config = host.shell("cat /etc/orchestrix/agent.toml");
    assert!(config.contains("collector = \"127.0.0.1:7443\""), "what the operator set is kept");
    journal_is_clean(&host);
    remove_and_purge(&host, &next);
}

/// The host, its units with their owners, and its listeners, by an agent that is not root.
fn everything_is_seen(host: &Host<'_>) {
    host.system().start_unit("shop.service", super::host::SHOP);
    let shop = host.wait_for("the service with its port", |host| host.shop(true));
    let details = &shop["isolationDetails"];
    assert_eq!((&details["unit"], &details["user"]), (&"shop.service".into(), &"www-data".into()), "{shop:#}");
    let computes = host.list("computes").unwrap();
    assert_eq!(computes.len(), 1);
    assert_eq!((&computes[0]["hostname"], &computes[0]["status"]), (&"systemd-host".into(), &"ACTIVE".into()));
    let all = host.list("workloads?source=process&limit=200").unwrap();
    let named =
        |name: &str| all.iter().find(|it| it["workloadName"] == name).unwrap_or_else(|| panic!("{name}: {all:#?}"));
    for unit in ["orchestrix-agent", "orchestrix-collector", "systemd-journald"] {
        assert_eq!(named(unit)["isolationMethod"], "systemd", "{unit}");
    }
    let agent = host.agent().unwrap();
    for source in agent["sources"].as_array().unwrap() {
        let health = &source["status"]["health"];
        // The host of the story has no engine and no cluster.
        let expected = match source["source"].as_str().unwrap() {
            "host" | "process" | "capability" => "healthy",
            _ => "absent",
        };
        assert_eq!(health, expected, "{source:#}");
    }
    assert_eq!(host.shell("stat -c %U /proc/$(systemctl show --value -p MainPID orchestrix-agent)"), AGENT);
    assert_eq!(host.shell("stat -c %U /proc/$(systemctl show --value -p MainPID orchestrix-collector)"), COLLECTOR);
}

/// No error in normal operation, neither by the programs' own word nor by systemd's.
fn journal_is_clean(host: &Host<'_>) {
    let lines = host.shell("journalctl --no-pager -o cat -u orchestrix-agent -u orchestrix-collector");
    assert!(lines.contains("agent starts") && lines.contains("started"), "{lines}");
    let errors: Vec<&str> =
        lines.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let errors = host.shell("journalctl --no-pager -o cat -p err -u orchestrix-agent -u orchestrix-collector");
    assert!(errors.is_empty() || errors.contains("No entries"), "{errors}");
}

/// A reload takes over what can be, a mistake changes nothing, and the processes stay.
fn reload(host: &Host<'_>) {
    let pids = [AGENT, COLLECTOR].map(|unit| host.pid(unit));
    host.shell("cp /bin/sleep /usr/local/bin/orxnap; setsid /usr/local/bin/orxnap 100000 >/dev/null 2>&1 </dev/null &");
    host.shell("sed -i 's/^#programs = .*/programs = [\"orxnap\"]/' /etc/orchestrix/agent.toml");
    host.shell("systemctl reload orchestrix-agent");
    host.wait_for("the program that the new configuration names", |host| {
        let all = host.list("workloads?source=process&limit=200")?;
        wait::check(all.iter().any(|it| it["workloadName"] == "orxnap"), || format!("{all:#?}"))
    });
    host.shell("pkill orxnap || kill $(pidof orxnap)");
    host.shell(
        "sed -i 's/^level = .*/level = \"debug\"/; s/^keep_days = .*/keep_days = 30/' /etc/orchestrix/collector.toml",
    );
    host.shell("systemctl reload orchestrix-collector");
    host.wait_for("the collector to have read it", |host| {
        let journal = host.try_shell("journalctl --no-pager -o cat -u orchestrix-collector")?;
        wait::check(journal.contains("configuration read again"), || journal.clone())
    });
    host.wait_for("messages of its new level, with a priority and fields of their own", |host| {
        let unit = "journalctl --no-pager -u orchestrix-collector";
        let debug = host.try_shell(&format!("{unit} -o cat -p debug..debug"))?;
        wait::check(!debug.is_empty() && !debug.contains("No entries"), || debug.clone())?;
        let fields = host.try_shell(&format!("{unit} -o json TARGET=orchestrix_collector::serve"))?;
        wait::check(fields.contains("\"ORCHESTRIX_API\""), || fields.clone())
    });
    assert_eq!([AGENT, COLLECTOR].map(|unit| host.pid(unit)), pids);
    host.wait_until_well();
}

/// Without its capabilities the agent still lists ports, and says which right it lacks for their owners.
fn a_missing_right_is_told(host: &Host<'_>) {
    let folder = "/etc/systemd/system/orchestrix-agent.service.d";
    let process = |host: &Host<'_>| {
        let agent = host.agent()?;
        let sources = agent["sources"].as_array().cloned().unwrap_or_default();
        let process = sources.into_iter().find(|source| source["source"] == "process").map(|it| it["status"].clone());
        process.ok_or_else(|| agent.to_string())
    };
    host.shell(&format!(
        "mkdir {folder}; printf '[Service]\\nAmbientCapabilities=\\nCapabilityBoundingSet=\\n' > {folder}/x.conf"
    ));
    host.shell("systemctl daemon-reload; systemctl restart orchestrix-agent");
    host.wait_for("the process source to be degraded", |host| {
        let status = process(host)?;
        let reason = status["reason"].as_str().unwrap_or_default();
        let is_told = reason.contains("CAP_SYS_PTRACE") && reason.contains("owners of some sockets");
        wait::check(status["health"] == "degraded" && is_told, || status.to_string())
    });
    host.shell(&format!("rm -r {folder}; systemctl daemon-reload; systemctl restart orchestrix-agent"));
    host.wait_for("the process source to be healthy", |host| {
        let status = process(host)?;
        wait::check(status["health"] == "healthy", || status.to_string())
    });
    host.wait_until_well();
}

fn remove_and_purge(host: &Host<'_>, packages: &Packages) {
    host.shell("dpkg --remove orchestrix-agent orchestrix-collector");
    assert!(host.try_shell("systemctl is-active orchestrix-agent").is_err());
    assert!(host.try_shell("ls /usr/bin/orchestrix-*").is_err());
    host.shell(
        "ls /var/lib/orchestrix/agent/identity /var/lib/orchestrix/collector/inventory.db /etc/orchestrix/agent.toml",
    );
    host.shell("dpkg --purge orchestrix-agent orchestrix-collector");
    let left = host.shell(
        "find / -xdev -name '*orchestrix*' -not -path '/proc/*' -not -path '/root/packages*' -not -path '/opt/*'",
    );
    // Caches of systemd's own, and what the story itself made.
    let left: Vec<&str> =
        left.lines().filter(|path| !path.starts_with("/etc/default/") && !path.starts_with("/var/log/")).collect();
    assert!(left.is_empty(), "{left:#?}");

    // Once more, enrolled by the one command that may ask a person.
    host.install(packages);
    host.configure_collector();
    let token = host.token();
    let said =
        host.shell(&format!("echo '{token}' | orchestrix-agent enroll --collector 127.0.0.1:7443 --token-file -"));
    assert!(said.contains("enrolled as agent"), "{said}");
    host.wait_until_well();
    assert_eq!(host.list("computes").unwrap().len(), 1);
}
