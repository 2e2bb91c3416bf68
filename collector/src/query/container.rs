//! Containers as the existing inventory knows them.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{
    Context, EnvironmentBadge, Filter, Key, Resource, Test, Time,
    effective::{self, INHERITED, environment_filter},
    time, value,
};
use crate::{
    environment::ResourceType,
    store::{Db, Row, StoreError, Value},
};

/// A container in the existing table. Values of environment variables are never shown. What discovery knows beyond it is
/// in the workload that points here.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Container {
    /// Identifier.
    pub id: i64,
    /// Name.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Engine.
    pub container_type: Option<String>,
    /// The engine's identifier.
    pub container_id: Option<String>,
    /// Image.
    pub image: Option<String>,
    /// Tag or digest of the image.
    pub image_version: Option<String>,
    /// Status as recorded; the workload tells whether anybody can still see it.
    pub status: Option<String>,
    /// Address.
    pub ip_address: Option<String>,
    /// Ports.
    pub exposed_ports: Option<Json>,
    /// What is mounted where.
    pub mount_points: Option<Json>,
    /// Limit of processor time.
    pub cpu_limit: Option<String>,
    /// Limit of memory.
    pub memory_limit: Option<String>,
    /// It starts with the host.
    pub auto_start: Option<bool>,
    /// The compute it runs on.
    pub compute_id: i64,
    /// The workload that discovery keeps for it; `null` when people entered the container.
    pub workload_id: Option<i64>,
    /// When it was entered.
    pub created_at: Option<Time>,
    /// When it was last altered.
    pub updated_at: Option<Time>,
    /// Environments that count for it: its own, or those of its nearest ancestor that has any.
    pub environments: Vec<EnvironmentBadge>,
}

impl Resource for Container {
    const LIST: &'static str = "containers";
    const ONE: &'static str = "container";
    const ABOUT: &'static str = "Containers as the existing inventory knows them; workloads tell more.";
    const KEYS: &'static [Key] = &[Key::int("id", "t.id")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("name", Test::Text("t.name"), "Exactly this name."),
        Filter::new("computeId", Test::Int("t.compute_id"), "Those on this compute."),
        Filter::new("containerId", Test::Text("t.container_id"), "The engine's identifier."),
        Filter::new("containerType", Test::Text("t.container_type"), "Those of this engine.").or("type"),
        Filter::new("image", Test::Text("t.image"), "Exactly this image."),
        Filter::new("status", Test::Text("t.status"), "Exactly this recorded status."),
        environment_filter(Test::Environment(ResourceType::Container, "t")),
        INHERITED,
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT t.id, t.name, t.description, t.container_type, t.container_id, t.image, t.image_version, t.status, \
             t.ip_address, {} AS exposed_ports, {} AS mount_points, t.cpu_limit, t.memory_limit, t.auto_start, \
             t.compute_id, (SELECT MAX(w.id) FROM compute_workloads w WHERE w.compute_id = t.compute_id \
             AND w.container_row_id = t.id) AS workload_id, {} AS created_at, {} AS updated_at FROM containers t",
            context.dialect.json_text("t.exposed_ports"),
            context.dialect.json_text("t.mount_points"),
            context.dialect.datetime_text("t.created_at"),
            context.dialect.datetime_text("t.updated_at"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            container_type: row.get("container_type")?,
            container_id: row.get("container_id")?,
            image: row.get("image")?,
            image_version: row.get("image_version")?,
            status: row.get("status")?,
            ip_address: row.get("ip_address")?,
            exposed_ports: value::read(row, "exposed_ports")?,
            mount_points: value::read(row, "mount_points")?,
            cpu_limit: row.get("cpu_limit")?,
            memory_limit: row.get("memory_limit")?,
            auto_start: row.get("auto_start")?,
            compute_id: row.get("compute_id")?,
            workload_id: row.get("workload_id")?,
            created_at: time::read_datetime(row, "created_at")?,
            updated_at: time::read_datetime(row, "updated_at")?,
            environments: Vec::new(),
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    async fn complete(db: &Db, _: &Context, items: &mut [Self]) -> Result<(), StoreError> {
        effective::fill(db, ResourceType::Container, items, |item| item.id, |item| &mut item.environments).await
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        let merged = "NOT EXISTS (SELECT 1 FROM merged_computes m WHERE m.compute_id = t.compute_id)";
        (!given.contains(&"computeId")).then_some(merged)
    }
}
