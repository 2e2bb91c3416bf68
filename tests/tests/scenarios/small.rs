//! One server with all environments on it.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::{IMAGE, RealDocker},
    installation::Installation,
    inventory::wait_for_truth,
    readme::Shell,
    wait,
};
use serde_json::Value;

use crate::HELPERS;

const LOOKS: usize = 20;
/// How long it may take until what runs is measured and shared out.
const SOON: Duration = Duration::from_secs(90);

/// Hundredths of a per cent; the API gives them as a number with two digits.
fn hundredths(share: &Value) -> i64 {
    let share = share.as_f64().unwrap_or_else(|| panic!("{share} is no share"));
    format!("{:.0}", share * 100.0).parse().unwrap()
}

/// All environments have a share, and with what is unclaimed and idle they are exactly the whole.
fn whole(allocation: &Value) -> Result<(), String> {
    let shares = allocation["shares"].as_array().unwrap();
    let codes: Vec<_> = shares.iter().filter_map(|share| share["code"].as_str()).collect();
    let missing: Vec<_> = ["PROD", "STG", "DEV", "TEST"].into_iter().filter(|code| !codes.contains(code)).collect();
    wait::check(missing.is_empty(), || format!("{missing:?} is missing in {allocation:#}"))?;
    let parts = shares.iter().map(|share| &share["measured"]).chain([&allocation["unclaimed"], &allocation["idle"]]);
    assert_eq!(parts.map(hundredths).sum::<i64>(), 10_000, "{allocation:#}");
    Ok(())
}

#[test]
fn small_every_environment_on_one_server_and_shares_that_sum() {
    let Some(docker) = RealDocker::start() else { return };
    docker.cli(&["tag", IMAGE, "busybox"]);
    let installation = Installation::on_sqlite();
    let _agent = AgentProcess::started(&installation, Some(&docker));
    wait::until("the server to be in the inventory", SOON, || {
        let computes = installation.list("computes");
        wait::check(computes.len() == 1, || format!("{computes:#?}"))
    });
    let mut shell = Shell::new(&installation, Some(&docker));
    shell.play(HELPERS);
    shell.play("Small: every environment on one server");
    wait_for_truth(&installation, &docker);

    let read = || installation.get("/api/v1/computes/1/allocation");
    wait::until("all environments to have a share", SOON, || whole(&read()));
    for _ in 0..LOOKS {
        whole(&read()).unwrap();
    }
    docker.cli(&["rm", "-f", "shop-wip"]);
    wait::until("development to have no workload any more", SOON, || {
        let allocation = read();
        let shares = allocation["shares"].as_array().unwrap();
        let running = shares.iter().filter(|share| share["workloads"].as_u64() > Some(0));
        let mut codes: Vec<_> = running.filter_map(|share| share["code"].as_str()).collect();
        codes.sort_unstable();
        wait::check(codes == ["PROD", "STG", "TEST"], || format!("{allocation:#}"))
    });
}
