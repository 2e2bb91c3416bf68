//! A condition on rows: they belong to one of the wanted environments.
//!
//! It is built of sets, not of chains per row: which datacenters have the environment is found once, however many computes
//! stand in them, and nothing nests deeper than a workload, its compute and the places above. A workload's row says by itself whether it has associations of its own (`environment_id`), so that a
//! million of them cost no look into the associations.

use std::fmt::Write as _;

use super::{
    Condition, Tables, Wanted,
    chain::{Chain, Level, levels},
    current,
};
use crate::{environment::ResourceType, store::Value};

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

/// Parts of a statement that together find the keys of all workloads which have it, each by an index. `+` keeps a column
/// that most rows share from being taken for a good index.
pub(super) fn workload_parts(wanted: &Wanted) -> [Condition; 5] {
    use ResourceType::{Container, K8sNamespace, Workload};
    let part = |write: &dyn Fn(&mut Writer<'_>) -> String| {
        let mut writer = Writer { tables: &current, wanted, values: Vec::new() };
        let sql = write(&mut writer);
        Condition { sql, values: writer.values }
    };
    let of = "SELECT fw.id AS id FROM compute_workloads fw WHERE";
    let bare = "+fw.environment_id IS NULL";
    let (container, namespace) = ("fw.container_row_id", "fw.k8s_namespace_id");
    [
        part(&|writer| {
            let wanted = writer.wanted();
            let table = writer.table("environment_associations");
            let word = Workload.as_str();
            format!(
                "SELECT wa.resource_id AS id FROM {table} wa WHERE wa.resource_type = '{word}' AND wa.environment_id {wanted}"
            )
        }),
        part(&|writer| format!("{of} fw.environment_id {}", writer.wanted())),
        part(&|writer| format!("{of} {bare} AND {}", writer.found(Container, container, false))),
        part(&|writer| {
            let silent = writer.silent(Container, container);
            format!("{of} {bare} AND {silent} AND {}", writer.found(K8sNamespace, namespace, false))
        }),
        part(&|writer| {
            let silent = [writer.silent(Container, container), writer.silent(K8sNamespace, namespace)].join(" AND ");
            format!("{of} {bare} AND {silent} AND {}", writer.on_compute("fw.compute_id"))
        }),
    ]
}

