//! Writes the inventory as files that an import reads.
//!
//! Numbers are left out: a row is named by its path. So is what discovery wrote by itself, unless it is asked for: imported,
//! it would be a person's word, and never follow the host again.

mod csv;
mod json;
mod rows;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value as Json;

use super::{
    book::{At, Book, Label},
    sheet::{Named, SHEETS, Sheet, of_kind},
};
use crate::{
    edit::form::{Need, Rule},
    query::tag_rows::{LEGACY, tag_rows},
    store::{
        Db, StoreError, Value,
        rows::{
            compute::{self, ACTIVE, Columns, MERGED, UNREACHABLE},
            container,
            filled::{filled_of_computes, filled_of_containers},
            record::{Listing, Record, record_page},
        },
    },
};

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// Columns that have a value of their own where none is given: that they hold none must be said.
const WITH_DEFAULT: [&str; 12] = [
    "status",
    "zone_type",
    "is_default",
    "is_dr_site",
    "tier",
    "servers",
    "storage_tb",
    "utilization",
    "total_cpu_cores",
    "total_memory_gb",
    "is_physical",
    "auto_start",
];

/// What an inventory holds, ready to be written.
#[derive(Debug)]
pub struct Export {
    rows: Vec<Row>,
    /// What could not be named, by kind: it stands on something that no person enters.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// A row.
#[derive(Debug)]
struct Row {
    sheet: usize,
    /// Itself, where it has a name.
    at: Option<At>,
    /// What it stands in or on.
    above: Option<At>,
    nth: Option<usize>,
    cells: Vec<Cell>,
}

/// What is told of a field.
#[derive(Debug)]
struct Cell {
    /// The name of its column.
    column: &'static str,
    rule: Rule,
    tells: Tells,
}

#[derive(Debug)]
enum Tells {
    /// A value; null says that there is none.
    Value(Json),
    /// Another row.
    Row(String),
    /// The row that this one stands in or on.
    Above(String),
}

/// Reads an inventory. `kinds`: only these, or all when none is named. `discovered`: also what discovery wrote by itself.
///
/// # Errors
/// When the database fails.
pub async fn export(db: &Db, kinds: &[usize], discovered: bool) -> Result<Export, StoreError> {
    let book = Book::read(db).await?;
    let mut export = rows::Exporter::new(db, book, discovered);
    for sheet in 0..SHEETS.len() {
        export.sheet(sheet).await?;
    }
    let rows::Exporter { rows, left_out, .. } = export;
    let wanted = |row: &Row| kinds.is_empty() || kinds.contains(&row.sheet);
    let mut rows: Vec<Row> = rows;
    rows.retain(wanted);
    Ok(Export { rows, left_out })
}

impl Export {
    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One spreadsheet of all rows, with a column for the kind.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn csv(&self) -> Result<Vec<u8>, String> {
        csv::one(&self.rows)
    }

    /// A spreadsheet for each kind, by the name of its list.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn sheets(&self) -> Result<Vec<(&'static str, Vec<u8>)>, String> {
        csv::each(&self.rows)
    }

    /// A tree.
    #[must_use]
    pub fn json(&self) -> Json {
        json::tree(&self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables as they are made say which columns have a default.
    #[test]
    fn columns_with_a_default_are_known() {
        for text in [
            include_str!("../../migrations/mysql/0001_inventory.sql"),
            include_str!("../../migrations/sqlite/0001_inventory.sql"),
        ] {
            for line in
                text.lines().map(str::trim).filter(|line| line.contains(" DEFAULT ") && !line.contains("ENGINE"))
            {
                let column = line.split(' ').next().unwrap();
                let known = WITH_DEFAULT.contains(&column) || matches!(column, "created_at" | "updated_at");
                assert!(known, "{line}");
            }
        }
    }
}
