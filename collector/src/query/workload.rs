//! Workloads: what runs on computes, and how sure that is.

use std::collections::BTreeMap;

use orchestrix_common::model::Evidence;
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{
    Context, EnvironmentBadge, Filter, Key, Resource, Test, Time,
    effective::{self, INHERITED, environment_filter},
    liveness, time, value,
};
use crate::{
    environment::ResourceType,
    store::{Db, Row, StoreError, Value},
};

mod port;

pub use port::{Port, PortListener};

/// Since when a workload is only what was last known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stale {
    /// Since when its source cannot be looked at.
    pub since: Time,
    /// Why.
    pub reason: String,
}

/// One look that saw a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeenBy {
    /// Who looked.
    pub source: String,
    /// What that source calls it.
    pub native_id: String,
}

/// Latest measured use of a workload.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadUsage {
    /// Thousandths of a core; `null` when it could not be read.
    pub cpu_millicores: Option<i64>,
    /// Bytes in use, without reclaimable cache; `null` when it could not be read.
    pub memory_bytes: Option<i64>,
    /// When it was measured.
    pub measured_at: Time,
}

/// Something that runs on a compute.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Identifier.
    pub id: i64,
    /// The compute it runs on.
    pub compute_id: i64,
    /// Name of that compute.
    pub compute_name: Option<String>,
    /// Its own environment; `null` when it inherits one.
    pub environment_id: Option<i64>,
    /// `container`, `vm`, `k8s_pod`, `process` or `vhost`.
    pub workload_type: String,
    /// Name.
    pub workload_name: String,
    /// What its source calls it, for example the container's identifier.
    pub workload_id: String,
    /// The source that owns it: `docker`, `podman`, `process`, ….
    pub source: String,
    /// What it does, in its source's word (`running`, `paused`, `exited`, …); `ended` when it is no more; `unknown` when
    /// nobody can look at its compute now.
    pub status: String,
    /// When `unknown` or `ended`: the last word its source had for it; `null` when it had none.
    pub last_known_status: Option<String>,
    /// When `unknown`: the compute's last sign of life.
    pub unknown_since: Option<Time>,
    /// Its source cannot be looked at now, so this is what was last known; `null` when it is up to date.
    pub stale: Option<Stale>,
    /// Image reference.
    pub image: Option<String>,
    /// Main address.
    pub ip_address: Option<String>,
    /// Ports: published, declared, and what listens.
    pub ports: Vec<Port>,
    /// Limit in cores; `null` when unlimited or not known.
    pub cpu_cores: Option<f64>,
    /// Limit in MiB; `null` when unlimited or not known.
    pub memory_mb: Option<i64>,
    /// Limit in GB; `null` when unlimited or not known.
    pub disk_gb: Option<i64>,
    /// Latest measured use; `null` when it was never measured.
    pub usage: Option<WorkloadUsage>,
    /// Labels; values that look like secrets were redacted on the host.
    pub labels: BTreeMap<String, String>,
    /// `docker`, `podman`, `lxc`, `k8s_namespace`, `vm`, `user`, `systemd` or `directory`.
    pub isolation_method: Option<String>,
    /// Everything else that its source tells of it: how it is isolated, its command, networks, mounts, health, ….
    pub isolation_details: Option<Json>,
    /// Every look that saw it, the owning source first.
    pub seen_by: Vec<SeenBy>,
    /// Its row among the containers, when it is one.
    pub container_id: Option<i64>,
    /// Namespace of a pod.
    pub k8s_namespace_id: Option<i64>,
    /// When discovery first saw it.
    pub first_seen_at: Time,
    /// When it last changed.
    pub changed_at: Time,
    /// When its present or last run began.
    pub started_at: Option<Time>,
    /// When its last run finished; `null` while it runs.
    pub finished_at: Option<Time>,
    /// When it ceased to exist; `null` while it exists.
    pub ended_at: Option<Time>,
    /// How that is known: `removed` or `not-listed`.
    pub end_reason: Option<String>,
    /// When its row was made.
    pub created_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

