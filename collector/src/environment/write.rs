//! Writes what became of a resource's associations: only what differs, with its history.
//!
//! The caller locks the resource first ([`lock_in_tx`]), so that two who change the same resource come one after the
//! other and each sees the other's sum.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;
use serde_json::{Value as Json, json};

use super::{
    ResourceType,
    set::{Association, Origin},
};
use crate::{
    catalog::{ENVIRONMENT_ASSOCIATION, WORKLOAD},
    store::{
        Dialect, Executor as _, StoreError, Tx, Value,
        rows::{
            association::{association_delete_in_tx, association_insert_in_tx, association_update_in_tx},
            history::{Actor, HistoryKind, HistoryRow},
            stored::stored_many_in_tx,
        },
    },
};

/// A resource whose associations are about to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Its type.
    pub(super) kind: ResourceType,
    /// Its key.
    pub(super) id: i64,
    /// Its name.
    pub(super) name: String,
    /// The compute it is, or stands on.
    pub(super) compute_id: Option<i64>,
    /// What the row of a workload says to be its primary environment.
    pub(super) stated_environment: Option<i64>,
}

/// Reads resources of a kind and keeps others from changing their associations until the transaction ends. Those that
/// are not there are left out.
///
/// # Errors
/// When a statement fails.
pub(super) async fn lock_in_tx(
    tx: &mut Tx,
    kind: ResourceType,
    ids: &[i64],
) -> Result<BTreeMap<i64, Target>, StoreError> {
    let (compute, environment) = match kind {
        ResourceType::Compute => ("id", "NULL"),
        ResourceType::Container => ("compute_id", "NULL"),
        ResourceType::Workload => ("compute_id", "environment_id"),
        _ => ("NULL", "NULL"),
    };
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut targets = BTreeMap::new();
    for chunk in ids.chunks(Dialect::ROWS_PER_STATEMENT) {
        let sql = format!(
            "SELECT id, {} AS name, {compute} AS compute_id, {environment} AS environment_id FROM {} WHERE id IN ({}) \
             ORDER BY id{}",
            kind.name_column(),
            kind.table(),
            vec!["?"; chunk.len()].join(", "),
            tx.dialect().for_update(),
        );
        for row in tx.fetch(sql, chunk.iter().map(|id| Value::Int(*id)).collect()).await? {
            let id = row.get("id")?;
            let target = Target {
                kind,
                id,
                name: row.get("name")?,
                compute_id: row.get("compute_id")?,
                stated_environment: row.get("environment_id")?,
            };
            targets.insert(id, target);
        }
    }
    Ok(targets)
}

/// Who changes something, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct By<'a> {
    /// Who.
    pub(super) actor: &'a Actor,
    /// When.
    pub(super) at: Timestamp,
}

/// Makes `after` the associations of a resource; returns their history. `codes` holds those of the environments.
///
/// # Errors
/// When a statement fails.
pub(super) async fn write_in_tx(
    tx: &mut Tx,
    by: By<'_>,
    target: &Target,
    before: &[Association],
    after: &[Association],
    codes: &BTreeMap<i64, String>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let mut history = Vec::new();
    let mut rows = stored_many_in_tx(tx, &ENVIRONMENT_ASSOCIATION, before.iter().filter_map(|row| row.id)).await?;
    let mut told = |id: i64, kind, one: Option<&Association>, other: Option<&Association>| {
        let environment = one.or(other).map_or(0, |row| row.environment_id);
        let code = codes.get(&environment).map_or("?", String::as_str);
        history.push(HistoryRow {
            happened_at: by.at,
            actor: by.actor.clone(),
            kind,
            resource_type: "environment_association",
            resource_id: id,
            resource_key: String::new(),
            resource_name: format!("{code} on {} {}", target.kind.title(), target.name),
            compute_id: target.compute_id,
            source: None,
            before: one.map(|row| shown(target, row, codes)),
            after: other.map(|row| shown(target, row, codes)),
            before_row: Some(rows.remove(&id).unwrap_or_default()),
        });
    };
    for row in before {
        if let Some(id) = row.id.filter(|id| !after.iter().any(|other| other.id == Some(*id))) {
            association_delete_in_tx(tx, id).await?;
            told(id, HistoryKind::Ended, Some(row), None);
        }
    }
    for row in after {
        match row.id.and_then(|id| before.iter().find(|other| other.id == Some(id)).map(|other| (id, other))) {
            Some((_, other)) if other == row => {}
            Some((id, other)) => {
                association_update_in_tx(tx, id, row).await?;
                // Measurements are as volatile as use is: the latest is kept, and no history of them.
                if !only_measured(other, row) {
                    told(id, HistoryKind::Altered, Some(other), Some(row));
                }
            }
            None => {
                let id = association_insert_in_tx(tx, target.kind.as_str(), target.id, row).await?;
                told(id, HistoryKind::Appeared, None, Some(row));
            }
        }
    }
    history.extend(write_primary_in_tx(tx, by, target, after, codes).await?);
    Ok(history)
}

