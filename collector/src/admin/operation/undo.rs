//! Putting back what an operation changed.
//!
//! What somebody changed since is never taken from them: a value that a person entered after the operation stays, and the
//! report says so. A later operation on the same computes must be undone first.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{
    Attempt, agents, audit_in_tx,
    chronicle::Chronicle,
    drift, merge,
    merge::{Merge, columns},
    record::{Altered, Hand, Moved, Record},
    report::OperationReport,
    split,
};
use crate::{
    admin::AdminError,
    store::{
        Executor as _, StoreError, Tx, Value,
        rows::{
            compute::MERGED,
            entity::entity_list,
            hanging::{self, Hanging, HangingKey, hanging_list_in_tx, hanging_move_in_tx},
            operation::{
                OperationRow, merged_delete_in_tx, operation_later_in_tx, operation_lock_in_tx, operation_undone_in_tx,
            },
            place::matching_lock_in_tx,
            shape::{
                COMPUTES, FACTS, Row, Shape, shape_delete_in_tx, shape_insert_in_tx, shape_read_in_tx,
                shape_write_in_tx,
            },
        },
    },
};

/// Undoes an operation, or says why not.
pub(super) async fn undo_in_tx(tx: &mut Tx, id: i64, hand: Hand<'_>) -> Attempt {
    matching_lock_in_tx(tx).await?;
    let Some(operation) = operation_lock_in_tx(tx, id).await? else {
        return Ok(Err(AdminError::NotFound { what: "operation", id: id.to_string() }));
    };
    if operation.state != "DONE" {
        return Ok(Err(AdminError::Conflict(format!("operation {id} is undone already"))));
    }
    let computes: Vec<i64> = [operation.compute_id, operation.other_compute_id].into_iter().flatten().collect();
    agents::lock_in_tx(tx, computes.iter().copied()).await?;
    if let Some((later, summary)) = operation_later_in_tx(tx, id, &computes).await? {
        return Ok(Err(AdminError::Conflict(format!("operation {later} came later ({summary}); undo that one first"))));
    }
    let record: Record = serde_json::from_value(operation.record.clone())
        .map_err(|source| StoreError::Json { column: "undo_record".to_owned(), source })?;
    let attempt = match (operation.kind.as_str(), operation.compute_id, operation.other_compute_id) {
        ("MERGE" | "CLAIM", Some(into), Some(from)) => part_in_tx(tx, into, from, &record, hand).await?,
        ("SPLIT", Some(into), Some(from)) => {
            let again = Merge { from, into, ..Merge::default() };
            merge::merge_in_tx(tx, &again, hand).await?
        }
        ("DRIFT", ..) => drift::take_back_in_tx(tx, &record, hand).await?,
        ("MATCH", Some(compute), _) => give_back_in_tx(tx, compute, &operation, &record, hand).await?,
        (kind, ..) => Err(AdminError::Conflict(format!("an operation of the kind {kind} cannot be undone"))),
    };
    let mut report = match attempt {
        Ok(report) => report,
        Err(error) => return Ok(Err(error)),
    };
    report.summary = format!("undone: {}", operation.summary);
    operation_undone_in_tx(tx, id, &hand.actor.id, hand.now).await?;
    let detail = json!({ "summary": report.summary, "left": report.left });
    audit_in_tx(tx, "operation.undo", ("operation", id), detail, hand).await?;
    Ok(Ok(report))
}

