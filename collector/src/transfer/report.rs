//! What an import did, or would do.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value as Json;

use super::Problem;

/// What was done, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// It was only tried.
    pub dry_run: bool,
    /// How many rows of each kind were made, changed and left, in the order of kinds.
    pub counts: Vec<Counts>,
    /// Every row of the files, in their order.
    pub rows: Vec<RowReport>,
    /// Everything that is wrong; then nothing was done.
    pub problems: Vec<Problem>,
    /// Things in the files that no person enters, by kind: they are not read.
    pub left_out: BTreeMap<&'static str, usize>,
}

/// Rows of a kind.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// The kind, as in queries.
    pub kind: &'static str,
    /// Rows that are new.
    pub made: usize,
    /// Rows that are otherwise than before.
    pub changed: usize,
    /// Rows that were so already.
    pub left: usize,
}

/// A row of a file.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowReport {
    /// The file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// The kind, as in queries.
    pub kind: &'static str,
    /// `made`, `changed` or `left`.
    pub action: &'static str,
    /// What it is called, from the top.
    pub path: String,
    /// Its number; absent when it was not made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// What is otherwise than before, by field.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<&'static str, ChangeReport>,
}

/// A field that is otherwise than before.
#[derive(Debug, Serialize)]
pub struct ChangeReport {
    /// What it was.
    pub before: Json,
    /// What it is.
    pub after: Json,
}

impl Report {
    /// Rows that are otherwise than before, or new.
    #[must_use]
    pub fn changed(&self) -> usize {
        self.counts.iter().map(|counts| counts.made + counts.changed).sum()
    }
}
