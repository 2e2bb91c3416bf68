//! From the engine's answer to the domain model: total, synchronous, without memory.
//!
//! Lists come out sorted and volatile values (process ids, health check logs, socket paths) are left out, so that an
//! unchanged container has an unchanged hash. What is odd in a container is a [`Warning`] and costs only itself; only
//! an answer without an identifier is no container.

mod event;
mod ports;

use orchestrix_common::{
    model::{Command, Container, ContainerNetwork, ContainerState, Limits, Mount},
    time::Timestamp,
};

use super::api;
use crate::inspect::{Warning, text};

pub(super) use event::{Action, Event, event};
pub(super) use ports::closed;
use text::{cut, filled};

/// Entries of one list (ports, mounts, networks, variable names) of one container; a container that has more is
/// somebody's experiment, and one message has to hold it.
const LIST_LIMIT: usize = 1024;

/// What the result may hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Name of the engine.
    pub(super) runtime: &'static str,
    /// Collect scrubbed arguments of the command, not only their number.
    pub(super) arguments: bool,
    /// Sizes to keep to.
    pub(super) limits: Limits,
}

/// Reads one container; `None`, with a warning, when it has no identifier.
pub(super) fn container(raw: api::Inspected, rules: &Rules) -> (Option<Container>, Vec<Warning>) {
    let api::Inspected {
        id,
        name,
        created,
        path,
        args,
        image,
        restart_count,
        state,
        config,
        host_config,
        network_settings,
        mounts,
    } = raw;
    let mut problems = Vec::new();
    let Some(id) = filled(id) else {
        let problem = "an answer without an identifier".to_owned();
        return (None, vec![Warning { item: name.unwrap_or_default(), problem }]);
    };
    let limit = rules.limits.string_bytes as usize;
    let config = config.unwrap_or_default();
    let host = host_config.unwrap_or_default();
    let network = network_settings.unwrap_or_default();
    let run = run(state.unwrap_or_default(), &mut problems);
    let (labels, labels_truncated) = text::labels(config.labels.unwrap_or_default(), &rules.limits);
    let mut environment_names: Vec<_> =
        config.env.unwrap_or_default().into_iter().map(|api::VariableName(name)| cut(name, limit)).collect();
    sort_and_bound(&mut environment_names, "variables", &mut problems);
    let mut ports = ports::ports(
        network.ports.unwrap_or_default(),
        config
            .exposed_ports
            .into_iter()
            .flatten()
            .chain(host.port_bindings.into_iter().flatten())
            .map(|(port, _)| port),
        &mut problems,
    );
    sort_and_bound(&mut ports, "ports", &mut problems);
    let mut networks: Vec<_> = network.networks.into_iter().flatten().map(|(name, end)| endpoint(name, end)).collect();
    sort_and_bound(&mut networks, "networks", &mut problems);
    let mut mounts = all_mounts(mounts.unwrap_or_default(), host.tmpfs, limit);
    sort_and_bound(&mut mounts, "mounts", &mut problems);
    let image_id = filled(image);
    let container = Container {
        name: name_of(name.as_deref(), &id, limit),
        image: cut(filled(config.image).or_else(|| image_id.clone()).unwrap_or_default(), limit),
        image_id,
        runtime: rules.runtime.to_owned(),
        state: run.state,
        health: run.health,
        exit_code: run.exit_code,
        out_of_memory_killed: run.out_of_memory_killed,
        created_at: created.and_then(|text| moment("Created", &text, &mut problems)),
        started_at: run.started_at,
        finished_at: run.finished_at,
        restart_count: restart_count.and_then(|count| u32::try_from(count).ok()),
        restart_policy: host.restart_policy.map(|policy| filled(policy.name).unwrap_or_else(|| "no".to_owned())),
        cpu_limit_millicores: millicores(host.nano_cpus, host.cpu_quota, host.cpu_period),
        memory_limit_bytes: host.memory.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes > 0),
        command: filled(path).map(|program| command(program, &args.unwrap_or_default(), rules)),
        environment_names,
        labels,
        labels_truncated,
        ports,
        networks,
        mounts,
        // API versions before 1.44 say "default" for what later ones call by its name.
        network_mode: filled(host.network_mode).map(|mode| if mode == "default" { "bridge".to_owned() } else { mode }),
        privileged: host.privileged,
        user: filled(config.user).map(|user| cut(user, limit)),
        listeners: Vec::new(),
        id,
    };
    let item = container.name.clone();
    let warnings = problems.into_iter().map(|problem| Warning { item: item.clone(), problem }).collect();
    (Some(container), warnings)
}

fn command(program: String, arguments: &[String], rules: &Rules) -> Command {
    let limit = rules.limits.string_bytes as usize;
    Command {
        argument_count: u32::try_from(arguments.len()).unwrap_or(u32::MAX),
        arguments: if rules.arguments { text::arguments(&program, arguments, LIST_LIMIT, limit) } else { Vec::new() },
        program: cut(program, limit),
    }
}

