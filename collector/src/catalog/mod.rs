//! The kinds of resources, their fields, and how they hang together: the one description that reading and editing share.
//!
//! A kind is plain data about a table. What is not listed cannot be read: keys and secrets of partners and environment
//! variables of containers are left out on purpose. It knows nothing of requests, of SQL dialects and of who asks.

mod compute;
mod environment;
mod kubernetes;
mod names;
mod past;
mod place;

pub(crate) use compute::{AGENT, CAPABILITY, COMPUTE, CONTAINER, WORKLOAD};
pub(crate) use environment::{AUTOMATION_TARGET, ENVIRONMENT, ENVIRONMENT_ASSOCIATION, TAG};
pub(crate) use kubernetes::{K8S_CLUSTER, K8S_INGRESS, K8S_NAMESPACE, K8S_NODE, K8S_SERVICE};
pub(crate) use names::{alike, fold, nearest};
pub(crate) use past::Identity;
pub(crate) use place::{AVAILABILITY_ZONE, CLOUD, DATACENTER, NETWORK_DEVICE, PARTNER, REGION, RESOURCE_POOL};

/// A kind of resource.
#[derive(Debug)]
pub(crate) struct Kind {
    /// Name in queries, without separators.
    pub(crate) name: &'static str,
    /// Name that a list of them has in a result of a query.
    pub(crate) plural: &'static str,
    /// Name of their list in paths.
    pub(crate) list: &'static str,
    pub(crate) table: &'static str,
    /// Column that identifies a row.
    pub(crate) key: &'static str,
    pub(crate) fields: &'static [Field],
    pub(crate) relations: &'static [Relation],
    /// What `resource_type` columns call it; empty when nothing is attached to it.
    pub(crate) resource_type: &'static str,
}

/// A column of a kind.
#[derive(Debug)]
pub(crate) struct Field {
    /// Name in requests and results, camelCase.
    pub(crate) name: &'static str,
    pub(crate) column: &'static str,
    pub(crate) kind: FieldKind,
}

/// How a column is read, compared and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Text,
    Int,
    /// DECIMAL, shown as a number.
    Real,
    Bool,
    /// DATETIME or TIMESTAMP in UTC, shown as RFC 3339.
    DateTime,
    /// Microseconds since the epoch, shown as RFC 3339.
    Micros,
    /// JSON text, shown as JSON.
    Json,
    /// JSON text that tells how to connect to something, shown as JSON without its secrets.
    Connection,
}

/// How one kind hangs on another.
#[derive(Debug)]
pub(crate) struct Relation {
    /// The other kind.
    pub(crate) kind: &'static str,
    pub(crate) link: Link,
}

/// Columns that connect two kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// The other kind's `column` holds this kind's key: there may be many.
    Below { column: &'static str },
    /// This kind's `column` holds the other kind's key: there is at most one.
    Above { column: &'static str },
    /// The other kind names this one by `resource_type` and `resource_id` columns: there may be many.
    Attached { kind_column: &'static str, id_column: &'static str },
}

impl Kind {
    /// Finds a kind by its name, its plural or its list, regardless of case and underscores.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().copied().find(|kind| [kind.name, kind.plural, kind.list].iter().any(|known| alike(known, name)))
    }

    /// Finds a field by its name, regardless of case and underscores.
    pub(crate) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| alike(field.name, name))
    }

    /// How another kind hangs on this one, if it does directly.
    pub(crate) fn relation(&self, other: &Self) -> Option<&'static Relation> {
        self.relations.iter().find(|relation| relation.kind == other.name)
    }
}

/// Every kind.
pub(crate) static KINDS: &[&Kind] = &[
    &place::PARTNER,
    &place::CLOUD,
    &place::REGION,
    &place::AVAILABILITY_ZONE,
    &place::DATACENTER,
    &compute::COMPUTE,
    &compute::CONTAINER,
    &environment::ENVIRONMENT,
    &environment::ENVIRONMENT_ASSOCIATION,
    &compute::WORKLOAD,
    &environment::TAG,
    &compute::CAPABILITY,
    &environment::AUTOMATION_TARGET,
    &compute::AGENT,
    &place::NETWORK_DEVICE,
    &kubernetes::K8S_CLUSTER,
    &kubernetes::K8S_NAMESPACE,
    &kubernetes::K8S_NODE,
    &kubernetes::K8S_SERVICE,
    &kubernetes::K8S_INGRESS,
    &place::RESOURCE_POOL,
];

macro_rules! fields {
    ($($name:literal $column:literal $kind:ident),* $(,)?) => {
        &[$(Field { name: $name, column: $column, kind: FieldKind::$kind }),*]
    };
}

macro_rules! relations {
    ($($kind:literal $direction:ident $column:literal),* ; $($attached:literal),* $(,)?) => {
        &[
            $(Relation { kind: $kind, link: Link::$direction { column: $column } },)*
            $(Relation { kind: $attached, link: attached($attached) },)*
        ]
    };
}

use {fields, relations};

const fn attached(kind: &str) -> Link {
    // Targets name their resource in columns of their own.
    match kind.as_bytes() {
        b"automationtarget" => Link::Attached { kind_column: "target_type", id_column: "target_id" },
        _ => Link::Attached { kind_column: "resource_type", id_column: "resource_id" },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_hangs_together() {
        for kind in KINDS {
            for relation in kind.relations {
                let other = Kind::find(relation.kind).unwrap();
                let has = |kind: &Kind, column: &str| kind.fields.iter().any(|field| field.column == column);
                match relation.link {
                    Link::Below { column } => assert!(has(other, column), "{} below {}", other.name, kind.name),
                    Link::Above { column } => assert!(has(kind, column), "{} above {}", other.name, kind.name),
                    Link::Attached { kind_column, id_column } => {
                        assert!(has(other, kind_column) && has(other, id_column) && !kind.resource_type.is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn names_are_found_in_every_spelling() {
        for name in ["availability_zone", "AvailabilityZones", "availability-zones"] {
            assert_eq!(Kind::find(name).map(|kind| kind.name), Some("availabilityzone"), "{name}");
        }
        let compute = Kind::find("compute").unwrap();
        assert_eq!(compute.field("cpu_cores").map(|field| field.name), Some("cpuCores"));
        assert!(Kind::find("server").is_none() && compute.field("cpus").is_none());
    }
}
