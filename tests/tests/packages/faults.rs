//! What happens to a service over the years: it comes back by itself, and the inventory is right.

use orchestrix_tests::{docker::RealDocker, wait};

use super::host::Host;

const AGENT: &str = "orchestrix-agent";

#[test]
fn an_installed_agent_survives_kill_watchdog_reboot_and_a_full_disk_under_systemd() {
    let Some(docker) = RealDocker::start() else { return };
    let Some(host) = Host::enrolled(&docker) else { return };

    // kill -9, with a change while it is away.
    let pid = host.pid(AGENT);
    host.shell("systemctl kill --kill-who=main -s KILL orchestrix-agent; systemctl stop shop");
    wait_for_another(&host, &pid);
    host.wait_for("the service to have ended", |host| host.shop(false));
    host.shell("systemctl start shop");
    host.wait_for("the service to be back", |host| host.shop(true));

    // The watchdog: a process that stands still is ended and started again.
    host.shell("mkdir -p /etc/systemd/system/orchestrix-agent.service.d");
    host.shell("printf '[Service]\\nWatchdogSec=4\\n' > /etc/systemd/system/orchestrix-agent.service.d/watchdog.conf");
    host.shell("systemctl daemon-reload; systemctl restart orchestrix-agent");
    host.wait_until_well();
    let pid = host.pid(AGENT);
    host.shell(&format!("kill -STOP {pid}"));
    wait_for_another(&host, &pid);
    let journal = host.shell("journalctl --no-pager -o cat -u orchestrix-agent");
    assert!(journal.contains("Watchdog timeout"), "{journal}");
    host.shell("rm -r /etc/systemd/system/orchestrix-agent.service.d; systemctl daemon-reload; systemctl restart orchestrix-agent");
    host.wait_until_well();

    // The machine.
    host.reboot();
    host.wait_until_well();
    host.wait_for("the service to have ended with the machine", |host| host.shop(false));
    host.shell("systemctl start shop");
    host.wait_for("the service to be back", |host| host.shop(true));
    assert_eq!(host.list("computes").unwrap().len(), 1);

    full_disk(&host);
}

fn wait_for_another(host: &Host<'_>, pid: &str) {
    host.wait_for("another process", |host| {
        let now = host.pid(AGENT);
        wait::check(now != pid && now != "0", || now.clone())
    });
    host.wait_until_well();
}

/// A full disk costs no report while the agent runs, and it starts by itself when there is room again.
fn full_disk(host: &Host<'_>) {
    let state = "/var/lib/orchestrix/agent";
    host.shell("systemctl stop orchestrix-agent");
    host.shell(&format!(
        "cp -a {state} /root/state; mount -t tmpfs -o size=512k,mode=0700 tmpfs {state}; cp -a /root/state/. {state}/; \
         chown -R orchestrix-agent:orchestrix-agent {state}; systemctl start orchestrix-agent"
    ));
    host.wait_until_well();
    host.shell(&format!("dd if=/dev/zero of={state}/ballast bs=1k count=2000 2>/dev/null || true"));
    // The last page of a file still has room for a report or two.
    host.wait_for("the outbox to be in memory", |host| {
        host.try_shell("systemctl reset-failed shop; systemctl restart shop; sleep 1")?;
        let agent = host.agent()?;
        let trouble = agent["outbox"]["trouble"].as_str().unwrap_or_default();
        wait::check(trouble.contains("No space left"), || agent["outbox"].to_string())
    });
    host.shell("systemctl stop shop");
    host.wait_for("the change to be told from memory", |host| host.shop(false));
    assert_eq!(host.agent().unwrap()["outbox"]["droppedReports"], 0);
    host.shell(&format!("rm {state}/ballast; systemctl start shop"));
    host.wait_for("the service to be back", |host| host.shop(true));
    host.wait_for("the outbox to be on disk again", |host| {
        let agent = host.agent()?;
        wait::check(agent["outbox"]["trouble"].is_null(), || agent.to_string())
    });
    // Started on a full disk.
    host.shell(&format!("dd if=/dev/zero of={state}/ballast bs=1k count=2000 2>/dev/null || true"));
    host.shell("systemctl restart orchestrix-agent || true; systemctl stop shop");
    host.shell(&format!("sleep 2; rm {state}/ballast"));
    host.wait_until_well();
    host.wait_for("the service to have ended", |host| host.shop(false));
}