/// A condition on computes, which the statement calls `alias`: they host one of the wanted environments, because they or
/// what they stand in were given to it, or because something that runs on them was.
#[must_use]
pub fn hosting(alias: &str, wanted: &Wanted) -> Condition {
    let mut writer = Writer { tables: &current, wanted, values: Vec::new() };
    let given = writer.effective(ResourceType::Compute, alias, false);
    let workloads = writer.own(ResourceType::Workload, "hw", true);
    let namespaces = writer.found(ResourceType::K8sNamespace, "hn.k8s_namespace_id", true);
    let containers = writer.own(ResourceType::Container, "ht", true);
    let sql = format!(
        "({given} OR {alias}.id IN (SELECT hw.compute_id FROM compute_workloads hw WHERE hw.ended_at_us IS NULL AND \
         {workloads}) OR {alias}.id IN (SELECT hn.compute_id FROM compute_workloads hn WHERE hn.ended_at_us IS NULL AND \
         hn.environment_id IS NULL AND {namespaces}) OR {alias}.id IN (SELECT ht.compute_id FROM containers ht \
         WHERE {containers}))"
    );
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
        if self.wanted.any {
            return format!("IN (SELECT we.id FROM {} we)", self.table("environments"));
        }
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
        let key = format!("{alias}.id");
        match kind {
            // The primary one stands in the row; further ones are looked up only where there is one.
            ResourceType::Workload => {
                let primary = self.wanted();
                let found = self.found(kind, &key, itself);
                let column = format!("{alias}.environment_id");
                format!("({column} IS NOT NULL AND ({column} {primary} OR {found}))")
            }
            ResourceType::Datacenter => {
                let found = self.found(kind, &key, itself);
                let wanted = self.wanted();
                format!("({found} OR ({} AND {alias}.environment_id {wanted}))", uncopied(self.tables, alias))
            }
            _ => self.found(kind, &key, itself),
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
            ResourceType::Datacenter => format!("({none} AND NOT ({}))", uncopied(self.tables, alias)),
            _ => none,
        }
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
            Cloud => self.in_place(Partner, &format!("{alias}.partner_id")),
            Region => self.in_place(Cloud, &format!("{alias}.cloud_id")),
            AvailabilityZone => self.in_place(Region, &format!("{alias}.region_id")),
            Datacenter => {
                let zone = self.in_place(AvailabilityZone, &format!("{alias}.availability_zone_id"));
                let cloud = self.in_place(Cloud, &format!("{alias}.cloud_id"));
                let partner = self.in_place(Partner, &format!("{alias}.partner_id"));
                format!(
                    "{zone} OR ({alias}.availability_zone_id IS NULL AND ({cloud} OR ({alias}.cloud_id IS NULL AND {partner})))"
                )
            }
            Compute => {
                let datacenter = self.in_place(Datacenter, &format!("{alias}.datacenter_id"));
                let cloud = self.in_place(Cloud, &format!("{alias}.cloud_id"));
                format!("{datacenter} OR ({alias}.datacenter_id IS NULL AND {cloud})")
            }
            // A workload and its row among the containers are one thing: what is said of the one holds for the other.
            ResourceType::Workload => {
                let twin = self.found(Container, &format!("{alias}.container_row_id"), false);
                let namespace = self.in_namespace(alias);
                format!(
                    "{twin} OR ({} AND ({namespace}))",
                    self.silent(Container, &format!("{alias}.container_row_id"))
                )
            }
            Container => {
                let workloads = self.table("compute_workloads");
                let twin = self.own(ResourceType::Workload, "tw", false);
                let namespace = self.in_namespace("tw");
                let compute = self.on_compute(&format!("{alias}.compute_id"));
                format!(
                    "EXISTS (SELECT 1 FROM {workloads} tw WHERE tw.container_row_id = {alias}.id AND ({twin} OR \
                     (tw.environment_id IS NULL AND ({namespace})))) OR (NOT EXISTS (SELECT 1 FROM {workloads} tw \
                     WHERE tw.container_row_id = {alias}.id) AND {compute})"
                )
            }
        })
    }

    /// The key is that of a compute which has it.
    fn on_compute(&mut self, key: &str) -> String {
        let effective = self.effective(ResourceType::Compute, "ec", false);
        format!("{key} IN (SELECT ec.id FROM {} ec WHERE {effective})", self.table("computes"))
    }

    /// The key is that of a place which has it, by itself or from above: the first level of which something is said.
    fn in_place(&mut self, place: ResourceType, key: &str) -> String {
        let levels = levels(place);
        let mut cases = String::new();
        for Level { on, id, .. } in &levels {
            let alias = id.trim_end_matches(".id");
            let silent = self.unclaimed(*on, alias, false);
            let own = self.own(*on, alias, false);
            let _ = write!(cases, " WHEN {id} IS NOT NULL AND NOT ({silent}) THEN {own}");
        }
        let first = levels.first().map_or("p.id", |level| level.id);
        let from = Chain::new(self.tables, place).whole();
        format!("{key} IN (SELECT {first} FROM {from} WHERE CASE{cases} ELSE 1 = 0 END)")
    }

    /// What a workload inherits: from its namespace, or else from its compute.
    fn in_namespace(&mut self, alias: &str) -> String {
        let key = format!("{alias}.k8s_namespace_id");
        let namespace = self.found(ResourceType::K8sNamespace, &key, false);
        let compute = self.on_compute(&format!("{alias}.compute_id"));
        format!("{namespace} OR ({} AND {compute})", self.silent(ResourceType::K8sNamespace, &key))
    }

    /// There is no such resource, or nothing is said of it.
    fn silent(&self, kind: ResourceType, key: &str) -> String {
        format!(
            "({key} IS NULL OR {key} NOT IN (SELECT sa.resource_id FROM {} sa WHERE sa.resource_type = '{}' \
             AND sa.origin <> 'measured'))",
            self.table("environment_associations"),
            kind.as_str()
        )
    }
}

/// The legacy column of a datacenter speaks: it names an environment, and nobody has copied or replaced that.
pub(super) fn uncopied(tables: Tables<'_>, alias: &str) -> String {
    format!(
        "{alias}.environment_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {} la WHERE \
         la.resource_type = 'datacenter' AND la.resource_id = {alias}.id) AND NOT EXISTS (SELECT 1 FROM \
         environment_legacy l WHERE l.datacenter_id = {alias}.id AND l.environment_id = {alias}.environment_id)",
        tables("environment_associations")
    )
}
