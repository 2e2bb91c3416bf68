//! An agent gets a compute of its own.
//!
//! What it reports moves with it, and so does what it alone ever reported. What discovery wrote into the columns of the
//! compute came from its host, if it spoke for it, and goes; what people entered stays.

use std::collections::BTreeSet;

use orchestrix_common::{id::AgentId, model::Machine};
use serde_json::{Value as Json, json};

use super::{
    Attempt, agents,
    agents::Speaker,
    chronicle::Chronicle,
    finish_in_tx, merge,
    merge::{columns, is_empty},
    record::{Hand, Record},
    report::OperationReport,
};
use crate::{
    admin::AdminError,
    reconcile::{fill::fill, host::columns_of_facts, identity},
    store::{
        Executor as _, StoreError, Tx, Value,
        rows::{
            compute::{Columns, MERGED, compute_insert_beside_in_tx},
            entity::entity_list,
            hanging,
            identity::identity_set_in_tx,
            match_decision::match_decision_machine,
            place::matching_lock_in_tx,
            shape::{COMPUTES, FACTS, Row, shape_read_in_tx},
        },
    },
};

/// Splits an agent off, or says why not.
pub(super) async fn split_in_tx(tx: &mut Tx, compute: i64, agent: AgentId, hand: Hand<'_>) -> Attempt {
    matching_lock_in_tx(tx).await?;
    let speakers = agents::speakers_in_tx(tx, compute, hand.now).await?;
    let Some(row) = shape_read_in_tx(tx, &COMPUTES, &compute.into()).await? else {
        return Ok(Err(AdminError::NotFound { what: "compute", id: compute.to_string() }));
    };
    if row.get("status").and_then(Json::as_str) == Some(MERGED) {
        return Ok(Err(AdminError::Conflict(format!("compute {compute} was merged into another one; name that one"))));
    }
    let Some(speaker) = speakers.iter().find(|speaker| speaker.agent.id == agent) else {
        let expected = if speakers.is_empty() {
            "an agent of it, and it has none".to_owned()
        } else {
            let ids: Vec<String> = speakers.iter().map(|speaker| speaker.agent.id.to_string()).collect();
            format!("one of {}", ids.join(", "))
        };
        let problem = format!("{agent} does not speak for compute {compute}");
        return Ok(Err(AdminError::Unfit { field: "agentId", problem, expected }));
    };
    // The first one is who spoke for the compute.
    let spoke = speakers.first().is_some_and(|first| first.agent.id == agent);
    let (report, _) = split_off_in_tx(tx, compute, &row, speaker, spoke, hand).await?;
    Ok(Ok(report))
}

/// Makes a compute for an agent and moves what is its own. Returns the new compute too.
pub(super) async fn split_off_in_tx(
    tx: &mut Tx,
    compute: i64,
    row: &Row,
    speaker: &Speaker,
    spoke: bool,
    hand: Hand<'_>,
) -> Result<(OperationReport, i64), StoreError> {
    let agent = &speaker.agent;
    let chronicle = Chronicle::open_in_tx(tx, BTreeSet::from([compute])).await?;
    let mut record = Record::default();
    let name = row.get("name").and_then(Json::as_str).unwrap_or_default();
    let new = compute_insert_beside_in_tx(tx, &agent.hostname, compute).await?;
    let mut report = OperationReport {
        summary: format!(
            "agent {} ({}) is split off compute {compute} {name:?} to compute {new}",
            agent.id, agent.hostname
        ),
        compute_id: compute,
        other_compute_id: Some(new),
        agents: vec![agents::fate(agent, "moves")],
        ..OperationReport::default()
    };
    move_workloads_in_tx(tx, &mut record, &mut report, (compute, new), agent.id).await?;
    record.move_in_tx(tx, &hanging::AGENTS, "compute", (compute, new), vec![vec![agent.id.to_string().into()]]).await?;
    report.moved(hanging::AGENTS.name, 1);
    if spoke {
        facts_in_tx(tx, &mut record, (compute, new), row, hand).await?;
    }
    if let Some(machine) = match_decision_machine(tx, tx.dialect(), agent.id).await?
        && let Ok(machine) = serde_json::from_value::<Machine>(machine)
    {
        identity_set_in_tx(tx, new, &identity::facts(&machine)).await?;
    }
    agents::ask_again_in_tx(tx, agent.id, new, hand.now).await?;
    for other in agents::speakers_in_tx(tx, compute, hand.now).await? {
        // What one of them saw may have been held for the other one's.
        agents::ask_again_in_tx(tx, other.agent.id, compute, hand.now).await?;
    }
    let operation = finish_in_tx(tx, "SPLIT", Some(agent.id), &mut report, &record, hand).await?;
    let said = |told: Json| json!({ "operation": operation, "agentId": agent.id.to_string(), "told": told });
    let sentences = vec![(new, said(json!({ "splitFrom": compute }))), (compute, said(json!({ "splitOff": new })))];
    chronicle.close_in_tx(tx, Some(new), sentences, hand).await?;
    merge::renew_drifts_in_tx(tx, &[compute, new], hand).await?;
    Ok((report, new))
}

