//! Workloads: what runs, or ran, on a compute.

use std::collections::BTreeMap;

use orchestrix_common::{model::Source, time::Timestamp};
use serde_json::Value as Json;

use crate::store::{Dialect, Executor, Row, StoreError, Tx, Value};

/// A workload as it is stored. `environment_id` and `disk_gb` are not discovery's and never written here.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadRow {
    /// Its key; `None` until it is stored.
    pub id: Option<i64>,
    /// `container`, `process` or `k8s_pod`.
    pub workload_type: String,
    /// Its name, cut to 255 characters.
    pub name: String,
    /// The source's identifier of it.
    pub native_id: String,
    /// Limit in cores; `None` when unlimited.
    pub cpu_cores: Option<f64>,
    /// Limit in mebibytes; `None` when unlimited.
    pub memory_mb: Option<i64>,
    /// Its address.
    pub ip_address: Option<String>,
    /// Published ports of a container, listeners of a process.
    pub ports: Json,
    /// How it is kept apart: `docker`, `podman`, `systemd`, `user`, `k8s_namespace`.
    pub isolation_method: String,
    /// Everything else the source said of it.
    pub details: Json,
    /// The source's word for what it does, or `ended`.
    pub status: String,
    /// Image reference of a container, cut to 512 characters.
    pub image: Option<String>,
    /// Labels of a container.
    pub labels: Json,
    /// Looks that contributed.
    pub evidence: Json,
    /// Its row in the legacy table of containers.
    pub container_row_id: Option<i64>,
    /// What discovery itself wrote there.
    pub container_filled: Option<Json>,
    /// Namespace of a pod.
    pub k8s_namespace_id: Option<i64>,
    /// What it sees there in columns that it does not write because a person's value stands there.
    pub container_beside: Option<Json>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// Start of its last run.
    pub started_at: Option<Timestamp>,
    /// End of its last run.
    pub finished_at: Option<Timestamp>,
    /// When it ended; `None` while it is there.
    pub ended_at: Option<Timestamp>,
    /// How that is known.
    pub end_reason: Option<String>,
}

const COLUMNS: [&str; 22] = [
    "workload_type",
    "workload_name",
    "workload_id",
    "cpu_cores",
    "memory_mb",
    "ip_address",
    "ports",
    "isolation_method",
    "isolation_details",
    "status",
    "image",
    "labels",
    "evidence",
    "container_row_id",
    "container_filled",
    "k8s_namespace_id",
    "container_beside",
    "changed_at_us",
    "started_at_us",
    "finished_at_us",
    "ended_at_us",
    "end_reason",
];

fn select(dialect: Dialect) -> String {
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|column| match *column {
            "cpu_cores" => format!("{} AS cpu_cores", dialect.decimal(column)),
            "ports" | "isolation_details" | "labels" | "evidence" | "container_filled" | "container_beside" => {
                format!("{} AS {column}", dialect.json_text(column))
            }
            _ => (*column).to_owned(),
        })
        .collect();
    format!(
        "SELECT id, first_seen_at_us, {} FROM compute_workloads WHERE compute_id = ? AND source = ? AND",
        columns.join(", ")
    )
}

fn workload(row: &Row) -> Result<WorkloadRow, StoreError> {
    Ok(WorkloadRow {
        id: Some(row.get("id")?),
        workload_type: row.get("workload_type")?,
        name: row.get("workload_name")?,
        native_id: row.get("workload_id")?,
        cpu_cores: row.get("cpu_cores")?,
        memory_mb: row.get("memory_mb")?,
        ip_address: row.get("ip_address")?,
        ports: row.json("ports")?.unwrap_or(Json::Null),
        isolation_method: row.get::<Option<String>>("isolation_method")?.unwrap_or_default(),
        details: row.json("isolation_details")?.unwrap_or(Json::Null),
        status: row.get("status")?,
        image: row.get("image")?,
        labels: row.json("labels")?.unwrap_or(Json::Null),
        evidence: row.json("evidence")?.unwrap_or(Json::Null),
        container_row_id: row.get("container_row_id")?,
        container_filled: row.json("container_filled")?,
        k8s_namespace_id: row.get("k8s_namespace_id")?,
        container_beside: row.json("container_beside")?,
        first_seen_at: row.time("first_seen_at_us")?,
        changed_at: row.time("changed_at_us")?,
        started_at: row.time_opt("started_at_us")?,
        finished_at: row.time_opt("finished_at_us")?,
        ended_at: row.time_opt("ended_at_us")?,
        end_reason: row.get("end_reason")?,
    })
}

/// Reads the workloads of a compute and source that have one of `native_ids`.
///
/// # Errors
/// When a statement fails.
pub async fn workload_find_in_tx(
    tx: &mut Tx,
    compute: i64,
    source: &Source,
    native_ids: impl IntoIterator<Item = &str> + Send,
) -> Result<Vec<WorkloadRow>, StoreError> {
    let keys = native_ids.into_iter().map(Value::from).collect();
    let bound = vec![compute.into(), source.as_str().into()];
    tx.fetch_in(&select(tx.dialect()), "workload_id", bound, keys).await?.iter().map(workload).collect()
}

