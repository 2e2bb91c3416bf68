//! Opening a session.

use orchestrix_common::time::Timestamp;

use super::{
    Actor, AgentState, HELD_AMBIGUOUS_MATCH, HELD_QUARANTINED, OpenError, Opened, Opening, Reconciler, liveness,
    matching::{self, Matched},
};
use crate::store::{
    StoreError, Tx,
    rows::agent::{AgentRow, SessionRow, agent_changed_in_tx, agent_lock_in_tx, agent_open_in_tx, agent_stored_in_tx},
};

impl Reconciler {
    /// Opens a session: the newest one of the agent, which fences the older ones. A host that is new here is matched.
    ///
    /// # Errors
    /// When the agent is not known or revoked, or the database failed.
    pub async fn open_session(&self, opening: Opening) -> Result<Opened, OpenError> {
        let now = self.clock.now();
        let mut opened = crate::transaction!(self.db, |tx| {
            match agent_lock_in_tx(tx, opening.agent_id).await? {
                None => Err(OpenError::Unknown(opening.agent_id)),
                Some(agent) if agent.state == AgentState::Revoked => Err(OpenError::Revoked(agent.state_reason)),
                Some(agent) => Ok(open_in_tx(tx, &agent, &opening, now).await?),
            }
        })??;
        self.announce();
        // No other session may write any more, and this one has not begun.
        opened.digests = self.digests(opening.agent_id).await?;
        Ok(opened)
    }
}

async fn open_in_tx(tx: &mut Tx, agent: &AgentRow, opening: &Opening, now: Timestamp) -> Result<Opened, StoreError> {
    let before = agent_stored_in_tx(tx, agent.id).await?;
    let (compute_id, state, state_reason) = match (agent.state, agent.compute_id) {
        (AgentState::Active | AgentState::Held, None) => {
            match matching::match_in_tx(tx, agent, &opening.machine, now).await? {
                Matched::Compute(compute) => (Some(compute), AgentState::Active, String::new()),
                Matched::Undecided => (None, AgentState::Held, "a person must decide which compute it is".to_owned()),
            }
        }
        (state, compute) => (compute, state, agent.state_reason.clone()),
    };
    let outbox_id = opening.outbox_id.to_string();
    let session = SessionRow {
        compute_id,
        state,
        state_reason,
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
    agent_changed_in_tx(tx, agent.id, before, &Actor::agent(agent.id), now).await?;
    if session.returned {
        liveness::mark_computes_in_tx(tx, &[(agent.id, compute_id)], true, now).await?;
    }
    let held_reason = match state {
        AgentState::Active => None,
        AgentState::Held => Some(HELD_AMBIGUOUS_MATCH.to_owned()),
        AgentState::Quarantined | AgentState::Revoked => Some(HELD_QUARANTINED.to_owned()),
    };
    Ok(Opened {
        epoch: session.epoch,
        applied_sequence: session.applied_sequence,
        digests: Vec::new(),
        held_reason,
        compute_id,
        previous_boot_id: (agent.epoch > 0).then(|| agent.boot_id.clone()),
    })
}
