//! The better of two forms of the condition on workloads, of which there may be a million.
//!
//! Where many of them belong to an environment, a list finds the first page soonest by looking at one after the other.
//! Where few do, that would look at all of them; then their keys are found by indexes and named. Which it is shows when
//! at most [`FEW`] keys are looked for: that costs little in both cases. Planners of neither database find this by
//! themselves: a union of keys within the statement is looked through for each workload.

use std::collections::BTreeSet;

use super::{Condition, Wanted, effective_filter, filter::workload_parts};
use crate::{
    environment::ResourceType,
    store::{Db, Executor as _, StoreError, Value},
};

/// Up to this many workloads of an environment are named.
const FEW: usize = 5_000;

/// The condition of [`effective_filter`] in the form that suits the inventory.
///
/// # Errors
/// When the database fails.
pub async fn effective_condition(
    db: &Db,
    kind: ResourceType,
    alias: &str,
    wanted: &Wanted,
    inherited: bool,
) -> Result<Condition, StoreError> {
    if kind == ResourceType::Workload
        && inherited
        && let Some(keys) = few(db, wanted).await?
    {
        // The key of no row stands for an empty list.
        let values: Vec<Value> =
            if keys.is_empty() { vec![0_i64.into()] } else { keys.into_iter().map(Value::Int).collect() };
        return Ok(Condition { sql: format!("{alias}.id IN ({})", vec!["?"; values.len()].join(", ")), values });
    }
    Ok(effective_filter(kind, alias, wanted, inherited))
}

/// The keys of all workloads that belong to a wanted environment; `None` when they are not few.
async fn few(db: &Db, wanted: &Wanted) -> Result<Option<BTreeSet<i64>>, StoreError> {
    let mut keys = BTreeSet::new();
    for Condition { sql, mut values } in workload_parts(wanted) {
        values.push(Value::from(u64::try_from(FEW + 1).unwrap_or(u64::MAX)));
        let mut executor = db;
        for row in executor.fetch(format!("{sql} LIMIT ?"), values).await? {
            keys.insert(row.get::<i64>("id")?);
        }
        if keys.len() > FEW {
            return Ok(None);
        }
    }
    Ok(Some(keys))
}
