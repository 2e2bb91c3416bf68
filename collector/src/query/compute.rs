//! Computes: hosts, what they can be used for, and who looks at them.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{
    Context, Coverage, EnvironmentBadge, Filter, Key, Resource, Test, Time, agent,
    effective::{self, INHERITED, environment_filter},
    liveness, time, value,
};
use crate::{
    environment::ResourceType,
    store::{Db, Row, StoreError, Value},
};

/// The agent that speaks for a compute.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeAgent {
    /// Identifier.
    pub id: String,
    /// `ACTIVE`, `HELD`, `QUARANTINED` or `REVOKED`.
    pub state: String,
    /// Its program's version.
    pub version: String,
    /// It is active and is being heard of.
    pub connected: bool,
    /// When it was last heard of; `null` as of the past.
    pub last_seen_at: Option<Time>,
}

/// Latest measured use of a whole compute.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComputeUsage {
    /// Thousandths of a core; `null` when it could not be read.
    pub cpu_millicores: Option<i64>,
    /// Bytes in use, without reclaimable cache; `null` when it could not be read.
    pub memory_bytes: Option<i64>,
    /// When it was measured.
    pub measured_at: Time,
}

/// A compute: a host, physical or virtual.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Compute {
    /// Identifier.
    pub id: i64,
    /// Name in the inventory.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Kind of compute.
    pub compute_type: Option<String>,
    /// Its part in a cluster.
    pub node_type: Option<String>,
    /// Host name.
    pub hostname: Option<String>,
    /// Main address.
    pub ip_address: Option<String>,
    /// Name and version of the operating system.
    pub operating_system: Option<String>,
    /// Processors.
    pub cpu_cores: Option<i64>,
    /// Main memory in GiB.
    pub memory_gb: Option<i64>,
    /// Disks in GB.
    pub disk_gb: Option<i64>,
    /// For example `ACTIVE`; `UNREACHABLE` when its agent fell silent; `MERGED` when it turned out to be another one.
    pub status: Option<String>,
    /// The compute that it turned out to be, when its status is `MERGED`.
    pub merged_into: Option<i64>,
    /// The cloud it belongs to.
    pub cloud_id: Option<i64>,
    /// The datacenter it stands in.
    pub datacenter_id: Option<i64>,
    /// The resource pool it belongs to.
    pub resource_pool_id: Option<i64>,
    /// What it is virtualised by.
    pub hypervisor: Option<String>,
    /// It is a machine of its own.
    pub is_physical: Option<bool>,
    /// Who made it.
    pub brand: Option<String>,
    /// What it was sold as.
    pub model: Option<String>,
    /// The maker's number.
    pub serial_number: Option<String>,
    /// For example `linux`.
    pub os_type: Option<String>,
    /// For example `debian`.
    pub os_distribution: Option<String>,
    /// For example `12`.
    pub os_version: Option<String>,
    /// Release of the kernel.
    pub kernel_version: Option<String>,
    /// For example `kvm`.
    pub virtualization_type: Option<String>,
    /// For example `docker`.
    pub container_runtime: Option<String>,
    /// For example `kubernetes`.
    pub orchestration_platform: Option<String>,
    /// Hardware address of its main interface.
    pub primary_mac_address: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// For people.
    pub notes: Option<String>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// The agent that speaks for it; `null` when people entered it and none ever did.
    pub agent: Option<ComputeAgent>,
    /// How well the agent can look at it, by source.
    pub coverage: Vec<Coverage>,
    /// Latest measured use; `null` when it was never measured.
    pub usage: Option<ComputeUsage>,
    /// Everything its operating system says of itself; `null` when nobody looked.
    pub facts: Option<Json>,
    /// When those facts last changed.
    pub facts_changed_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

/// The compute's status, and `UNREACHABLE` also when no collector was there to notice the silence.
pub(super) fn status(context: &Context) -> String {
    format!("CASE WHEN c.status = 'ACTIVE' AND {} THEN 'UNREACHABLE' ELSE c.status END", liveness::silent(context))
}

