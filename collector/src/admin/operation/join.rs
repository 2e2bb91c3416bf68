//! Two rows that are the same thing become one: whose value stays in each column. Pure.
//!
//! What a person entered is never lost: it is taken over where the row that goes on has none, and where both have one,
//! the conflict is told and the other value stays readable on the row that was merged.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::report::{TakenValue, ValueConflict};
use crate::{
    reconcile::drift::camel,
    store::rows::{compute::Columns, shape::Row},
};

/// A row, and what discovery itself wrote into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side<'a> {
    pub(super) row: &'a Row,
    pub(super) filled: &'a Columns,
}

impl Side<'_> {
    /// The value in a column; an empty text is none.
    fn value(&self, column: &str) -> Option<&Json> {
        self.row.get(column).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// The value in a column, when a person entered it.
    fn persons(&self, column: &str) -> Option<&Json> {
        self.value(column).filter(|value| self.filled.get(column) != Some(value))
    }
}

/// What becomes of the row that goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Joined {
    /// Columns that take over a person's value of the other row.
    pub(super) updates: Row,
    pub(super) taken: Vec<TakenValue>,
    pub(super) conflicts: Vec<ValueConflict>,
}

/// Joins `from` into `into`. Of a column in `prefer` the value of `from` stays where both are a person's.
pub(super) fn join(
    into: Side<'_>,
    from: Side<'_>,
    leave_out: &[&str],
    prefer: &BTreeSet<String>,
    (resource_type, resource_id): (&str, i64),
) -> Joined {
    let mut joined = Joined::default();
    for column in into.row.keys().filter(|column| !leave_out.contains(&column.as_str())) {
        let Some(other) = from.persons(column) else { continue };
        let ours = into.persons(column);
        if ours == Some(other) {
            continue;
        }
        let field = camel(column);
        match ours {
            Some(kept) if !prefer.contains(&field) => joined.conflicts.push(ValueConflict {
                resource_type: resource_type.to_owned(),
                resource_id,
                field,
                kept: kept.clone(),
                other: other.clone(),
            }),
            _ => {
                joined.taken.push(TakenValue {
                    resource_type: resource_type.to_owned(),
                    resource_id,
                    field,
                    value: other.clone(),
                    instead_of: into.row.get(column).cloned().unwrap_or(Json::Null),
                });
                joined.updates.insert(column.clone(), other.clone());
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(pairs: &[(&str, Json)]) -> Row {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    }

    #[test]
    fn a_persons_value_moves_and_a_discovered_one_makes_way() {
        let into = row(&[
            ("notes", Json::Null),
            ("os_version", json!("12")),
            ("brand", json!("Acme")),
            ("purpose", json!("")),
        ]);
        let from = row(&[
            ("notes", json!("mine")),
            ("os_version", json!("hardened")),
            ("brand", json!("Acme")),
            ("purpose", json!("web")),
        ]);
        let filled = row(&[("os_version", json!("12"))]);
        let (into, from) = (Side { row: &into, filled: &filled }, Side { row: &from, filled: &Columns::new() });
        let joined = join(into, from, &[], &BTreeSet::new(), ("compute", 1));
        assert_eq!(
            joined.updates,
            row(&[("notes", json!("mine")), ("os_version", json!("hardened")), ("purpose", json!("web"))])
        );
        assert_eq!(joined.conflicts, []);
    }

    #[test]
    fn two_persons_values_are_a_conflict_that_can_be_decided() {
        let (into, from) = (
            row(&[("notes", json!("a")), ("cpu_cores", json!(4))]),
            row(&[("notes", json!("b")), ("cpu_cores", json!(8))]),
        );
        let none = Columns::new();
        let sides = (Side { row: &into, filled: &none }, Side { row: &from, filled: &none });
        let joined = join(sides.0, sides.1, &[], &BTreeSet::new(), ("compute", 1));
        assert_eq!(joined.updates, Row::new());
        let fields: Vec<&str> = joined.conflicts.iter().map(|conflict| conflict.field.as_str()).collect();
        assert_eq!(fields, ["cpuCores", "notes"]);
        let joined = join(sides.0, sides.1, &[], &BTreeSet::from(["notes".to_owned()]), ("compute", 1));
        assert_eq!((joined.updates, joined.conflicts.len()), (row(&[("notes", json!("b"))]), 1));
    }

    #[test]
    fn what_discovery_wrote_is_nobodys() {
        let (into, from) = (row(&[("os_version", json!("12"))]), row(&[("os_version", json!("13"))]));
        let (filled_into, filled_from) = (row(&[]), row(&[("os_version", json!("13"))]));
        let sides = (Side { row: &into, filled: &filled_into }, Side { row: &from, filled: &filled_from });
        assert_eq!(join(sides.0, sides.1, &[], &BTreeSet::new(), ("compute", 1)), Joined::default());
    }
}
