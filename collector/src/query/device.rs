//! What else stands in datacenters, as people entered it.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Test, Time, time};
use crate::store::{Row, StoreError, Value};

/// A switch, router or the like.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkDevice {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// For example `Router`.
    pub device_type: String,
    /// Address that it is managed at.
    pub management_ip: Option<String>,
    /// The datacenter it stands in.
    pub datacenter_id: Option<i64>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// When another program last saw it.
    pub last_seen: Option<Time>,
}

impl Resource for NetworkDevice {
    const LIST: &'static str = "network-devices";
    const ONE: &'static str = "network device";
    const ABOUT: &'static str = "Switches, routers and the like.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("deviceType", Test::Text("t.device_type"), "Exactly this kind of device.").or("type"),
        Filter::new("datacenterId", Test::Int("t.datacenter_id"), "Those in this datacenter."),
        Filter::new("status", Test::Text("t.status"), "Exactly this status."),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.device_type, t.management_ip, t.datacenter_id, t.status, {} AS last_seen \
             FROM network_devices t",
            context.dialect.datetime_text("t.last_seen"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            device_type: row.get("device_type")?,
            management_ip: row.get("management_ip")?,
            datacenter_id: row.get("datacenter_id")?,
            status: row.get("status")?,
            last_seen: time::read_datetime(row, "last_seen")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}

/// A pool of resources of a datacenter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourcePool {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Kind of pool.
    pub r#type: String,
    /// The datacenter it belongs to.
    pub datacenter_id: Option<i64>,
    /// Processors in all.
    pub total_cpu_cores: Option<i64>,
    /// Main memory in all, in GiB.
    pub total_memory_gb: Option<i64>,
    /// What virtualises it.
    pub hypervisor: Option<String>,
    /// What runs things on it.
    pub orchestrator: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
}

impl Resource for ResourcePool {
    const LIST: &'static str = "resource-pools";
    const ONE: &'static str = "resource pool";
    const ABOUT: &'static str = "Pools of resources that computes belong to.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("type", Test::Text("t.type"), "Exactly this kind of pool."),
        Filter::new("datacenterId", Test::Int("t.datacenter_id"), "Those of this datacenter."),
    ];

    fn select(_: &Context) -> String {
        "SELECT t.id, t.name, t.type, t.datacenter_id, t.total_cpu_cores, t.total_memory_gb, t.hypervisor, \
         t.orchestrator, t.status FROM resource_pools t"
            .to_owned()
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            r#type: row.get("type")?,
            datacenter_id: row.get("datacenter_id")?,
            total_cpu_cores: row.get("total_cpu_cores")?,
            total_memory_gb: row.get("total_memory_gb")?,
            hypervisor: row.get("hypervisor")?,
            orchestrator: row.get("orchestrator")?,
            status: row.get("status")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }
}
