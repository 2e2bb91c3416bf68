//! Opening a session.

use super::{AgentState, OpenError, Opened, Opening, Reconciler};
use crate::store::rows::agent::{SessionRow, agent_lock_in_tx, agent_open_in_tx};

impl Reconciler {
    /// Opens a session: the newest one of the agent, which fences the older ones.
    ///
    /// # Errors
    /// When the agent is not known or revoked, or the database failed.
    pub async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError> {
        let now = self.clock.now();
        let mut opened = crate::transaction!(self.db, |tx| {
            match agent_lock_in_tx(tx, opening.agent_id).await? {
                None => Err(OpenError::Unknown(opening.agent_id)),
                Some(agent) if agent.state == AgentState::Revoked => Err(OpenError::Revoked(agent.state_reason)),
                Some(agent) => {
                    let outbox_id = opening.outbox_id.to_string();
                    let session = SessionRow {
                        compute_id: agent.compute_id,
                        state: agent.state,
                        state_reason: agent.state_reason,
                        hostname: opening.machine.hostname.clone(),
                        version: opening.agent_version.clone(),
                        epoch: agent.epoch + 1,
                        boot_id: opening.boot_id.clone(),
                        applied_sequence: if agent.outbox_id == outbox_id { agent.applied_sequence } else { 0 },
                        outbox_id,
                        clock_skew_us: opening.agent_time.as_micros().saturating_sub(now.as_micros()),
                        connected_at: now,
                        returned: !agent.reachable,
                    };
                    agent_open_in_tx(tx, opening.agent_id, &session).await?;
                    Ok(Opened {
                        epoch: session.epoch,
                        applied_sequence: session.applied_sequence,
                        digests: Vec::new(),
                        held_reason: None,
                        compute_id: session.compute_id,
                        previous_boot_id: (agent.epoch > 0).then_some(agent.boot_id),
                    })
                }
            }
        })??;
        // No other session may write any more, and this one has not begun.
        opened.digests = self.digests(opening.agent_id).await?;
        Ok(opened)
    }
}
