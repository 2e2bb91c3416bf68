//! Two computes become one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{
    Attempt, agents,
    agents::Speaker,
    attach,
    chronicle::Chronicle,
    containers, finish_in_tx,
    join::{Side, join},
    record::{Hand, Record},
    report::OperationReport,
};
use crate::{
    admin::AdminError,
    reconcile::{drift::renew_one_in_tx, fill::fill, host::columns_of_facts},
    store::{
        Executor as _, StoreError, Tx, Value,
        rows::{
            compute::{Columns, MERGED},
            hanging::{self, hanging_list_in_tx},
            operation::{merged_insert_in_tx, merged_into},
            place::matching_lock_in_tx,
            shape::{COMPUTES, FACTS, Row, WORKLOADS, shape_read_in_tx},
        },
    },
};

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Merge {
    /// The compute that is merged.
    pub from: i64,
    /// The compute that goes on.
    pub into: i64,
    /// Fields of which the value of `from` stays where both have one that a person entered.
    pub prefer: BTreeSet<String>,
    /// `MERGE`, or `CLAIM` when a discovered host is claimed for a row made by hand.
    pub claim: bool,
}

/// A compute that takes part, locked.
pub(super) struct Part {
    pub(super) id: i64,
    pub(super) row: Row,
    facts: Option<Row>,
    speakers: Vec<Speaker>,
}

impl Part {
    fn name(&self) -> &str {
        self.row.get("name").and_then(Json::as_str).unwrap_or_default()
    }

    fn text(&self, column: &str) -> Option<&str> {
        self.row.get(column).and_then(Json::as_str)
    }

    fn is_merged(&self) -> bool {
        self.text("status") == Some(MERGED)
    }

    fn facts(&self, column: &str) -> Option<&Json> {
        self.facts.as_ref().and_then(|facts| facts.get(column)).filter(|value| !value.is_null())
    }

    fn written(&self, column: &str) -> Columns {
        columns(self.facts(column))
    }

    fn holds_on(&self) -> bool {
        self.speakers.iter().any(|speaker| speaker.holds_on)
    }
}

/// Merges, or says why not.
pub(super) async fn merge_in_tx(tx: &mut Tx, merge: &Merge, hand: Hand<'_>) -> Attempt {
    match open_in_tx(tx, merge, hand).await? {
        Err(error) => Ok(Err(error)),
        Ok((_, _, report)) if !report.refusals.is_empty() => Ok(Err(AdminError::Conflict(report.refusals.join("; ")))),
        Ok((into, from, report)) => carry_out_in_tx(tx, merge, into, from, report, hand).await.map(Ok),
    }
}

/// The same, but what stands in its way becomes part of the report.
pub(super) async fn rehearse_in_tx(tx: &mut Tx, merge: &Merge, hand: Hand<'_>) -> Attempt {
    match open_in_tx(tx, merge, hand).await? {
        Err(error) => Ok(Err(error)),
        // There is nothing left of them that could move.
        Ok((into, from, report)) if into.is_merged() || from.is_merged() => Ok(Ok(report)),
        Ok((into, from, report)) => carry_out_in_tx(tx, merge, into, from, report, hand).await.map(Ok),
    }
}

/// Locks both computes and their agents, and looks for what stands in the way.
async fn open_in_tx(
    tx: &mut Tx,
    merge: &Merge,
    hand: Hand<'_>,
) -> Result<Result<(Part, Part, OperationReport), AdminError>, StoreError> {
    let Merge { from, into, .. } = *merge;
    if from == into {
        let expected = "two different computes".to_owned();
        return Ok(Err(AdminError::Unfit { field: "from", problem: "is the same compute".to_owned(), expected }));
    }
    matching_lock_in_tx(tx).await?;
    // Agents in front of computes, and both in the order of their keys: as reports do.
    agents::lock_in_tx(tx, [from, into]).await?;
    let mut speakers = BTreeMap::new();
    for compute in BTreeSet::from([from, into]) {
        speakers.insert(compute, agents::speakers_in_tx(tx, compute, hand.now).await?);
    }
    let mut parts = BTreeMap::new();
    for compute in BTreeSet::from([from, into]) {
        let Some(row) = shape_read_in_tx(tx, &COMPUTES, &compute.into()).await? else {
            return Ok(Err(AdminError::NotFound { what: "compute", id: compute.to_string() }));
        };
        let facts = shape_read_in_tx(tx, &FACTS, &compute.into()).await?;
        let speakers = speakers.remove(&compute).unwrap_or_default();
        parts.insert(compute, Part { id: compute, row, facts, speakers });
    }
    let Some((into, from)) = parts.remove(&into).zip(parts.remove(&from)) else {
        return Ok(Err(AdminError::NotFound { what: "compute", id: into.to_string() }));
    };
    let unknown = merge.prefer.iter().find(|field| !into.row.keys().any(|column| super::camel(column) == **field));
    if let Some(field) = unknown {
        let fields: Vec<String> = into.row.keys().map(|column| super::camel(column)).collect();
        let problem = format!("names {field:?}, which is no field of a compute");
        return Ok(Err(AdminError::Invalid {
            field: "prefer",
            problem,
            expected: format!("some of {}", fields.join(", ")),
        }));
    }
    let mut report =
        OperationReport { compute_id: into.id, other_compute_id: Some(from.id), ..OperationReport::default() };
    let verb = if merge.claim { "claims" } else { "takes in" };
    report.summary = format!("compute {} {:?} {verb} compute {} {:?}", into.id, into.name(), from.id, from.name());
    for part in [&into, &from] {
        if part.is_merged() {
            let target = merged_into(tx, part.id).await?;
            let target = target.map_or_else(|| "another one".to_owned(), |target| format!("compute {target}"));
            report.refusals.push(format!("compute {} was merged into {target}; name that one", part.id));
        }
    }
    if into.holds_on() && from.holds_on() {
        report.refusals.push(format!(
            "an agent of each speaks for its compute and was heard of lately, so these are two hosts ({} and {}); if one \
             of them is no more, wait until it is silent for 15 minutes, or revoke its agent",
            into.name(),
            from.name()
        ));
    }
    Ok(Ok((into, from, report)))
}

