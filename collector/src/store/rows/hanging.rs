//! What hangs on a resource, and moving it to another one: the tables that point to a compute, a workload or a container.

use serde_json::Value as Json;

use super::shape::key_value;
use crate::store::{Executor, StoreError, Tx, Value};

/// Rows of one table that point to a resource.
#[derive(Clone, Copy, Debug)]
pub struct Hanging {
    /// What they are called in reports, in the plural.
    pub name: &'static str,
    table: &'static str,
    /// The column that points.
    pointer: &'static str,
    /// The column that says which kind of resource it points to, where the table has one.
    kind: Option<&'static str>,
    /// What identifies a row among those that point to the same resource.
    key: &'static str,
    /// A second column of that key.
    key_too: Option<&'static str>,
    /// Columns that must differ among the rows that point to the same resource; empty when nothing must.
    unique: &'static [&'static str],
}

const fn hanging(
    name: &'static str,
    table: &'static str,
    pointer: &'static str,
    key: &'static str,
    unique: &'static [&'static str],
) -> Hanging {
    Hanging { name, table, pointer, kind: None, key, key_too: None, unique }
}

const TAGS: Hanging =
    Hanging { kind: Some("resource_type"), ..hanging("tags", "resource_tags", "resource_id", "tag_key", &["tag_key"]) };
const LEGACY_TAGS: Hanging =
    Hanging { kind: Some("entity_type"), ..hanging("legacy tags", "tags", "entity_id", "id", &["key_name"]) };
const ASSOCIATIONS: Hanging = Hanging {
    kind: Some("resource_type"),
    ..hanging("environment associations", "environment_associations", "resource_id", "id", &["environment_id"])
};
const TARGETS: Hanging = Hanging {
    kind: Some("target_type"),
    ..hanging("automation targets", "automation_targets", "target_id", "id", &["name"])
};

const REFUSALS: Hanging = Hanging {
    kind: Some("resource_type"),
    ..hanging("refused environments", "environment_refusals", "resource_id", "environment_id", &["environment_id"])
};

/// What people attach to any resource.
pub const ATTACHED: [Hanging; 5] = [TAGS, LEGACY_TAGS, ASSOCIATIONS, TARGETS, REFUSALS];

/// What stands on a compute itself.
pub const CAPABILITIES: Hanging =
    hanging("capabilities", "compute_capabilities", "compute_id", "capability_type", &["capability_type"]);
/// What identifies a compute.
pub const IDENTITIES: Hanging = Hanging {
    key_too: Some("content"),
    ..hanging("identities", "compute_identities", "compute_id", "fact", &["fact", "content"])
};
/// Agents that speak for a compute.
pub const AGENTS: Hanging = hanging("agents", "agents", "compute_id", "id", &[]);
/// Workloads of a compute.
pub const WORKLOADS: Hanging =
    hanging("workloads", "compute_workloads", "compute_id", "id", &["source", "workload_id"]);
/// Containers of a compute.
pub const CONTAINERS: Hanging = hanging("containers", "containers", "compute_id", "id", &[]);
/// Computes that were merged into a compute.
pub const MERGED: Hanging = hanging("merged computes", "merged_computes", "into_compute_id", "compute_id", &[]);

/// Nodes of clusters that a compute is.
pub const NODES: Hanging = hanging("cluster nodes", "k8s_nodes", "compute_id", "id", &[]);

const ALL: [Hanging; 12] = [
    TAGS,
    LEGACY_TAGS,
    ASSOCIATIONS,
    TARGETS,
    REFUSALS,
    CAPABILITIES,
    IDENTITIES,
    AGENTS,
    WORKLOADS,
    CONTAINERS,
    MERGED,
    NODES,
];

/// A key of a row that hangs: one value or two.
pub type HangingKey = Vec<Json>;

