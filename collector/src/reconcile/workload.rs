//! Between entities and rows of workloads. Pure.

use orchestrix_common::{
    model::{Body, Container, Entity, Kind, Process, RemovalReason, kubernetes::Pod},
    time::Timestamp,
};
use serde_json::{Map, Value as Json};

use super::plan;
use crate::store::rows::{cut, workload::WorkloadRow};

/// Status of a workload that is no more. Its last state stays in its details.
pub(super) const ENDED: &str = "ended";
/// The largest number of cores the column holds; the details hold any.
const MOST_CORES: f64 = 999.99;
const MIB: u64 = 1 << 20;

/// An entity as the history keeps it: without what is not known.
#[must_use]
pub(super) fn entity_json(entity: &Entity) -> Json {
    let mut json = serde_json::to_value(entity).unwrap_or(Json::Null);
    drop_nulls(&mut json);
    json
}

/// The same, of a workload that is stored.
#[must_use]
pub(super) fn row_json(row: &WorkloadRow) -> Json {
    let mut json = row.details.as_object().cloned().unwrap_or_default();
    let ports = if row.workload_type == Kind::Container.as_str() { "ports" } else { "listeners" };
    json.insert("nativeId".into(), row.native_id.as_str().into());
    json.insert("kind".into(), row.workload_type.as_str().into());
    for (name, value) in [("evidence", &row.evidence), (ports, &row.ports), ("labels", &row.labels)] {
        if !value.is_null() {
            json.insert(name.into(), value.clone());
        }
    }
    Json::Object(json)
}

/// How a workload stands after it ended, for the history.
#[must_use]
pub(super) fn end_json(at: Timestamp, reason: &RemovalReason) -> Json {
    serde_json::json!({ "status": ENDED, "endedAt": at, "endReason": reason.as_str() })
}

/// The row of a workload: `before` with everything the entity says, or a new one. `None` when the entity is no workload.
#[must_use]
pub(super) fn row(entity: &Entity, before: Option<&WorkloadRow>, at: Timestamp) -> Option<WorkloadRow> {
    let kind = entity.body.kind();
    let mut details = match entity_json(entity) {
        Json::Object(details) => details,
        _ => Map::new(),
    };
    for column in ["nativeId", "kind", "evidence", "labels"] {
        details.remove(column);
    }
    let (name, image) = plan::title(entity);
    let mut row = WorkloadRow {
        id: before.and_then(|row| row.id),
        workload_type: kind.as_str().to_owned(),
        name: cut(name, 255).to_owned(),
        native_id: entity.native_id.clone(),
        image: image.map(|image| cut(image, 512).to_owned()),
        evidence: serde_json::to_value(&entity.evidence).unwrap_or(Json::Null),
        container_row_id: before.and_then(|row| row.container_row_id),
        container_filled: before.and_then(|row| row.container_filled.clone()),
        k8s_namespace_id: before.and_then(|row| row.k8s_namespace_id),
        container_beside: before.and_then(|row| row.container_beside.clone()),
        first_seen_at: before.map_or(at, |row| row.first_seen_at),
        changed_at: at,
        cpu_cores: None,
        memory_mb: None,
        ip_address: None,
        ports: Json::Null,
        isolation_method: String::new(),
        details: Json::Null,
        status: String::new(),
        labels: Json::Null,
        started_at: None,
        finished_at: None,
        ended_at: None,
        end_reason: None,
    };
    match &entity.body {
        Body::Container(container) => container_columns(&mut row, container, &mut details),
        Body::Process(process) => process_columns(&mut row, process, &mut details),
        Body::Pod(pod) => pod_columns(&mut row, pod, &mut details),
        _ => return None,
    }
    row.details = Json::Object(details);
    Some(row)
}

/// Marks a workload as ended; its last state stays in its details.
pub(super) fn end(row: &mut WorkloadRow, at: Timestamp, reason: &RemovalReason) {
    let at = plan::end_of(row.first_seen_at, at);
    row.changed_at = at;
    row.ended_at = Some(at);
    row.end_reason = Some(cut(reason.as_str(), 32).to_owned());
    row.status = ENDED.to_owned();
}

fn container_columns(row: &mut WorkloadRow, container: &Container, details: &mut Map<String, Json>) {
    row.cpu_cores = cores(container.cpu_limit_millicores);
    row.memory_mb = mebibytes(container.memory_limit_bytes);
    row.ip_address = address(container).map(|address| cut(address, 45).to_owned());
    row.ports = details.remove("ports").unwrap_or(Json::Null);
    cut(&container.runtime, 32).clone_into(&mut row.isolation_method);
    cut(container.state.as_str(), 50).clone_into(&mut row.status);
    row.labels = serde_json::to_value(&container.labels).unwrap_or(Json::Null);
    row.started_at = container.started_at;
    row.finished_at = container.finished_at;
}

fn process_columns(row: &mut WorkloadRow, process: &Process, details: &mut Map<String, Json>) {
    row.cpu_cores = cores(process.cpu_limit_millicores);
    row.memory_mb = mebibytes(process.memory_limit_bytes);
    row.ports = details.remove("listeners").unwrap_or(Json::Null);
    if process.unit.is_some() { "systemd" } else { "user" }.clone_into(&mut row.isolation_method);
    "running".clone_into(&mut row.status);
    row.started_at = process.started_at;
}

/// A pod is kept apart by its namespace. Its limits count where it has them, else what it requests: that much is its own.
fn pod_columns(row: &mut WorkloadRow, pod: &Pod, details: &mut Map<String, Json>) {
    row.cpu_cores = cores(pod.cpu_limit_millicores.or(pod.cpu_request_millicores));
    row.memory_mb = mebibytes(pod.memory_limit_bytes.or(pod.memory_request_bytes));
    row.ip_address = pod.addresses.first().map(|address| cut(address, 45).to_owned());
    row.ports = details.remove("listeners").unwrap_or(Json::Null);
    "k8s_namespace".clone_into(&mut row.isolation_method);
    cut(&pod.status, 50).clone_into(&mut row.status);
    row.labels = serde_json::to_value(&pod.labels).unwrap_or(Json::Null);
    row.image = pod
        .containers
        .iter()
        .find(|container| container.role == "main")
        .map(|container| cut(&container.image, 512).to_owned());
    row.started_at = pod.started_at;
    row.finished_at = pod.finished_at;
}

/// Address of a container: that of its first network that has one, IPv4 first.
pub(super) fn address(container: &Container) -> Option<&str> {
    let first = container.networks.iter().find_map(|network| network.address.as_deref());
    first.or_else(|| container.networks.iter().find_map(|network| network.address_v6.as_deref()))
}

fn cores(millicores: Option<u32>) -> Option<f64> {
    // To hundredths, as the column has them, so that both databases hold the same.
    millicores.map(|millicores| ((f64::from(millicores) / 10.0).round() / 100.0).min(MOST_CORES))
}

fn mebibytes(bytes: Option<u64>) -> Option<i64> {
    bytes.map(|bytes| i64::try_from(bytes / MIB).unwrap_or(i64::MAX))
}

pub(super) fn drop_nulls(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Json::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