/// Reads the ended containers of a compute and source that have one of `names`.
///
/// # Errors
/// When a statement fails.
pub async fn workload_find_ended_in_tx(
    tx: &mut Tx,
    compute: i64,
    source: &Source,
    names: impl IntoIterator<Item = &str> + Send,
) -> Result<Vec<WorkloadRow>, StoreError> {
    let keys = names.into_iter().map(Value::from).collect();
    let select = format!("{} ended_at_us IS NOT NULL AND workload_type = 'container' AND", select(tx.dialect()));
    let bound = vec![compute.into(), source.as_str().into()];
    tx.fetch_in(&select, "workload_name", bound, keys).await?.iter().map(workload).collect()
}

/// Stores workloads, those with a key over the row that has it, and returns the keys of the new ones by native id.
///
/// # Errors
/// When a statement fails.
pub async fn workload_store_in_tx(
    tx: &mut Tx,
    compute: i64,
    source: &Source,
    mut workloads: Vec<&WorkloadRow>,
) -> Result<BTreeMap<String, i64>, StoreError> {
    workloads.sort_by(|one, other| one.id.cmp(&other.id).then_with(|| one.native_id.cmp(&other.native_id)));
    let (mut new, mut known) = (Vec::new(), Vec::new());
    let mut keys = Vec::new();
    for workload in workloads {
        let mut row = values(workload, compute, source);
        if let Some(id) = workload.id {
            row.push(id.into());
            known.push(row);
        } else {
            keys.push(Value::from(workload.native_id.as_str()));
            new.push(row);
        }
    }
    let mut columns: Vec<&str> = COLUMNS.to_vec();
    columns.extend(["compute_id", "source", "first_seen_at_us"]);
    tx.insert_many("compute_workloads", &columns, new, "").await?;
    columns.push("id");
    let ending = tx.dialect().on_conflict(&["id"], &COLUMNS);
    tx.insert_many("compute_workloads", &columns, known, &ending).await?;
    let select = "SELECT id, workload_id FROM compute_workloads WHERE compute_id = ? AND source = ? AND";
    let rows = tx.fetch_in(select, "workload_id", vec![compute.into(), source.as_str().into()], keys).await?;
    rows.iter().map(|row| Ok((row.get("workload_id")?, row.get("id")?))).collect()
}

/// In the order of [`COLUMNS`], then compute, source and first sight.
fn values(workload: &WorkloadRow, compute: i64, source: &Source) -> Vec<Value> {
    let WorkloadRow {
        id: _,
        workload_type,
        name,
        native_id,
        cpu_cores,
        memory_mb,
        ip_address,
        ports,
        isolation_method,
        details,
        status,
        image,
        labels,
        evidence,
        container_row_id,
        container_filled,
        k8s_namespace_id,
        container_beside,
        first_seen_at,
        changed_at,
        started_at,
        finished_at,
        ended_at,
        end_reason,
    } = workload;
    vec![
        workload_type.into(),
        name.into(),
        native_id.into(),
        (*cpu_cores).into(),
        (*memory_mb).into(),
        ip_address.as_deref().into(),
        ports.into(),
        isolation_method.into(),
        details.into(),
        status.into(),
        image.as_deref().into(),
        labels.into(),
        evidence.into(),
        (*container_row_id).into(),
        container_filled.as_ref().into(),
        (*k8s_namespace_id).into(),
        container_beside.as_ref().into(),
        (*changed_at).into(),
        (*started_at).into(),
        (*finished_at).into(),
        (*ended_at).into(),
        end_reason.as_deref().into(),
        compute.into(),
        source.as_str().into(),
        (*first_seen_at).into(),
    ]
}

/// A workload that is linked to a legacy container.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRow {
    /// The workload.
    pub workload: i64,
    /// It has ended.
    pub ended: bool,
    /// What discovery itself wrote into the container's row.
    pub filled: Option<Json>,
    /// What it sees there beside a person's value.
    pub beside: Option<Json>,
}

/// Reads which workloads of a compute are linked to some legacy containers, by container.
///
/// # Errors
/// When a statement fails.
pub async fn workload_links_in_tx(
    tx: &mut Tx,
    compute: i64,
    containers: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, LinkRow>, StoreError> {
    let select = format!(
        "SELECT id, container_row_id, ended_at_us, {} AS container_filled, {} AS container_beside \
         FROM compute_workloads WHERE compute_id = ? AND",
        tx.dialect().json_text("container_filled"),
        tx.dialect().json_text("container_beside")
    );
    let keys = containers.into_iter().map(Value::from).collect();
    let rows = tx.fetch_in(&select, "container_row_id", vec![compute.into()], keys).await?;
    rows.iter()
        .map(|row| {
            let ended = row.get::<Option<i64>>("ended_at_us")?.is_some();
            let (filled, beside) = (row.json("container_filled")?, row.json("container_beside")?);
            let link = LinkRow { workload: row.get("id")?, ended, filled, beside };
            Ok((row.get("container_row_id")?, link))
        })
        .collect()
}

/// Takes the link to a legacy container from workloads, because another one has it now.
///
/// # Errors
/// When a statement fails.
pub async fn workload_unlink_in_tx(tx: &mut Tx, workloads: Vec<i64>) -> Result<(), StoreError> {
    let keys = workloads.into_iter().map(Value::from).collect();
    tx.execute_in(
        "UPDATE compute_workloads SET container_row_id = NULL, container_filled = NULL, container_beside = NULL WHERE",
        "id",
        vec![],
        keys,
    )
    .await
}
