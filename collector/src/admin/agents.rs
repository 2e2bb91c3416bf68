//! What an agent is allowed to do.

use orchestrix_common::{id::AgentId, time::Timestamp};
use serde_json::json;

use super::AdminError;
use crate::store::{
    Db,
    rows::{
        agent::{AgentState, agent_lock_in_tx, agent_set_state_in_tx, agent_stored_in_tx},
        audit::{AuditEntry, audit_insert_in_tx},
        cut,
        history::{Actor, HistoryKind, HistoryRow, history_insert_in_tx},
    },
};

/// Withdraws an agent's identity for good: it must enrol again. One that is revoked already stays as it is.
///
/// # Errors
/// When there is no such agent or the database failed.
pub async fn revoke_agent(db: &Db, now: Timestamp, id: AgentId, reason: &str, actor: &Actor) -> Result<(), AdminError> {
    set_state(db, now, id, AgentState::Revoked, reason, "agent.revoke", actor).await
}

/// Lets a quarantined agent report again, after a person made sure that its identity exists once.
///
/// # Errors
/// When there is no such agent, when it is revoked or waits for a match, or the database failed.
pub async fn activate_agent(db: &Db, now: Timestamp, id: AgentId, actor: &Actor) -> Result<(), AdminError> {
    set_state(db, now, id, AgentState::Active, "", "agent.activate", actor).await
}

async fn set_state(
    db: &Db,
    now: Timestamp,
    id: AgentId,
    state: AgentState,
    reason: &str,
    action: &'static str,
    actor: &Actor,
) -> Result<(), AdminError> {
    crate::transaction!(db, |tx| {
        match agent_lock_in_tx(tx, id).await? {
            None => Err(AdminError::NotFound { what: "agent", id: id.to_string() }),
            Some(agent) if agent.state == state => Ok(()),
            Some(agent) if state == AgentState::Active && agent.state == AgentState::Revoked => {
                Err(AdminError::Conflict(format!(
                    "agent {id} is revoked for good; let the host enrol with a new join token"
                )))
            }
            Some(agent) if state == AgentState::Active && agent.state == AgentState::Held => Err(AdminError::Conflict(
                format!("agent {id} waits for a decision to which compute it belongs; resolve its match"),
            )),
            Some(agent) => {
                let before_row = agent_stored_in_tx(tx, id).await?;
                agent_set_state_in_tx(tx, id, state, reason).await?;
                let row = HistoryRow {
                    happened_at: now,
                    actor: actor.clone(),
                    kind: HistoryKind::Altered,
                    resource_type: "agent",
                    resource_id: agent.compute_id.unwrap_or(0),
                    resource_key: id.to_string(),
                    before_row: Some(before_row),
                    resource_name: agent.hostname,
                    compute_id: agent.compute_id,
                    source: None,
                    before: Some(json!({
                        "id": id.to_string(), "state": agent.state.as_str(), "stateReason": agent.state_reason,
                    })),
                    after: Some(json!({ "id": id.to_string(), "state": state.as_str(), "stateReason": reason })),
                };
                history_insert_in_tx(tx, now, &[row]).await?;
                let entry = AuditEntry {
                    at: now,
                    actor_kind: actor.kind,
                    actor_id: cut(&actor.id, 64),
                    action,
                    resource_type: "agent",
                    resource_id: &id.to_string(),
                    detail: json!({ "before": agent.state.as_str(), "reason": reason }),
                };
                audit_insert_in_tx(tx, &entry).await?;
                Ok(())
            }
        }
    })?
}
