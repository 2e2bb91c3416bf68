//! What people decide where their value and the discovered one differ: take the discovered one, or keep theirs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{
    AdminError, Attempt, finish_in_tx,
    record::{Hand, Record},
    report::{OperationReport, TakenValue},
    undo::restore_in_tx,
};
use crate::{
    catalog::{COMPUTE, CONTAINER, Kind},
    reconcile::drift::{Subject, renew_one_in_tx, snake},
    store::{
        Db, StoreError, Tx,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            cut,
            drift::{DriftRow, drift_delete_in_tx, drift_find_in_tx},
            history::{Actor, history_insert_in_tx},
            row_change::RowChange,
            shape::{COMPUTES, CONTAINERS, DRIFTS, FACTS, Row, Shape, WORKLOADS, shape_write_in_tx},
            stored::{Stored, stored_many_in_tx},
        },
    },
};

/// Most drifts that are decided at once.
const MOST: usize = 1_000;

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriftDecision {
    /// The discovered value becomes the value, and discovery follows it from then on.
    Take,
    /// The person's value stays; the drift is told again when the discovered value changes.
    Keep,
}

impl DriftDecision {
    const fn word(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Keep => "keep",
        }
    }
}

/// One drift that is decided.
#[derive(Clone, Debug, PartialEq)]
pub struct DriftPick {
    /// The drift.
    pub id: i64,
    /// The discovered value that the person saw; when it is another one by now, nothing is decided.
    pub seen: Option<Json>,
}

/// Decides about drifts, about all of them or about none.
///
/// # Errors
/// When one is not there any more or is otherwise than the person saw it, or the database failed.
pub async fn decide_drifts(
    db: &Db,
    now: orchestrix_common::time::Timestamp,
    decision: DriftDecision,
    picks: &[DriftPick],
    actor: &Actor,
) -> Result<OperationReport, AdminError> {
    if picks.is_empty() || picks.len() > MOST {
        let problem = format!("names {} drifts", picks.len());
        return Err(AdminError::Invalid { field: "drifts", problem, expected: format!("1 to {MOST} of them") });
    }
    let hand = Hand { actor, now };
    crate::transaction!(db, |tx| decide_in_tx(tx, decision, picks, hand).await?)?
}

async fn decide_in_tx(tx: &mut Tx, decision: DriftDecision, picks: &[DriftPick], hand: Hand<'_>) -> Attempt {
    let ids: BTreeSet<i64> = picks.iter().map(|pick| pick.id).collect();
    let ids: Vec<i64> = ids.into_iter().collect();
    // What is listed may be older than what stands there.
    let mut subjects: BTreeMap<(String, i64), Subject> = BTreeMap::new();
    for drift in drift_find_in_tx(tx, &ids).await? {
        let key = (drift.resource_type.clone(), drift.resource_id);
        if let std::collections::btree_map::Entry::Vacant(entry) = subjects.entry(key)
            && let Some(subject) = renew_one_in_tx(tx, &drift.resource_type, drift.resource_id, hand.now).await?
        {
            entry.insert(subject);
        }
    }
    let drifts: BTreeMap<i64, DriftRow> =
        drift_find_in_tx(tx, &ids).await?.into_iter().map(|drift| (drift.id, drift)).collect();
    for pick in picks {
        match drifts.get(&pick.id) {
            None => return Ok(Err(AdminError::NotFound { what: "drift", id: pick.id.to_string() })),
            Some(drift) if pick.seen.as_ref().is_some_and(|seen| *seen != drift.discovered) => {
                return Ok(Err(AdminError::Conflict(format!(
                    "drift {} of {} {} is otherwise by now: discovery sees {} as {}",
                    drift.id, drift.resource_type, drift.resource_id, drift.discovered, drift.field
                ))));
            }
            Some(_) => {}
        }
    }
    let mut by_resource: BTreeMap<(String, i64), Vec<&DriftRow>> = BTreeMap::new();
    for drift in drifts.values() {
        by_resource.entry((drift.resource_type.clone(), drift.resource_id)).or_default().push(drift);
    }
    let (mut record, mut report) = (Record::default(), OperationReport::default());
    let before = rows_in_tx(tx, by_resource.keys()).await?;
    for ((resource_type, id), drifts) in &by_resource {
        if decision == DriftDecision::Take {
            let subject = subjects.get(&(resource_type.clone(), *id)).cloned().unwrap_or_default();
            take_in_tx(tx, &mut record, &mut report, (resource_type, *id), subject, drifts).await?;
        } else {
            for drift in drifts {
                let kept = [
                    ("kept".to_owned(), drift.discovered.clone()),
                    ("kept_by".to_owned(), cut(&hand.actor.id, 64).into()),
                    ("kept_at_us".to_owned(), hand.now.as_micros().into()),
                ];
                record.alter_in_tx(tx, &DRIFTS, drift.id, kept.into_iter().collect()).await?;
            }
        }
        let fields: Vec<&str> = drifts.iter().map(|drift| drift.field.as_str()).collect();
        let entry = AuditEntry {
            at: hand.now,
            actor_kind: hand.actor.kind,
            actor_id: cut(&hand.actor.id, 64),
            action: &format!("drift.{}", decision.word()),
            resource_type,
            resource_id: &id.to_string(),
            detail: json!({ "fields": fields }),
        };
        audit_insert_in_tx(tx, &entry).await?;
    }
    told_in_tx(tx, before, by_resource.keys(), hand).await?;
    report.summary = summary(decision, &by_resource);
    if let [((resource_type, id), _)] = by_resource.iter().collect::<Vec<_>>().as_slice()
        && resource_type == "compute"
    {
        report.compute_id = *id;
    }
    finish_in_tx(tx, "DRIFT", None, &mut report, &record, hand).await?;
    Ok(Ok(report))
}