/// Parts two computes that were merged.
async fn part_in_tx(tx: &mut Tx, into: i64, from: i64, record: &Record, hand: Hand<'_>) -> Attempt {
    for compute in BTreeSet::from([from, into]) {
        let Some(row) = shape_read_in_tx(tx, &COMPUTES, &compute.into()).await? else {
            return Ok(Err(AdminError::Conflict(format!("compute {compute} was removed since"))));
        };
        if compute == from && row.get("status").and_then(Json::as_str) != Some(MERGED) {
            let problem = format!("compute {from} is not merged any more: somebody gave it another status");
            return Ok(Err(AdminError::Conflict(problem)));
        }
    }
    let mut report = OperationReport { compute_id: into, other_compute_id: Some(from), ..OperationReport::default() };
    let chronicle = Chronicle::open_in_tx(tx, BTreeSet::from([into, from])).await?;
    // While the agents still stand where their newest workloads do.
    newer_in_tx(tx, &mut report, record, (into, from)).await?;
    for moved in record.moved.iter().rev() {
        move_back_in_tx(tx, &mut report, moved).await?;
    }
    for altered in record.altered.iter().rev() {
        restore_in_tx(tx, &mut report, altered).await?;
    }
    merged_delete_in_tx(tx, from).await?;
    for compute in [from, into] {
        for speaker in agents::speakers_in_tx(tx, compute, hand.now).await? {
            report.agents.push(agents::fate(&speaker.agent, if compute == from { "moves" } else { "speaks" }));
            agents::ask_again_in_tx(tx, speaker.agent.id, compute, hand.now).await?;
        }
    }
    let sentences = vec![(from, json!({ "partedFrom": into })), (into, json!({ "partedFrom": from }))];
    chronicle.close_in_tx(tx, None, sentences, hand).await?;
    merge::renew_drifts_in_tx(tx, &[from, into], hand).await?;
    Ok(Ok(report))
}

/// Moves what appeared since, reported by agents that go back.
async fn newer_in_tx(
    tx: &mut Tx,
    report: &mut OperationReport,
    record: &Record,
    (into, from): (i64, i64),
) -> Result<(), StoreError> {
    let of = |what: &str| {
        record
            .moved
            .iter()
            .filter(|moved| moved.what == what)
            .flat_map(|moved| moved.keys.iter().flatten())
            .collect::<Vec<_>>()
    };
    let moved: BTreeSet<i64> = of(hanging::WORKLOADS.name).into_iter().filter_map(Json::as_i64).collect();
    let mut newer = BTreeSet::new();
    for agent in of(hanging::AGENTS.name).into_iter().filter_map(Json::as_str).filter_map(|id| id.parse().ok()) {
        let entities = entity_list(tx, agent).await?;
        newer.extend(
            entities.into_iter().filter(|entity| !entity.is_about_host()).filter_map(|entity| entity.resource_id),
        );
    }
    newer.retain(|workload| !moved.contains(workload));
    let bound = newer.into_iter().map(Value::from).collect();
    let select = "SELECT w.id, w.container_row_id FROM compute_workloads w WHERE w.compute_id = ? \
                  AND NOT EXISTS (SELECT 1 FROM compute_workloads o WHERE o.compute_id = ? AND o.source = w.source \
                  AND o.workload_id = w.workload_id) AND";
    let (mut workloads, mut containers) = (Vec::new(), Vec::new());
    for row in tx.fetch_in(select, "w.id", vec![into.into(), from.into()], bound).await? {
        workloads.push(vec![Json::from(row.get::<i64>("id")?)]);
        let container: Option<i64> = row.get("container_row_id")?;
        containers.extend(container.filter(|id| *id > record.newest_container).map(|id| vec![Json::from(id)]));
    }
    for (hanging, keys) in [(hanging::WORKLOADS, workloads), (hanging::CONTAINERS, containers)] {
        report.moved(hanging.name, keys.len());
        hanging_move_in_tx(tx, &hanging, "compute", into, from, &keys).await?;
    }
    Ok(())
}

/// Moves rows back. What is not there any more was moved or removed by somebody since, and stays so.
async fn move_back_in_tx(tx: &mut Tx, report: &mut OperationReport, moved: &Moved) -> Result<(), StoreError> {
    let Moved { what, resource_type, from, to, keys } = moved;
    let Some(hanging) = Hanging::find(what) else {
        report.left.push(format!("{what} of a kind that this version does not know stay on {resource_type} {to}"));
        return Ok(());
    };
    let (free, taken) = hanging_list_in_tx(tx, &hanging, resource_type, *to, *from).await?;
    let back: Vec<HangingKey> = keys.iter().filter(|key| free.contains(key)).cloned().collect();
    let clash = keys.iter().filter(|key| taken.contains(key)).count();
    if clash > 0 {
        report
            .left
            .push(format!("{clash} {what} stay on {resource_type} {to}: {resource_type} {from} has the same again"));
    }
    let gone = keys.len() - back.len() - clash;
    if gone > 0 {
        report.left.push(format!("{gone} {what} were removed or moved from {resource_type} {to} since"));
    }
    report.moved(what, back.len());
    hanging_move_in_tx(tx, &hanging, resource_type, *to, *from, &back).await.map(drop)
}