impl Hanging {
    /// Finds the description by its name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        ALL.into_iter().find(|hanging| hanging.name == name)
    }

    /// The column that identifies a row among those that hang on the same resource.
    #[must_use]
    pub const fn key_column(&self) -> &'static str {
        self.key
    }

    /// `WHERE` of the rows that hang on one resource; binds the resource and, where there is one, its kind.
    fn of(&self, alias: &str) -> String {
        let kind = self.kind.map(|column| format!(" AND {alias}{column} = ?")).unwrap_or_default();
        format!("{alias}{} = ?{kind}", self.pointer)
    }

    fn bound(&self, resource_type: &str, id: i64) -> Vec<Value> {
        [Some(Value::from(id)), self.kind.map(|_| Value::from(resource_type))].into_iter().flatten().collect()
    }
}

/// Reads the keys of what hangs on `from`: those that fit on `to`, and those that `to` has already.
///
/// # Errors
/// When the statement fails.
pub async fn hanging_list_in_tx(
    tx: &mut Tx,
    hanging: &Hanging,
    resource_type: &str,
    from: i64,
    to: i64,
) -> Result<(Vec<HangingKey>, Vec<HangingKey>), StoreError> {
    let taken = if hanging.unique.is_empty() {
        "0".to_owned()
    } else {
        let same: Vec<String> = hanging.unique.iter().map(|column| format!("o.{column} = t.{column}")).collect();
        let (table, of) = (hanging.table, hanging.of("o."));
        format!("CASE WHEN EXISTS (SELECT 1 FROM {table} o WHERE {of} AND {}) THEN 1 ELSE 0 END", same.join(" AND "))
    };
    let too = hanging.key_too.map(|column| format!(", t.{column} AS key_too")).unwrap_or_default();
    let sql = format!(
        "SELECT t.{} AS key_one{too}, {taken} AS taken FROM {} t WHERE {} ORDER BY t.{}",
        hanging.key,
        hanging.table,
        hanging.of("t."),
        hanging.key
    );
    let taken_bound = if hanging.unique.is_empty() { Vec::new() } else { hanging.bound(resource_type, to) };
    let bound = taken_bound.into_iter().chain(hanging.bound(resource_type, from)).collect();
    let (mut free, mut kept) = (Vec::new(), Vec::new());
    for row in tx.fetch(sql, bound).await? {
        let one = match row.get::<i64>("key_one") {
            Ok(number) if hanging.key_is_number() => Json::from(number),
            _ => row.get::<String>("key_one")?.into(),
        };
        let too = hanging.key_too.map(|_| row.get::<String>("key_too")).transpose()?.map(Json::from);
        let key = [Some(one), too].into_iter().flatten().collect();
        if row.get::<i64>("taken")? == 0 { free.push(key) } else { kept.push(key) }
    }
    Ok((free, kept))
}

impl Hanging {
    fn key_is_number(&self) -> bool {
        !matches!(
            (self.table, self.key),
            ("resource_tags" | "compute_capabilities" | "compute_identities" | "agents", _)
        )
    }
}

/// Moves rows from one resource to another; those that are not there any more are left out. The caller made sure that
/// they fit. Returns how many moved.
///
/// # Errors
/// When a statement fails.
pub async fn hanging_move_in_tx(
    tx: &mut Tx,
    hanging: &Hanging,
    resource_type: &str,
    from: i64,
    to: i64,
    keys: &[HangingKey],
) -> Result<u64, StoreError> {
    let of = hanging.of("");
    let update = format!("UPDATE {} SET {} = ? WHERE {of} AND {}", hanging.table, hanging.pointer, hanging.key);
    let start: Vec<Value> = [Value::from(to)].into_iter().chain(hanging.bound(resource_type, from)).collect();
    let mut moved = 0;
    if let Some(too) = hanging.key_too {
        for key in keys {
            let bound = start.iter().cloned().chain(key.iter().map(key_value)).collect();
            moved += tx.execute(format!("{update} = ? AND {too} = ?"), bound).await?;
        }
        return Ok(moved);
    }
    for chunk in keys.chunks(crate::store::Dialect::ROWS_PER_STATEMENT) {
        let marks = vec!["?"; chunk.len()].join(", ");
        let bound = start.iter().cloned().chain(chunk.iter().flatten().map(key_value)).collect();
        moved += tx.execute(format!("{update} IN ({marks})"), bound).await?;
    }
    Ok(moved)
}