/// The status that is true now.
fn status(context: &Context) -> String {
    format!(
        "CASE WHEN w.ended_at_us IS NOT NULL THEN 'ended' WHEN {} THEN 'unknown' ELSE w.status END",
        liveness::silent(context)
    )
}

impl Resource for Workload {
    const LIST: &'static str = "workloads";
    const ONE: &'static str = "workload";
    const ABOUT: &'static str = "Workloads: what runs on computes. Ended ones are listed only with `ended=true`, \
                                 `ended=any` or `status=ended`.";
    const KEYS: &'static [Key] = &[Key::int("id", "w.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("computeId", Test::Int("w.compute_id"), "Those on this compute."),
        Filter::new("status", Test::Computed(status), "Exactly this status as it is shown, for example unknown."),
        Filter::new("workloadType", Test::Text("w.workload_type"), "For example container or process.").or("type"),
        Filter::new("workloadName", Test::Text("w.workload_name"), "Exactly this name.").or("name"),
        Filter::new("workloadId", Test::Text("w.workload_id"), "What its source calls it."),
        Filter::new("source", Test::Text("w.source"), "Those of this source, for example docker."),
        Filter::new("image", Test::Text("w.image"), "Exactly this image reference."),
        Filter::new("isolationMethod", Test::Text("w.isolation_method"), "For example docker or systemd."),
        Filter::new("environmentId", Test::Int("w.environment_id"), "Those with this environment of their own."),
        Filter::new("ipAddress", Test::Text("w.ip_address"), "Exactly this main address."),
        Filter::new("label", Test::Label("w.labels"), "Has the label, or the label with this value: key or key=value."),
        Filter::new(
            "ended",
            Test::Word(&[("false", "w.ended_at_us IS NULL"), ("true", "w.ended_at_us IS NOT NULL"), ("any", "")]),
            "false: those that exist (the default); true: those that ended; any: both.",
        ),
        environment_filter(Test::Environment(ResourceType::Workload, "w")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT w.id, w.compute_id, c.name AS compute_name, w.environment_id, w.workload_type, w.workload_name, \
             w.workload_id, {} AS cpu_cores, w.memory_mb, w.disk_gb, w.ip_address, {} AS ports, w.isolation_method, \
             {} AS isolation_details, w.status AS recorded_status, {} AS shown_status, {} AS created_at, w.source, \
             w.image, {} AS labels, {} AS evidence, w.container_row_id, w.k8s_namespace_id, {} AS namespace_quotas, \
             {} AS namespace_policies, w.first_seen_at_us, w.changed_at_us, \
             w.started_at_us, w.finished_at_us, w.ended_at_us, w.end_reason, {} AS last_seen_at_us, \
             s.health, s.completeness, s.reason, s.since_at_us, u.cpu_millicores, u.memory_bytes, u.measured_at_us \
             FROM compute_workloads w LEFT JOIN computes c ON c.id = w.compute_id{} \
             LEFT JOIN agent_sources s ON s.agent_id = a.id AND s.source = w.source \
             LEFT JOIN workload_usage u ON u.workload_id = w.id \
             LEFT JOIN k8s_namespaces n ON n.id = w.k8s_namespace_id",
            context.dialect.decimal("w.cpu_cores"),
            context.dialect.json_text("w.ports"),
            context.dialect.json_text("w.isolation_details"),
            status(context),
            context.dialect.datetime_text("w.created_at"),
            context.dialect.json_text("w.labels"),
            context.dialect.json_text("w.evidence"),
            context.dialect.json_text("n.quotas"),
            context.dialect.json_text("n.network_policies"),
            liveness::last_seen(context),
            liveness::join_agent("w.compute_id"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let status: String = row.get("shown_status")?;
        let recorded: String = row.get("recorded_status")?;
        let ended_at = time::read_opt(row, "ended_at_us")?;
        let unknown = ended_at.is_none() && status == "unknown";
        let ports = value::read(row, "ports")?;
        let isolation_details = isolation(row)?;
        // A row that ended says so; what it did before stands in the details.
        let last_known = match (ended_at, &isolation_details) {
            (Some(_), details) => details.as_ref().and_then(last_word),
            (None, _) => unknown.then_some(recorded),
        };
        let evidence: Vec<Evidence> = value::read_ours(row, "evidence")?;
        Ok(Self {
            id: row.get("id")?,
            compute_id: row.get("compute_id")?,
            compute_name: row.get("compute_name")?,
            environment_id: row.get("environment_id")?,
            workload_type: row.get("workload_type")?,
            workload_name: row.get("workload_name")?,
            workload_id: row.get("workload_id")?,
            source: row.get("source")?,
            last_known_status: last_known,
            unknown_since: if unknown { time::read_opt(row, "last_seen_at_us")? } else { None },
            stale: if ended_at.is_some() { None } else { stale(row)? },
            status,
            image: row.get("image")?,
            ip_address: row.get("ip_address")?,
            ports: port::ports(ports.as_ref(), isolation_details.as_ref()),
            cpu_cores: row.get("cpu_cores")?,
            memory_mb: row.get("memory_mb")?,
            disk_gb: row.get("disk_gb")?,
            usage: usage(row)?,
            labels: value::read_ours(row, "labels")?,
            isolation_method: row.get("isolation_method")?,
            isolation_details,
            seen_by: evidence
                .into_iter()
                .map(|Evidence { source, native_id }| SeenBy { source: source.into(), native_id })
                .collect(),
            container_id: row.get("container_row_id")?,
            k8s_namespace_id: row.get("k8s_namespace_id")?,
            first_seen_at: time::read(row, "first_seen_at_us")?,
            changed_at: time::read(row, "changed_at_us")?,
            started_at: time::read_opt(row, "started_at_us")?,
            finished_at: time::read_opt(row, "finished_at_us")?,
            ended_at,
            end_reason: row.get("end_reason")?,
            created_at: time::read_datetime(row, "created_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        // Who asks for a status decides with it: `status=ended` must not find nothing.
        (!given.contains(&"ended") && !given.contains(&"status")).then_some("w.ended_at_us IS NULL")
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Workload, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// What its source tells, and for a pod what its namespace sets for it.
fn isolation(row: &Row) -> Result<Option<Json>, StoreError> {
    let mut details: Option<Json> = value::read(row, "isolation_details")?;
    for (name, column) in [("quotas", "namespace_quotas"), ("networkPolicies", "namespace_policies")] {
        let set: Option<Json> = value::read(row, column)?;
        if let (Some(Json::Object(members)), Some(set)) = (&mut details, set) {
            members.insert(name.to_owned(), set);
        }
    }
    Ok(details)
}

/// A source that yields nothing at the moment. One that is degraded still told of most of what it holds.
fn stale(row: &Row) -> Result<Option<Stale>, StoreError> {
    let Some(health) = row.get::<Option<String>>("health")? else { return Ok(None) };
    let completeness: Option<String> = row.get("completeness")?;
    if health != "failing" && health != "absent" && completeness.as_deref() != Some("none") {
        return Ok(None);
    }
    let reason = row.get::<Option<String>>("reason")?.filter(|reason| !reason.is_empty()).unwrap_or(health);
    Ok(time::read_opt(row, "since_at_us")?.map(|since| Stale { since, reason }))
}

/// What a workload did last: a container has a state, a pod a status.
fn last_word(details: &Json) -> Option<String> {
    let word = details.get("state").or_else(|| details.get("status"))?;
    word.as_str().map(str::to_owned)
}

fn usage(row: &Row) -> Result<Option<WorkloadUsage>, StoreError> {
    let Some(measured_at) = time::read_opt(row, "measured_at_us")? else { return Ok(None) };
    Ok(Some(WorkloadUsage {
        cpu_millicores: row.get("cpu_millicores")?,
        memory_bytes: row.get("memory_bytes")?,
        measured_at,
    }))
}
