//! What Prometheus gets from a collector and an agent that work together.

use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf, process::Command, time::Duration};

use orchestrix_common::metric::{Metric, problems_of_text};
use orchestrix_tests::{
    agent::AgentProcess,
    http,
    installation::Installation,
    part, proc,
    programs::{self, AGENT},
    wait,
};

const SOON: Duration = Duration::from_secs(60);

/// Prometheus' own tool (Debian package prometheus); `None` after telling that there is none.
pub(crate) fn promtool() -> Option<PathBuf> {
    let named = std::env::var_os("ORCHESTRIX_TEST_PROMTOOL").map(PathBuf::from);
    let found = named.or_else(|| part::program("promtool"));
    if found.is_none() {
        part::skip("promtool", "it is not on the path, and ORCHESTRIX_TEST_PROMTOOL does not name it");
    }
    found
}

fn scraped(address: SocketAddr) -> String {
    let answer = http::request(address, "GET", "/metrics", None, None).unwrap();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.headers.to_lowercase().contains("text/plain; version=0.0.4"), "{answer:?}");
    answer.body
}

/// Samples by what stands in front of their value.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.rsplit_once(' ')).map(|(series, value)| (series, value.parse().unwrap())).collect()
}

/// Waits until a series has a value.
fn wait_for(address: SocketAddr, series: &str, holds: impl Fn(f64) -> bool) {
    wait::until(series, SOON, || {
        // Who has just been started does not listen yet.
        let answer = http::request(address, "GET", "/metrics", None, None).map_err(|error| error.to_string())?;
        let text = answer.body;
        let value = samples(&text).get(series).copied();
        wait::check(value.is_some_and(&holds), || format!("{value:?} in\n{text}"))
    });
}

fn is_well_described(program: &str, metrics: impl Iterator<Item = &'static Metric>, text: &str) {
    let described: Vec<Metric> = metrics.copied().collect();
    assert_eq!(problems_of_text(&described, text), Vec::<String>::new(), "{program}");
}