/// Moves what the agent reports now, what it alone ever reported, and the containers of both.
async fn move_workloads_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    (compute, new): (i64, i64),
    agent: AgentId,
) -> Result<(), StoreError> {
    let mut workloads: BTreeSet<i64> = entity_list(tx, agent)
        .await?
        .into_iter()
        .filter(|entity| !entity.is_about_host())
        .filter_map(|entity| entity.resource_id)
        .collect();
    let sql = "SELECT w.id FROM compute_workloads w WHERE w.compute_id = ? AND w.ended_at_us IS NOT NULL \
               AND EXISTS (SELECT 1 FROM history h WHERE h.resource_type = 'workload' AND h.resource_id = w.id \
               AND h.actor_kind = 'agent' AND h.actor_id = ?) \
               AND NOT EXISTS (SELECT 1 FROM history h WHERE h.resource_type = 'workload' AND h.resource_id = w.id \
               AND h.actor_kind = 'agent' AND h.actor_id <> ?)";
    for row in tx.fetch(sql.to_owned(), vec![compute.into(), agent.into(), agent.into()]).await? {
        workloads.insert(row.get("id")?);
    }
    let bound = workloads.iter().map(|id| Value::from(*id)).collect();
    let select = "SELECT id, container_row_id FROM compute_workloads WHERE compute_id = ? AND";
    let (mut keys, mut containers) = (Vec::new(), BTreeSet::new());
    for row in tx.fetch_in(select, "id", vec![compute.into()], bound).await? {
        keys.push(vec![Json::from(row.get::<i64>("id")?)]);
        containers.extend(row.get::<Option<i64>>("container_row_id")?);
    }
    let containers: Vec<_> = containers.into_iter().map(|id| vec![Json::from(id)]).collect();
    report.moved(hanging::WORKLOADS.name, keys.len());
    report.moved(hanging::CONTAINERS.name, containers.len());
    let pair = (compute, new);
    record.move_in_tx(tx, &hanging::WORKLOADS, "compute", pair, keys).await?;
    record.move_in_tx(tx, &hanging::CONTAINERS, "compute", pair, containers).await
}

/// Gives what was discovered of the host to the new compute, and takes from the old one what discovery wrote there.
async fn facts_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    (compute, new): (i64, i64),
    row: &Row,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    for hanging in [hanging::CAPABILITIES, hanging::IDENTITIES] {
        record.move_all_in_tx(tx, &hanging, "compute", compute, new).await?;
    }
    let Some(stored) = shape_read_in_tx(tx, &FACTS, &compute.into()).await? else { return Ok(()) };
    let filled = columns(stored.get("filled"));
    // A name must stay, and it is how people find the row.
    let discoverys =
        |(column, value): &(&String, &Json)| column.as_str() != "name" && filled.get(*column) == Some(value);
    let emptied: Row = row.iter().filter(discoverys).map(|(column, _)| (column.clone(), Json::Null)).collect();
    record.alter_in_tx(tx, &COMPUTES, compute, emptied).await?;
    record.replace_in_tx(tx, &FACTS, compute, None).await?;
    let facts = stored.get("facts").cloned().unwrap_or(Json::Null);
    let Some(own) = shape_read_in_tx(tx, &COMPUTES, &new.into()).await? else { return Ok(()) };
    let discovered = columns_of_facts(&facts).unwrap_or(filled);
    let present: Columns = own.into_iter().filter(|(_, value)| !is_empty(value)).collect();
    // Discovery gave the new row its names.
    let named =
        ["name", "hostname"].into_iter().filter_map(|column| Some((column.to_owned(), present.get(column)?.clone())));
    let filling = fill(&present, &named.collect(), &Columns::new(), &discovered);
    record.alter_in_tx(tx, &COMPUTES, new, filling.updates).await?;
    let facts = [
        ("facts".to_owned(), facts),
        ("filled".to_owned(), json!(filling.filled)),
        ("beside".to_owned(), json!(filling.beside)),
        ("changed_at_us".to_owned(), hand.now.as_micros().into()),
    ];
    record.replace_in_tx(tx, &FACTS, new, Some(facts.into_iter().collect())).await
}
