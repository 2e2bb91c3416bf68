//! People win: which columns of a legacy row discovery may write. Pure.

use crate::store::rows::compute::Columns;

/// What to write, and what discovery has then written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filling {
    /// Columns to write.
    pub updates: Columns,
    /// What discovery itself wrote, after that.
    pub filled: Columns,
}

/// Decides which of the `discovered` columns to write into a row that holds `current`, of which discovery itself wrote
/// `filled`. A column that is empty, or still holds what discovery wrote, is discovery's; any other value is a person's
/// and stays, and what was discovered remains visible beside it.
#[must_use]
pub(super) fn fill(current: &Columns, filled: &Columns, discovered: &Columns) -> Filling {
    let mut filling = Filling { updates: Columns::new(), filled: filled.clone() };
    for (column, value) in discovered {
        let present = current.get(column);
        if present.is_none() || present == filled.get(column) {
            if present != Some(value) {
                filling.updates.insert(column.clone(), value.clone());
            }
            filling.filled.insert(column.clone(), value.clone());
        }
    }
    filling
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn columns(pairs: &[(&str, &str)]) -> Columns {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect()
    }

    #[test]
    fn an_empty_column_is_filled_and_followed() {
        let first = fill(&columns(&[]), &columns(&[]), &columns(&[("os", "12")]));
        assert_eq!(first.updates, columns(&[("os", "12")]));
        let second = fill(&columns(&[("os", "12")]), &first.filled, &columns(&[("os", "13")]));
        assert_eq!((second.updates, second.filled), (columns(&[("os", "13")]), columns(&[("os", "13")])));
    }

    #[test]
    fn what_a_person_entered_stays() {
        let filling = fill(&columns(&[("os", "mine")]), &columns(&[("os", "12")]), &columns(&[("os", "13")]));
        assert_eq!((filling.updates, filling.filled), (Columns::new(), columns(&[("os", "12")])));
    }

    #[test]
    fn a_persons_value_that_agrees_is_still_a_persons() {
        let first = fill(&columns(&[("ip", "10.0.0.1")]), &columns(&[]), &columns(&[("ip", "10.0.0.1")]));
        assert_eq!((first.updates.len(), first.filled.len()), (0, 0));
        let second = fill(&columns(&[("ip", "10.0.0.1")]), &first.filled, &columns(&[("ip", "10.0.0.2")]));
        assert_eq!(second.updates, Columns::new());
    }

    #[test]
    fn what_was_filled_already_costs_no_write() {
        let same = columns(&[("os", "12")]);
        assert_eq!(fill(&same, &same, &same).updates, Columns::new());
    }
}
