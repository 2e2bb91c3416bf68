//! Forgets old history, in small batches that hold nobody up. Where the known past begins is stored before anything is
//! taken away, so that nobody reads a past that is half forgotten.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Actor, Reconciler};
use crate::store::{
    StoreError, Tx,
    rows::{
        audit::{AuditEntry, audit_insert_in_tx},
        history::{HistoryStart, history_before, history_delete_in_tx, history_start, history_start_set_in_tx},
    },
};

/// Entries of one transaction.
const BATCH: u32 = 500;
/// Pause between two of them, for writers.
const PAUSE: Duration = Duration::from_millis(50);
/// How often the history is looked through.
const EVERY: Duration = Duration::from_secs(3_600);

impl Reconciler {
    /// Forgets the history that was recorded longer ago than `keep`; returns how many entries that were. The latest
    /// entry always stays: it is what the numbers go on from.
    ///
    /// # Errors
    /// When the database failed. What was forgotten until then stays so.
    pub async fn forget_history(&self, keep: Duration, stop: &CancellationToken) -> Result<u64, StoreError> {
        let now = self.clock.now();
        let mut executor = &self.db;
        let Some(start) = history_before(&mut executor, now.minus(keep)).await? else { return Ok(0) };
        crate::transaction!(self.db, |tx| move_start_in_tx(tx, start).await?)?;
        let mut forgotten = 0;
        loop {
            let gone = crate::transaction!(self.db, |tx| history_delete_in_tx(tx, start.sequence, BATCH).await?)?;
            forgotten += gone;
            metrics::counter!("orchestrix_history_forgotten_total").increment(gone);
            if gone < u64::from(BATCH) || stop.is_cancelled() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if forgotten > 0 {
            tracing::info!(forgotten, earliest = start.sequence, "old history was forgotten");
            crate::transaction!(self.db, |tx| audit_in_tx(tx, start, forgotten, now).await?)?;
        }
        Ok(forgotten)
    }

    /// Forgets history older than `keep` says (`None` keeps all of it) from time to time and when that changes, until `stop`.
    pub async fn keep_history(self, mut keep: watch::Receiver<Option<Duration>>, stop: CancellationToken) {
        loop {
            let span = *keep.borrow_and_update();
            if let Some(span) = span
                && let Err(error) = self.forget_history(span, &stop).await
            {
                metrics::counter!("orchestrix_upkeep_errors_total", "task" => "history").increment(1);
                tracing::warn!(error = &error as &dyn std::error::Error, "old history could not be forgotten");
            }
            // Cancel-safe: all arms only wait.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
                Ok(()) = keep.changed() => {}
            }
        }
    }
}

/// Another collector may have gone further already.
async fn move_start_in_tx(tx: &mut Tx, start: HistoryStart) -> Result<(), StoreError> {
    if history_start(tx).await?.is_none_or(|known| known.sequence < start.sequence) {
        history_start_set_in_tx(tx, start).await?;
    }
    Ok(())
}

async fn audit_in_tx(tx: &mut Tx, start: HistoryStart, forgotten: u64, now: Timestamp) -> Result<(), StoreError> {
    let actor = Actor::collector("retention");
    let entry = AuditEntry {
        at: now,
        actor_kind: actor.kind,
        actor_id: &actor.id,
        action: "history.forget",
        resource_type: "history",
        resource_id: &start.sequence.to_string(),
        detail: json!({ "entries": forgotten, "earliest": start.at.to_string() }),
    };
    audit_insert_in_tx(tx, &entry).await
}
