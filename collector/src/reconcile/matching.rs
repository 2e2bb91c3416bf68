//! Finds the compute of a host that is new here, or queues the question for a person. [`identity`] decides; this loads
//! what it needs and writes what it decided.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use orchestrix_common::{id::AgentId, model::Machine, time::Timestamp};
use serde_json::json;

use super::{
    Actor, AgentState, MatchChoice, Reconciler, ResolveError,
    identity::{self, Candidate, Decision, Holder},
};
use crate::store::{
    StoreError, Tx,
    rows::{
        agent::{
            AgentRow, agent_changed_in_tx, agent_lock_in_tx, agent_lock_of_compute_in_tx, agent_set_compute_in_tx,
            agent_set_state_in_tx, agent_stored_in_tx, agent_tags,
        },
        audit::{AuditEntry, audit_insert_in_tx},
        compute::{compute_find, compute_find_named, compute_insert_in_tx},
        cut,
        entity::entity_hand_over_in_tx,
        history::{HistoryKind, HistoryRow, history_insert_in_tx},
        identity::{HolderRow, identity_find, identity_holders, identity_list, identity_set_in_tx},
        match_conflict::{match_conflict_lock_in_tx, match_conflict_open_in_tx, match_conflict_resolve_in_tx},
        place::{matching_lock_in_tx, place_default_in_tx, place_get},
        stored::Stored,
        tag::{self, TagSource, Tags, tag_set_in_tx},
        tag_origin::TagOrigin,
    },
};

/// An agent that was seen within this time still speaks for its compute.
const STILL_SPEAKS: Duration = Duration::from_secs(15 * 60);

/// What became of a host.
pub(super) enum Matched {
    /// It is this compute.
    Compute(i64),
    /// A person must decide.
    Undecided,
}

/// Matches the host of an agent that has no compute yet. The caller holds the agent's row.
pub(super) async fn match_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    machine: &Machine,
    now: Timestamp,
) -> Result<Matched, StoreError> {
    matching_lock_in_tx(tx).await?;
    let facts = identity::facts(machine);
    let candidates = candidates_in_tx(tx, agent.id, &facts, now).await?;
    match identity::decide(&facts, &candidates) {
        Decision::Existing(fit) => {
            let actor = Actor::agent(agent.id);
            take_over_in_tx(tx, agent, fit.compute_id, machine, &actor, now).await?;
            Ok(Matched::Compute(fit.compute_id))
        }
        Decision::New => create_in_tx(tx, agent, machine, &Actor::agent(agent.id), now).await.map(Matched::Compute),
        Decision::Undecided(fits) => {
            match_conflict_open_in_tx(tx, agent.id, &json!(machine), &json!(fits), now).await?;
            Ok(Matched::Undecided)
        }
    }
}

impl Reconciler {
    /// Carries out what a person decided about a host that could not be matched. Its agent's reports are applied from
    /// its next session on.
    ///
    /// # Errors
    /// When there is no such open conflict or no such compute, or the database failed.
    pub async fn resolve_match(&self, conflict: i64, choice: MatchChoice, actor: &Actor) -> Result<(), ResolveError> {
        let now = self.clock.now();
        crate::transaction!(self.db, |tx| resolve_in_tx(tx, conflict, choice, actor, now).await?)??;
        self.announce();
        Ok(())
    }
}

async fn resolve_in_tx(
    tx: &mut Tx,
    id: i64,
    choice: MatchChoice,
    actor: &Actor,
    now: Timestamp,
) -> Result<Result<(), ResolveError>, StoreError> {
    let Some(conflict) = match_conflict_lock_in_tx(tx, id).await? else { return Ok(Err(ResolveError::NotOpen(id))) };
    let Some(agent) = agent_lock_in_tx(tx, conflict.agent_id).await? else {
        return Ok(Err(ResolveError::NotOpen(id)));
    };
    let machine: Machine = serde_json::from_value(conflict.machine)
        .map_err(|source| StoreError::Json { column: "machine".to_owned(), source })?;
    matching_lock_in_tx(tx).await?;
    let before = agent_stored_in_tx(tx, agent.id).await?;
    let resolution = match choice {
        MatchChoice::New => format!("new compute {}", create_in_tx(tx, &agent, &machine, actor, now).await?),
        MatchChoice::Claim(compute_id) => {
            if compute_find(tx, [compute_id]).await?.is_empty() {
                return Ok(Err(ResolveError::NoCompute(compute_id)));
            }
            take_over_in_tx(tx, &agent, compute_id, &machine, actor, now).await?;
            format!("compute {compute_id}")
        }
    };
    if agent.state == AgentState::Held {
        agent_set_state_in_tx(tx, agent.id, AgentState::Active, "").await?;
    }
    agent_changed_in_tx(tx, agent.id, before, actor, now).await?;
    match_conflict_resolve_in_tx(tx, id, &actor.id, &resolution, now).await?;
    let entry = AuditEntry {
        at: now,
        actor_kind: actor.kind,
        actor_id: cut(&actor.id, 64),
        action: "match.resolve",
        resource_type: "match",
        resource_id: &id.to_string(),
        detail: json!({ "agent": agent.id.to_string(), "resolution": resolution }),
    };
    audit_insert_in_tx(tx, &entry).await?;
    Ok(Ok(()))
}