impl Resource for Compute {
    const LIST: &'static str = "computes";
    const ONE: &'static str = "compute";
    const ABOUT: &'static str = "Computes: hosts, physical or virtual, with the agent that looks at each and how well. Those that were merged into \
         another one are left out unless a status is asked for.";
    const KEYS: &'static [Key] = &[Key::int("id", "c.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("c.name"), "Exactly this name."),
        Filter::new("hostname", Test::Text("c.hostname"), "Exactly this host name."),
        Filter::new("ipAddress", Test::Text("c.ip_address"), "Exactly this main address."),
        Filter::new("status", Test::Computed(status), "Exactly this status as it is shown, for example UNREACHABLE."),
        Filter::new("computeType", Test::Text("c.compute_type"), "Exactly this kind of compute.").or("type"),
        Filter::new("cloudId", Test::Int("c.cloud_id"), "Those of this cloud."),
        Filter::new("datacenterId", Test::Int("c.datacenter_id"), "Those in this datacenter."),
        Filter::new("osDistribution", Test::Text("c.os_distribution"), "For example debian."),
        Filter::new("agentId", Test::Text("a.id"), "The one that this agent speaks for."),
        environment_filter(Test::Environment(ResourceType::Compute, "c")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT c.id, c.name, c.description, c.compute_type, c.node_type, c.hostname, c.ip_address, \
             c.operating_system, c.cpu_cores, c.memory_gb, c.disk_gb, {} AS shown_status, c.cloud_id, c.datacenter_id, \
             c.resource_pool_id, c.hypervisor, c.is_physical, c.brand, c.model, c.serial_number, c.os_type, \
             c.os_distribution, c.os_version, c.kernel_version, c.virtualization_type, c.container_runtime, \
             c.orchestration_platform, c.primary_mac_address, c.purpose, c.notes, {} AS created_at, {} AS updated_at, \
             a.id AS agent_id, a.state AS agent_state, a.version AS agent_version, \
             CASE WHEN {} THEN 1 ELSE 0 END AS silent, {} AS last_seen_at_us, u.cpu_millicores, u.memory_bytes, \
             u.measured_at_us, m.into_compute_id AS merged_into, {} AS facts, \
             f.changed_at_us AS facts_changed_at_us \
             FROM computes c{} LEFT JOIN compute_usage u ON u.compute_id = c.id \
             LEFT JOIN compute_facts f ON f.compute_id = c.id LEFT JOIN merged_computes m ON m.compute_id = c.id",
            status(context),
            context.dialect.datetime_text("c.created_at"),
            context.dialect.datetime_text("c.updated_at"),
            liveness::silent(context),
            liveness::last_seen(context),
            context.dialect.json_text("f.facts"),
            liveness::join_agent("c.id"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            compute_type: row.get("compute_type")?,
            node_type: row.get("node_type")?,
            hostname: row.get("hostname")?,
            ip_address: row.get("ip_address")?,
            operating_system: row.get("operating_system")?,
            cpu_cores: row.get("cpu_cores")?,
            memory_gb: row.get("memory_gb")?,
            disk_gb: row.get("disk_gb")?,
            status: row.get("shown_status")?,
            merged_into: row.get("merged_into")?,
            cloud_id: row.get("cloud_id")?,
            datacenter_id: row.get("datacenter_id")?,
            resource_pool_id: row.get("resource_pool_id")?,
            hypervisor: row.get("hypervisor")?,
            is_physical: row.get("is_physical")?,
            brand: row.get("brand")?,
            model: row.get("model")?,
            serial_number: row.get("serial_number")?,
            os_type: row.get("os_type")?,
            os_distribution: row.get("os_distribution")?,
            os_version: row.get("os_version")?,
            kernel_version: row.get("kernel_version")?,
            virtualization_type: row.get("virtualization_type")?,
            container_runtime: row.get("container_runtime")?,
            orchestration_platform: row.get("orchestration_platform")?,
            primary_mac_address: row.get("primary_mac_address")?,
            purpose: row.get("purpose")?,
            notes: row.get("notes")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            agent: compute_agent(row)?,
            coverage: Vec::new(),
            usage: usage(row)?,
            facts: value::read(row, "facts")?,
            facts_changed_at: time::read_opt(row, "facts_changed_at_us")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        (!given.contains(&"status")).then_some("(c.status IS NULL OR c.status <> 'MERGED')")
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        let agents = items.iter().filter_map(|compute| compute.agent.as_ref()).map(|agent| agent.id.as_str().into());
        let mut coverage = agent::coverage(db, agents.collect()).await?;
        for compute in &mut *items {
            let found = compute.agent.as_ref().and_then(|agent| coverage.remove(&agent.id));
            compute.coverage = found.unwrap_or_default();
        }
        effective::fill(db, ResourceType::Compute, items, |item| item.id, |item| &mut item.environments).await
    }
}

fn compute_agent(row: &Row) -> Result<Option<ComputeAgent>, StoreError> {
    let Some(id) = row.get::<Option<String>>("agent_id")? else { return Ok(None) };
    Ok(Some(ComputeAgent {
        id,
        state: row.get("agent_state")?,
        version: row.get("agent_version")?,
        connected: !row.get::<bool>("silent")?,
        last_seen_at: time::read_opt(row, "last_seen_at_us")?,
    }))
}

fn usage(row: &Row) -> Result<Option<ComputeUsage>, StoreError> {
    let Some(measured_at) = time::read_opt(row, "measured_at_us")? else { return Ok(None) };
    Ok(Some(ComputeUsage {
        cpu_millicores: row.get("cpu_millicores")?,
        memory_bytes: row.get("memory_bytes")?,
        measured_at,
    }))
}

/// Something a compute can be used for or managed with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capability {
    /// The compute.
    pub compute_id: i64,
    /// `docker`, `podman`, `containerd`, `kubernetes`, `systemd`, `libvirt`, `lxd`, `ansible`, `python`, `ssh`, ….
    pub capability_type: String,
    /// Version as the program tells it; `null` when it does not.
    pub capability_version: Option<String>,
    /// Facts about its set-up.
    pub configuration: Option<Json>,
    /// `discovery`, or `person`: then it stays, whatever discovery sees.
    pub origin: String,
    /// What discovery sees beside what a person said (`capabilityVersion`, `configuration`); `null` when it sees none, or
    /// when nobody said otherwise.
    pub discovered: Option<Json>,
}

