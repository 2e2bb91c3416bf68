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
///
/// Each resource is joined once with what it stands in; the levels of that are counted off beside it, and the associations
/// of each are looked up by their index. Both planners are told this order: they know nothing of how few the keys are.
#[must_use]
pub fn claims_from(tables: Tables<'_>, kind: ResourceType, keys: &[i64], dialect: Dialect) -> Condition {
    let levels = levels(kind);
    let mut branches = vec![associated(tables, kind, &levels, dialect)];
    branches.extend(
        levels.iter().enumerate().filter_map(|(distance, level)| by_column(tables, kind, distance, level, dialect)),
    );
    let list = serde_json::Value::from(keys).to_string();
    let values = vec![Value::Text(list); branches.len()];
    Condition { sql: branches.join(" UNION ALL "), values }
}

/// The claims that associations make.
fn associated(tables: Tables<'_>, kind: ResourceType, levels: &[Level], dialect: Dialect) -> String {
    let uppermost = levels.last().map_or("p", |level| level.id.trim_end_matches(".id"));
    let chain = Chain::new(tables, kind).up_to(uppermost).from(kind, dialect);
    let share = dialect.decimal("a.allocated_percentage");
    let (associations, environments) = (tables("environment_associations"), tables("environments"));
    let numbers: Vec<String> = (0..levels.len()).map(|distance| format!("SELECT {distance} AS distance")).collect();
    let of_level = |of: &dyn Fn(&Level) -> String| {
        let cases = levels.iter().enumerate().map(|(distance, level)| format!(" WHEN {distance} THEN {}", of(level)));
        format!("CASE v.distance{} END", cases.collect::<String>())
    };
    let (word, id) = (of_level(&|level| format!("'{}'", level.on.as_str())), of_level(&|level| level.id.to_owned()));
    let name = of_level(&|level| text(level.name, dialect));
    let (select, join) = match dialect {
        Dialect::Sqlite => ("SELECT", "CROSS JOIN"),
        Dialect::MySql => ("SELECT STRAIGHT_JOIN", "JOIN"),
    };
    format!(
        "{select} q.value AS {}, v.distance AS {}, {word} AS {}, {id} AS {}, {name} AS {}, e.id AS environment_id, \
         e.code AS code, e.name AS name, a.is_primary AS is_primary, a.origin AS origin, {share} AS share, \
         a.id AS association_id {chain} {join} ({}) v ON 1 = 1 {join} {associations} a ON a.resource_type = {word} \
         AND a.resource_id = {id} AND (v.distance = 0 OR a.origin <> 'measured') \
         {join} {environments} e ON e.id = a.environment_id",
        column::RESOURCE,
        column::DISTANCE,
        column::ON,
        column::ON_ID,
        column::ON_NAME,
        numbers.join(" UNION ALL "),
    )
}

/// The claim that a column makes where there is no association.
fn by_column(
    tables: Tables<'_>,
    kind: ResourceType,
    distance: usize,
    Level { on, id, name }: &Level,
    dialect: Dialect,
) -> Option<String> {
    let (environment, joins, condition, origin) = match on {
        ResourceType::Datacenter => ("d.environment_id", String::new(), uncopied(tables, "d"), "legacy"),
        ResourceType::Workload => {
            // MariaDB would make a table of all associations of workloads for a NOT EXISTS.
            let none = "na.resource_type = 'workload' AND na.resource_id = w.id";
            let none = left(tables, "environment_associations", "na", none).sql;
            ("w.environment_id", none, "na.id IS NULL".to_owned(), "person")
        }
        _ => return None,
    };
    let chain = Chain::new(tables, kind).up_to(id.trim_end_matches(".id")).from(kind, dialect);
    let (select, real, integer) = match dialect {
        Dialect::Sqlite => ("SELECT", "REAL", "INTEGER"),
        Dialect::MySql => ("SELECT STRAIGHT_JOIN", "DOUBLE", "SIGNED"),
    };
    Some(format!(
        "{select} q.value, {distance}, '{}', {id}, {}, e.id, e.code, e.name, 1, '{origin}', CAST(NULL AS {real}), \
         CAST(NULL AS {integer}) {chain}{joins} JOIN {} e ON e.id = {environment} WHERE {condition}",
        on.as_str(),
        text(name, dialect),
        tables("environments"),
    ))
}

/// A name in one character set: those of existing tables are their own.
fn text(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Sqlite => name.to_owned(),
        Dialect::MySql => format!("CONVERT({name} USING utf8mb4)"),
    }
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

