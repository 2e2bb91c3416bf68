//! A page of rows with its ancestors, and all claims on them.

use super::{Condition, Tables, current, filter::uncopied};
use crate::{
    environment::ResourceType,
    store::{Dialect, Value},
};

/// A place where claims on a resource are made: the kind, and the columns of the chain that hold its key and name.
pub(super) struct Level {
    pub(super) on: ResourceType,
    pub(super) id: &'static str,
    name: &'static str,
}

const fn level(on: ResourceType, id: &'static str, name: &'static str) -> Level {
    Level { on, id, name }
}

const PLACES: [Level; 4] = [
    level(ResourceType::AvailabilityZone, "z.id", "z.name"),
    level(ResourceType::Region, "r.id", "r.name"),
    level(ResourceType::Cloud, "cl.id", "cl.name"),
    level(ResourceType::Partner, "p.id", "p.name"),
];
const DATACENTER: Level = level(ResourceType::Datacenter, "d.id", "d.name");
const COMPUTE: Level = level(ResourceType::Compute, "c.id", "c.name");
const CONTAINER: Level = level(ResourceType::Container, "t.id", "t.name");
const NAMESPACE: Level = level(ResourceType::K8sNamespace, "n.id", "n.name");
const WORKLOAD: Level = level(ResourceType::Workload, "w.id", "w.workload_name");

/// Names of the columns of [`claims`].
pub mod column {
    /// Key of the resource that the claim counts for.
    pub const RESOURCE: &str = "resource_key";
    /// How far above it the claim is made.
    pub const DISTANCE: &str = "distance";
    /// Kind of what it is made on.
    pub const ON: &str = "on_type";
    /// Key of that.
    pub const ON_ID: &str = "on_id";
    /// Name of that.
    pub const ON_NAME: &str = "on_name";
}

/// Reads all claims on the resources of a kind whose keys are in `keys`, and on their ancestors.
#[must_use]
pub fn claims(kind: ResourceType, keys: &[i64], dialect: Dialect) -> Condition {
    claims_from(&current, kind, keys, dialect)
}

/// The same, with tables read from elsewhere.
#[must_use]
pub fn claims_from(tables: Tables<'_>, kind: ResourceType, keys: &[i64], dialect: Dialect) -> Condition {
    let list = serde_json::Value::from(keys).to_string();
    let chain = chain(tables, kind, dialect);
    let levels = levels(kind);
    let share = dialect.decimal("a.allocated_percentage");
    let associations = tables("environment_associations");
    let environments = tables("environments");
    let mut branches: Vec<String> = Vec::new();
    for (distance, Level { on, id, name }) in levels.iter().enumerate() {
        let word = on.as_str();
        let inheritable = if distance == 0 { "" } else { " AND a.origin <> 'measured'" };
        branches.push(format!(
            "SELECT q.value AS {}, {distance} AS {}, '{word}' AS {}, {id} AS {}, {name} AS {}, e.id AS environment_id, \
             e.code AS code, e.name AS name, a.is_primary AS is_primary, a.origin AS origin, {share} AS share, \
             a.id AS association_id {chain} \
             JOIN {associations} a ON a.resource_type = '{word}' AND a.resource_id = {id}{inheritable} \
             JOIN {environments} e ON e.id = a.environment_id",
            column::RESOURCE,
            column::DISTANCE,
            column::ON,
            column::ON_ID,
            column::ON_NAME,
        ));
        // Columns that speak where there is no association.
        let (speaks, origin) = match on {
            ResourceType::Datacenter => (Some(("d.environment_id", uncopied(tables, "d"))), "legacy"),
            ResourceType::Workload => {
                let none = format!(
                    "NOT EXISTS (SELECT 1 FROM {associations} na WHERE na.resource_type = 'workload' AND na.resource_id = w.id)"
                );
                (Some(("w.environment_id", none)), "person")
            }
            _ => (None, ""),
        };
        if let Some((environment, condition)) = speaks {
            branches.push(format!(
                "SELECT q.value, {distance}, '{word}', {id}, {name}, e.id, e.code, e.name, 1, '{origin}', \
                 CAST(NULL AS {}), CAST(NULL AS {}) {chain} JOIN {environments} e ON e.id = {environment} \
                 WHERE {condition}",
                if dialect == Dialect::Sqlite { "REAL" } else { "DOUBLE" },
                if dialect == Dialect::Sqlite { "INTEGER" } else { "SIGNED" },
            ));
        }
    }
    let values = vec![Value::Text(list); branches.len()];
    Condition { sql: branches.join(" UNION ALL "), values }
}

