//! Comparing what an agent lists with what is held of it.

use std::collections::BTreeMap;

use orchestrix_common::{
    hash::EntityHash,
    model::{RemovalReason, Source},
};

use super::{
    ApplyError, Reconciler, SessionKey,
    apply::{admit_in_tx, compute_of, finish_in_tx, hold_mass_removal_in_tx, plan_in_tx},
    check::Batch,
    plan::{Sighted, Sighting},
    write::{Context, write_in_tx},
};
use crate::store::rows::{
    agent::{agent_get, agent_hold_removal_in_tx},
    entity::entity_list_of_source,
};

impl Reconciler {
    /// Compares the keys and hashes of one source with what is held; returns the native ids of entities that the agent
    /// should send. When the source was seen `whole`, what is not listed ends, with the time of this comparison; a mass
    /// removal waits until a second listing or report agrees.
    ///
    /// The caller makes sure that every report up to the list was applied.
    ///
    /// # Errors
    /// When the session was superseded or the database failed.
    pub async fn compare_listing(
        &self,
        session: &SessionKey,
        source: &Source,
        listed: Vec<(String, EntityHash)>,
        whole: bool,
    ) -> Result<Vec<String>, ApplyError> {
        let agent = agent_get(&mut &self.db, session.agent_id).await?.ok_or(ApplyError::Unknown)?;
        if agent.epoch != session.epoch {
            return Err(ApplyError::Fenced);
        }
        if compute_of(&agent).is_err() {
            // Held: nothing of it would be stored.
            return Ok(Vec::new());
        }
        let mut held: BTreeMap<String, EntityHash> = entity_list_of_source(&mut &self.db, session.agent_id, source)
            .await?
            .into_iter()
            .map(|entity| (entity.native_id, entity.hash))
            .collect();
        let wanted = listed.into_iter().filter(|(id, hash)| held.remove(id) != Some(*hash)).map(|(id, _)| id).collect();
        if whole && !held.is_empty() {
            self.end_unlisted(session, source, held.into_keys().collect()).await?;
        }
        Ok(wanted)
    }

    async fn end_unlisted(
        &self,
        session: &SessionKey,
        source: &Source,
        unlisted: Vec<String>,
    ) -> Result<(), ApplyError> {
        let now = self.clock.now();
        let seen = unlisted
            .iter()
            .map(|id| Sighting { at: now, what: Sighted::Gone(id, &RemovalReason::NotListed) })
            .collect();
        let batch = Batch { source, status: None, seen };
        let changes = crate::transaction!(self.db, |tx| {
            match admit_in_tx(tx, session).await? {
                Err(refused) => Err(refused),
                Ok(agent) => match compute_of(&agent) {
                    Err(_) => Ok(0),
                    Ok(compute_id) => {
                        let context = Context { agent_id: session.agent_id, compute_id, now };
                        let folded = [plan_in_tx(tx, context, &batch).await?];
                        if hold_mass_removal_in_tx(tx, &agent, &folded, now).await? {
                            tracing::warn!(agent = %session.agent_id, %source, "mass removal is held");
                            Ok(0)
                        } else {
                            let [folded] = folded;
                            let history = write_in_tx(tx, context, source, folded).await?;
                            if agent.removal_held.is_some() {
                                agent_hold_removal_in_tx(tx, agent.id, None).await?;
                            }
                            Ok(finish_in_tx(tx, &history, now).await?)
                        }
                    }
                },
            }
        })??;
        if changes > 0 {
            self.announce();
        }
        Ok(())
    }
}
