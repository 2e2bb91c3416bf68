//! Takes over what the existing inventory says: `datacenters.environment_id` becomes a primary association, once.
//!
//! What was copied is remembered, so that an association that a person removed does not come back; it is copied anew only
//! when somebody changes the column. The column itself is never written.

use orchestrix_common::time::Timestamp;

use super::{
    ResourceType,
    set::{self, Association, Origin},
    write::{By, codes_in_tx, lock_in_tx, write_in_tx},
};
use crate::store::{
    Db, Executor as _, StoreError, Tx, Value,
    rows::{
        association::association_list,
        history::{Actor, history_insert_in_tx},
    },
};

/// Datacenters of one transaction.
const BATCH: i64 = 100;

/// Datacenters whose column says something else than was copied of it, after a key.
const CHANGED: &str = "SELECT d.id AS id, d.environment_id AS environment_id FROM datacenters d \
    LEFT JOIN environment_legacy l ON l.datacenter_id = d.id LEFT JOIN environments e ON e.id = d.environment_id \
    WHERE d.id > ? AND ((e.id IS NOT NULL AND (l.environment_id IS NULL OR l.environment_id <> d.environment_id)) \
    OR (d.environment_id IS NULL AND l.environment_id IS NOT NULL)) ORDER BY d.id LIMIT ?";

/// Copies what the legacy column says where it was not copied yet; returns how many datacenters that were.
///
/// # Errors
/// When the database fails.
pub async fn copy_legacy(db: &Db, at: Timestamp) -> Result<usize, StoreError> {
    let (mut after, mut copied) = (0_i64, 0);
    loop {
        let mut executor = db;
        let rows = executor.fetch(CHANGED.to_owned(), vec![after.into(), BATCH.into()]).await?;
        let mut ids = Vec::with_capacity(rows.len());
        for row in &rows {
            ids.push(row.get::<i64>("id")?);
        }
        let Some(last) = ids.last() else { return Ok(copied) };
        after = *last;
        crate::transaction!(db, |tx| copy_in_tx(tx, &ids, at).await?)?;
        copied += ids.len();
    }
}

async fn copy_in_tx(tx: &mut Tx, ids: &[i64], at: Timestamp) -> Result<(), StoreError> {
    let targets = lock_in_tx(tx, ResourceType::Datacenter, ids).await?;
    // Read again: somebody else may have copied it before the lock was had.
    let keys = targets.keys().map(|id| Value::Int(*id)).collect();
    let select = "SELECT d.id AS id, d.environment_id AS environment_id, l.environment_id AS known FROM datacenters d \
                  LEFT JOIN environment_legacy l ON l.datacenter_id = d.id WHERE";
    let mut stated = Vec::new();
    for row in tx.fetch_in(select, "d.id", vec![], keys).await? {
        let (wanted, known): (Option<i64>, Option<i64>) = (row.get("environment_id")?, row.get("known")?);
        if wanted != known {
            stated.push((row.get::<i64>("id")?, wanted));
        }
    }
    let dialect = tx.dialect();
    let word = ResourceType::Datacenter.as_str();
    let mut associations = association_list(tx, dialect, word, stated.iter().map(|(id, _)| *id)).await?;
    let named = associations.values().flatten().map(|row| row.environment_id);
    let codes =
        codes_in_tx(tx, named.chain(stated.iter().filter_map(|(_, wanted)| *wanted)).collect::<Vec<_>>()).await?;
    let actor = Actor::collector("legacy");
    let mut history = Vec::new();
    for (id, wanted) in stated {
        let Some(target) = targets.get(&id) else { continue };
        let before = associations.remove(&id).unwrap_or_default();
        let after = match wanted {
            Some(environment) => set::copied(&before, environment),
            None => uncopied(&before),
        };
        history.extend(write_in_tx(tx, By { actor: &actor, at }, target, &before, &after, &codes).await?);
        remember_in_tx(tx, id, wanted, at).await?;
    }
    history_insert_in_tx(tx, at, &history).await
}

/// The column was emptied: what was copied from it goes.
fn uncopied(before: &[Association]) -> Vec<Association> {
    match before.iter().find(|row| row.origin == Origin::Legacy).and_then(|row| row.id) {
        Some(id) => set::without(before, id),
        None => before.to_vec(),
    }
}

async fn remember_in_tx(tx: &mut Tx, id: i64, environment: Option<i64>, at: Timestamp) -> Result<(), StoreError> {
    let Some(environment) = environment else {
        return tx.execute("DELETE FROM environment_legacy WHERE datacenter_id = ?", vec![id.into()]).await.map(drop);
    };
    let ending = tx.dialect().on_conflict(&["datacenter_id"], &["environment_id", "copied_at_us"]);
    let columns = ["datacenter_id", "environment_id", "copied_at_us"];
    tx.insert_many("environment_legacy", &columns, vec![vec![id.into(), environment.into(), at.into()]], &ending).await
}
