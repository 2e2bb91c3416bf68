//! Names of a request, looked up in the catalog; a name that is none is refused with the nearest ones.

use super::QueryError;
use crate::catalog::{Field, KINDS, Kind, Relation};

pub(super) fn kind(name: &str, path: &str) -> Result<&'static Kind, QueryError> {
    Kind::find(name).ok_or_else(|| QueryError::unknown("unknown-kind", path, name, KINDS.iter().map(|kind| kind.name)))
}

pub(super) fn field(kind: &'static Kind, name: &str, path: &str) -> Result<&'static Field, QueryError> {
    kind.field(name)
        .ok_or_else(|| QueryError::unknown("unknown-field", path, name, kind.fields.iter().map(|field| field.name)))
}

pub(super) fn relation(above: &'static Kind, other: &Kind, path: &str) -> Result<&'static Relation, QueryError> {
    above.relation(other).ok_or_else(|| {
        let valid: Vec<&str> = above.relations.iter().map(|relation| relation.kind).collect();
        let message =
            format!("{} is not directly related to {}; it is to {}", other.name, above.name, valid.join(", "));
        QueryError::invalid("unrelated-kind", path, message)
    })
}