#[test]
fn a_collector_and_an_agent_tell_prometheus_how_they_do() {
    let mut installation = Installation::on_sqlite();
    let at = programs::free_address();
    let mut agent = AgentProcess::prepare(&installation, None).measured_at(at);
    agent.start();
    wait_for(at, "orchestrix_agent_reports_acknowledged_total{outcome=\"applied\"}", |reports| reports > 0.0);
    let collector = installation.api_address();
    wait_for(collector, "orchestrix_fleet_agents{state=\"active\",liveness=\"heard\"}", |agents| agents == 1.0);
    wait_for(collector, "orchestrix_inventory_resources{kind=\"compute\"}", |computes| computes == 1.0);

    let (of_collector, of_agent) = (scraped(collector), scraped(at));
    is_well_described("collector", orchestrix_collector::metrics::all(), &of_collector);
    is_well_described("agent", orchestrix_agent::metrics::all(), &of_agent);
    let collector_has = samples(&of_collector);
    for (series, at_least) in [
        ("orchestrix_session_open", 1.0),
        ("orchestrix_session_opening_seconds_count", 1.0),
        ("orchestrix_queue_capacity{queue=\"opening\"}", 32.0),
        ("orchestrix_queue_capacity{queue=\"change_feeds\"}", 1.0),
        ("orchestrix_report_outcomes_total{outcome=\"applied\"}", 1.0),
        ("orchestrix_report_received_bytes_total", 1.0),
        ("orchestrix_report_changes_total", 1.0),
        ("orchestrix_report_reconcile_seconds_count{step=\"plan\"}", 1.0),
        ("orchestrix_report_reconcile_seconds_count{step=\"write\"}", 1.0),
        ("orchestrix_store_operation_seconds_count{operation=\"begin\"}", 1.0),
        ("orchestrix_store_operation_seconds_count{operation=\"commit\"}", 1.0),
        ("orchestrix_store_operation_seconds_count{operation=\"read\"}", 1.0),
        ("orchestrix_store_operation_seconds_count{operation=\"write\"}", 1.0),
        ("orchestrix_store_connections_max{pool=\"writer\"}", 1.0),
        ("orchestrix_pki_certificate_remaining_seconds{certificate=\"collector\"}", 3_600.0),
        ("orchestrix_pki_certificate_remaining_seconds{certificate=\"issuing\"}", 86_400.0),
        ("orchestrix_pki_certificate_remaining_seconds{certificate=\"root\"}", 86_400.0),
        ("orchestrix_fleet_certificate_remaining_seconds", 3_600.0),
        ("orchestrix_fleet_sources{source=\"host\",health=\"healthy\"}", 0.0),
        ("orchestrix_history_sequence", 1.0),
        ("orchestrix_report_lost_total", 0.0),
        ("process_resident_memory_bytes", 1_000_000.0),
        ("process_open_fds", 3.0),
    ] {
        assert!(collector_has.get(series).is_some_and(|value| *value >= at_least), "{series} in\n{of_collector}");
    }
    let agent_has = samples(&of_agent);
    for (series, at_least) in [
        ("orchestrix_agent_connected", 1.0),
        ("orchestrix_agent_sessions_total", 1.0),
        ("orchestrix_agent_certificate_remaining_seconds", 3_600.0),
        ("orchestrix_agent_outbox_max_bytes", 67_108_864.0),
        ("orchestrix_agent_reports_made_total", 1.0),
        ("orchestrix_agent_reports_sent_total", 1.0),
        ("orchestrix_agent_looks_seconds_total{source=\"host\"}", 0.000_01),
        ("orchestrix_agent_source_entities{source=\"host\"}", 1.0),
        ("orchestrix_agent_source_state{source=\"docker\",state=\"absent\"}", 1.0),
        ("orchestrix_agent_memory_budget_bytes", 134_217_728.0),
        ("process_resident_memory_bytes", 1_000_000.0),
    ] {
        assert!(agent_has.get(series).is_some_and(|value| *value >= at_least), "{series} in\n{of_agent}");
    }
    let series = |text: &str| samples(text).len();
    let pss = proc::pss_bytes(agent.process().pid()) / 1024;
    part::measured(&format!(
        "observability: {} series of a collector, {} of an agent ({pss} KiB PSS, development build)",
        series(&of_collector),
        series(&of_agent)
    ));

    // What the command for people shows is the same agent.
    let (config, state) = (agent.config_file(), agent.state_dir());
    let arguments =
        ["status".as_ref(), "--config".as_ref(), config.as_os_str(), "--state-dir".as_ref(), state.as_os_str()];
    let status = programs::run(AGENT, &arguments, Duration::from_secs(10)).ok();
    for part in [
        "last accepted  2",
        "h left",
        "0 reports waiting",
        "of 64.0 MiB",
        "(budget 10 %)",
        "(budget 128.0 MiB)",
        "LAST LOOK",
    ] {
        assert!(status.contains(part), "{part} in\n{status}");
    }

    // A session that breaks is counted on both sides.
    installation.stop();
    wait_for(at, "orchestrix_agent_connected", |connected| connected == 0.0);
    installation.start();
    wait_for(at, "orchestrix_agent_sessions_total", |sessions| sessions == 2.0);
    wait_for(installation.api_address(), "orchestrix_session_reconnects_total", |sessions| sessions == 1.0);

    let Some(promtool) = promtool() else { return };
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("collector", of_collector), ("agent", of_agent)] {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" check metrics < \"$1\""]).arg(&promtool).arg(&file);
        let ran = programs::run_command(command, Duration::from_secs(60));
        assert_eq!((ran.code, ran.out.trim(), ran.err.trim()), (Some(0), "", ""), "{name}");
    }
}

#[test]
fn an_agent_shows_its_figures_to_this_host_only_unless_told_otherwise() {
    let installation = Installation::on_sqlite();
    let agent = AgentProcess::prepare(&installation, None).measured_at("0.0.0.0:7444".parse().unwrap());
    let mut arguments = vec!["run".to_owned(), "--check-config".to_owned()];
    arguments.extend(agent.flags());
    let line = programs::run(AGENT, &arguments, SOON).refused(78, &["metrics.address", "allow_remote"]);
    assert!(line.contains("0.0.0.0:7444"), "{line}");
}