impl Resource for Capability {
    const LIST: &'static str = "capabilities";
    const ONE: &'static str = "capability";
    const ABOUT: &'static str = "What computes can be used for or managed with.";
    const KEYS: &'static [Key] =
        &[Key::int("computeId", "t.compute_id"), Key::text("capabilityType", "t.capability_type")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("computeId", Test::Int("t.compute_id"), "Those of this compute."),
        Filter::new("capabilityType", Test::Text("t.capability_type"), "For example docker.").or("type"),
        Filter::new("capabilityVersion", Test::Text("t.capability_version"), "Exactly this version.").or("version"),
        Filter::new("origin", Test::Text("t.origin"), "Said by this origin."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.compute_id, t.capability_type, t.capability_version, {} AS configuration, \
             COALESCE(t.origin, 'discovery') AS origin, {} AS discovered FROM compute_capabilities t",
            context.dialect.json_text("t.configuration"),
            context.dialect.json_text("t.discovered"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            compute_id: row.get("compute_id")?,
            capability_type: row.get("capability_type")?,
            capability_version: row.get("capability_version")?,
            configuration: value::read(row, "configuration")?,
            origin: row.get("origin")?,
            discovered: value::read(row, "discovered")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.compute_id.into(), self.capability_type.as_str().into()]
    }
}
