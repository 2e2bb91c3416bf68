//! What an agent is allowed to do.

use orchestrix_common::id::AgentId;
use serde_json::json;

use super::{Actor, AgentState, Reconciler};
use crate::store::{
    StoreError,
    rows::{
        agent::{agent_lock_in_tx, agent_set_state_in_tx, agent_stored_in_tx},
        history::{HistoryKind, HistoryRow, history_insert_in_tx},
    },
};

impl Reconciler {
    /// Sets what an agent is allowed to do, with the reason and who decided it. An unknown agent and a state that is
    /// set already change nothing.
    ///
    /// # Errors
    /// When the database failed.
    pub async fn set_agent_state(
        &self,
        agent_id: AgentId,
        state: AgentState,
        reason: &str,
        actor: &Actor,
    ) -> Result<(), StoreError> {
        let now = self.clock.now();
        crate::transaction!(self.db, |tx| {
            if let Some(agent) = agent_lock_in_tx(tx, agent_id).await?
                && (agent.state != state || agent.state_reason != reason)
            {
                let before_row = agent_stored_in_tx(tx, agent_id).await?;
                agent_set_state_in_tx(tx, agent_id, state, reason).await?;
                let row = HistoryRow {
                    happened_at: now,
                    actor: actor.clone(),
                    kind: HistoryKind::Altered,
                    resource_type: "agent",
                    resource_id: agent.compute_id.unwrap_or(0),
                    resource_key: agent_id.to_string(),
                    before_row: Some(before_row),
                    resource_name: agent.hostname,
                    compute_id: agent.compute_id,
                    source: None,
                    before: Some(
                        json!({ "id": agent_id.to_string(), "state": agent.state.as_str(), "stateReason": agent.state_reason }),
                    ),
                    after: Some(json!({ "id": agent_id.to_string(), "state": state.as_str(), "stateReason": reason })),
                };
                history_insert_in_tx(tx, now, &[row]).await?;
            }
        })?;
        self.announce();
        Ok(())
    }
}
