//! Tags of resources. Those that people set are never overwritten.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::{
    cut,
    history::{Actor, HistoryRow, history_insert_in_tx},
    row_change::RowChange,
    stored::Stored,
    tag_origin::TagOrigin,
};
use crate::{
    catalog::TAG,
    store::{Executor, StoreError, Tx, Value},
};

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// Cuts keys and values to their columns; of keys that are then the same the first one stays.
#[must_use]
pub fn fitted<'a>(tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tags {
    let mut kept = Tags::new();
    for (key, value) in tags {
        // Databases compare without trailing blanks.
        let key = cut(key.trim(), 100).trim_end();
        if !key.is_empty() {
            kept.entry(key.to_owned()).or_insert_with(|| cut(value, 255).to_owned());
        }
    }
    kept
}

/// What sets tags, and on what.
#[derive(Clone, Copy, Debug)]
pub struct TagSource<'a> {
    /// Type of the resources.
    pub resource_type: &'static str,
    /// Where the tags come from, for example `docker-label`.
    pub origin: &'a str,
    /// The compute that the resources are, or are on.
    pub compute_id: Option<i64>,
    /// Who sets them.
    pub actor: &'a Actor,
    /// When.
    pub at: Timestamp,
}

/// Makes `wanted` the tags of an origin of each of these resources, with history: new ones are added, others changed or
/// taken away. A key that has a tag of another origin is left as it is, and what is stored already costs no write. Only
/// what a rule concluded gives way to what was seen or said.
///
/// # Errors
/// When a statement fails.
pub async fn tag_set_in_tx(tx: &mut Tx, source: TagSource<'_>, wanted: &BTreeMap<i64, Tags>) -> Result<(), StoreError> {
    tag_set_by_in_tx(tx, source, wanted, &|_, _| None).await
}

/// The same, where each tag may be somebody else's: `by` tells who sets the one with this key on this resource.
///
/// # Errors
/// When a statement fails.
pub async fn tag_set_by_in_tx(
    tx: &mut Tx,
    source: TagSource<'_>,
    wanted: &BTreeMap<i64, Tags>,
    by: &(dyn Fn(i64, &str) -> Option<Actor> + Sync),
) -> Result<(), StoreError> {
    let TagSource { resource_type, origin, .. } = source;
    let keys: Vec<Value> = wanted.keys().map(|id| Value::from(*id)).collect();
    let select = "SELECT resource_id, tag_key, tag_value, origin FROM resource_tags WHERE resource_type = ? AND";
    let mut stored: BTreeMap<(i64, String), (String, String)> = BTreeMap::new();
    for row in tx.fetch_in(select, "resource_id", vec![resource_type.into()], keys).await? {
        stored.insert((row.get("resource_id")?, row.get("tag_key")?), (row.get("tag_value")?, row.get("origin")?));
    }
    let mut history = Vec::new();
    let by_rule = TagOrigin::Rule.to_string();
    for ((id, key), (value, from)) in &stored {
        let is_wanted = wanted.get(id).is_some_and(|tags| tags.contains_key(key));
        let gives_way = is_wanted && from != origin && *from == by_rule;
        if gives_way || (from == origin && !is_wanted) {
            let sql = "DELETE FROM resource_tags WHERE resource_type = ? AND resource_id = ? AND tag_key = ?";
            tx.execute(sql, vec![resource_type.into(), (*id).into(), key.into()]).await?;
        }
        if from == origin && !is_wanted {
            history.extend(source.entry(by(*id, key).as_ref(), source.row(*id, key, value), Stored::new()));
        }
    }
    let mut rows = Vec::new();
    for (id, tags) in wanted {
        for (key, value) in tags {
            let known = stored.get(&(*id, key.clone()));
            let changes = |(known, from): &(String, String)| match from == origin {
                true => known != value,
                false => *from == by_rule,
            };
            if known.is_none_or(changes) {
                rows.push(vec![resource_type.into(), (*id).into(), key.into(), value.into(), origin.into()]);
                let before = known.map(|(known, from)| {
                    let was = TagSource { origin: from, ..source };
                    was.row(*id, key, known)
                });
                let entry =
                    source.entry(by(*id, key).as_ref(), before.unwrap_or_default(), source.row(*id, key, value));
                history.extend(entry);
            }
        }
    }
    // A person may have set one since it was read: then theirs stays.
    let ending = tx.dialect().on_conflict_if(&["resource_type", "resource_id", "tag_key"], &["tag_value"], "origin");
    let columns = ["resource_type", "resource_id", "tag_key", "tag_value", "origin"];
    tx.insert_many("resource_tags", &columns, rows, &ending).await?;
    history_insert_in_tx(tx, source.at, &history).await
}

impl TagSource<'_> {
    fn row(&self, id: i64, key: &str, value: &str) -> Stored {
        let columns: [(&str, Json); 5] = [
            ("resource_type", self.resource_type.into()),
            ("resource_id", id.into()),
            ("tag_key", key.into()),
            ("tag_value", value.into()),
            ("origin", self.origin.into()),
        ];
        columns.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn entry(&self, by: Option<&Actor>, before: Stored, after: Stored) -> Option<HistoryRow> {
        let actor = by.unwrap_or(self.actor);
        let entry = RowChange { kind: &TAG, before, after }.entry(actor, self.at)?;
        Some(HistoryRow { compute_id: self.compute_id, ..entry })
    }
}
