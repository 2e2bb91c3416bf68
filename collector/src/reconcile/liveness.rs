//! Which agents answer. Signs of life are collected in memory and flushed here in batches; the rows of workloads are
//! never touched: that a workload of a silent host is unknown is derived when reading.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::Value as Json;

use super::{Actor, Reconciler};
use crate::{
    catalog::AGENT,
    store::{
        StoreError, Tx,
        rows::{
            agent::agent_stored_many_in_tx,
            compute::compute_set_status_in_tx,
            history::{HistoryKind, HistoryRow, history_insert_in_tx},
            liveness::{liveness_mark_in_tx, liveness_silent_in_tx, liveness_unreachable, liveness_upsert_in_tx},
            row_change::RowChange,
        },
    },
};

/// Agents handled in one transaction of [`Reconciler::sweep_silent`].
const SWEEP: usize = 256;

impl Reconciler {
    /// Stores when agents were last seen; those that were silent are reachable again.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn flush_liveness(&self, seen: &[(AgentId, Timestamp)]) -> Result<(), StoreError> {
        let mut latest: BTreeMap<AgentId, Timestamp> = BTreeMap::new();
        for (agent, at) in seen {
            let kept = latest.entry(*agent).or_insert(*at);
            *kept = (*kept).max(*at);
        }
        let rows: Vec<_> = latest.iter().map(|(agent, at)| (*agent, *at)).collect();
        for chunk in rows.chunks(1024) {
            crate::transaction!(self.db, |tx| liveness_upsert_in_tx(tx, chunk).await?)?;
        }
        let returned = liveness_unreachable(&mut &self.db, latest.into_keys()).await?;
        if !returned.is_empty() {
            let now = self.clock.now();
            crate::transaction!(self.db, |tx| {
                let agents = super::liveness::still_unreachable_in_tx(tx, &returned).await?;
                mark_agents_in_tx(tx, &agents, true, now).await?;
                mark_computes_in_tx(tx, &agents, true, now).await?;
            })?;
            self.announce();
        }
        Ok(())
    }

    /// Marks agents that were not seen since `silent_before` as not reachable, and their computes as UNREACHABLE unless
    /// a person gave them another status. Returns how many agents fell silent.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn sweep_silent(&self, silent_before: Timestamp) -> Result<usize, StoreError> {
        let mut count = 0;
        loop {
            let now = self.clock.now();
            let swept = crate::transaction!(self.db, |tx| {
                let agents = liveness_silent_in_tx(tx, silent_before, SWEEP).await?;
                mark_agents_in_tx(tx, &agents, false, now).await?;
                mark_computes_in_tx(tx, &agents, false, now).await?;
                agents.len()
            })?;
            if swept > 0 {
                self.announce();
            }
            count += swept;
            if swept < SWEEP {
                return Ok(count);
            }
        }
    }
}

/// Reads and locks those of `agents` that are still marked as not reachable.
async fn still_unreachable_in_tx(tx: &mut Tx, agents: &[AgentId]) -> Result<Vec<(AgentId, Option<i64>)>, StoreError> {
    let mut still = Vec::new();
    for agent in agents {
        if let Some(row) = crate::store::rows::agent::agent_lock_in_tx(tx, *agent).await?
            && !row.reachable
        {
            still.push((row.id, row.compute_id));
        }
    }
    Ok(still)
}

/// Marks agents as reachable or not, with history.
async fn mark_agents_in_tx(
    tx: &mut Tx,
    agents: &[(AgentId, Option<i64>)],
    reachable: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let rows = agent_stored_many_in_tx(tx, agents.iter().map(|(agent, _)| *agent)).await?;
    liveness_mark_in_tx(tx, agents.iter().map(|(agent, _)| *agent), reachable, now).await?;
    let actor = Actor::collector("liveness");
    let changes = rows.into_iter().map(|before| {
        let mut after = before.clone();
        after.insert("reachable".to_owned(), i64::from(reachable).into());
        RowChange { kind: &AGENT, before, after }
    });
    let history: Vec<_> = changes.filter_map(|change| change.entry(&actor, now)).collect();
    history_insert_in_tx(tx, now, &history).await
}

/// Moves the computes of `agents` between ACTIVE and UNREACHABLE, with history. Any other status is a person's.
pub(super) async fn mark_computes_in_tx(
    tx: &mut Tx,
    agents: &[(AgentId, Option<i64>)],
    reachable: bool,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let computes: BTreeSet<i64> = agents.iter().filter_map(|(_, compute)| *compute).collect();
    let (from, to, kind) = if reachable {
        ("UNREACHABLE", "ACTIVE", HistoryKind::Reachable)
    } else {
        ("ACTIVE", "UNREACHABLE", HistoryKind::Unreachable)
    };
    let moved = compute_set_status_in_tx(tx, &computes, from, to).await?;
    let history: Vec<_> = moved
        .into_iter()
        .map(|(compute_id, before_row)| HistoryRow {
            happened_at: now,
            actor: Actor::collector("liveness"),
            kind,
            resource_type: "compute",
            resource_id: compute_id,
            resource_key: String::new(),
            resource_name: before_row.get("name").and_then(Json::as_str).unwrap_or_default().to_owned(),
            before_row: Some(before_row),
            compute_id: Some(compute_id),
            source: None,
            before: Some(serde_json::json!({ "status": from })),
            after: Some(serde_json::json!({ "status": to })),
        })
        .collect();
    history_insert_in_tx(tx, now, &history).await?;
    Ok(history.len())
}
