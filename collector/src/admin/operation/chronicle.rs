//! The history of an operation: every row of the catalog that it may touch, before and after, and an entry for each one
//! that differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::record::Hand;
use crate::{
    catalog::{AGENT, CAPABILITY, COMPUTE, CONTAINER, Kind, WORKLOAD},
    store::{
        Dialect, StoreError, Tx, Value,
        rows::{
            history::{HistoryKind, HistoryRow, history_insert_in_tx},
            row_change::RowChange,
            stored::{Stored, stored_among_in_tx, stored_in_tx},
        },
    },
};

/// Kinds whose rows stand on a compute, with the column that says so.
const STANDING: [(&Kind, &str); 5] = [
    (&COMPUTE, "id"),
    (&CONTAINER, "compute_id"),
    (&WORKLOAD, "compute_id"),
    (&CAPABILITY, "compute_id"),
    (&AGENT, "compute_id"),
];
/// Kinds whose rows are attached to a resource of any type, with the columns that name it.
const ATTACHED: [(&str, &str, &str); 3] = [
    ("tag", "resource_type", "resource_id"),
    ("environmentassociation", "resource_type", "resource_id"),
    ("automationtarget", "target_type", "target_id"),
];

/// Rows by their kind and what tells them apart there.
type Rows = BTreeMap<(&'static str, i64, String), (&'static Kind, Stored)>;

/// Rows as they were before an operation.
pub(super) struct Chronicle {
    computes: BTreeSet<i64>,
    before: Rows,
}

impl Chronicle {
    /// Reads and locks everything that stands on some computes. The caller holds their agents.
    pub(super) async fn open_in_tx(tx: &mut Tx, computes: BTreeSet<i64>) -> Result<Self, StoreError> {
        let before = rows_in_tx(tx, &computes).await?;
        Ok(Self { computes, before })
    }

    /// Writes an entry for each row that differs, and one for each sentence about a compute as a whole. `new` is a
    /// compute that the operation made.
    pub(super) async fn close_in_tx(
        mut self,
        tx: &mut Tx,
        new: Option<i64>,
        sentences: Vec<(i64, Json)>,
        hand: Hand<'_>,
    ) -> Result<(), StoreError> {
        self.computes.extend(new);
        let mut after = rows_in_tx(tx, &self.computes).await?;
        let mut history = Vec::new();
        let mut names = BTreeMap::new();
        for (key, (kind, before)) in self.before {
            let after = after.remove(&key).map(|(_, row)| row).unwrap_or_default();
            name(&mut names, &key, &after);
            history.extend(RowChange { kind, before, after }.entry(hand.actor, hand.now));
        }
        for (key, (kind, after)) in after {
            name(&mut names, &key, &after);
            history.extend(RowChange { kind, before: Stored::new(), after }.entry(hand.actor, hand.now));
        }
        history.extend(sentences.into_iter().map(|(compute, said)| HistoryRow {
            happened_at: hand.now,
            actor: hand.actor.clone(),
            kind: HistoryKind::Claimed,
            resource_type: "compute",
            resource_id: compute,
            resource_key: String::new(),
            resource_name: names.get(&compute).cloned().unwrap_or_default(),
            compute_id: Some(compute),
            source: None,
            before: None,
            after: Some(said),
            before_row: None,
        }));
        history_insert_in_tx(tx, hand.now, &history).await
    }
}

fn name(names: &mut BTreeMap<i64, String>, (kind, id, _): &(&'static str, i64, String), row: &Stored) {
    if let (true, Some(name)) = (*kind == COMPUTE.name, row.get("name").and_then(Json::as_str)) {
        names.insert(*id, name.to_owned());
    }
}

async fn rows_in_tx(tx: &mut Tx, computes: &BTreeSet<i64>) -> Result<Rows, StoreError> {
    let mut rows = Rows::new();
    let mut resources: Vec<(&'static str, Vec<i64>)> = Vec::new();
    for (kind, column) in STANDING {
        let keys = computes.iter().map(|id| Value::from(*id)).collect();
        let found = stored_among_in_tx(tx, kind, column, keys).await?;
        if !kind.resource_type.is_empty() {
            let ids = found.iter().filter_map(|row| row.get(kind.key)?.as_i64()).collect();
            resources.push((kind.resource_type, ids));
        }
        found.into_iter().for_each(|row| enter(&mut rows, kind, row));
    }
    for (name, type_column, id_column) in ATTACHED {
        let Some(kind) = Kind::find(name) else { continue };
        for (resource_type, ids) in &resources {
            for chunk in ids.chunks(Dialect::ROWS_PER_STATEMENT) {
                let marks = vec!["?"; chunk.len()].join(", ");
                let condition = format!("{type_column} = ? AND {id_column} IN ({marks})");
                let bound = [Value::from(*resource_type)].into_iter().chain(chunk.iter().map(|id| Value::from(*id)));
                let found = stored_in_tx(tx, kind, &condition, bound.collect()).await?;
                found.into_iter().for_each(|row| enter(&mut rows, kind, row));
            }
        }
    }
    Ok(rows)
}

fn enter(rows: &mut Rows, kind: &'static Kind, row: Stored) {
    let (id, key) = kind.history_key(&row);
    // An agent's number is that of its compute, which may change.
    let id = if kind.name == AGENT.name { 0 } else { id };
    rows.insert((kind.name, id, key), (kind, row));
}