/// Loads every compute that shares something with a host.
pub(super) async fn candidates_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    facts: &BTreeSet<identity::Fact>,
    now: Timestamp,
) -> Result<Vec<Candidate>, StoreError> {
    let mut ids = identity_find(tx, &identity::lookup(facts)).await?;
    let named = compute_find_named(tx, &identity::names(facts), &identity::addresses(facts)).await?;
    ids.extend(named.iter().map(|compute| compute.id));
    let mut known = identity_list(tx, ids.iter().copied()).await?;
    let mut holders = identity_holders(tx, ids.iter().copied()).await?;
    let computes = compute_find(tx, ids).await?;
    let candidates = computes.into_iter().map(|compute| {
        let mut facts = known.remove(&compute.id).unwrap_or_default();
        let (hostname, address) = (compute.hostname.as_deref(), compute.ip_address.as_deref());
        facts.extend(identity::entered(&compute.name, hostname, address, compute.mac_address.as_deref()));
        let agents = holders.remove(&compute.id).unwrap_or_default();
        let agents = agents.into_iter().filter(|holder| holder.agent_id != agent);
        Candidate {
            compute_id: compute.id,
            agents: agents.map(|holder| holding(&holder, now)).collect(),
            name: compute.name,
            facts,
        }
    });
    Ok(candidates.collect())
}

fn holding(holder: &HolderRow, now: Timestamp) -> Holder {
    let seen = holder.seen_at.is_some_and(|seen| now.since(seen) <= STILL_SPEAKS);
    Holder { agent_id: holder.agent_id, holds_on: seen || holder.state != AgentState::Active.as_str() }
}

/// Makes a compute for a host, where its join token says or at the default place.
async fn create_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    machine: &Machine,
    actor: &Actor,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let asked = match agent.datacenter_id {
        Some(datacenter) => place_get(tx, datacenter).await?,
        None => None,
    };
    let place = match asked {
        Some(place) => place,
        None => place_default_in_tx(tx, now).await?,
    };
    let compute_id = compute_insert_in_tx(tx, &machine.hostname, place).await?;
    bind_in_tx(tx, agent.id, compute_id, machine, now).await?;
    let row = HistoryRow {
        happened_at: now,
        actor: actor.clone(),
        kind: HistoryKind::Appeared,
        resource_type: "compute",
        resource_id: compute_id,
        resource_key: String::new(),
        before_row: Some(Stored::new()),
        resource_name: machine.hostname.clone(),
        compute_id: Some(compute_id),
        source: None,
        before: None,
        after: Some(
            json!({ "datacenterId": place.datacenter_id, "agentId": agent.id.to_string(), "machine": machine }),
        ),
    };
    history_insert_in_tx(tx, now, &[row]).await?;
    Ok(compute_id)
}

/// Gives a compute to an agent. Agents that spoke for it are revoked; what they reported becomes this one's to confirm
/// or to end.
async fn take_over_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    compute_id: i64,
    machine: &Machine,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut succeeded = Vec::new();
    for older in agent_lock_of_compute_in_tx(tx, compute_id).await? {
        if older.id == agent.id || older.state == AgentState::Revoked {
            continue;
        }
        let reason = format!("succeeded by agent {}", agent.id);
        let before = agent_stored_in_tx(tx, older.id).await?;
        agent_set_state_in_tx(tx, older.id, AgentState::Revoked, &reason).await?;
        agent_changed_in_tx(tx, older.id, before, actor, now).await?;
        entity_hand_over_in_tx(tx, older.id, agent.id).await?;
        succeeded.push(older.id.to_string());
    }
    bind_in_tx(tx, agent.id, compute_id, machine, now).await?;
    let row = HistoryRow {
        happened_at: now,
        actor: actor.clone(),
        kind: HistoryKind::Altered,
        resource_type: "compute",
        resource_id: compute_id,
        resource_key: String::new(),
        before_row: None,
        resource_name: machine.hostname.clone(),
        compute_id: Some(compute_id),
        source: None,
        before: Some(json!({ "agents": succeeded })),
        after: Some(json!({ "agents": [agent.id.to_string()] })),
    };
    history_insert_in_tx(tx, now, &[row]).await
}

async fn bind_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    compute_id: i64,
    machine: &Machine,
    now: Timestamp,
) -> Result<(), StoreError> {
    agent_set_compute_in_tx(tx, agent, compute_id).await?;
    identity_set_in_tx(tx, compute_id, &identity::facts(machine)).await?;
    let dialect = tx.dialect();
    let given = agent_tags(tx, dialect, agent).await?;
    let tags: Tags = tag::fitted(given.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    if tags.is_empty() {
        return Ok(());
    }
    let actor = Actor::agent(agent);
    let source = TagSource {
        resource_type: "compute",
        origin: &TagOrigin::JoinToken.to_string(),
        compute_id: Some(compute_id),
        actor: &actor,
        at: now,
    };
    tag_set_in_tx(tx, source, &BTreeMap::from([(compute_id, tags)])).await
}
