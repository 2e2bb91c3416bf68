//! What becomes of an agent's older sessions when a newer one is opened.
//!
//! In the same boot the newer session simply takes over: the agent restarted, or its old connection is half open. In
//! another boot the older one is asked whether it still lives. If it answers a Ping that was sent after the newer
//! session existed, two hosts use one identity: both are quarantined and a person decides. A host that restarted does
//! not answer for its former life, and what that had sent before cannot be taken for an answer.

use std::{sync::Arc, time::Duration};

use orchestrix_common::id::AgentId;
use tokio::time::{sleep, timeout};

use super::{Ending, Shared, handle::Handle};
use crate::{
    reconcile::{Actor, AgentState},
    store::rows::agent_change::AgentChange,
};

/// Why both hosts are quarantined.
pub(super) const CLONED: &str = "one identity is in use on two hosts";
/// Tries to store a quarantine.
const TRIES: u32 = 5;

/// Decides about all `older` sessions of an agent on this collector before the `newer` one is welcomed.
pub(super) async fn all(shared: &Shared, older: &[Arc<Handle>], newer: &Handle) {
    for older in older {
        one(shared, older, &newer.boot_id).await;
    }
}

/// Decides about a session that was overtaken on another collector, or noticed that it is fenced.
pub(super) fn elsewhere(shared: &Shared, older: &Arc<Handle>) {
    let (shared, older) = (shared.clone(), Arc::clone(older));
    // Ends within the ping's limit and the store's retries.
    tokio::spawn(async move {
        match shared.inventory.newest_session(older.agent_id()).await {
            Ok(Some(newest)) => decide(&shared, &older, &newest).await,
            Ok(None) => older.end(Ending::Revoked),
            // The watch over all agents asks again.
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "newest session of an agent is not known");
            }
        }
    });
}

/// Decides about a session by what the database says of its agent.
async fn decide(shared: &Shared, older: &Handle, newest: &AgentChange) {
    match newest.state {
        AgentState::Revoked => older.end(Ending::Revoked),
        AgentState::Quarantined => older.end(Ending::Quarantined),
        AgentState::Active | AgentState::Held if newest.epoch > older.key.epoch => {
            one(shared, older, &newest.boot_id).await;
        }
        AgentState::Active | AgentState::Held => {}
    }
}

/// Decides about one session, now that a newer one of the boot `boot_id` exists.
async fn one(shared: &Shared, older: &Handle, boot_id: &str) {
    if older.boot_id == boot_id {
        older.end(Ending::Superseded);
        return;
    }
    let limit = shared.settings.ping_limit;
    if !older.challenge() {
        // Another task is asking it already; wait for what it finds.
        let _ = timeout(limit + Duration::from_secs(5), older.leaving()).await;
        if older.ending() == Some(Ending::Quarantined) {
            shared.registry.end(older.agent_id(), Ending::Quarantined);
        }
        return;
    }
    if older.answers_ping(limit).await {
        older.end(Ending::Quarantined);
        let reason = format!("{CLONED} (boots {} and {boot_id})", older.boot_id);
        quarantine(shared, older.agent_id(), &reason).await;
    } else {
        older.end(Ending::Superseded);
    }
}

/// Ends all sessions of an agent and stores that a person must decide.
pub(super) async fn quarantine(shared: &Shared, agent_id: AgentId, reason: &str) {
    tracing::warn!(agent = %agent_id, reason, "agent quarantined");
    metrics::counter!("orchestrix_session_clones_total").increment(1);
    // None may write from here on, whether or not the state can be stored now.
    shared.registry.end(agent_id, Ending::Quarantined);
    store(shared, agent_id, reason).await;
}

async fn store(shared: &Shared, agent_id: AgentId, reason: &str) {
    for attempt in 1..=TRIES {
        match shared
            .inventory
            .set_agent_state(agent_id, AgentState::Quarantined, reason, &Actor::collector("session"))
            .await
        {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, attempt, "quarantine could not be stored");
            }
        }
        sleep(Duration::from_secs(1)).await;
    }
    // Both come back and are found out again.
}
