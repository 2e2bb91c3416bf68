//! One report, one transaction: its changes, its number and its history are committed together or not at all.

use std::time::{Duration, Instant};

use orchestrix_common::{model::Report, time::Timestamp};
use tracing::Instrument as _;

use super::{
    Applied, ApplyError, HELD_AMBIGUOUS_MATCH, HELD_MASS_REMOVAL, HELD_QUARANTINED, Outcome, Reconciler, Refusal,
    SessionKey,
    check::{self, Batch},
    dead_letter::DeadLetter,
    fold::{self, Folded},
    kubernetes, load, plan,
    write::{self, Context},
};
use crate::store::{
    StoreError, Tx,
    rows::{
        agent::{AgentRow, AgentState, agent_hold_removal_in_tx, agent_lock_in_tx, agent_reported_in_tx},
        entity::entity_count_workloads,
        history::{HistoryRow, history_insert_in_tx},
        source::source_set_in_tx,
    },
};

/// A mass removal ends more workloads than this, and more than half of them.
const MASS: usize = 20;
/// A second report agrees with a mass removal when it comes in a later session, or this much later …
const SECOND_LOOK: Duration = Duration::from_secs(30);
/// … but not when the first one is older than this.
const FORGOTTEN: Duration = Duration::from_secs(3600);

