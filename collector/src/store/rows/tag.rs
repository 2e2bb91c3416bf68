//! Tags of resources. Those that people set are never overwritten.

use std::collections::BTreeMap;

use super::cut;
use crate::store::{Executor, StoreError, Tx, Value};

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

/// Makes `wanted` the tags of `origin` of each of these resources: new ones are added, others changed or taken away. A
/// key that has a tag of another origin is left as it is, and what is stored already costs no write.
///
/// # Errors
/// When a statement fails.
pub async fn tag_set_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    origin: &str,
    wanted: &BTreeMap<i64, Tags>,
) -> Result<(), StoreError> {
    let keys: Vec<Value> = wanted.keys().map(|id| Value::from(*id)).collect();
    let select = "SELECT resource_id, tag_key, tag_value, origin FROM resource_tags WHERE resource_type = ? AND";
    let mut stored: BTreeMap<(i64, String), (String, String)> = BTreeMap::new();
    for row in tx.fetch_in(select, "resource_id", vec![resource_type.into()], keys).await? {
        stored.insert((row.get("resource_id")?, row.get("tag_key")?), (row.get("tag_value")?, row.get("origin")?));
    }
    for ((id, key), (_, from)) in &stored {
        if from == origin && wanted.get(id).is_none_or(|tags| !tags.contains_key(key)) {
            let sql = "DELETE FROM resource_tags WHERE resource_type = ? AND resource_id = ? AND tag_key = ?";
            tx.execute(sql, vec![resource_type.into(), (*id).into(), key.into()]).await?;
        }
    }
    let mut rows = Vec::new();
    for (id, tags) in wanted {
        for (key, value) in tags {
            let known = stored.get(&(*id, key.clone()));
            if known.is_none_or(|(known, from)| from == origin && known != value) {
                rows.push(vec![resource_type.into(), (*id).into(), key.into(), value.into(), origin.into()]);
            }
        }
    }
    // A person may have set one since it was read: then theirs stays.
    let ending = tx.dialect().on_conflict_if(&["resource_type", "resource_id", "tag_key"], &["tag_value"], "origin");
    let columns = ["resource_type", "resource_id", "tag_key", "tag_value", "origin"];
    tx.insert_many("resource_tags", &columns, rows, &ending).await
}
