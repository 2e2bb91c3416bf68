//! What a session needs of the inventory: the reconciler, or a fake of it in tests.

use async_trait::async_trait;
use orchestrix_common::{
    hash::EntityHash,
    id::AgentId,
    model::{Report, Source, Usage},
    time::Timestamp,
};

use crate::{
    reconcile::{
        Actor, AgentState, Applied, ApplyError, OpenError, Opened, Opening, Reconciler, SessionKey, SourceDigest,
        dead_letter::DeadLetter,
    },
    store::{
        StoreError,
        rows::agent_change::{AgentChange, agent_change_get, agent_change_list},
    },
};

/// The part of the inventory that sessions write to. Every method is one transaction or one read.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Begins a session: a new epoch, which fences the agent's older sessions.
    async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError>;
    /// Stores a report; when it returns, the report is durable.
    async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError>;
    /// Compares a source's keys and hashes with what is held. Ends what is not listed when the source was seen
    /// `whole`. Returns the native ids to ask for.
    async fn compare_listing(
        &self,
        session: &SessionKey,
        source: &Source,
        listed: Vec<(String, EntityHash)>,
        whole: bool,
    ) -> Result<Vec<String>, ApplyError>;
    /// The digests of what is held of an agent.
    async fn digests(&self, agent_id: AgentId) -> Result<Vec<SourceDigest>, StoreError>;
    /// Keeps the latest use of entities.
    async fn record_usage(&self, session: &SessionKey, usages: &[Usage]) -> Result<(), ApplyError>;
    /// Writes when agents were last seen. The list is sorted by agent.
    async fn flush_liveness(&self, seen: &[(AgentId, Timestamp)]) -> Result<(), StoreError>;
    /// Marks agents that were last seen before `silent_before` as unreachable; returns how many.
    async fn sweep_silent(&self, silent_before: Timestamp) -> Result<usize, StoreError>;
    /// Changes the state of an agent, with history.
    async fn set_agent_state(
        &self,
        agent_id: AgentId,
        state: AgentState,
        reason: &str,
        actor: &Actor,
    ) -> Result<(), StoreError>;
    /// The newest session of an agent: its epoch, the agent's state, and the boot it runs in. `None` when the agent is
    /// not known.
    async fn newest_session(&self, agent_id: AgentId) -> Result<Option<AgentChange>, StoreError>;
    /// Agents that may not have a session, and those whose session began at `since` or later.
    async fn changed_agents(&self, since: Timestamp) -> Result<Vec<AgentChange>, StoreError>;
    /// Keeps what is known of a report that was refused, and counts it as dealt with.
    async fn record_dead_letter(&self, session: &SessionKey, letter: &DeadLetter) -> Result<(), ApplyError>;
}

#[async_trait]
impl Inventory for Reconciler {
    async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError> {
        self.open_session(opening).await
    }

    async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError> {
        self.apply(session, report).await
    }

    async fn compare_listing(
        &self,
        session: &SessionKey,
        source: &Source,
        listed: Vec<(String, EntityHash)>,
        whole: bool,
    ) -> Result<Vec<String>, ApplyError> {
        self.compare_listing(session, source, listed, whole).await
    }

    async fn digests(&self, agent_id: AgentId) -> Result<Vec<SourceDigest>, StoreError> {
        self.digests(agent_id).await
    }

    async fn record_usage(&self, session: &SessionKey, usages: &[Usage]) -> Result<(), ApplyError> {
        self.record_usage(session, usages).await
    }

    async fn flush_liveness(&self, seen: &[(AgentId, Timestamp)]) -> Result<(), StoreError> {
        self.flush_liveness(seen).await
    }

    async fn sweep_silent(&self, silent_before: Timestamp) -> Result<usize, StoreError> {
        self.sweep_silent(silent_before).await
    }

    async fn set_agent_state(
        &self,
        agent_id: AgentId,
        state: AgentState,
        reason: &str,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        self.set_agent_state(agent_id, state, reason, actor).await
    }

    async fn newest_session(&self, agent_id: AgentId) -> Result<Option<AgentChange>, StoreError> {
        agent_change_get(&mut self.db(), agent_id).await
    }

    async fn changed_agents(&self, since: Timestamp) -> Result<Vec<AgentChange>, StoreError> {
        agent_change_list(&mut self.db(), since).await
    }

    async fn record_dead_letter(&self, session: &SessionKey, letter: &DeadLetter) -> Result<(), ApplyError> {
        self.record_dead_letter(session, letter).await
    }
}
