//! Which agent speaks for a compute after an operation, and what becomes of the others.

use std::collections::BTreeSet;

use orchestrix_common::{id::AgentId, time::Timestamp};

use super::{
    record::Record,
    report::{AgentFate, OperationReport},
};
use crate::{
    reconcile::holding,
    store::{
        StoreError, Tx,
        rows::{
            agent::{AgentRow, AgentState, agent_fence_in_tx, agent_lock_of_compute_in_tx},
            entity::{entity_delete_in_tx, entity_forget_elsewhere_in_tx, entity_hand_over_in_tx, entity_list},
            identity::identity_holders,
            shape::AGENTS,
        },
    },
};

/// An agent of a compute.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    pub(super) agent: AgentRow,
    /// It was seen lately, or a person must decide about it.
    pub(super) holds_on: bool,
    seen_at: Option<Timestamp>,
}

/// Locks the agents of computes, in the order of keys, before anything else is read: on MySQL the first statement without a
/// lock fixes what all later ones see, and a report that is being written must be among it.
pub(super) async fn lock_in_tx(tx: &mut Tx, computes: impl IntoIterator<Item = i64>) -> Result<(), StoreError> {
    for compute in computes.into_iter().collect::<BTreeSet<_>>() {
        agent_lock_of_compute_in_tx(tx, compute).await?;
    }
    Ok(())
}

/// Locks the agents of a compute; those that are not revoked, the one that speaks for it first.
pub(super) async fn speakers_in_tx(tx: &mut Tx, compute: i64, now: Timestamp) -> Result<Vec<Speaker>, StoreError> {
    let locked = agent_lock_of_compute_in_tx(tx, compute).await?;
    let holders = identity_holders(tx, [compute]).await?.remove(&compute).unwrap_or_default();
    let mut speakers: Vec<Speaker> = locked
        .into_iter()
        .filter_map(|agent| {
            let holder = holders.iter().find(|holder| holder.agent_id == agent.id)?;
            Some(Speaker { agent, holds_on: holding(holder, now).holds_on, seen_at: holder.seen_at })
        })
        .collect();
    speakers.sort_by_key(|speaker| std::cmp::Reverse((speaker.holds_on, speaker.seen_at)));
    Ok(speakers)
}

/// Has one agent succeed the others of a compute. Those are revoked; what they reported becomes this one's to confirm or
/// to end.
pub(super) async fn succeed_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    speaker: &Speaker,
    others: &[Speaker],
) -> Result<(), StoreError> {
    report.agents.push(fate(&speaker.agent, "speaks"));
    for other in others {
        let reason = format!("succeeded by agent {}", speaker.agent.id);
        let wanted = [
            ("state".to_owned(), AgentState::Revoked.as_str().into()),
            ("state_reason".to_owned(), reason.as_str().into()),
        ];
        record.alter_in_tx(tx, &AGENTS, other.agent.id.to_string(), wanted.into_iter().collect()).await?;
        // The host tells of itself anew.
        entity_hand_over_in_tx(tx, other.agent.id, speaker.agent.id, |entity| !entity.is_about_host()).await?;
        report.agents.push(fate(&other.agent, "succeeded"));
    }
    Ok(())
}

/// Forgets what an agent reported of the host itself and of workloads that are not on its compute, so that it is asked
/// for it again and writes it where it belongs now; and ends its open session, whichever collector holds it.
pub(super) async fn ask_again_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    compute: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    entity_forget_elsewhere_in_tx(tx, agent, compute).await?;
    for entity in entity_list(tx, agent).await?.iter().filter(|entity| entity.is_about_host()) {
        entity_delete_in_tx(tx, agent, &entity.source, [entity.native_id.as_str()]).await?;
    }
    agent_fence_in_tx(tx, agent, now).await
}

pub(super) fn fate(agent: &AgentRow, fate: &str) -> AgentFate {
    AgentFate { agent_id: agent.id.to_string(), hostname: agent.hostname.clone(), fate: fate.to_owned() }
}