/// Keeps a workload's row in step: it names the primary environment.
async fn write_primary_in_tx(
    tx: &mut Tx,
    by: By<'_>,
    target: &Target,
    after: &[Association],
    codes: &BTreeMap<i64, String>,
) -> Result<Option<HistoryRow>, StoreError> {
    let primary = after.iter().find(|row| row.primary).map(|row| row.environment_id);
    if target.kind != ResourceType::Workload || primary == target.stated_environment {
        return Ok(None);
    }
    let before_row = stored_many_in_tx(tx, &WORKLOAD, [target.id]).await?.remove(&target.id);
    let sql = "UPDATE compute_workloads SET environment_id = ? WHERE id = ?";
    tx.execute(sql, vec![primary.into(), target.id.into()]).await?;
    let state = |id: Option<i64>| json!({ "environmentId": id, "environment": id.and_then(|id| codes.get(&id)) });
    Ok(Some(HistoryRow {
        happened_at: by.at,
        actor: by.actor.clone(),
        kind: HistoryKind::Altered,
        resource_type: target.kind.as_str(),
        resource_id: target.id,
        resource_key: String::new(),
        resource_name: target.name.clone(),
        compute_id: target.compute_id,
        source: None,
        before: Some(state(target.stated_environment)),
        after: Some(state(primary)),
        before_row,
    }))
}

fn only_measured(before: &Association, after: &Association) -> bool {
    let same = Association { measured: after.measured, allocated: after.allocated, ..before.clone() };
    same == *after
}

/// An association as the history keeps it.
#[allow(clippy::cast_precision_loss, reason = "at most 10000")]
fn shown(target: &Target, row: &Association, codes: &BTreeMap<i64, String>) -> Json {
    let Association { id: _, environment_id, primary, origin, inference, declared, measured: _, allocated, metadata } =
        row;
    let percent = |share: &Option<i64>| share.map(|share| share as f64 / 100.0);
    let mut state = json!({
        "environmentId": environment_id,
        "environment": codes.get(environment_id),
        "resourceType": target.kind.as_str(),
        "resourceId": target.id,
        "resourceName": target.name,
        "isPrimary": primary,
        "origin": origin.as_str(),
        "declaredPercentage": percent(declared),
        "allocatedPercentage": percent(allocated),
        "metadata": metadata,
    });
    if let (Json::Object(state), Some(inference)) =
        (&mut state, inference.as_ref().filter(|_| *origin != Origin::Legacy))
    {
        state.insert("rule".to_owned(), inference.rule_name.as_str().into());
        state.insert("evidence".to_owned(), inference.evidence.clone());
        state.insert("confidence".to_owned(), json!(inference.confidence as f64 / 100.0));
    }
    state
}

/// Reads the codes of environments.
///
/// # Errors
/// When a statement fails.
pub(super) async fn codes_in_tx(
    tx: &mut Tx,
    environments: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let mut keys: Vec<i64> = environments.into_iter().collect();
    keys.sort_unstable();
    keys.dedup();
    let keys = keys.into_iter().map(Value::from).collect();
    let rows = tx.fetch_in("SELECT id, code FROM environments WHERE", "id", vec![], keys).await?;
    rows.iter().map(|row| Ok((row.get("id")?, row.get("code")?))).collect()
}
