//! What the units allow: hardening by systemd's own count, and limits that go with the agent's budget.

use std::{fs, process::Command};

use orchestrix_agent::config::AgentConfig;
use orchestrix_tests::{part, programs};

use super::host::{LIMIT, deploy};

fn unit(name: &str) -> String {
    fs::read_to_string(deploy(&format!("systemd/{name}.service"))).unwrap()
}

/// Value of a setting of a unit.
fn setting(unit: &str, name: &str) -> String {
    let prefix = format!("{name}=");
    unit.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

#[test]
fn units_are_hardened_by_the_count_of_systemd() {
    if part::program("systemd-analyze").is_none() {
        return part::skip("systemd-analyze", "it is missing (Debian package systemd)");
    }
    for (name, most) in [("orchestrix-agent", 2.2), ("orchestrix-collector", 1.6)] {
        let mut command = Command::new("systemd-analyze");
        command.args(["security", "--offline=true", "--no-pager"]).arg(deploy(&format!("systemd/{name}.service")));
        let out = programs::run_command(command, LIMIT).ok();
        let line = out.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{out}"));
        let score =
            line.split(": ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|score| score.parse::<f64>().ok());
        let score = score.unwrap_or_else(|| panic!("{line}"));
        part::measured(&format!("{name}.service: exposure {score} (at most {most})"));
        assert!(score <= most, "{out}");
    }
}

#[test]
fn the_units_limits_leave_room_for_the_agents_budget() {
    let unit = unit("orchestrix-agent");
    let megabytes = |name: &str| setting(&unit, name).trim_end_matches('M').parse::<u64>().unwrap() << 20;
    let budget = AgentConfig::default().budget;
    let (high, most) = (megabytes("MemoryHigh"), megabytes("MemoryMax"));
    assert!(high > budget.memory_bytes && most > high, "{budget:?}");
    assert!(high <= 2 * budget.memory_bytes && most <= 2 * budget.memory_bytes, "a limit far above the budget is none");
    let quota: f64 = setting(&unit, "CPUQuota").trim_end_matches('%').parse().unwrap();
    assert!(quota > budget.cpu_percent);
    assert_eq!(setting(&unit, "Nice"), AgentConfig::default().nice.to_string());
}
