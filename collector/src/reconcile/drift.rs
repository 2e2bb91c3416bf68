//! Keeps the list of drifts true: where a person's value and the discovered one differ, since when, and whether a person
//! has kept theirs. [`fill`](super::fill) tells what differs; here that is compared with what is listed.
//!
//! The list is renewed where discovery writes, where people decide, and by a pass over everything that goes on all the
//! time, because the existing front end writes into the same tables.

use std::{collections::BTreeMap, time::Duration};

use orchestrix_common::time::Timestamp;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{Reconciler, fill, host::columns_of_facts};
use crate::store::{
    Db, Executor as _, StoreError, Tx,
    rows::{
        compute::{Columns, MERGED, compute_columns_in_tx, compute_facts_get, compute_find},
        container::container_find_in_tx,
        drift::{drift_delete_in_tx, drift_of_in_tx, drift_set_persons_in_tx, drift_store_in_tx, drift_subjects},
        operation::merged_into,
        workload::workload_links_in_tx,
    },
};

/// Types of resources that may drift.
pub(crate) const TYPES: [&str; 2] = ["compute", "container"];
/// How often people's changes are looked for.
const EVERY: Duration = Duration::from_secs(5);
/// A part of everything is passed over at every so many of these looks.
const LOOKS: u32 = 6;
/// Resources of one part of the pass, and of one transaction: the only writer of SQLite is not held for long.
const PART: u32 = 200;
const AT_ONCE: usize = 20;
/// Changes by people that are looked at in one go.
const CHANGES: u32 = 500;

/// A resource as it stands, and what discovery knows of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Subject {
    /// What stands in the columns that discovery may fill.
    pub(crate) current: Columns,
    /// What discovery itself wrote there.
    pub(crate) filled: Columns,
    /// What it sees beside a person's value.
    pub(crate) beside: Columns,
    /// The workload that keeps both for a container.
    pub(crate) workload: Option<i64>,
}

/// Compares what differs of some resources with what is listed of them, and makes the list true.
pub(crate) async fn renew_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    subjects: &BTreeMap<i64, Subject>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut listed = drift_of_in_tx(tx, resource_type, subjects.keys().copied()).await?;
    for (id, subject) in subjects {
        for (column, (persons, discovered)) in fill::drifts(&subject.current, &subject.filled, &subject.beside) {
            let field = camel(&column);
            match listed.remove(&(*id, field.clone())) {
                // Whoever kept their value beside an earlier one has not seen this one.
                Some(known) if known.discovered == discovered => {
                    if known.persons != persons {
                        drift_set_persons_in_tx(tx, known.id, &persons).await?;
                    }
                }
                _ => drift_store_in_tx(tx, (resource_type, *id, &field), &persons, &discovered, now).await?,
            }
        }
    }
    drift_delete_in_tx(tx, listed.into_values().map(|drift| drift.id).collect()).await
}

/// Makes the list true for one resource; returns how it stands. One that is not there, or was merged, drifts no more.
pub(crate) async fn renew_one_in_tx(
    tx: &mut Tx,
    resource_type: &str,
    id: i64,
    now: Timestamp,
) -> Result<Option<Subject>, StoreError> {
    let subject = match resource_type {
        "compute" => compute_in_tx(tx, id).await?,
        _ => container_in_tx(tx, id).await?,
    };
    let listed = BTreeMap::from([(id, subject.clone().unwrap_or_default())]);
    renew_in_tx(tx, resource_type, &listed, now).await?;
    Ok(subject)
}

async fn compute_in_tx(tx: &mut Tx, id: i64) -> Result<Option<Subject>, StoreError> {
    let status = compute_find(tx, [id]).await?.into_iter().next().and_then(|compute| compute.status);
    if status.as_deref() == Some(MERGED) {
        return Ok(None);
    }
    let Some(current) = compute_columns_in_tx(tx, id).await? else { return Ok(None) };
    let Some(facts) = compute_facts_get(tx, id).await? else { return Ok(None) };
    // Facts that an older version stored have nothing beside them yet.
    let discovered = columns_of_facts(&facts.facts).unwrap_or_default();
    let filling = fill::fill(&current, &facts.filled, &facts.beside, &discovered);
    Ok(Some(Subject { current, filled: facts.filled, beside: filling.beside, workload: None }))
}

