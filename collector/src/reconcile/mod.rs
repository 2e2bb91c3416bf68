//! DECIDE: turns what agents report into what the inventory believes.
//!
//! It knows nothing of messages, sockets or the admin API. [`plan`] and [`identity`] are pure; everything else loads
//! what they need, and writes what they decide, in one transaction. Invariants:
//!
//! - A report is applied at most once: its number, its changes and its history are committed together, under the lock
//!   of the agent's row, and only the newest session of an agent may write.
//! - Nothing vanishes. A workload ends with its time and is kept; only an explicit removal or a complete listing ends it.
//! - People win. A column that holds something discovery did not write itself is never overwritten.
//! - Cost follows change: an entity whose hash is known costs no write.

mod agents;
mod apply;
mod candidates;
mod check;
mod contract;
pub(crate) mod drift;
mod facts;
pub(crate) mod fill;
mod fold;
pub(crate) mod host;
mod kubernetes;
pub(crate) mod legacy;
mod listing;
mod liveness;
mod load;
mod matching;
mod open;
#[cfg(test)]
mod orderings;
mod retention;
#[cfg(test)]
mod suite;
#[cfg(test)]
mod suite_identity;
#[cfg(test)]
pub(crate) mod testing;
mod usage;
mod workload;
mod write;

pub mod identity;
pub mod plan;

use crate::store::{
    Commits, Db, StoreError,
    rows::{self, dead_letter::DeadLetter},
};
use orchestrix_common::{id::AgentId, model::Source, time::SharedClock};

pub use crate::store::rows::{dead_letter, history::Actor};
pub(crate) use candidates::holding;
pub use candidates::weigh;
pub use contract::*;
pub use drift::keep_drifts;
pub(crate) use host::columns_of_facts;

/// Everything that writes what discovery saw. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reconciler {
    db: Db,
    clock: SharedClock,
    commits: Commits,
}

impl Reconciler {
    /// Makes a reconciler over an inventory database whose tables are up to date.
    #[must_use]
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock, commits: Commits::default() }
    }

    /// Where its commits are announced: whoever else writes history announces there, too.
    #[must_use]
    pub const fn commits(&self) -> &Commits {
        &self.commits
    }

    /// The database it writes to.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    fn announce(&self) {
        self.commits.announce();
    }

    /// Tells what is held of an agent, by source.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn digests(&self, agent_id: AgentId) -> Result<Vec<SourceDigest>, StoreError> {
        let mut digests: Vec<SourceDigest> = Vec::new();
        for entity in rows::entity::entity_list(&mut &self.db, agent_id).await? {
            // The list is sorted by source.
            if digests.last().is_none_or(|last| last.source != entity.source) {
                let source: Source = entity.source.clone();
                digests.push(SourceDigest { source, digest: orchestrix_common::hash::Digest::default(), entities: 0 });
            }
            if let Some(last) = digests.last_mut() {
                last.digest.add(&entity.native_id, entity.hash);
                last.entities += 1;
            }
        }
        Ok(digests)
    }

    /// Keeps a report that could not be read or stored, for people. The agent goes on with the next one.
    ///
    /// # Errors
    /// When the session was superseded or the database failed.
    pub async fn record_dead_letter(&self, session: &SessionKey, letter: &DeadLetter) -> Result<(), ApplyError> {
        let now = self.clock.now();
        crate::transaction!(self.db, |tx| {
            match apply::admit_in_tx(tx, session).await? {
                Ok(agent) => {
                    rows::dead_letter::dead_letter_insert_in_tx(tx, session.agent_id, letter, now).await?;
                    if letter.sequence > agent.applied_sequence {
                        rows::agent::agent_reported_in_tx(tx, session.agent_id, letter.sequence, 1, now).await?;
                    }
                    Ok(())
                }
                Err(refused) => Err(refused),
            }
        })?
    }
}