fn summary(decision: DriftDecision, drifts: &BTreeMap<(String, i64), Vec<&DriftRow>>) -> String {
    let count: usize = drifts.values().map(Vec::len).sum();
    let what = match drifts.iter().collect::<Vec<_>>().as_slice() {
        [((resource_type, id), fields)] => {
            let fields: Vec<&str> = fields.iter().map(|drift| drift.field.as_str()).collect();
            format!("{} of {resource_type} {id}", fields.join(", "))
        }
        several => format!("{count} fields of {} resources", several.len()),
    };
    match decision {
        DriftDecision::Take => format!("the discovered value is taken: {what}"),
        DriftDecision::Keep => format!("the entered value is kept: {what}"),
    }
}

/// Makes discovered values the values of one resource.
async fn take_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    (resource_type, id): (&str, i64),
    mut subject: Subject,
    drifts: &[&DriftRow],
) -> Result<(), StoreError> {
    let shape: &'static Shape = if resource_type == "compute" { &COMPUTES } else { &CONTAINERS };
    let mut updates = Row::new();
    for drift in drifts {
        let column = snake(&drift.field);
        subject.filled.insert(column.clone(), drift.discovered.clone());
        subject.beside.remove(&column);
        updates.insert(column, drift.discovered.clone());
        report.values.push(TakenValue {
            resource_type: resource_type.to_owned(),
            resource_id: id,
            field: drift.field.clone(),
            value: drift.discovered.clone(),
            instead_of: drift.persons.clone(),
        });
    }
    record.alter_in_tx(tx, shape, id, updates).await?;
    // Discovery's own notes are not put back when this is undone: a person's value is one that differs from them.
    let (table, key, filled, beside): (&'static Shape, i64, _, _) = match subject.workload {
        Some(workload) => (&WORKLOADS, workload, "container_filled", "container_beside"),
        None => (&FACTS, id, "filled", "beside"),
    };
    let notes = [(filled.to_owned(), json!(subject.filled)), (beside.to_owned(), json!(subject.beside))];
    shape_write_in_tx(tx, table, &key.into(), &notes.into_iter().collect()).await?;
    drift_delete_in_tx(tx, drifts.iter().map(|drift| drift.id).collect()).await?;
    Ok(())
}

/// The resources as the history keeps them.
async fn rows_in_tx(
    tx: &mut Tx,
    resources: impl Iterator<Item = &(String, i64)>,
) -> Result<Vec<(&'static Kind, Stored)>, StoreError> {
    let (computes, containers): (Vec<_>, Vec<_>) = resources.partition(|(resource_type, _)| resource_type == "compute");
    let mut rows = Vec::new();
    for (kind, resources) in [(&COMPUTE, computes), (&CONTAINER, containers)] {
        let kind: &'static Kind = kind;
        let found = stored_many_in_tx(tx, kind, resources.into_iter().map(|(_, id)| *id)).await?;
        rows.extend(found.into_values().map(|row| (kind, row)));
    }
    Ok(rows)
}

/// Writes the history of resources that may have changed since `before` was read.
async fn told_in_tx(
    tx: &mut Tx,
    before: Vec<(&'static Kind, Stored)>,
    resources: impl Iterator<Item = &(String, i64)>,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let after = rows_in_tx(tx, resources).await?;
    // Nothing was removed in between: both are in the same order.
    let changes = before.into_iter().zip(after);
    let history: Vec<_> = changes
        .filter_map(|((kind, before), (_, after))| RowChange { kind, before, after }.entry(hand.actor, hand.now))
        .collect();
    history_insert_in_tx(tx, hand.now, &history).await
}

/// Takes decisions back: people's values stand again where nobody changed them since.
pub(super) async fn take_back_in_tx(tx: &mut Tx, record: &Record, hand: Hand<'_>) -> Attempt {
    let mut report = OperationReport::default();
    let resources: BTreeSet<(String, i64)> = record
        .altered
        .iter()
        .filter_map(|altered| {
            let resource_type = match altered.table.as_str() {
                "computes" => "compute",
                "containers" => "container",
                _ => return None,
            };
            Some((resource_type.to_owned(), altered.key.as_i64()?))
        })
        .collect();
    let before = rows_in_tx(tx, resources.iter()).await?;
    for altered in &record.altered {
        restore_in_tx(tx, &mut report, altered).await?;
    }
    told_in_tx(tx, before, resources.iter(), hand).await?;
    for (resource_type, id) in &resources {
        renew_one_in_tx(tx, resource_type, *id, hand.now).await?;
    }
    Ok(Ok(report))
}
