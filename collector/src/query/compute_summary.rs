//! A compute in one line: what a table of thousands shows.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::{
    Context, EnvironmentBadge, Filter, Key, Resource, Sort, Test, Time, agent, compute,
    effective::{self, INHERITED, environment_filter},
    liveness, time,
};
use crate::{
    environment::ResourceType,
    store::{Db, Executor as _, Row, StoreError, Value},
};

/// A compute in one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeSummary {
    /// Identifier.
    pub id: i64,
    /// Name in the inventory.
    pub name: String,
    /// Host name.
    pub hostname: Option<String>,
    /// Main address.
    pub ip_address: Option<String>,
    /// Name and version of the operating system.
    pub operating_system: Option<String>,
    /// For example `ACTIVE`; `UNREACHABLE` when its agent fell silent.
    pub status: Option<String>,
    /// The cloud it belongs to.
    pub cloud_id: Option<i64>,
    /// The datacenter it stands in.
    pub datacenter_id: Option<i64>,
    /// The agent that speaks for it; `null` when none ever did.
    pub agent_id: Option<String>,
    /// Its agent is active and being heard of; `null` when there is none.
    pub connected: Option<bool>,
    /// When its agent was last heard of.
    pub last_seen_at: Option<Time>,
    /// Processors.
    pub cpu_cores: Option<i64>,
    /// Main memory in GiB.
    pub memory_gb: Option<i64>,
    /// Thousandths of a core in use; `null` when it was never measured.
    pub cpu_millicores: Option<i64>,
    /// Bytes of memory in use; `null` when it was never measured.
    pub memory_bytes: Option<i64>,
    /// Workloads that did not end, as far as is known.
    pub workloads: i64,
    /// Sources that its agent cannot look at in full, of those that are there.
    pub troubled_sources: Vec<String>,
    /// The environments that count for it, by itself or inherited.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for ComputeSummary {
    const LIST: &'static str = "compute-summaries";
    const ONE: &'static str = "compute summary";
    const ABOUT: &'static str = "Computes, one line each: for tables of thousands. /api/v1/computes tells everything.";
    const KEYS: &'static [Key] = &[Key::int("id", "c.id")];
    const OF: &'static str = "computes";
    const SORTS: &'static [Sort] = &[
        Sort::int("cpuMillicores", "u.cpu_millicores"),
        Sort::int("memoryBytes", "u.memory_bytes"),
        Sort::text("agentId", "a.id"),
    ];
    const FILTERS: &'static [Filter] = &[
        Filter::new("id", Test::Int("c.id"), "These."),
        Filter::new("datacenterId", Test::Int("c.datacenter_id"), "Those in this datacenter."),
        Filter::new("cloudId", Test::Int("c.cloud_id"), "Those of this cloud."),
        Filter::new("status", Test::Computed(compute::status), "Exactly this status as it is shown."),
        Filter::new(
            "placed",
            Test::Word(&[
                ("any", ""),
                ("cloud", "c.datacenter_id IS NULL AND c.cloud_id IS NOT NULL"),
                ("none", "c.datacenter_id IS NULL AND c.cloud_id IS NULL"),
            ]),
            "cloud: those in a cloud, but in no datacenter; none: those in neither.",
        ),
        Filter::new(
            "match",
            Test::Contains(&["c.name", "c.hostname", "c.ip_address", "c.operating_system"]),
            "The name, host name, address or operating system contains this, regardless of case.",
        ),
        environment_filter(Test::Environment(ResourceType::Compute, "c")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT c.id, c.name, c.hostname, c.ip_address, c.operating_system, {} AS shown_status, c.cloud_id, \
             c.datacenter_id, c.cpu_cores, c.memory_gb, a.id AS agent_id, CASE WHEN {} THEN 1 ELSE 0 END AS silent, \
             {} AS last_seen_at_us, u.cpu_millicores, u.memory_bytes FROM computes c{} \
             LEFT JOIN compute_usage u ON u.compute_id = c.id",
            compute::status(context),
            liveness::silent(context),
            liveness::last_seen(context),
            liveness::join_agent("c.id"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        let agent_id: Option<String> = row.get("agent_id")?;
        let silent: bool = row.get("silent")?;
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            hostname: row.get("hostname")?,
            ip_address: row.get("ip_address")?,
            operating_system: row.get("operating_system")?,
            status: row.get("shown_status")?,
            cloud_id: row.get("cloud_id")?,
            datacenter_id: row.get("datacenter_id")?,
            connected: agent_id.as_ref().map(|_| !silent),
            last_seen_at: if agent_id.is_some() { time::read_opt(row, "last_seen_at_us")? } else { None },
            agent_id,
            cpu_cores: row.get("cpu_cores")?,
            memory_gb: row.get("memory_gb")?,
            cpu_millicores: row.get("cpu_millicores")?,
            memory_bytes: row.get("memory_bytes")?,
            workloads: 0,
            troubled_sources: Vec::new(),
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    /// What turned out to be another compute is shown when it is asked for by name only.
    fn implied(given: &[&str]) -> Option<&'static str> {
        let named = given.contains(&"status") || given.contains(&"id");
        (!named).then_some("(c.status IS NULL OR c.status <> 'MERGED')")
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        let mut workloads = workloads(db, items.iter().map(|item| item.id.into()).collect()).await?;
        let agents = items.iter().filter_map(|item| item.agent_id.as_deref()).map(Into::into).collect();
        let mut coverage = agent::coverage(db, agents).await?;
        for item in items.iter_mut() {
            item.workloads = workloads.remove(&item.id).unwrap_or_default();
            let sources = item.agent_id.as_ref().and_then(|agent| coverage.remove(agent)).unwrap_or_default();
            let troubled = sources.into_iter().filter(|source| source.health != "healthy" && source.health != "absent");
            item.troubled_sources = troubled.map(|source| source.source).collect();
        }
        effective::fill(db, ResourceType::Compute, items, |item| item.id, |item| &mut item.environments).await
    }
}

/// Counts the workloads of computes that did not end. One row per workload would be a thousand times as much to read,
/// so the statement is written here, in chunks as [`fetch_in`](crate::store::Executor::fetch_in) writes them.
async fn workloads(db: &Db, computes: Vec<Value>) -> Result<HashMap<i64, i64>, StoreError> {
    let mut counts = HashMap::new();
    let mut executor = db;
    for chunk in computes.chunks(CHUNK) {
        let marks = vec!["?"; chunk.len()].join(", ");
        let sql = format!(
            "SELECT w.compute_id, COUNT(*) AS workloads FROM compute_workloads w \
             WHERE w.compute_id IN ({marks}) AND w.ended_at_us IS NULL GROUP BY w.compute_id"
        );
        for row in executor.fetch(sql, chunk.to_vec()).await? {
            counts.insert(row.get("compute_id")?, row.get("workloads")?);
        }
    }
    Ok(counts)
}

/// Computes of one statement.
const CHUNK: usize = 500;