async fn container_in_tx(tx: &mut Tx, id: i64) -> Result<Option<Subject>, StoreError> {
    let sql = "SELECT compute_id FROM containers WHERE id = ?".to_owned();
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    let compute: i64 = row.get("compute_id")?;
    if merged_into(tx, compute).await?.is_some() {
        return Ok(None);
    }
    let rows = container_find_in_tx(tx, compute, "id", vec![id.into()]).await?;
    let link = workload_links_in_tx(tx, compute, [id]).await?.remove(&id);
    let Some((row, link)) = rows.into_iter().next().zip(link) else { return Ok(None) };
    let columns = |json: Option<serde_json::Value>| -> Columns {
        json.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default()
    };
    Ok(Some(Subject {
        current: row.columns,
        filled: columns(link.filled),
        beside: columns(link.beside),
        workload: Some(link.workload),
    }))
}

/// How far the passes of one collector have come.
#[derive(Debug, Default)]
struct Progress {
    /// Newest change of the history whose resource was looked at; `None` before the first look.
    sequence: Option<i64>,
    /// Looks so far.
    looks: u32,
    /// By type, the last resource that was passed over.
    passed: BTreeMap<&'static str, i64>,
}

/// Renews the list of drifts: soon after people changed something through this program, and by and by for everything,
/// until `stop`.
pub async fn keep_drifts(reconciler: Reconciler, stop: CancellationToken) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::default();
    let mut failing = false;
    loop {
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match pass(&reconciler, &mut progress).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(error = &error as &dyn std::error::Error, "drifts not renewed; it is tried again");
                }
                failing = true;
            }
        }
    }
}

async fn pass(reconciler: &Reconciler, progress: &mut Progress) -> Result<(), StoreError> {
    let (db, now) = (reconciler.db(), reconciler.clock.now());
    for (resource_type, id) in changed(db, progress).await? {
        crate::transaction!(db, |tx| renew_one_in_tx(tx, &resource_type, id, now).await?)?;
    }
    progress.looks = progress.looks.wrapping_add(1);
    if progress.looks % LOOKS != 1 {
        return Ok(());
    }
    for resource_type in TYPES {
        let after = progress.passed.get(resource_type).copied().unwrap_or(0);
        let ids = drift_subjects(&mut &*db, resource_type, after, PART).await?;
        for some in ids.chunks(AT_ONCE) {
            crate::transaction!(db, |tx| {
                for id in some {
                    renew_one_in_tx(tx, resource_type, *id, now).await?;
                }
            })?;
        }
        let whole = u32::try_from(ids.len()).is_ok_and(|count| count == PART);
        progress.passed.insert(resource_type, ids.last().copied().filter(|_| whole).unwrap_or(0));
    }
    Ok(())
}

/// What people changed since the last look. The first look only finds where to begin.
async fn changed(db: &Db, progress: &mut Progress) -> Result<Vec<(String, i64)>, StoreError> {
    let mut executor = db;
    let Some(since) = progress.sequence else {
        let newest = executor.fetch_optional("SELECT MAX(sequence) AS newest FROM history".to_owned(), vec![]).await?;
        progress.sequence = newest.map(|row| row.get::<Option<i64>>("newest")).transpose()?.flatten().or(Some(0));
        return Ok(Vec::new());
    };
    let sql = "SELECT sequence, resource_type, resource_id FROM history WHERE sequence > ? AND actor_kind = 'person' \
               AND resource_type IN ('compute', 'container') ORDER BY sequence LIMIT ?";
    let rows = executor.fetch(sql.to_owned(), vec![since.into(), CHANGES.into()]).await?;
    let mut found = Vec::new();
    for row in rows {
        progress.sequence = Some(row.get("sequence")?);
        found.push((row.get("resource_type")?, row.get("resource_id")?));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The name of a column in requests and results.
pub(crate) fn camel(column: &str) -> String {
    let mut words = column.split('_');
    let mut name = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        name.push_str(letters.as_str());
    }
    name
}

/// The column that a name in requests means.
pub(crate) fn snake(name: &str) -> String {
    let mut column = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            column.push('_');
        }
        column.push(letter.to_ascii_lowercase());
    }
    column
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_and_fields_name_each_other() {
        for (column, field) in
            [("primary_mac_address", "primaryMacAddress"), ("name", "name"), ("cpu_cores", "cpuCores")]
        {
            assert_eq!((camel(column).as_str(), snake(field).as_str()), (field, column));
        }
    }
}