impl Reconciler {
    /// Stores a report: its changes, its number and its history, or nothing. When this returns, the outcome is durable.
    ///
    /// # Errors
    /// When the session was superseded, the agent was revoked, or the database failed; then nothing may be acknowledged.
    pub async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError> {
        if let Err(refusal) = check::check(&report) {
            return self.refuse(session, report.sequence, refusal).await;
        }
        let now = self.clock.now();
        let done = crate::transaction!(self.db, |tx| apply_in_tx(tx, session, &report, now).await?);
        match done {
            Ok(Ok((applied, lost))) => {
                metrics::counter!("orchestrix_report_lost_total").increment(lost);
                // A duplicate may be what an earlier try committed without hearing of it.
                if applied.changes > 0 || applied.outcome == Outcome::Duplicate {
                    self.announce();
                }
                Ok(applied)
            }
            Ok(Err(refused)) => Err(refused),
            Err(error) if error.is_about_data() => {
                let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
                tracing::warn!(agent = %session.agent_id, sequence = report.sequence, cause, "report cannot be stored");
                let message = "the database does not take a value of it".to_owned();
                let refusal = Refusal { code: "unstorable".to_owned(), message, field: String::new() };
                self.refuse(session, report.sequence, refusal).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Keeps a refused report as a dead letter, so that the agent can go on.
    async fn refuse(&self, session: &SessionKey, sequence: u64, refusal: Refusal) -> Result<Applied, ApplyError> {
        let letter = DeadLetter {
            sequence,
            code: refusal.code.clone(),
            field: refusal.field.clone(),
            message: refusal.message.clone(),
        };
        self.record_dead_letter(session, &letter).await?;
        Ok(Applied { outcome: Outcome::Refused(refusal), changes: 0 })
    }
}

/// Locks the agent of a session and checks that the session may still write.
pub(super) async fn admit_in_tx(tx: &mut Tx, session: &SessionKey) -> Result<Result<AgentRow, ApplyError>, StoreError> {
    let Some(agent) = agent_lock_in_tx(tx, session.agent_id).await? else { return Ok(Err(ApplyError::Unknown)) };
    Ok(if agent.epoch != session.epoch {
        Err(ApplyError::Fenced)
    } else if agent.state == AgentState::Revoked {
        Err(ApplyError::Revoked)
    } else {
        Ok(agent)
    })
}

/// Why nothing of an agent is stored, or the compute that it speaks for.
pub(super) fn compute_of(agent: &AgentRow) -> Result<i64, &'static str> {
    match (agent.state, agent.compute_id) {
        (AgentState::Active, Some(compute)) => Ok(compute),
        (AgentState::Quarantined, _) => Err(HELD_QUARANTINED),
        _ => Err(HELD_AMBIGUOUS_MATCH),
    }
}

/// What a report changed, and how many reports in front of it were never received.
async fn apply_in_tx(
    tx: &mut Tx,
    session: &SessionKey,
    report: &Report,
    now: Timestamp,
) -> Result<Result<(Applied, u64), ApplyError>, StoreError> {
    let agent = match admit_in_tx(tx, session).await? {
        Ok(agent) => agent,
        Err(refused) => return Ok(Err(refused)),
    };
    let done = |outcome, changes, lost| Ok(Ok((Applied { outcome, changes }, lost)));
    if report.sequence <= agent.applied_sequence {
        return done(Outcome::Duplicate, 0, 0);
    }
    let compute_id = match compute_of(&agent) {
        Ok(compute) => compute,
        Err(reason) => return done(Outcome::Held { reason: reason.to_owned() }, 0, 0),
    };
    let context = Context { agent_id: session.agent_id, compute_id, now };
    let mut batches = check::batches(report, now);
    let begun = Instant::now();
    let planned = async {
        kubernetes::admit_in_tx(tx, &agent, &mut batches, now).await?;
        let mut folded = Vec::with_capacity(batches.len());
        for batch in &batches {
            folded.push(plan_in_tx(tx, context, batch).await?);
        }
        let held = hold_mass_removal_in_tx(tx, &agent, &folded, now).await?;
        Ok::<_, StoreError>((!held).then_some(folded))
    };
    let planned = planned.instrument(tracing::debug_span!("plan")).await?;
    metrics::histogram!("orchestrix_report_reconcile_seconds", "step" => "plan").record(begun.elapsed());
    let Some(folded) = planned else {
        return done(Outcome::Held { reason: HELD_MASS_REMOVAL.to_owned() }, 0, 0);
    };
    let begun = Instant::now();
    let written = async {
        let mut history = Vec::new();
        for (batch, folded) in batches.iter().zip(folded) {
            history.extend(write::write_in_tx(tx, context, batch.source, folded).await?);
        }
        let states: Vec<_> = batches.iter().filter_map(|batch| Some((batch.source, batch.status?))).collect();
        source_set_in_tx(tx, session.agent_id, &states).await?;
        finish_in_tx(tx, &history, now).await
    };
    let changes = written.instrument(tracing::debug_span!("write")).await?;
    metrics::histogram!("orchestrix_report_reconcile_seconds", "step" => "write").record(begun.elapsed());
    let lost = report.base.saturating_sub(agent.applied_sequence);
    agent_reported_in_tx(tx, session.agent_id, report.sequence, lost, now).await?;
    done(Outcome::Applied, changes, lost)
}

/// Plans one source's changes.
pub(super) async fn plan_in_tx<'a>(tx: &mut Tx, context: Context, batch: &Batch<'a>) -> Result<Folded<'a>, StoreError> {
    let loaded = load::load_in_tx(tx, context.agent_id, context.compute_id, batch.source, &batch.seen).await?;
    let changes = plan::plan(&loaded.known, &batch.seen);
    Ok(fold::fold(context.agent_id, context.compute_id, batch.source, &loaded.rows, &changes))
}

/// Appends history; returns how much.
pub(super) async fn finish_in_tx(tx: &mut Tx, history: &[HistoryRow], now: Timestamp) -> Result<usize, StoreError> {
    history_insert_in_tx(tx, now, history).await?;
    Ok(history.len())
}

/// Whether these changes would end most of an agent's workloads at once and nothing has agreed with that yet: a broken
/// look can be complete by mistake. The first such report is remembered and held.
pub(super) async fn hold_mass_removal_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    folded: &[Folded<'_>],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ending: usize = folded.iter().map(Folded::ending).sum();
    if ending <= MASS {
        return Ok(false);
    }
    let all = entity_count_workloads(tx, agent.id).await?;
    if u64::try_from(ending).unwrap_or(u64::MAX).saturating_mul(2) <= all {
        return Ok(false);
    }
    match agent.removal_held.filter(|(_, at)| now.since(*at) <= FORGOTTEN) {
        Some((epoch, at)) => Ok(epoch == agent.epoch && now.since(at) < SECOND_LOOK),
        None => {
            agent_hold_removal_in_tx(tx, agent.id, Some((agent.epoch, now))).await?;
            Ok(true)
        }
    }
}