async fn carry_out_in_tx(
    tx: &mut Tx,
    merge: &Merge,
    mut into: Part,
    mut from: Part,
    mut report: OperationReport,
    hand: Hand<'_>,
) -> Result<OperationReport, StoreError> {
    let chronicle = Chronicle::open_in_tx(tx, BTreeSet::from([from.id, into.id])).await?;
    let mut record = Record { newest_container: containers::newest_in_tx(tx).await?, ..Record::default() };
    let from_speaks = from.holds_on() || (into.speakers.is_empty() && !from.speakers.is_empty());
    columns_in_tx(tx, &mut record, &mut report, merge, &into, &from, from_speaks, hand).await?;
    for hanging in [hanging::CAPABILITIES, hanging::IDENTITIES, hanging::NODES, hanging::MERGED] {
        let (moved, kept) = record.move_all_in_tx(tx, &hanging, "compute", from.id, into.id).await?;
        report.moved(hanging.name, moved);
        report.stayed(hanging.name, kept.len());
    }
    attach::attach_in_tx(tx, &mut record, &mut report, "compute", from.id, into.id).await?;
    // Containers first: which of them are linked is read where the workloads still are.
    let twins = twins_in_tx(tx, from.id, into.id).await?;
    containers::move_in_tx(tx, &mut record, &mut report, merge, (from.id, into.id), &twins, hand).await?;
    workloads_in_tx(tx, &mut record, &mut report, (from.id, into.id), &twins, hand).await?;

    let (free, _) = hanging_list_in_tx(tx, &hanging::AGENTS, "compute", from.id, into.id).await?;
    report.moved(hanging::AGENTS.name, free.len());
    record.move_in_tx(tx, &hanging::AGENTS, "compute", (from.id, into.id), free).await?;
    let (mut speaking, mut others) = if from_speaks {
        (std::mem::take(&mut from.speakers), std::mem::take(&mut into.speakers))
    } else {
        (std::mem::take(&mut into.speakers), std::mem::take(&mut from.speakers))
    };
    if !speaking.is_empty() {
        let speaker = speaking.remove(0);
        others.extend(speaking);
        agents::succeed_in_tx(tx, &mut record, &mut report, &speaker, &others).await?;
        agents::ask_again_in_tx(tx, speaker.agent.id, into.id, hand.now).await?;
        for other in &others {
            agents::ask_again_in_tx(tx, other.agent.id, into.id, hand.now).await?;
        }
    }

    let merged = [("status".to_owned(), MERGED.into())].into_iter().collect();
    record.alter_in_tx(tx, &COMPUTES, from.id, merged).await?;
    let kind = if merge.claim { "CLAIM" } else { "MERGE" };
    let operation = finish_in_tx(tx, kind, None, &mut report, &record, hand).await?;
    merged_insert_in_tx(tx, from.id, into.id, operation, hand.now).await?;
    renew_drifts_in_tx(tx, &[from.id, into.id], hand).await?;
    let said = |told: Json| json!({ "operation": operation, "told": told });
    let sentences = vec![
        (from.id, said(json!({ "mergedInto": into.id }))),
        (into.id, said(json!({ "tookIn": from.id, "name": from.name() }))),
    ];
    chronicle.close_in_tx(tx, None, sentences, hand).await?;
    Ok(report)
}

