//! Where a person's value and the discovered one differ.

use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

use super::{Context, Filter, Key, Resource, Sort, Test, Time, time, value};
use crate::store::{Row, StoreError, Value};

/// A field in which a person's value and the discovered one differ. The person's stands in the inventory.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// Identifier.
    pub id: i64,
    /// `compute` or `container`.
    pub resource_type: String,
    /// The resource.
    pub resource_id: i64,
    /// Its name.
    pub resource_name: Option<String>,
    /// The compute that it is or runs on.
    pub compute_id: Option<i64>,
    /// The field, for example `operatingSystem`.
    pub field: String,
    /// What a person entered.
    pub value: Option<Json>,
    /// What discovery sees.
    pub discovered: Option<Json>,
    /// Since when discovery sees this beside what was entered.
    pub since: Time,
    /// `open`, or `kept`: a person saw the discovered value and kept theirs. It opens again when that changes.
    pub state: String,
    /// Who kept it.
    pub kept_by: Option<String>,
    /// When.
    pub kept_at: Option<Time>,
}

const KEPT: &str = "d.kept IS NOT NULL";
const OPEN: &str = "d.kept IS NULL";

impl Resource for Drift {
    const LIST: &'static str = "drifts";
    const ONE: &'static str = "drift";
    const ABOUT: &'static str =
        "Fields in which a person's value and the discovered one differ; those that were kept only when asked for.";
    const KEYS: &'static [Key] = &[Key::int("id", "d.id")];
    const SORTS: &'static [Sort] = &[Sort::int("since", "d.since_us"), Sort::int("keptAt", "d.kept_at_us")];
    const FILTERS: &'static [Filter] = &[
        Filter::new("resourceType", Test::Text("d.resource_type"), "compute or container."),
        Filter::new("resourceId", Test::Int("d.resource_id"), "Those of this resource; give the type as well."),
        Filter::new(
            "computeId",
            Test::Int("COALESCE(c.id, t.compute_id)"),
            "Those of this compute and its containers.",
        ),
        Filter::new("field", Test::Text("d.field"), "Those of this field, for example operatingSystem."),
        Filter::new(
            "state",
            Test::Word(&[("open", OPEN), ("kept", KEPT), ("any", "")]),
            "Those that wait for a decision (as without it), those that were kept, or both.",
        ),
    ];

    fn select(context: &Context) -> String {
        format!(
            "SELECT d.id, d.resource_type, d.resource_id, COALESCE(c.name, t.name) AS resource_name, \
             COALESCE(c.id, t.compute_id) AS compute_id, d.field, {} AS person_value, {} AS discovered_value, d.since_us, \
             CASE WHEN d.kept IS NULL THEN 'open' ELSE 'kept' END AS state, d.kept_by, d.kept_at_us FROM drifts d \
             LEFT JOIN computes c ON d.resource_type = 'compute' AND c.id = d.resource_id \
             LEFT JOIN containers t ON d.resource_type = 'container' AND t.id = d.resource_id",
            context.dialect.json_text("d.person_value"),
            context.dialect.json_text("d.discovered_value"),
        )
    }

    fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            resource_type: row.get("resource_type")?,
            resource_id: row.get("resource_id")?,
            resource_name: row.get("resource_name")?,
            compute_id: row.get("compute_id")?,
            field: row.get("field")?,
            value: value::read(row, "person_value")?,
            discovered: value::read(row, "discovered_value")?,
            since: time::read(row, "since_us")?,
            state: row.get("state")?,
            kept_by: row.get("kept_by")?,
            kept_at: time::read_opt(row, "kept_at_us")?,
        })
    }

    fn key(&self) -> Vec<Value> {
        vec![self.id.into()]
    }

    fn implied(given: &[&str]) -> Option<&'static str> {
        (!given.contains(&"state")).then_some(OPEN)
    }
}
