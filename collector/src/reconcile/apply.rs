//! One report, one transaction.

use orchestrix_common::model::Report;

use super::{Applied, ApplyError, Outcome, Reconciler, SessionKey};
use crate::store::{
    StoreError, Tx,
    rows::agent::{AgentRow, AgentState, agent_lock_in_tx, agent_reported_in_tx},
};

impl Reconciler {
    /// Stores a report: its changes, its number and its history, or nothing. When this returns, the outcome is durable.
    ///
    /// # Errors
    /// When the session was superseded, the agent was revoked, or the database failed; then nothing may be acknowledged.
    pub async fn apply(&self, session: &SessionKey, report: Report) -> Result<Applied, ApplyError> {
        let now = self.clock.now();
        crate::transaction!(self.db, |tx| {
            match admit_in_tx(tx, session).await? {
                Err(refused) => Err(refused),
                Ok(agent) if agent.applied_sequence >= report.sequence => {
                    Ok(Applied { outcome: Outcome::Duplicate, changes: 0 })
                }
                Ok(agent) => {
                    let lost = report.base.saturating_sub(agent.applied_sequence);
                    agent_reported_in_tx(tx, session.agent_id, report.sequence, lost, now).await?;
                    Ok(Applied { outcome: Outcome::Applied, changes: 0 })
                }
            }
        })?
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