/// The resource and its ancestors, nearest first.
pub(super) fn levels(kind: ResourceType) -> Vec<Level> {
    use ResourceType as T;
    let places = || PLACES.into_iter();
    let from = |first: Vec<Level>| first.into_iter().chain(places()).collect();
    match kind {
        T::Partner => places().skip(3).collect(),
        T::Cloud => places().skip(2).collect(),
        T::Region => places().skip(1).collect(),
        T::AvailabilityZone => places().collect(),
        T::Datacenter => from(vec![DATACENTER]),
        T::Compute => from(vec![COMPUTE, DATACENTER]),
        T::Container => from(vec![CONTAINER, WORKLOAD, NAMESPACE, COMPUTE, DATACENTER]),
        T::Workload => from(vec![WORKLOAD, CONTAINER, NAMESPACE, COMPUTE, DATACENTER]),
        T::K8sNamespace => vec![NAMESPACE],
    }
}

/// `LEFT JOIN`.
fn left(tables: Tables<'_>, table: &'static str, alias: &str, on: &str) -> String {
    format!(" LEFT JOIN {} {alias} ON {on}", tables(table))
}

/// Joins a datacenter `d` with what it stands in, and with the cloud that the condition names.
fn above_datacenter(tables: Tables<'_>, cloud: &str) -> String {
    [
        left(tables, "availability_zones", "z", "z.id = d.availability_zone_id"),
        left(tables, "regions", "r", "r.id = z.region_id"),
        left(tables, "clouds", "cl", cloud),
        left(tables, "partners", "p", "p.id = COALESCE(cl.partner_id, d.partner_id)"),
    ]
    .concat()
}

/// Joins a compute `c` with its datacenter `d`, zone `z`, region `r`, cloud `cl` and partner `p`.
pub(crate) fn above_compute(tables: Tables<'_>) -> String {
    let cloud = "cl.id = COALESCE(r.cloud_id, d.cloud_id, CASE WHEN c.datacenter_id IS NULL THEN c.cloud_id END)";
    left(tables, "datacenters", "d", "d.id = c.datacenter_id") + &above_datacenter(tables, cloud)
}

/// A resource, and the joins with what it stands in, by the first parent that is named.
pub(super) struct Chain {
    /// The table with its alias.
    of: String,
    joins: String,
}

impl Chain {
    /// All of them, each with what it stands in.
    pub(super) fn whole(&self) -> String {
        format!("{}{}", self.of, self.joins)
    }

    pub(super) fn new(tables: Tables<'_>, kind: ResourceType) -> Self {
        use ResourceType as T;
        let left = |table: &'static str, alias: &str, on: &str| left(tables, table, alias, on);
        let partner = || left("partners", "p", "p.id = cl.partner_id");
        let cloud = || left("clouds", "cl", "cl.id = r.cloud_id") + &partner();
        let compute = |on: &str| left("computes", "c", on) + &above_compute(tables);
        let namespace = || left("k8s_namespaces", "n", "n.id = w.k8s_namespace_id");
        let (alias, joins) = match kind {
            T::Partner => ("p", String::new()),
            T::Cloud => ("cl", partner()),
            T::Region => ("r", cloud()),
            T::AvailabilityZone => ("z", left("regions", "r", "r.id = z.region_id") + &cloud()),
            T::Datacenter => ("d", above_datacenter(tables, "cl.id = COALESCE(r.cloud_id, d.cloud_id)")),
            T::Compute => ("c", above_compute(tables)),
            T::Container => {
                let twin = left("compute_workloads", "w", "w.container_row_id = t.id");
                ("t", twin + &namespace() + &compute("c.id = t.compute_id"))
            }
            T::Workload => {
                let twin = left("containers", "t", "t.id = w.container_row_id");
                ("w", twin + &namespace() + &compute("c.id = w.compute_id"))
            }
            // A namespace spans computes; the first of its cluster tells to which partner it belongs.
            T::K8sNamespace => {
                let first = "(SELECT MIN(kn.compute_id) FROM k8s_nodes kn WHERE kn.cluster_id = n.cluster_id)";
                ("n", compute(&format!("c.id = {first}")))
            }
        };
        Self { of: format!("{} {alias}", tables(kind.table())), joins }
    }
}

/// `FROM` the list of keys that is bound, joined with the resources that have them and what they stand in.
pub(in crate::environment) fn chain(tables: Tables<'_>, kind: ResourceType, dialect: Dialect) -> String {
    let list = match dialect {
        Dialect::Sqlite => "json_each(?) q",
        Dialect::MySql => "JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$')) q",
    };
    let Chain { of, joins } = Chain::new(tables, kind);
    let key = levels(kind).first().map_or("p.id", |level| level.id);
    format!("FROM {list} JOIN {of} ON {key} = q.value{joins}")
}