/// Gives columns their former values, except those that a person changed since.
pub(super) async fn restore_in_tx(
    tx: &mut Tx,
    report: &mut OperationReport,
    altered: &Altered,
) -> Result<(), StoreError> {
    let Altered { table, key, before, after } = altered;
    let Some(shape) = Shape::find(table) else { return Ok(()) };
    let row = shape_read_in_tx(tx, shape, key).await?;
    let (Some(row), Some(before), Some(after)) = (&row, before, after) else {
        return match (row, before) {
            (Some(_), None) => shape_delete_in_tx(tx, shape, key).await,
            (None, Some(before)) if after.is_none() => shape_insert_in_tx(tx, shape, key, before).await,
            (Some(_), Some(before)) => shape_write_in_tx(tx, shape, key, before).await,
            (None, _) => Ok(()),
        };
    };
    // Written anew by whichever agent speaks, so that what stands there now says nothing.
    let volatile = table == FACTS.table;
    let filled = if *table == COMPUTES.table {
        let facts = shape_read_in_tx(tx, &FACTS, key).await?;
        columns(facts.as_ref().and_then(|facts| facts.get("filled")))
    } else {
        link_filled_in_tx(tx, table, key).await?
    };
    let mut back = Row::new();
    for (column, former) in before {
        let now = row.get(column);
        let untouched = now == after.get(column) || now.is_some_and(|now| filled.get(column) == Some(now));
        let link = column.starts_with("container_") && row.get("container_row_id") == after.get("container_row_id");
        if volatile || untouched || link {
            back.insert(column.clone(), former.clone());
        } else {
            let now = now.cloned().unwrap_or(Json::Null);
            report.left.push(format!("{} of {table} {key} was changed to {now} since and stays", super::camel(column)));
        }
    }
    shape_write_in_tx(tx, shape, key, &back).await
}

/// What discovery wrote into a container's row, by the workload that is linked to it.
async fn link_filled_in_tx(
    tx: &mut Tx,
    table: &str,
    key: &Json,
) -> Result<crate::store::rows::compute::Columns, StoreError> {
    let Some(id) = key.as_i64().filter(|_| table == "containers") else { return Ok(BTreeMap::new()) };
    let sql = format!(
        "SELECT {} AS filled FROM compute_workloads w JOIN containers t ON t.id = w.container_row_id \
         AND t.compute_id = w.compute_id WHERE t.id = ? ORDER BY w.id DESC LIMIT 1",
        tx.dialect().json_text("w.container_filled")
    );
    let row = tx.fetch_optional(sql, vec![id.into()]).await?;
    Ok(columns(row.map(|row| row.json::<Json>("filled")).transpose()?.flatten().as_ref()))
}

/// Takes a compute from the agent that it was matched with: the agent gets one of its own, and those that it succeeded
/// may speak again.
async fn give_back_in_tx(
    tx: &mut Tx,
    compute: i64,
    operation: &OperationRow,
    record: &Record,
    hand: Hand<'_>,
) -> Attempt {
    let speakers = agents::speakers_in_tx(tx, compute, hand.now).await?;
    let Some(speaker) = speakers.iter().find(|speaker| Some(speaker.agent.id) == operation.agent_id) else {
        let problem = format!("its agent does not speak for compute {compute} any more");
        return Ok(Err(AdminError::Conflict(problem)));
    };
    let Some(row) = shape_read_in_tx(tx, &COMPUTES, &compute.into()).await? else {
        return Ok(Err(AdminError::Conflict(format!("compute {compute} was removed since"))));
    };
    let spoke = speakers.first().is_some_and(|first| first.agent.id == speaker.agent.id);
    let (mut report, _) = split::split_off_in_tx(tx, compute, &row, speaker, spoke, hand).await?;
    let chronicle = Chronicle::open_in_tx(tx, BTreeSet::from([compute])).await?;
    for altered in &record.altered {
        restore_in_tx(tx, &mut report, altered).await?;
    }
    chronicle.close_in_tx(tx, None, Vec::new(), hand).await?;
    for other in agents::speakers_in_tx(tx, compute, hand.now).await? {
        report.agents.push(agents::fate(&other.agent, "speaks"));
        agents::ask_again_in_tx(tx, other.agent.id, compute, hand.now).await?;
    }
    Ok(Ok(report))
}
