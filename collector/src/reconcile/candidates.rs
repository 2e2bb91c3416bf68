//! Loads what [`identity`] decides about: the computes that share something with a host, and the list of junk.

use std::time::Duration;

use orchestrix_common::{id::AgentId, model::Machine, time::Timestamp};
use serde_json::Value as Json;

use super::{
    AgentState,
    identity::{self, Candidate, Decision, Entered, Evidence, Fit, Holder, Junk},
};
use crate::store::{
    Db, Executor, StoreError,
    rows::{
        compute::{ComputeRow, EnteredKeys, MERGED, compute_find, compute_find_entered},
        identity::{HolderRow, identity_find, identity_holders, identity_list},
        junk::junk_list,
        match_decision::match_decision_machine,
    },
};

/// An agent that was seen within this time still speaks for its compute.
const STILL_SPEAKS: Duration = Duration::from_secs(15 * 60);
/// An agent that was seen within this time, three heartbeats, answers at this moment.
const ANSWERS: Duration = Duration::from_secs(90);

/// Decides which compute the host of an agent is, as things stand now.
pub(super) async fn decide_in(
    from: &mut impl Executor,
    agent: AgentId,
    machine: &Machine,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    weigh_in(from, agent, machine, None, true, now).await
}

/// Decides which compute a node of a cluster is. It does not want to replace the agent of its host: whether that still
/// answers does not matter.
pub(super) async fn decide_node_in(
    from: &mut impl Executor,
    agent: AgentId,
    machine: &Machine,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    weigh_in(from, agent, machine, None, false, now).await
}

/// What speaks for and against a host being one compute in particular, whether or not it shares anything with it.
///
/// `None` when there is no such compute, or when it is not known what identifies the agent's host: it was matched by a
/// version that did not keep that.
///
/// # Errors
/// When the database failed.
pub async fn weigh(db: &Db, agent: AgentId, compute: i64, now: Timestamp) -> Result<Option<Fit>, StoreError> {
    let Some(machine) = match_decision_machine(&mut &*db, db.dialect(), agent).await? else { return Ok(None) };
    let machine: Machine = read(machine)?;
    let decision = weigh_in(&mut &*db, agent, &machine, Some(compute), true, now).await?;
    Ok(decision.explanation.candidates.into_iter().find(|fit| fit.compute_id == compute))
}

fn read(machine: Json) -> Result<Machine, StoreError> {
    serde_json::from_value(machine).map_err(|source| StoreError::Json { column: "machine".to_owned(), source })
}

async fn weigh_in(
    from: &mut impl Executor,
    agent: AgentId,
    machine: &Machine,
    also: Option<i64>,
    heed_agents: bool,
    now: Timestamp,
) -> Result<Decision, StoreError> {
    let junk: Junk = junk_list(from).await?.into_iter().collect();
    let host = identity::gather(machine, &junk);
    let mut candidates = candidates(from, agent, &host.facts, also, now).await?;
    if !heed_agents {
        candidates.iter_mut().for_each(|candidate| candidate.agents.clear());
    }
    Ok(identity::decide(&host, &candidates, &junk))
}

/// Loads every compute that shares something with a host. What was merged into another one is none any more.
async fn candidates(
    from: &mut impl Executor,
    agent: AgentId,
    facts: &std::collections::BTreeSet<identity::Fact>,
    also: Option<i64>,
    now: Timestamp,
) -> Result<Vec<Candidate>, StoreError> {
    let mut ids = identity_find(from, &identity::lookup(facts)).await?;
    let keys = EnteredKeys {
        names: identity::names(facts),
        addresses: identity::values(facts, Evidence::Address),
        macs: identity::values(facts, Evidence::Mac),
        serials: identity::values(facts, Evidence::ProductSerial),
    };
    ids.extend(compute_find_entered(from, &keys).await?);
    ids.extend(also);
    let mut known = identity_list(from, ids.iter().copied()).await?;
    let mut holders = identity_holders(from, ids.iter().copied()).await?;
    let mut computes = compute_find(from, ids).await?;
    computes.retain(|compute| compute.status.as_deref() != Some(MERGED));
    let candidates = computes.into_iter().map(|compute| {
        let mut facts = known.remove(&compute.id).unwrap_or_default();
        facts.extend(identity::entered(entered(&compute)));
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

fn entered(compute: &ComputeRow) -> Entered<'_> {
    Entered {
        name: &compute.name,
        hostname: compute.hostname.as_deref(),
        address: compute.ip_address.as_deref(),
        mac: compute.mac_address.as_deref(),
        serial: compute.serial_number.as_deref(),
    }
}

/// Whether an agent still speaks for its compute.
pub(crate) fn holding(holder: &HolderRow, now: Timestamp) -> Holder {
    let seen_within = |span| holder.seen_at.is_some_and(|seen| now.since(seen) <= span);
    let active = holder.state == AgentState::Active.as_str();
    Holder {
        agent_id: holder.agent_id,
        holds_on: !active || seen_within(STILL_SPEAKS),
        answers: holder.reachable && seen_within(ANSWERS),
    }
}
