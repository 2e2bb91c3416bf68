//! What an idle host costs: 20 containers and about 300 processes, nothing happens.
//!
//! Prints, for the same minutes: bytes on the wire, the agent's processor time and memory, what changed in the database,
//! and the ratios to Debian's node_exporter. Then what one look costs against reading the same by hand (`look`), and what
//! goes over the wire for everything and for one change (`delivery`). Nothing is asserted by time: a machine may be busy.
//! `ORCHESTRIX_BENCH_SECONDS` sets the span (default 120).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, reason = "a benchmark fails by panicking")]

mod delivery;
mod look;
mod peer;
mod rows;

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use orchestrix_tests::{
    agent::AgentProcess, daemon::Daemon, docker::RealDocker, installation::Installation, part, proc, proxy::Proxy,
};

use peer::NodeExporter;
use rows::Rows;

const CONTAINERS: usize = 20;
const PROCESSES: usize = 300;
/// What node_exporter's server would do: scrape it this often.
const SCRAPE: Duration = Duration::from_secs(15);

fn main() {
    // `cargo test` asks every target for its list of tests.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let Some(docker) = RealDocker::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    for number in 0..CONTAINERS {
        docker.run_sleeper(&format!("idle{number}"), &["--network", "none"]);
    }
    let _crowd = crowd(folder.path());
    let installation = Installation::on_sqlite();
    let proxy = Proxy::start(installation.agents_address());
    let mut agent = AgentProcess::prepare(&installation, Some(&docker)).through(proxy.address());
    let first = delivery::first(&mut agent, &proxy, &installation, &docker);
    let peer = NodeExporter::start(folder.path());

    // What was busy at the start settles: first listing, first measurements.
    thread::sleep(Duration::from_secs(30));
    let span = std::env::var("ORCHESTRIX_BENCH_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(120);
    let (pid, docker_pid) = (agent.process().pid(), docker.pid());
    let rows = Rows::read(&installation);
    let (up, down) = (proxy.bytes_up(), proxy.bytes_down());
    let (cpu, docker_cpu) = (proc::cpu_time(pid), proc::cpu_time(docker_pid));
    let peer_cpu = peer.as_ref().map(|peer| proc::cpu_time(peer.daemon.pid()));
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(span) {
        if let Some(peer) = &peer {
            peer.scrape();
        }
        thread::sleep(SCRAPE.min(Duration::from_secs(span).saturating_sub(start.elapsed())));
    }

    let took = start.elapsed().as_secs_f64();
    let per_hour = |used: Duration| used.as_secs_f64() * 3_600.0 / took;
    let per_minute = |bytes: u64| lossy(bytes) * 60.0 / took;
    let (up, down) = (per_minute(proxy.bytes_up() - up), per_minute(proxy.bytes_down() - down));
    let agent_cpu = per_hour(proc::cpu_time(pid).saturating_sub(cpu));
    let pss = lossy(proc::pss_bytes(pid)) / 1_048_576.0;
    let host = format!("{CONTAINERS} containers, {} processes, {took:.0} s, {}", proc::process_count(), profile());
    part::measured(&format!("idle host ({host})"));
    part::measured(&format!(
        "  on the wire, bytes per minute: {up:.0} up, {down:.0} down; A10: {:.2} of the goal of 420 up",
        up / 420.0
    ));
    part::measured(&format!(
        "  agent: {agent_cpu:.2} CPU s per hour, PSS {pss:.1} MiB, {:.1} of it its own data; A3: {:.2} of 12 MiB",
        lossy(proc::pss_own_bytes(pid)) / 1_048_576.0,
        pss / 12.0
    ));
    if let (Some(peer), Some(before)) = (&peer, peer_cpu) {
        let cpu = per_hour(proc::cpu_time(peer.daemon.pid()).saturating_sub(before));
        let pss_peer = lossy(proc::pss_bytes(peer.daemon.pid())) / 1_048_576.0;
        part::measured(&format!(
            "  node_exporter: {cpu:.2} CPU s per hour, PSS {pss_peer:.1} MiB; A1: agent uses {:.2} of its CPU (goal 0.25)",
            agent_cpu / cpu
        ));
    }
    let docker_share = (proc::cpu_time(docker_pid).saturating_sub(docker_cpu)).as_secs_f64() / took * 100.0;
    part::measured(&format!("  dockerd: {docker_share:.3} % of a core in all (A4: caused by us at most 0.1 %)"));
    part::measured(&format!("  database: {}", rows.changes(&Rows::read(&installation))));
    first.tell();
    delivery::one_change(&proxy, &installation, &docker);
    agent.stop();
    look::compare(&docker);
}

fn profile() -> &'static str {
    if cfg!(debug_assertions) { "dev profile" } else { "release profile" }
}

pub(crate) fn lossy(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes).unwrap_or(u32::MAX))
}

/// Fills the host up to the wanted number of processes; they end with the value.
fn crowd(folder: &std::path::Path) -> Vec<Daemon> {
    let missing = PROCESSES.saturating_sub(proc::process_count());
    let one = |_| {
        let mut command = Command::new("sleep");
        command.arg("100000");
        Daemon::start(command, &folder.join("crowd.log"))
    };
    (0..missing).map(one).collect()
}