/// Joins the columns and the facts of both computes.
#[allow(clippy::too_many_arguments, reason = "both sides, and what is written of them")]
async fn columns_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    merge: &Merge,
    into: &Part,
    from: &Part,
    from_speaks: bool,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let (filled_into, filled_from) = (into.written("filled"), from.written("filled"));
    let sides = (Side { row: &into.row, filled: &filled_into }, Side { row: &from.row, filled: &filled_from });
    let joined = join(sides.0, sides.1, &["status"], &merge.prefer, ("compute", into.id));
    let mut updates = joined.updates;
    report.values.extend(joined.taken);
    report.conflicts.extend(joined.conflicts);

    // Discovery's columns follow the host that goes on speaking.
    let spoken = if from_speaks { [from, into] } else { [into, from] };
    if let Some(facts) = spoken.iter().find_map(|part| part.facts("facts")) {
        let mut current = into.row.clone();
        current.extend(updates.clone());
        let present: Columns = current.into_iter().filter(|(_, value)| !is_empty(value)).collect();
        let still_filled = |(column, _): &(String, Json)| !updates.contains_key(column);
        let filled: Columns = filled_into.into_iter().filter(still_filled).collect();
        let discovered = columns_of_facts(facts).unwrap_or(filled_from);
        let filling = fill(&present, &filled, &into.written("beside"), &discovered);
        updates.extend(filling.updates);
        let row = [
            ("facts".to_owned(), facts.clone()),
            ("filled".to_owned(), json!(filling.filled)),
            ("beside".to_owned(), json!(filling.beside)),
            ("changed_at_us".to_owned(), hand.now.as_micros().into()),
        ];
        record.replace_in_tx(tx, &FACTS, into.id, Some(row.into_iter().collect())).await?;
    }
    let reachable = from_speaks && from.speakers.first().is_some_and(|speaker| speaker.agent.reachable);
    if reachable && into.text("status") == Some("UNREACHABLE") {
        updates.insert("status".to_owned(), "ACTIVE".into());
    }
    record.alter_in_tx(tx, &COMPUTES, into.id, updates).await
}

/// Makes the list of drifts true for some computes and their containers.
pub(super) async fn renew_drifts_in_tx(tx: &mut Tx, computes: &[i64], hand: Hand<'_>) -> Result<(), StoreError> {
    for compute in computes {
        renew_one_in_tx(tx, "compute", *compute, hand.now).await?;
        let sql = "SELECT t.id FROM containers t WHERE t.compute_id = ? AND EXISTS \
                   (SELECT 1 FROM drifts d WHERE d.resource_type = 'container' AND d.resource_id = t.id)";
        for row in tx.fetch(sql.to_owned(), vec![(*compute).into()]).await? {
            renew_one_in_tx(tx, "container", row.get("id")?, hand.now).await?;
        }
    }
    Ok(())
}

/// Workloads that both computes have: the one that stays behind, and the one that goes on.
async fn twins_in_tx(tx: &mut Tx, from: i64, into: i64) -> Result<BTreeMap<i64, i64>, StoreError> {
    let sql = "SELECT l.id AS stays, s.id AS goes_on FROM compute_workloads l JOIN compute_workloads s \
               ON s.compute_id = ? AND s.source = l.source AND s.workload_id = l.workload_id WHERE l.compute_id = ?";
    let rows = tx.fetch(sql.to_owned(), vec![into.into(), from.into()]).await?;
    rows.iter().map(|row| Ok((row.get("stays")?, row.get("goes_on")?))).collect()
}

/// Moves workloads. One that both have stays behind and ends; what is attached to it moves.
async fn workloads_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    (from, into): (i64, i64),
    twins: &BTreeMap<i64, i64>,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let (free, kept) = hanging_list_in_tx(tx, &hanging::WORKLOADS, "compute", from, into).await?;
    report.moved(hanging::WORKLOADS.name, free.len());
    report.stayed(hanging::WORKLOADS.name, kept.len());
    record.move_in_tx(tx, &hanging::WORKLOADS, "compute", (from, into), free).await?;
    let stay = twins.keys().map(|id| Value::from(*id)).collect();
    let select = "SELECT id, ended_at_us FROM compute_workloads WHERE";
    for row in tx.fetch_in(select, "id", vec![], stay).await? {
        let stays: i64 = row.get("id")?;
        if let Some(goes_on) = twins.get(&stays) {
            attach::attach_in_tx(tx, record, report, "workload", stays, *goes_on).await?;
        }
        if row.get::<Option<i64>>("ended_at_us")?.is_some() {
            continue;
        }
        let ended = [
            ("status".to_owned(), Json::from("ended")),
            ("ended_at_us".to_owned(), hand.now.as_micros().into()),
            ("end_reason".to_owned(), "merged".into()),
        ];
        record.alter_in_tx(tx, &WORKLOADS, stays, ended.into_iter().collect()).await?;
    }
    Ok(())
}

/// Columns in a JSON column.
pub(super) fn columns(json: Option<&Json>) -> Columns {
    json.and_then(Json::as_object).map(|members| members.clone().into_iter().collect()).unwrap_or_default()
}

pub(super) fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str() == Some("")
}
