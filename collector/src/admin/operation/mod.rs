//! Merging computes, splitting agents off, and undoing it.
//!
//! An operation is one transaction: every row that it moves or alters is recorded ([`record`]), so that undoing puts back
//! exactly that, and nothing is ever removed: what was merged stays as it is, with the status `MERGED`, and whatever
//! cannot be on one compute twice stays with it. A dry run is the operation itself, rolled back.
//!
//! What agents see needs no undoing: whoever is moved is asked for everything again, since what is held of it no longer
//! agrees with what it reports.

mod agents;
mod attach;
mod chronicle;
mod containers;
mod drift;
mod join;
mod merge;
mod record;
mod report;
mod split;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_drift;
mod undo;

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::json;

use super::AdminError;
use crate::{
    reconcile::drift::camel,
    store::{
        Db, StoreError, Tx,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            cut,
            history::Actor,
            operation::{NewOperation, operation_insert_in_tx},
        },
    },
};
use record::{Hand, Record};

pub use drift::{DriftDecision, DriftPick, decide_drifts};
pub use merge::Merge;
pub use report::{AgentFate, OperationReport, TakenValue, ValueConflict};

/// What came of an attempt inside a transaction.
type Attempt = Result<Result<OperationReport, AdminError>, StoreError>;

/// Makes two computes one: everything of `from` moves to `into`, which goes on.
///
/// # Errors
/// When one is not there, when both have an agent that answers, or the database failed.
pub async fn merge_computes(
    db: &Db,
    now: Timestamp,
    merge: &Merge,
    dry_run: bool,
    actor: &Actor,
) -> Result<OperationReport, AdminError> {
    let hand = Hand { actor, now };
    if dry_run {
        return rehearse(db, async |tx| merge::rehearse_in_tx(tx, merge, hand).await).await;
    }
    crate::transaction!(db, |tx| merge::merge_in_tx(tx, merge, hand).await?)?
}

/// Gives an agent a compute of its own: what it reports moves there.
///
/// # Errors
/// When the agent does not speak for that compute, or the database failed.
pub async fn split_compute(
    db: &Db,
    now: Timestamp,
    compute: i64,
    agent: AgentId,
    dry_run: bool,
    actor: &Actor,
) -> Result<OperationReport, AdminError> {
    let hand = Hand { actor, now };
    if dry_run {
        return rehearse(db, async |tx| split::split_in_tx(tx, compute, agent, hand).await).await;
    }
    crate::transaction!(db, |tx| split::split_in_tx(tx, compute, agent, hand).await?)?
}

/// Undoes an operation.
///
/// # Errors
/// When there is none, when it is undone already, when a later one stands in its way, or the database failed.
pub async fn undo_operation(
    db: &Db,
    now: Timestamp,
    operation: i64,
    dry_run: bool,
    actor: &Actor,
) -> Result<OperationReport, AdminError> {
    let hand = Hand { actor, now };
    if dry_run {
        return rehearse(db, async |tx| undo::undo_in_tx(tx, operation, hand).await).await;
    }
    crate::transaction!(db, |tx| undo::undo_in_tx(tx, operation, hand).await?)?
}

/// Does it and takes it back: what it would do is what it did.
async fn rehearse(db: &Db, act: impl AsyncFnOnce(&mut Tx) -> Attempt) -> Result<OperationReport, AdminError> {
    let mut tx = db.begin().await?;
    // Dropping the transaction rolls it back.
    let report = act(&mut tx).await??;
    Ok(OperationReport { operation_id: None, ..report })
}

/// Stores an operation with its audit entry, and writes its number into the report.
async fn finish_in_tx(
    tx: &mut Tx,
    kind: &'static str,
    agent_id: Option<AgentId>,
    report: &mut OperationReport,
    record: &Record,
    hand: Hand<'_>,
) -> Result<i64, StoreError> {
    let undo =
        serde_json::to_value(record).map_err(|source| StoreError::Json { column: "undo_record".to_owned(), source })?;
    let new = NewOperation {
        kind,
        summary: &report.summary,
        compute_id: (report.compute_id != 0).then_some(report.compute_id),
        other_compute_id: report.other_compute_id,
        agent_id,
        actor: hand.actor,
        report: &json!(report),
        record: &undo,
    };
    let id = operation_insert_in_tx(tx, &new, hand.now).await?;
    report.operation_id = Some(id);
    // Decisions about drift are audited one by one.
    if kind != "DRIFT" {
        let action = format!("compute.{}", kind.to_lowercase());
        let detail = json!({ "operation": id, "summary": report.summary });
        audit_in_tx(tx, &action, ("compute", report.compute_id), detail, hand).await?;
    }
    Ok(id)
}

async fn audit_in_tx(
    tx: &mut Tx,
    action: &str,
    (resource_type, id): (&str, i64),
    detail: serde_json::Value,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let entry = AuditEntry {
        at: hand.now,
        actor_kind: hand.actor.kind,
        actor_id: cut(&hand.actor.id, 64),
        action,
        resource_type,
        resource_id: &id.to_string(),
        detail,
    };
    audit_insert_in_tx(tx, &entry).await
}
