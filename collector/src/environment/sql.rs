//! The same as [`inherit`](super::inherit), for whole lists: a condition on rows, and the claims of a page of rows.
//!
//! The condition is built of sets, not of chains per row: which datacenters have the environment is found once, however
//! many computes stand in them. A workload's row says by itself whether it has associations of its own
//! (`environment_id`), so that a million of them cost no look into the associations.

use super::ResourceType;
use crate::store::{Dialect, Value};

/// SQL with the values that are bound in it, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Condition {
    /// The text, with a `?` for each value.
    pub sql: String,
    /// The values.
    pub values: Vec<Value>,
}

/// Which environments are wanted: those with one of the codes, of whichever partner, or with one of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Codes, for example `PROD`.
    pub codes: Vec<String>,
    /// Keys.
    pub ids: Vec<i64>,
}

/// Where a statement reads a table from: its name, or a derived table (in brackets) of its rows at a past time.
pub type Tables<'a> = &'a (dyn Fn(&'static str) -> String + Sync);

/// Reads every table as it is now.
#[must_use]
pub fn current(table: &'static str) -> String {
    table.to_owned()
}

/// A condition on the rows of a kind, which the statement calls `alias`: they belong to one of the wanted environments,
/// by an association of their own or, if `inherited`, by those of their nearest ancestor that has any.
#[must_use]
pub fn effective_filter(kind: ResourceType, alias: &str, wanted: &Wanted, inherited: bool) -> Condition {
    effective_filter_from(&current, kind, alias, wanted, inherited)
}

/// The same, with tables read from elsewhere.
#[must_use]
pub fn effective_filter_from(
    tables: Tables<'_>,
    kind: ResourceType,
    alias: &str,
    wanted: &Wanted,
    inherited: bool,
) -> Condition {
    let mut writer = Writer { tables, wanted, values: Vec::new() };
    let sql = if inherited { writer.effective(kind, alias, true) } else { writer.own(kind, alias, true) };
    Condition { sql, values: writer.values }
}

/// Writes a condition; the values are bound in the order in which the text is made.
struct Writer<'a> {
    tables: Tables<'a>,
    wanted: &'a Wanted,
    values: Vec<Value>,
}

impl Writer<'_> {
    fn table(&self, table: &'static str) -> String {
        (self.tables)(table)
    }

    /// `IN (…)` of the keys of the wanted environments.
    fn wanted(&mut self) -> String {
        let marks = |count: usize| vec!["?"; count].join(", ");
        self.values.extend(self.wanted.ids.iter().map(|id| Value::Int(*id)));
        self.values.extend(self.wanted.codes.iter().map(Value::from));
        let codes = if self.wanted.codes.is_empty() { "NULL".to_owned() } else { marks(self.wanted.codes.len()) };
        let ids = if self.wanted.ids.is_empty() { "NULL".to_owned() } else { marks(self.wanted.ids.len()) };
        format!(
            "IN (SELECT we.id FROM {} we WHERE we.id IN ({ids}) OR we.code IN ({codes}))",
            self.table("environments")
        )
    }

    /// It has an association of its own to a wanted environment. `itself`: not as an ancestor of something else.
    fn own(&mut self, kind: ResourceType, alias: &str, itself: bool) -> String {
        let found = self.found(kind, &format!("{alias}.id"), itself);
        match kind {
            // The primary one stands in the row; further ones are looked up only where there is one.
            ResourceType::Workload => {
                let primary = self.wanted();
                let (found, primary) = (found, format!("{alias}.environment_id {primary}"));
                // The values of `found` were bound first.
                format!("({alias}.environment_id IS NOT NULL AND ({found} OR {primary}))")
            }
            ResourceType::Datacenter => {
                let wanted = self.wanted();
                format!("({found} OR ({} AND {alias}.environment_id {wanted}))", self.uncopied(alias))
            }
            _ => found,
        }
    }

    /// The key is among those that a wanted environment is associated with.
    fn found(&mut self, kind: ResourceType, key: &str, itself: bool) -> String {
        let wanted = self.wanted();
        let table = self.table("environment_associations");
        let inheritable = if itself { "" } else { " AND wa.origin <> 'measured'" };
        let kind_word = kind.as_str();
        if kind == ResourceType::Workload {
            return format!(
                "EXISTS (SELECT 1 FROM {table} wa WHERE wa.resource_type = '{kind_word}' AND wa.resource_id = {key} \
                 AND wa.environment_id {wanted})"
            );
        }
        format!(
            "{key} IN (SELECT wa.resource_id FROM {table} wa WHERE wa.resource_type = '{kind_word}' \
             AND wa.environment_id {wanted}{inheritable})"
        )
    }

    /// It has no association of its own at all.
    fn unclaimed(&self, kind: ResourceType, alias: &str, itself: bool) -> String {
        let inheritable = if itself { "" } else { " AND na.origin <> 'measured'" };
        let none = format!(
            "{alias}.id NOT IN (SELECT na.resource_id FROM {} na WHERE na.resource_type = '{}'{inheritable})",
            self.table("environment_associations"),
            kind.as_str()
        );
        match kind {
            ResourceType::Workload => format!("{alias}.environment_id IS NULL"),
            ResourceType::Datacenter => format!("({none} AND NOT ({}))", self.uncopied(alias)),
            _ => none,
        }
    }

    /// The legacy column of a datacenter speaks: it names an environment, and nobody has copied or replaced that.
    fn uncopied(&self, alias: &str) -> String {
        format!(
            "{alias}.environment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {} la WHERE \
             la.resource_type = 'datacenter' AND la.resource_id = {alias}.id) AND NOT EXISTS (SELECT 1 FROM \
             environment_legacy l WHERE l.datacenter_id = {alias}.id AND l.environment_id = {alias}.environment_id)",
            self.table("environment_associations")
        )
    }

    fn effective(&mut self, kind: ResourceType, alias: &str, itself: bool) -> String {
        let own = self.own(kind, alias, itself);
        let none = self.unclaimed(kind, alias, itself);
        match self.above(kind, alias) {
            Some(above) => format!("({own} OR ({none} AND ({above})))"),
            None => own,
        }
    }

    /// The nearest ancestor has it, directly or from further above. Each kind hangs on the first parent that it names.
    fn above(&mut self, kind: ResourceType, alias: &str) -> Option<String> {
        use ResourceType::{AvailabilityZone, Cloud, Compute, Container, Datacenter, K8sNamespace, Partner, Region};
        Some(match kind {
            Partner | K8sNamespace => return None,
            Cloud => self.within(Partner, &format!("{alias}.partner_id")),
            Region => self.within(Cloud, &format!("{alias}.cloud_id")),
            AvailabilityZone => self.within(Region, &format!("{alias}.region_id")),
            Datacenter => {
                let zone = self.within(AvailabilityZone, &format!("{alias}.availability_zone_id"));
                let cloud = self.within(Cloud, &format!("{alias}.cloud_id"));
                let partner = self.within(Partner, &format!("{alias}.partner_id"));
                format!(
                    "{zone} OR ({alias}.availability_zone_id IS NULL AND ({cloud} OR ({alias}.cloud_id IS NULL AND {partner})))"
                )
            }
            Compute => {
                let datacenter = self.within(Datacenter, &format!("{alias}.datacenter_id"));
                let cloud = self.within(Cloud, &format!("{alias}.cloud_id"));
                format!("{datacenter} OR ({alias}.datacenter_id IS NULL AND {cloud})")
            }
            // A workload and its row among the containers are one thing: what is said of the one holds for the other.
            ResourceType::Workload => {
                let twin = self.found(Container, &format!("{alias}.container_row_id"), false);
                let compute = self.within(Compute, &format!("{alias}.compute_id"));
                format!(
                    "{twin} OR (({alias}.container_row_id IS NULL OR {alias}.container_row_id NOT IN (SELECT \
                     ta.resource_id FROM {} ta WHERE ta.resource_type = 'container')) AND {compute})",
                    self.table("environment_associations")
                )
            }
            Container => {
                let workloads = self.table("compute_workloads");
                let twin = self.own(ResourceType::Workload, "tw", false);
                let compute = self.within(Compute, &format!("{alias}.compute_id"));
                format!(
                    "EXISTS (SELECT 1 FROM {workloads} tw WHERE tw.container_row_id = {alias}.id AND {twin}) OR \
                     (NOT EXISTS (SELECT 1 FROM {workloads} tw WHERE tw.container_row_id = {alias}.id \
                     AND tw.environment_id IS NOT NULL) AND {compute})"
                )
            }
        })
    }

    /// The key is that of a parent which has it.
    fn within(&mut self, parent: ResourceType, key: &str) -> String {
        let alias = match parent {
            ResourceType::Partner => "ep",
            ResourceType::Cloud => "ecl",
            ResourceType::Region => "er",
            ResourceType::AvailabilityZone => "ez",
            ResourceType::Datacenter => "ed",
            _ => "ec",
        };
        let effective = self.effective(parent, alias, false);
        format!("{key} IN (SELECT {alias}.id FROM {} {alias} WHERE {effective})", self.table(parent.table()))
    }
}