/// A `LEFT JOIN`.
struct Join {
    alias: &'static str,
    sql: String,
}

fn left(tables: Tables<'_>, table: &'static str, alias: &'static str, on: &str) -> Join {
    Join { alias, sql: format!(" LEFT JOIN {} {alias} ON {on}", tables(table)) }
}

/// Joins a datacenter `d` with what it stands in, and with the cloud that the condition names.
fn above_datacenter(tables: Tables<'_>, cloud: &str) -> [Join; 4] {
    [
        left(tables, "availability_zones", "z", "z.id = d.availability_zone_id"),
        left(tables, "regions", "r", "r.id = z.region_id"),
        left(tables, "clouds", "cl", cloud),
        left(tables, "partners", "p", "p.id = COALESCE(cl.partner_id, d.partner_id)"),
    ]
}

fn places_of_compute(tables: Tables<'_>) -> Vec<Join> {
    let cloud = "cl.id = COALESCE(r.cloud_id, d.cloud_id, CASE WHEN c.datacenter_id IS NULL THEN c.cloud_id END)";
    let datacenter = left(tables, "datacenters", "d", "d.id = c.datacenter_id");
    [datacenter].into_iter().chain(above_datacenter(tables, cloud)).collect()
}

/// Joins a compute `c` with its datacenter `d`, zone `z`, region `r`, cloud `cl` and partner `p`.
pub(crate) fn above_compute(tables: Tables<'_>) -> String {
    places_of_compute(tables).into_iter().map(|join| join.sql).collect()
}

/// A resource, and the joins with what it stands in, by the first parent that is named.
pub(super) struct Chain {
    /// The table with its alias.
    of: String,
    joins: Vec<Join>,
}

impl Chain {
    /// All of them, each with what it stands in.
    pub(super) fn whole(&self) -> String {
        let joins = self.joins.iter().map(|join| join.sql.as_str());
        [self.of.as_str()].into_iter().chain(joins).collect()
    }

    /// Without what stands above this alias.
    fn up_to(mut self, alias: &str) -> Self {
        let joined = self.joins.iter().position(|join| join.alias == alias);
        self.joins.truncate(joined.map_or(0, |last| last + 1));
        self
    }

    /// `FROM` the list of keys that is bound, joined with the resources that have them and what they stand in.
    fn from(&self, kind: ResourceType, dialect: Dialect) -> String {
        let list = match dialect {
            Dialect::Sqlite => "json_each(?) q",
            Dialect::MySql => "JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$')) q",
        };
        let key = levels(kind).first().map_or("p.id", |level| level.id);
        let joins: String = self.joins.iter().map(|join| join.sql.as_str()).collect();
        format!("FROM {list} JOIN {} ON {key} = q.value{joins}", self.of)
    }

    pub(super) fn new(tables: Tables<'_>, kind: ResourceType) -> Self {
        use ResourceType as T;
        let left = |table: &'static str, alias: &'static str, on: &str| left(tables, table, alias, on);
        let cloud = || vec![left("clouds", "cl", "cl.id = r.cloud_id"), left("partners", "p", "p.id = cl.partner_id")];
        let compute = |on: &str| {
            let compute = left("computes", "c", on);
            [compute].into_iter().chain(places_of_compute(tables)).collect::<Vec<_>>()
        };
        let namespace = || left("k8s_namespaces", "n", "n.id = w.k8s_namespace_id");
        let behind = |first: Vec<Join>, then: Vec<Join>| first.into_iter().chain(then).collect::<Vec<_>>();
        let (alias, joins) = match kind {
            T::Partner => ("p", Vec::new()),
            T::Cloud => ("cl", vec![left("partners", "p", "p.id = cl.partner_id")]),
            T::Region => ("r", cloud()),
            T::AvailabilityZone => ("z", behind(vec![left("regions", "r", "r.id = z.region_id")], cloud())),
            T::Datacenter => ("d", above_datacenter(tables, "cl.id = COALESCE(r.cloud_id, d.cloud_id)").into()),
            T::Compute => ("c", places_of_compute(tables)),
            T::Container => {
                let twin = left("compute_workloads", "w", "w.container_row_id = t.id");
                ("t", behind(vec![twin, namespace()], compute("c.id = t.compute_id")))
            }
            T::Workload => {
                let twin = left("containers", "t", "t.id = w.container_row_id");
                ("w", behind(vec![twin, namespace()], compute("c.id = w.compute_id")))
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
    Chain::new(tables, kind).from(kind, dialect)
}
