//! From a pod of the API to the domain model: total, synchronous, without memory.
//!
//! What changes by itself (heartbeats, resource versions) is left out, so that an unchanged pod has an unchanged hash.

use orchestrix_common::{
    model::{
        DEFAULT_LIMITS, Protocol,
        kubernetes::{Pod, PodContainer, PodOwner, PodPort},
    },
    time::Timestamp,
};

use super::{
    super::{
        metadata::{self, MIRROR, moment},
        objects::{ContainerSpec, ContainerState, ContainerStatus, PodObject, Resources},
        quantity,
    },
    status,
};
use crate::inspect::text::{cut, filled};

/// Containers and ports that are kept of one pod or container; more are somebody's experiment.
const LIST_LIMIT: usize = 256;

/// Roles of containers.
pub(super) const INIT: &str = "init";
pub(super) const SIDECAR: &str = "sidecar";
const MAIN: &str = "main";
const EPHEMERAL: &str = "ephemeral";

/// Reads a pod; `None` for an object without name or UID, which no server sends.
pub(super) fn pod(cluster_uid: &str, object: &PodObject, owners: Vec<PodOwner>) -> Option<Pod> {
    let common = metadata::common(object)?;
    let PodObject { metadata, spec, status } = object;
    let mirror = metadata.annotations.as_ref().and_then(|annotations| annotations.get(MIRROR));
    let containers = containers(object);
    let phase = filled(status.phase.clone()).unwrap_or_else(|| "Unknown".to_owned());
    let done = matches!(phase.as_str(), "Succeeded" | "Failed");
    let ready = status.conditions.iter().find(|condition| condition.r#type == "Ready");
    let mut addresses: Vec<String> =
        status.pod_ips.iter().filter_map(|ip| filled(Some(ip.ip.clone()))).take(LIST_LIMIT).collect();
    addresses.sort();
    Some(Pod {
        cluster_uid: cluster_uid.to_owned(),
        namespace: common.namespace,
        name: common.name,
        uid: common.uid,
        host_uid: mirror.cloned().and_then(|uid| filled(Some(uid))),
        node_name: filled(spec.node_name.clone()),
        status: status::word(metadata.deletion_timestamp.is_some(), status, spec),
        ready: ready.and_then(|condition| match condition.status.as_str() {
            "True" => Some(true),
            "False" => Some(false),
            _ => None,
        }),
        qos_class: filled(status.qos_class.clone()),
        service_account: filled(spec.service_account_name.clone()),
        priority_class: filled(spec.priority_class_name.clone()),
        host_network: spec.host_network,
        addresses,
        owners,
        labels: common.labels,
        labels_truncated: common.labels_truncated,
        cpu_request_millicores: requested(&containers, |container| container.cpu_request_millicores.map(u64::from))
            .map(|sum| u32::try_from(sum).unwrap_or(u32::MAX)),
        memory_request_bytes: requested(&containers, |container| container.memory_request_bytes),
        cpu_limit_millicores: limit(&containers, |container| container.cpu_limit_millicores.map(u64::from))
            .map(|sum| u32::try_from(sum).unwrap_or(u32::MAX)),
        memory_limit_bytes: limit(&containers, |container| container.memory_limit_bytes),
        created_at: common.created_at,
        started_at: time(status.start_time.as_deref()),
        finished_at: containers.iter().filter_map(|container| container.finished_at).max().filter(|_| done),
        deleted_at: metadata.deletion_timestamp.as_ref().map(moment),
        listeners: Vec::new(),
        phase,
        containers,
    })
}

fn containers(object: &PodObject) -> Vec<PodContainer> {
    let PodObject { spec, status, .. } = object;
    let init = spec.init_containers.iter().map(|container| {
        let role = if container.restart_policy.as_deref() == Some("Always") { SIDECAR } else { INIT };
        (role, container, status.init_container_statuses.iter())
    });
    let main = spec.containers.iter().map(|container| (MAIN, container, status.container_statuses.iter()));
    let ephemeral = spec.ephemeral_containers.iter();
    let ephemeral = ephemeral.map(|container| (EPHEMERAL, container, status.ephemeral_container_statuses.iter()));
    let all = init.chain(main).chain(ephemeral).take(LIST_LIMIT);
    all.map(|(role, spec, mut statuses)| container(role, spec, statuses.find(|status| status.name == spec.name)))
        .collect()
}

fn container(role: &str, spec: &ContainerSpec, status: Option<&ContainerStatus>) -> PodContainer {
    let limit = DEFAULT_LIMITS.string_bytes as usize;
    let Resources { requests, limits } = &spec.resources;
    let run = status.map(|status| run(&status.state)).unwrap_or_default();
    let (runtime, container_id) = status.and_then(|status| identifier(status.container_id.as_deref()?)).unzip();
    PodContainer {
        name: cut(spec.name.clone(), limit),
        role: role.to_owned(),
        image: cut(spec.image.clone().unwrap_or_default(), limit),
        image_id: status.and_then(|status| filled(status.image_id.clone())).map(|id| cut(id, limit)),
        container_id,
        runtime,
        state: run.state.map(str::to_owned),
        reason: run.reason,
        exit_code: run.exit_code,
        restart_count: status.map_or(0, |status| status.restart_count),
        ready: status.is_some_and(|status| status.ready),
        started_at: run.started_at,
        finished_at: run.finished_at,
        cpu_request_millicores: requests.get("cpu").and_then(|text| quantity::millicores(text)),
        memory_request_bytes: requests.get("memory").and_then(|text| quantity::bytes(text)),
        cpu_limit_millicores: limits.get("cpu").and_then(|text| quantity::millicores(text)),
        memory_limit_bytes: limits.get("memory").and_then(|text| quantity::bytes(text)),
        ports: ports(spec),
    }
}

#[derive(Default)]
struct Run {
    state: Option<&'static str>,
    reason: Option<String>,
    exit_code: Option<i32>,
    started_at: Option<Timestamp>,
    finished_at: Option<Timestamp>,
}

fn run(state: &ContainerState) -> Run {
    let ContainerState { waiting, running, terminated } = state;
    if let Some(terminated) = terminated {
        Run {
            state: Some("terminated"),
            reason: filled(terminated.reason.clone()),
            exit_code: Some(terminated.exit_code),
            started_at: time(terminated.started_at.as_deref()),
            finished_at: time(terminated.finished_at.as_deref()),
        }
    } else if let Some(running) = running {
        Run { state: Some("running"), started_at: time(running.started_at.as_deref()), ..Run::default() }
    } else if let Some(waiting) = waiting {
        Run { state: Some("waiting"), reason: filled(waiting.reason.clone()), ..Run::default() }
    } else {
        Run::default()
    }
}

/// `containerd://<id>` taken apart.
fn identifier(text: &str) -> Option<(String, String)> {
    let (runtime, id) = text.split_once("://")?;
    (!id.is_empty()).then(|| (runtime.to_owned(), id.to_owned()))
}

fn ports(spec: &ContainerSpec) -> Vec<PodPort> {
    let mut ports: Vec<PodPort> = spec
        .ports
        .iter()
        .filter_map(|port| {
            Some(PodPort {
                name: filled(port.name.clone()),
                container_port: u16::try_from(port.container_port).ok()?,
                protocol: protocol(port.protocol.as_deref()),
                host_port: port.host_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0),
            })
        })
        .take(LIST_LIMIT)
        .collect();
    ports.sort();
    ports
}

/// Kubernetes writes protocols in capitals and means TCP when it writes none.
pub(in crate::inspect::kubernetes) fn protocol(word: Option<&str>) -> Protocol {
    Protocol::from(word.unwrap_or("TCP").to_ascii_lowercase())
}

/// What the scheduler counts: all that run together, or the largest that runs before them.
fn requested(containers: &[PodContainer], of: impl Fn(&PodContainer) -> Option<u64>) -> Option<u64> {
    let together = containers.iter().filter(|container| container.role == MAIN || container.role == SIDECAR);
    let together = together.filter_map(&of).reduce(u64::saturating_add);
    let before = containers.iter().filter(|container| container.role == INIT).filter_map(&of).max();
    together.max(before)
}

fn limit(containers: &[PodContainer], of: impl Fn(&PodContainer) -> Option<u64>) -> Option<u64> {
    let mut together = containers.iter().filter(|container| container.role == MAIN || container.role == SIDECAR);
    together.try_fold(0_u64, |sum, container| Some(sum.saturating_add(of(container)?)))
}

/// A time of the API; `None` when there is none.
pub(in crate::inspect::kubernetes) fn time(text: Option<&str>) -> Option<Timestamp> {
    text.and_then(Timestamp::parse_rfc3339)
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