/// A place where claims on a resource are made: the kind, and the columns of the chain that hold its key and name.
struct Level {
    on: ResourceType,
    id: &'static str,
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
            ResourceType::Datacenter => {
                let writer = Writer { tables, wanted: &Wanted::default(), values: Vec::new() };
                (Some(("d.environment_id", writer.uncopied("d"))), "legacy")
            }
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
fn levels(kind: ResourceType) -> Vec<Level> {
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
        T::Container => from(vec![CONTAINER, WORKLOAD, COMPUTE, DATACENTER]),
        T::Workload => from(vec![WORKLOAD, CONTAINER, COMPUTE, DATACENTER]),
        T::K8sNamespace => vec![level(T::K8sNamespace, "n.id", "n.name")],
    }
}

/// `FROM` the list of keys, joined with each ancestor by the first parent that is named.
fn chain(tables: Tables<'_>, kind: ResourceType, dialect: Dialect) -> String {
    use ResourceType as T;
    let list = match dialect {
        Dialect::Sqlite => "FROM json_each(?) q",
        Dialect::MySql => "FROM JSON_TABLE(?, '$[*]' COLUMNS (value BIGINT PATH '$')) q",
    };
    let join = |table: &'static str, alias: &str, on: &str| format!(" JOIN {} {alias} ON {on}", tables(table));
    let left = |table: &'static str, alias: &str, on: &str| format!(" LEFT JOIN {} {alias} ON {on}", tables(table));
    let region = || left("regions", "r", "r.id = z.region_id");
    let above_datacenter = |cloud: &str| {
        [
            left("availability_zones", "z", "z.id = d.availability_zone_id"),
            region(),
            left("clouds", "cl", cloud),
            left("partners", "p", "p.id = COALESCE(cl.partner_id, d.partner_id)"),
        ]
        .concat()
    };
    let above_compute = || {
        let cloud = "cl.id = COALESCE(r.cloud_id, d.cloud_id, CASE WHEN c.datacenter_id IS NULL THEN c.cloud_id END)";
        left("datacenters", "d", "d.id = c.datacenter_id") + &above_datacenter(cloud)
    };
    let chain = match kind {
        T::Partner => join("partners", "p", "p.id = q.value"),
        T::Cloud => join("clouds", "cl", "cl.id = q.value") + &left("partners", "p", "p.id = cl.partner_id"),
        T::Region => {
            join("regions", "r", "r.id = q.value")
                + &left("clouds", "cl", "cl.id = r.cloud_id")
                + &left("partners", "p", "p.id = cl.partner_id")
        }
        T::AvailabilityZone => {
            join("availability_zones", "z", "z.id = q.value")
                + &region()
                + &left("clouds", "cl", "cl.id = r.cloud_id")
                + &left("partners", "p", "p.id = cl.partner_id")
        }
        T::Datacenter => {
            join("datacenters", "d", "d.id = q.value") + &above_datacenter("cl.id = COALESCE(r.cloud_id, d.cloud_id)")
        }
        T::Compute => join("computes", "c", "c.id = q.value") + &above_compute(),
        T::Container => {
            join("containers", "t", "t.id = q.value")
                + &left("compute_workloads", "w", "w.container_row_id = t.id")
                + &left("computes", "c", "c.id = t.compute_id")
                + &above_compute()
        }
        T::Workload => {
            join("compute_workloads", "w", "w.id = q.value")
                + &left("containers", "t", "t.id = w.container_row_id")
                + &left("computes", "c", "c.id = w.compute_id")
                + &above_compute()
        }
        T::K8sNamespace => join("k8s_namespaces", "n", "n.id = q.value"),
    };
    format!("{list}{chain}")
}
