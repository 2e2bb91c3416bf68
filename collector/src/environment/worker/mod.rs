//! The one task that infers: it follows the history and goes over everything when the rules change.
//!
//! Several collectors may run it; a lease in the database lets one at a time work, and what each does is idempotent, so
//! that one which is overtaken does no harm. How far it has come is stored, so that the next one goes on from there. Its
//! cost follows change: nothing is evaluated that neither changed nor is touched by a changed rule, and an evaluation
//! that comes to the same writes nothing.

mod affected;
mod shares;

use std::{collections::BTreeSet, time::Duration};

use orchestrix_common::time::{SharedClock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    ResourceType, evidence,
    infer::{Knowledge, infer},
    legacy::copy_legacy,
    rule::{Environments, INFERRED},
    scan,
};
use crate::{
    query::sequence,
    store::{
        Db, StoreError,
        rows::environment_worker::{
            WorkerRow, worker_lease_in_tx, worker_lock_in_tx, worker_progress_in_tx, worker_want_pass_in_tx,
        },
    },
};
use affected::Affected;

pub use shares::STEP;

/// How long the lease lasts; it is renewed at half of that.
const LEASE: Duration = Duration::from_secs(30);
/// How often the database is asked when nothing wakes the worker.
const EVERY: Duration = Duration::from_secs(1);
/// The least time between two rounds.
const PAUSE: Duration = Duration::from_millis(100);
/// Resources of a pass in one round.
const SLICE: usize = 1_024;
/// How often what other programs write without a history is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Infers environments and measures shares, while it holds the lease.
#[derive(Debug)]
pub struct Worker {
    db: Db,
    clock: SharedClock,
    holder: String,
    looked_at: Option<Timestamp>,
    environments: Option<Environments>,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// It held the lease.
    pub held: bool,
    /// Resources whose associations changed.
    pub changed: usize,
    /// There is more to do at once.
    pub more: bool,
}

