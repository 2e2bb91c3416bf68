//! Stores measured shares: of the computes that changed, and of those that were measured since.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::time::Timestamp;

use super::Worker;
use crate::{
    environment::{
        ResourceType,
        allocation::{Measured, measure},
        association::evidence_hash,
        set::{self, Association},
        share::Allocation,
        write::{By, codes_in_tx, lock_in_tx, write_in_tx},
    },
    store::{
        Db, Executor as _, StoreError, Tx, Value,
        rows::{
            allocation::{AllocationRow, allocation_list, allocation_set_in_tx},
            association::association_list,
            environment_worker::WorkerRow,
            history::{Actor, history_insert_in_tx},
            refusal::refusal_list,
        },
    },
};

/// Who writes what was measured, in the history.
pub(super) const ACTOR: &str = "shares";
/// A share is stored anew when it differs by at least this from what is stored, in hundredths of a per cent.
pub const STEP: i64 = 100;
/// Computes of one read and one transaction.
const BATCH: usize = 32;
/// Computes that are looked at in one round because they were measured.
const MEASURED: i64 = 32;

impl Worker {
    /// Computes the shares of some computes, and of the next ones that were measured; stores those that differ.
    pub(super) async fn measure(
        &self,
        now: Timestamp,
        changed: &BTreeSet<i64>,
        state: &mut WorkerRow,
    ) -> Result<usize, StoreError> {
        let mut computes = changed.clone();
        let sql = "SELECT compute_id, measured_at_us FROM compute_usage WHERE measured_at_us > ? \
                   OR (measured_at_us = ? AND compute_id > ?) ORDER BY measured_at_us, compute_id LIMIT ?";
        let at = state.usage_at;
        let values: Vec<Value> = vec![at.into(), at.into(), state.usage_compute.into(), MEASURED.into()];
        let mut executor = &self.db;
        for row in executor.fetch(sql.to_owned(), values).await? {
            (state.usage_compute, state.usage_at) = (row.get("compute_id")?, row.time("measured_at_us")?);
            computes.insert(state.usage_compute);
        }
        let mut stored = 0;
        for chunk in computes.into_iter().collect::<Vec<_>>().chunks(BATCH) {
            stored += store(&self.db, now, chunk).await?;
        }
        Ok(stored)
    }
}

/// A compute whose stored shares are to change.
struct Due {
    measured: Measured,
    /// The shares moved by a step; otherwise only which associations there are.
    moved: bool,
}

async fn store(db: &Db, now: Timestamp, computes: &[i64]) -> Result<usize, StoreError> {
    let mut executor = db;
    let known = allocation_list(&mut executor, db.dialect(), computes.iter().copied()).await?;
    let word = ResourceType::Compute.as_str();
    let mut associations = association_list(&mut executor, db.dialect(), word, computes.iter().copied()).await?;
    let refused = refusal_list(&mut executor, word, computes.iter().copied()).await?;
    let mut due = BTreeMap::new();
    for (id, measured) in measure(db, computes).await? {
        let Some(allocation) = &measured.allocation else { continue };
        let moved = known.get(&id).is_none_or(|row| differs(row, allocation, &measured));
        let before = associations.remove(&id).unwrap_or_default();
        let after = wanted(id, &before, &measured, &refused);
        if moved || shape(&before) != shape(&after) {
            due.insert(id, Due { measured, moved });
        }
    }
    if due.is_empty() {
        return Ok(0);
    }
    crate::transaction!(db, |tx| store_in_tx(tx, now, &due).await?)
}

async fn store_in_tx(tx: &mut Tx, now: Timestamp, due: &BTreeMap<i64, Due>) -> Result<usize, StoreError> {
    let ids: Vec<i64> = due.keys().copied().collect();
    let targets = lock_in_tx(tx, ResourceType::Compute, &ids).await?;
    let (dialect, word) = (tx.dialect(), ResourceType::Compute.as_str());
    let mut associations = association_list(tx, dialect, word, ids.iter().copied()).await?;
    let refused = refusal_list(tx, word, ids).await?;
    let shared = due.values().filter_map(|due| due.measured.allocation.as_ref()).flat_map(|one| one.shares.keys());
    let named = associations.values().flatten().map(|row| row.environment_id).chain(shared.copied());
    let codes = codes_in_tx(tx, named.collect::<Vec<_>>()).await?;
    let actor = Actor::collector(ACTOR);
    let (mut history, mut rows) = (Vec::new(), Vec::new());
    for (id, Due { measured, moved }) in due {
        let Some((target, allocation)) = targets.get(id).zip(measured.allocation.as_ref()) else { continue };
        let before = associations.remove(id).unwrap_or_default();
        let after = wanted(*id, &before, measured, &refused);
        history.extend(write_in_tx(tx, By { actor: &actor, at: now }, target, &before, &after, &codes).await?);
        if *moved {
            rows.push(row(*id, allocation, measured, now));
        }
    }
    allocation_set_in_tx(tx, &rows).await?;
    history_insert_in_tx(tx, now, &history).await?;
    Ok(due.len())
}

/// What the associations of a compute shall be. Environments of things that run there show on it where it hosts several,
/// or one that it was not given.
fn wanted(
    id: i64,
    before: &[Association],
    measured: &Measured,
    refused: &BTreeMap<(i64, i64), String>,
) -> Vec<Association> {
    let Some(Allocation { shares, .. }) = &measured.allocation else { return before.to_vec() };
    let never = evidence_hash(&serde_json::Value::Null);
    let kept = |environment: &i64| refused.get(&(id, *environment)) != Some(&never);
    let shares: BTreeMap<i64, i64> =
        shares.iter().filter(|(environment, _)| kept(environment)).map(|(id, share)| (*id, *share)).collect();
    let given = measured.given.iter().filter(|claim| claim.inherited()).map(|claim| claim.environment_id);
    let expected = shares.len() == 1 && given.eq(shares.keys().copied());
    set::measured(before, &shares, !expected)
}

fn row(compute_id: i64, allocation: &Allocation, measured: &Measured, changed_at: Timestamp) -> AllocationRow {
    let Allocation { shares, unclaimed, idle } = allocation;
    AllocationRow {
        compute_id,
        shares: shares.clone(),
        unclaimed: *unclaimed,
        idle: *idle,
        cpu_millicores: measured.capacity.cpu_millicores,
        memory_bytes: measured.capacity.memory_bytes,
        changed_at,
    }
}

/// Whether shares moved by a step, other environments are there, or the compute has another capacity.
fn differs(known: &AllocationRow, allocation: &Allocation, measured: &Measured) -> bool {
    let AllocationRow { compute_id: _, shares, unclaimed, idle, cpu_millicores, memory_bytes, changed_at: _ } = known;
    let moved = |one: i64, other: i64| (one - other).abs() >= STEP;
    !shares.keys().eq(allocation.shares.keys())
        || shares.values().zip(allocation.shares.values()).any(|(one, other)| moved(*one, *other))
        || moved(*unclaimed, allocation.unclaimed)
        || moved(*idle, allocation.idle)
        || *cpu_millicores != measured.capacity.cpu_millicores
        || *memory_bytes != measured.capacity.memory_bytes
}

/// Which associations there are, without what was measured of them.
fn shape(rows: &[Association]) -> Vec<(i64, bool, set::Origin)> {
    rows.iter().map(|row| (row.environment_id, row.primary, row.origin)).collect()
}