/// The name without Docker's leading slash; a container that has none goes by its short identifier.
fn name_of(name: Option<&str>, id: &str, limit: usize) -> String {
    match name.map(|name| name.trim_start_matches('/')) {
        Some(name) if !name.is_empty() => cut(name.to_owned(), limit),
        _ => id.chars().take(12).collect(),
    }
}

/// How the last run goes or went.
struct Run {
    state: ContainerState,
    health: Option<String>,
    exit_code: Option<i32>,
    out_of_memory_killed: Option<bool>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

fn run(raw: api::State, problems: &mut Vec<String>) -> Run {
    let api::State { status, exit_code, oom_killed, started_at, finished_at, health } = raw;
    let state = status.map_or_else(|| ContainerState::Other("unknown".to_owned()), |word| state_of(&word));
    let started_at = started_at.and_then(|text| moment("StartedAt", &text, problems));
    let finished_at = finished_at.and_then(|text| moment("FinishedAt", &text, problems));
    // Engines keep the end and the exit status of the run before while the next one goes on.
    let over = !matches!(state, ContainerState::Running | ContainerState::Paused | ContainerState::Created);
    Run {
        health: filled(health.and_then(|health| health.status)).filter(|word| word != "none"),
        exit_code: exit_code.filter(|_| over && started_at.is_some()).and_then(|code| i32::try_from(code).ok()),
        out_of_memory_killed: oom_killed,
        started_at,
        finished_at: finished_at.filter(|_| over),
        state,
    }
}

/// Podman's own words become Docker's; others are kept as they came.
fn state_of(word: &str) -> ContainerState {
    match word {
        "configured" | "initialized" => ContainerState::Created,
        "stopped" => ContainerState::Exited,
        "stopping" => ContainerState::Running,
        word => ContainerState::from(word.to_owned()),
    }
}

/// A time; `None` for the year 1, which stands for "never".
fn moment(field: &str, text: &str, problems: &mut Vec<String>) -> Option<Timestamp> {
    if text.is_empty() || text.starts_with("0001-01-01T") {
        return None;
    }
    let at = Timestamp::parse_rfc3339(text);
    if at.is_none() {
        problems.push(format!("{field} is no RFC 3339 time"));
    }
    at
}

/// `--cpus` sets the first, `--cpu-quota` and `--cpu-period` the others; the kernel's period is 100 ms unless set.
fn millicores(nano_cpus: Option<i64>, quota: Option<i64>, period: Option<i64>) -> Option<u32> {
    let millicores = match (nano_cpus, quota) {
        (Some(nano), _) if nano > 0 => nano / 1_000_000,
        (_, Some(quota)) if quota > 0 => {
            quota.saturating_mul(1_000) / period.filter(|period| *period > 0).unwrap_or(100_000)
        }
        _ => return None,
    };
    // A limit below one thousandth is still a limit.
    u32::try_from(millicores.max(1)).ok()
}

fn endpoint(name: String, raw: Option<api::Endpoint>) -> ContainerNetwork {
    let api::Endpoint { ip_address, global_ipv6_address, mac_address } = raw.unwrap_or_default();
    ContainerNetwork {
        name,
        address: filled(ip_address),
        address_v6: filled(global_ipv6_address),
        mac_address: filled(mac_address).map(|mac| mac.to_ascii_lowercase()),
    }
}

/// The mounts that the engine lists, and those of `--tmpfs`, which it does not list.
fn all_mounts(
    listed: Vec<api::MountPoint>,
    tmpfs: Option<std::collections::BTreeMap<String, String>>,
    limit: usize,
) -> Vec<Mount> {
    let listed = listed.into_iter().filter_map(|raw| {
        let api::MountPoint { kind, name, source, destination, writable } = raw;
        let kind = filled(kind).unwrap_or_else(|| "bind".to_owned());
        let source = if kind == "volume" { filled(name).or(source) } else { source };
        Some(Mount {
            target: cut(filled(destination)?, limit),
            kind,
            source: cut(source.unwrap_or_default(), limit),
            read_only: writable == Some(false),
        })
    });
    let tmpfs = tmpfs.into_iter().flatten().map(|(target, options)| Mount {
        target: cut(target, limit),
        kind: "tmpfs".to_owned(),
        source: String::new(),
        read_only: options.split(',').any(|option| option == "ro"),
    });
    listed.chain(tmpfs).collect()
}

fn sort_and_bound<T: Ord>(list: &mut Vec<T>, what: &str, problems: &mut Vec<String>) {
    list.sort_unstable();
    list.dedup();
    if list.len() > LIST_LIMIT {
        problems.push(format!("{LIST_LIMIT} of {} {what} kept", list.len()));
        list.truncate(LIST_LIMIT);
    }
}

#[cfg(test)]
mod tests;