impl Worker {
    /// Makes a worker; each has a name of its own.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock, holder: uuid::Uuid::new_v4().to_string(), looked_at: None, environments: None }
    }

    /// Works until `stop`, then gives the lease back. `committed` wakes it.
    pub async fn run(mut self, mut committed: watch::Receiver<u64>, stop: CancellationToken) {
        loop {
            let pause = match self.round().await {
                Ok(Round { more: true, .. }) => PAUSE,
                Ok(_) => EVERY,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(%error, cause, "environments could not be inferred, trying again");
                    metrics::counter!("orchestrix_environment_errors_total").increment(1);
                    EVERY * 5
                }
            };
            // Cancel-safe: all arms only wait.
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
                changed = committed.changed(), if pause == EVERY => {
                    if changed.is_err() {
                        tokio::time::sleep(pause).await;
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        if let Err(error) = self.release().await {
            tracing::debug!(%error, "the lease of inference runs out by itself");
        }
    }

    /// Does what there is to do now, or a part of it.
    ///
    /// # Errors
    /// When the database failed; what was done stays done.
    pub async fn round(&mut self) -> Result<Round, StoreError> {
        let now = self.clock.now();
        let Some(mut state) = self.claim(now).await? else { return Ok(Round::default()) };
        let mut round = Round { held: true, ..Round::default() };
        if self.looked_at.is_none_or(|at| now.since(at) >= LOOK_EVERY) {
            round.more = self.look_around(now).await?;
        }
        let before = state.clone();
        let upto = sequence::current(&self.db, now).await?;
        let affected = affected::read(&self.db, state.sequence, upto).await?;
        let passing = state.done_pass < state.wanted_pass;
        if affected.is_empty() && !passing {
            state.sequence = affected.upto;
        } else {
            let knowledge = Knowledge::read(&self.db).await?;
            round.changed += self.follow(now, &knowledge, &affected).await?;
            round.more |= affected.upto < upto;
            state.sequence = affected.upto;
            if affected.everything {
                crate::transaction!(self.db, |tx| worker_want_pass_in_tx(tx).await?)?;
                round.more = true;
            } else if passing {
                round.changed += self.pass(now, &knowledge, &mut state).await?;
                round.more |= state.done_pass < state.wanted_pass;
            }
        }
        if affected.places {
            // Whatever was measured is looked at again, the longest known first.
            (state.usage_at, state.usage_compute) = (Timestamp::from_micros(0), 0);
        }
        round.changed += self.measure(now, &affected.computes, &mut state).await?;
        if state != before {
            crate::transaction!(self.db, |tx| worker_progress_in_tx(tx, &self.holder, &state).await?)?;
        }
        metrics::counter!("orchestrix_environment_changes_total").increment(round.changed as u64);
        Ok(round)
    }

    /// Heeds what other programs wrote without a history: the legacy column, and environments. Returns whether everything
    /// must be gone over again.
    async fn look_around(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        copy_legacy(&self.db, now).await?;
        let environments = evidence::environments(&mut &self.db).await?;
        let altered = self.environments.as_ref().is_some_and(|known| *known != environments);
        if altered {
            crate::transaction!(self.db, |tx| worker_want_pass_in_tx(tx).await?)?;
        }
        (self.environments, self.looked_at) = (Some(environments), Some(now));
        Ok(altered)
    }

    /// The state, when this worker has the lease or can have it.
    async fn claim(&self, now: Timestamp) -> Result<Option<WorkerRow>, StoreError> {
        crate::transaction!(self.db, |tx| {
            let mut row = worker_lock_in_tx(tx).await?;
            let ours = row.holder == self.holder;
            if !ours && row.lease_until > now {
                None
            } else {
                if !ours || row.lease_until < now.plus(LEASE / 2) {
                    worker_lease_in_tx(tx, &self.holder, now.plus(LEASE)).await?;
                    (row.holder, row.lease_until) = (self.holder.clone(), now.plus(LEASE));
                }
                Some(row)
            }
        })
    }

    async fn release(&self) -> Result<(), StoreError> {
        crate::transaction!(self.db, |tx| {
            if worker_lock_in_tx(tx).await?.holder == self.holder {
                worker_lease_in_tx(tx, "", Timestamp::from_micros(0)).await?;
            }
        })
    }

    /// Evaluates what changed, and what stands on computes that changed.
    async fn follow(&self, now: Timestamp, knowledge: &Knowledge, affected: &Affected) -> Result<usize, StoreError> {
        let mut changed = 0;
        for kind in INFERRED {
            let mut keys: BTreeSet<i64> = affected.resources.get(&kind).cloned().unwrap_or_default();
            if matches!(kind, ResourceType::Workload | ResourceType::Container) && !affected.hosts.is_empty() {
                keys.extend(scan::keys_on(&self.db, kind, affected.hosts.iter().copied().collect()).await?);
            }
            let keys: Vec<i64> = keys.into_iter().collect();
            changed += infer(&self.db, now, knowledge, kind, &keys).await?;
        }
        Ok(changed)
    }

    /// Goes on with the pass over everything.
    async fn pass(&self, now: Timestamp, knowledge: &Knowledge, state: &mut WorkerRow) -> Result<usize, StoreError> {
        let at = state.pass_type.clone();
        let mut kinds = INFERRED.into_iter().skip_while(|kind| !at.is_empty() && kind.as_str() != at);
        let Some(kind) = kinds.next() else {
            (state.pass_type, state.pass_after) = (String::new(), 0);
            return Ok(0);
        };
        let keys = scan::keys(&self.db, kind, state.pass_after, SLICE).await?;
        let changed = infer(&self.db, now, knowledge, kind, &keys).await?;
        match keys.last().filter(|_| keys.len() == SLICE) {
            Some(last) => (state.pass_type, state.pass_after) = (kind.as_str().to_owned(), *last),
            None => match kinds.next() {
                Some(next) => (state.pass_type, state.pass_after) = (next.as_str().to_owned(), 0),
                None => {
                    (state.pass_type, state.pass_after) = (String::new(), 0);
                    state.done_pass = state.wanted_pass;
                    tracing::info!("environments of everything are inferred");
                }
            },
        }
        Ok(changed)
    }
}
