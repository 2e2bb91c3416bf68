//! Finds the compute of a host that is new here, or queues the question for a person. [`identity`] decides; this loads
//! what it needs and writes what it decided.

use std::collections::BTreeMap;

use orchestrix_common::{id::AgentId, model::Machine, time::Timestamp};
use serde_json::json;

use super::{
    Actor, AgentState, MatchChoice, Reconciler, ResolveError, candidates,
    identity::{self, Explanation, Outcome, Verdict},
};
use crate::store::{
    StoreError, Tx,
    rows::{
        agent::{
            AgentRow, agent_changed_in_tx, agent_lock_in_tx, agent_lock_of_compute_in_tx, agent_set_compute_in_tx,
            agent_set_state_in_tx, agent_stored_in_tx, agent_tags,
        },
        audit::{AuditEntry, audit_insert_in_tx},
        compute::{MERGED, compute_find, compute_insert_in_tx, compute_named_in_tx},
        cut,
        entity::{entity_forget_elsewhere_in_tx, entity_hand_over_in_tx},
        history::{HistoryKind, HistoryRow, history_insert_in_tx},
        identity::identity_set_in_tx,
        match_conflict::{
            match_conflict_close_in_tx, match_conflict_lock_in_tx, match_conflict_open_in_tx,
            match_conflict_resolve_in_tx,
        },
        match_decision::{MatchDecisionRow, match_decision_keep_in_tx},
        operation::{NewOperation, operation_insert_in_tx},
        place::{matching_lock_in_tx, place_default_in_tx, place_get},
        stored::Stored,
        tag::{self, TagSource, Tags, tag_set_in_tx},
        tag_origin::TagOrigin,
    },
};

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
    let decision = candidates::decide_in(tx, agent.id, machine, now).await?;
    let actor = Actor::agent(agent.id);
    let (word, matched) = match decision.outcome {
        Outcome::Existing(compute_id) => {
            take_over_in_tx(tx, agent, compute_id, machine, &actor, now).await?;
            ("EXISTING", Matched::Compute(compute_id))
        }
        Outcome::New => ("NEW", Matched::Compute(create_in_tx(tx, agent, machine, &actor, now).await?)),
        Outcome::Undecided => {
            let possible: Vec<_> =
                decision.explanation.candidates.iter().filter(|fit| fit.verdict == Verdict::Possible).collect();
            match_conflict_open_in_tx(tx, agent.id, &json!(machine), &json!(possible), now).await?;
            ("UNDECIDED", Matched::Undecided)
        }
    };
    if let Matched::Compute(compute) = matched {
        // What waited for a person may have become clear since.
        let resolution = format!("compute {compute}, without a person: {}", decision.explanation.summary);
        match_conflict_close_in_tx(tx, agent.id, "collector", &resolution, now).await?;
    }
    keep_in_tx(tx, agent, word, &matched, machine, &decision.explanation, &actor, now).await?;
    Ok(matched)
}

