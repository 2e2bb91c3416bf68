//! People win: which columns of a legacy row discovery may write, and what it sees beside a person's value. Pure.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::store::rows::compute::Columns;

/// What to write, and what discovery has then written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filling {
    /// Columns to write.
    pub(crate) updates: Columns,
    /// What discovery itself wrote, after that.
    pub(crate) filled: Columns,
    /// What it sees in columns that it does not write because a person's value stands there.
    pub(crate) beside: Columns,
}

/// Decides which of the `discovered` columns to write into a row that holds `current`, of which discovery itself wrote
/// `filled` and in which it saw other values `beside` those of people. A column that is empty, or still holds what
/// discovery wrote, is discovery's; any other value is a person's and stays.
#[must_use]
pub(crate) fn fill(current: &Columns, filled: &Columns, beside: &Columns, discovered: &Columns) -> Filling {
    let mut filling = Filling { updates: Columns::new(), filled: filled.clone(), beside: beside.clone() };
    for (column, value) in discovered {
        let present = current.get(column);
        if present.is_none() || present == filled.get(column) {
            if present != Some(value) {
                filling.updates.insert(column.clone(), value.clone());
            }
            filling.filled.insert(column.clone(), value.clone());
            filling.beside.remove(column);
        } else {
            filling.beside.insert(column.clone(), value.clone());
        }
    }
    filling
}

/// The fields in which a person's value and the discovered one differ: both, by column.
#[must_use]
pub(crate) fn drifts(current: &Columns, filled: &Columns, beside: &Columns) -> BTreeMap<String, (Json, Json)> {
    // What stands beside a person's value was seen later than what was once written there.
    let discovered = filled.iter().filter(|(column, _)| !beside.contains_key(*column)).chain(beside);
    discovered
        .filter_map(|(column, value)| {
            let persons = current.get(column).filter(|persons| *persons != value)?;
            Some((column.clone(), (persons.clone(), value.clone())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }

    fn none() -> Columns {
        Columns::new()
    }

    #[test]
    fn an_empty_column_is_filled_and_followed() {
        let first = fill(&none(), &none(), &none(), &columns(&[("os", "12")]));
        assert_eq!(first.updates, columns(&[("os", "12")]));
        let second = fill(&columns(&[("os", "12")]), &first.filled, &first.beside, &columns(&[("os", "13")]));
        assert_eq!((second.updates, second.filled), (columns(&[("os", "13")]), columns(&[("os", "13")])));
    }

    #[test]
    fn what_a_person_entered_stays_and_what_was_seen_is_kept_beside_it() {
        let current = columns(&[("os", "mine")]);
        let filling = fill(&current, &columns(&[("os", "12")]), &none(), &columns(&[("os", "13")]));
        assert_eq!((&filling.updates, &filling.filled), (&none(), &columns(&[("os", "12")])));
        assert_eq!(filling.beside, columns(&[("os", "13")]));
        let drift = drifts(&current, &filling.filled, &filling.beside);
        assert_eq!(drift["os"], (json!("mine"), json!("13")));
    }

    #[test]
    fn a_persons_value_that_agrees_is_still_a_persons_and_no_drift() {
        let current = columns(&[("ip", "10.0.0.1")]);
        let first = fill(&current, &none(), &none(), &columns(&[("ip", "10.0.0.1")]));
        assert_eq!((first.updates.len(), first.filled.len()), (0, 0));
        assert!(drifts(&current, &first.filled, &first.beside).is_empty());
        let second = fill(&current, &first.filled, &first.beside, &columns(&[("ip", "10.0.0.2")]));
        assert_eq!(second.updates, none());
        assert_eq!(drifts(&current, &second.filled, &second.beside).len(), 1);
    }

    #[test]
    fn a_value_that_a_person_changed_drifts_from_what_was_written() {
        let drift = drifts(&columns(&[("os", "mine")]), &columns(&[("os", "12")]), &none());
        assert_eq!(drift["os"], (json!("mine"), json!("12")));
        assert!(drifts(&none(), &columns(&[("os", "12")]), &none()).is_empty(), "an emptied column is filled again");
    }

    #[test]
    fn what_was_filled_already_costs_no_write() {
        let same = columns(&[("os", "12")]);
        assert_eq!(fill(&same, &same, &none(), &same).updates, none());
    }
}
