//! Which values of a configuration will not do.

use orchestrix_common::{config::Loaded, pki::Pins};

use super::AgentConfig;
use crate::inspect::docker::Address;

/// The smallest outbox that makes sense.
const LEAST_OUTBOX: u64 = 1 << 20;

/// Notes every value that will not do.
pub(super) fn check(loaded: &mut Loaded<AgentConfig>) {
    let config = loaded.value.clone();
    let mut wrong = |key: &str, message: String| loaded.problem(key, message);
    if let Some(collector) = config.collector.as_deref().filter(|address| !is_address(address)) {
        wrong("collector", format!("is {collector:?}, expected HOST:PORT, for example collector.example:7443"));
    }
    if let Some(Err(error)) = config.collector_pin.as_deref().map(str::parse::<Pins>) {
        wrong("collector_pin", format!("is no pin of a CA: {error}; `orchestrix-collector token pin` prints it"));
    }
    if config.state_dir.as_os_str().is_empty() {
        wrong("state_dir", "is empty, expected a folder".to_owned());
    }
    if config.outbox_max_bytes < LEAST_OUTBOX {
        wrong("outbox_max_bytes", format!("is {}, expected at least {LEAST_OUTBOX}", config.outbox_max_bytes));
    }
    if config.nice > 19 {
        wrong("nice", format!("is {}, expected 0 to 19", config.nice));
    }
    if let Err(error) = config.log.check() {
        wrong("log.level", error.to_string());
    }
    for (name, engine) in [("docker", &config.inspect.docker), ("podman", &config.inspect.podman)] {
        if let Some(Err(error)) = engine.address.as_deref().map(str::parse::<Address>) {
            wrong(&format!("inspect.{name}.address"), error.to_string());
        }
        if !(5..=86_400).contains(&engine.interval_secs) {
            let message = format!("is {}, expected 5 to 86400", engine.interval_secs);
            wrong(&format!("inspect.{name}.interval_secs"), message);
        }
    }
    if config.inspect.process.programs.iter().any(String::is_empty) {
        wrong("inspect.process.programs", "has an empty name, expected names of programs".to_owned());
    }
    let kubernetes = &config.inspect.kubernetes;
    for (name, text) in [
        ("node_name", &kubernetes.node_name),
        ("cluster_name", &kubernetes.cluster_name),
        ("lease_namespace", &kubernetes.lease_namespace),
    ] {
        if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
            wrong(&format!("inspect.kubernetes.{name}"), "is empty; leave it out instead".to_owned());
        }
    }
    let root = &config.inspect.root;
    for (name, path) in [("proc", &root.proc), ("sys", &root.sys), ("etc", &root.etc)] {
        if !path.is_absolute() {
            wrong(&format!("inspect.root.{name}"), format!("is {:?}, expected an absolute path", path.display()));
        }
    }
    if !(config.budget.cpu_percent > 0.0 && config.budget.cpu_percent.is_finite()) {
        wrong("budget.cpu_percent", format!("is {}, expected a number above zero", config.budget.cpu_percent));
    }
    if let Some(address) = &config.metrics.address {
        match config.metrics.listens_at() {
            None => {
                wrong("metrics.address", format!("is {address:?}, expected ADDRESS:PORT, for example 127.0.0.1:7444"))
            }
            Some(at) if !at.ip().is_loopback() && !config.metrics.allow_remote => {
                let message =
                    format!("is {address:?}, which others reach: expected a loopback address, or metrics.allow_remote");
                wrong("metrics.address", message);
            }
            Some(_) => {}
        }
    }
    if config.budget.memory_bytes == 0 {
        wrong("budget.memory_bytes", "is 0, expected a number above zero".to_owned());
    }
}

/// `HOST:PORT`, with brackets around an IPv6 address.
pub(crate) fn is_address(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_is_fine = bare.map_or_else(
        || !host.is_empty() && !host.contains([':', '/', '@', ' ']),
        |bare| bare.parse::<std::net::Ipv6Addr>().is_ok(),
    );
    host_is_fine && port.parse::<u16>().is_ok_and(|port| port > 0)
}