/// Keeps why a host was matched as it was, for whoever asks later.
#[allow(clippy::too_many_arguments, reason = "a row with that many columns")]
async fn keep_in_tx(
    tx: &mut Tx,
    agent: &AgentRow,
    outcome: &str,
    matched: &Matched,
    machine: &Machine,
    explanation: &Explanation,
    actor: &Actor,
    now: Timestamp,
) -> Result<(), StoreError> {
    let compute_id = match matched {
        Matched::Compute(compute) => Some(*compute),
        Matched::Undecided => None,
    };
    let (machine, explanation) = (json!(machine), json!(explanation));
    let row = MatchDecisionRow {
        agent_id: agent.id,
        outcome,
        compute_id,
        machine: &machine,
        explanation: &explanation,
        actor,
    };
    match_decision_keep_in_tx(tx, &row, now).await
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
    if let Some(error) = stands_in_the_way(&agent, choice) {
        return Ok(Err(error));
    }
    let machine: Machine = serde_json::from_value(conflict.machine)
        .map_err(|source| StoreError::Json { column: "machine".to_owned(), source })?;
    matching_lock_in_tx(tx).await?;
    let before = agent_stored_in_tx(tx, agent.id).await?;
    let mut explanation = candidates::decide_in(tx, agent.id, &machine, now).await?.explanation;
    let (outcome, compute_id, resolution) = match choice {
        MatchChoice::New => {
            let compute = create_in_tx(tx, &agent, &machine, actor, now).await?;
            ("NEW", compute, format!("new compute {compute}"))
        }
        MatchChoice::Claim(compute_id) => {
            match compute_find(tx, [compute_id]).await?.first() {
                None => return Ok(Err(ResolveError::NoCompute(compute_id))),
                Some(compute) if compute.status.as_deref() == Some(MERGED) => {
                    return Ok(Err(ResolveError::Merged(compute_id)));
                }
                Some(_) => take_over_in_tx(tx, &agent, compute_id, &machine, actor, now).await?,
            }
            ("EXISTING", compute_id, format!("compute {compute_id}"))
        }
    };
    explanation.summary = format!("{} decided: {resolution}", actor.id);
    for fit in &mut explanation.candidates {
        fit.verdict = if fit.compute_id == compute_id { Verdict::Taken } else { Verdict::Rejected };
    }
    let matched = Matched::Compute(compute_id);
    keep_in_tx(tx, &agent, outcome, &matched, &machine, &explanation, actor, now).await?;
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

/// Why a match of this agent is not for a person to decide, or not in this way.
fn stands_in_the_way(agent: &AgentRow, choice: MatchChoice) -> Option<ResolveError> {
    if agent.state == AgentState::Revoked {
        return Some(ResolveError::Revoked { agent: agent.id, reason: agent.state_reason.clone() });
    }
    // Whoever reports already is no host to be placed: what it told would have to move, which is a merge or a split, and
    // can be tried and undone as such.
    match (agent.compute_id, choice) {
        (Some(speaks_for), MatchChoice::Claim(wanted)) if wanted != speaks_for => {
            Some(ResolveError::SpeaksForAnother { agent: agent.id, speaks_for, wanted })
        }
        (Some(speaks_for), MatchChoice::New) => Some(ResolveError::SpeaksAlready { agent: agent.id, speaks_for }),
        _ => None,
    }
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
    compute_named_in_tx(tx, compute_id, &machine.hostname, now).await?;
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
    let (mut succeeded, mut altered) = (Vec::new(), Vec::new());
    for older in agent_lock_of_compute_in_tx(tx, compute_id).await? {
        if older.id == agent.id || older.state == AgentState::Revoked {
            continue;
        }
        let reason = format!("succeeded by agent {}", agent.id);
        let before = agent_stored_in_tx(tx, older.id).await?;
        agent_set_state_in_tx(tx, older.id, AgentState::Revoked, &reason).await?;
        agent_changed_in_tx(tx, older.id, before, actor, now).await?;
        let state = |state: AgentState, reason: &str| json!({ "state": state.as_str(), "state_reason": reason });
        altered.push(json!({
            "table": "agents",
            "key": older.id.to_string(),
            "before": state(older.state, &older.state_reason),
            "after": state(AgentState::Revoked, &reason),
        }));
        entity_hand_over_in_tx(tx, older.id, agent.id, |_| true).await?;
        succeeded.push(older.id.to_string());
    }
    bind_in_tx(tx, agent.id, compute_id, machine, now).await?;
    let operation = NewOperation {
        kind: "MATCH",
        summary: &format!("compute {compute_id} is the host of agent {} ({})", agent.id, machine.hostname),
        compute_id: Some(compute_id),
        other_compute_id: None,
        agent_id: Some(agent.id),
        actor,
        report: &json!({ "computeId": compute_id, "succeeded": succeeded }),
        record: &json!({ "moved": [], "altered": altered }),
    };
    operation_insert_in_tx(tx, &operation, now).await?;
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
    entity_forget_elsewhere_in_tx(tx, agent, compute_id).await?;
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
