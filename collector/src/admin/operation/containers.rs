//! Containers of two computes that become one. The same container on both, one entered by hand and one discovered, for
//! example, is one container afterwards.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::{
    attach,
    join::{Side, join},
    merge::{Merge, columns, is_empty},
    record::{Hand, Record},
    report::OperationReport,
};
use crate::{
    reconcile::{drift::renew_one_in_tx, fill::fill, legacy},
    store::{
        Executor as _, StoreError, Tx, Value,
        rows::{
            compute::Columns,
            container::{ContainerRow, container_find_in_tx},
            hanging::{self, hanging_list_in_tx},
            shape::{CONTAINERS, Row, WORKLOADS, shape_read_in_tx},
            workload::{LinkRow, workload_links_in_tx},
        },
    },
};

/// The containers of one compute and the workloads that are linked to them.
struct Shelf {
    rows: Vec<ContainerRow>,
    links: BTreeMap<i64, LinkRow>,
}

/// The workloads that two containers are linked to.
struct Links<'a> {
    theirs: Option<&'a LinkRow>,
    ours: Option<&'a LinkRow>,
    twins: &'a BTreeMap<i64, i64>,
}

/// The newest container there is.
pub(super) async fn newest_in_tx(tx: &mut Tx) -> Result<i64, StoreError> {
    let row = tx.fetch_optional("SELECT MAX(id) AS newest FROM containers".to_owned(), vec![]).await?;
    Ok(row.map(|row| row.get::<Option<i64>>("newest")).transpose()?.flatten().unwrap_or(0))
}

/// Moves the containers of one compute to another one; of those that both have, the ones of the other go on.
pub(super) async fn move_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    merge: &Merge,
    (from, into): (i64, i64),
    twins: &BTreeMap<i64, i64>,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let (theirs, ours) = (shelf_in_tx(tx, from).await?, shelf_in_tx(tx, into).await?);
    let pairs = pairs(&theirs, &ours, twins);
    let stay: BTreeSet<i64> = pairs.iter().map(|(stays, _)| *stays).collect();
    let (mut free, _) = hanging_list_in_tx(tx, &hanging::CONTAINERS, "compute", from, into).await?;
    free.retain(|key| key.first().and_then(Json::as_i64).is_none_or(|id| !stay.contains(&id)));
    report.moved(hanging::CONTAINERS.name, free.len());
    report.stayed(hanging::CONTAINERS.name, stay.len());
    record.move_in_tx(tx, &hanging::CONTAINERS, "compute", (from, into), free).await?;
    for (stays, goes_on) in pairs {
        let links = (theirs.links.get(&stays), ours.links.get(&goes_on));
        // A workload that stays behind leaves the container to its twin.
        let links = Links { theirs: links.0, ours: links.1, twins };
        one_in_tx(tx, record, report, merge, (stays, goes_on), links, hand).await?;
        attach::attach_in_tx(tx, record, report, "container", stays, goes_on).await?;
    }
    Ok(())
}

async fn shelf_in_tx(tx: &mut Tx, compute: i64) -> Result<Shelf, StoreError> {
    let (keys, _) = hanging_list_in_tx(tx, &hanging::CONTAINERS, "compute", compute, compute).await?;
    let ids: Vec<i64> = keys.iter().flatten().filter_map(Json::as_i64).collect();
    let bound = ids.iter().map(|id| Value::from(*id)).collect();
    let rows = container_find_in_tx(tx, compute, "id", bound).await?;
    let links = workload_links_in_tx(tx, compute, ids).await?;
    Ok(Shelf { rows, links })
}

/// Which containers are the same: the one that stays behind, and the one that goes on. Each has at most one partner.
fn pairs(theirs: &Shelf, ours: &Shelf, twins: &BTreeMap<i64, i64>) -> Vec<(i64, i64)> {
    let mut pairs: Vec<(i64, i64)> = Vec::new();
    // Two that both run are two, unless they are seen as one and the same.
    let apart = |stays: i64, goes_on: i64| {
        let links = theirs.links.get(&stays).zip(ours.links.get(&goes_on));
        links
            .is_some_and(|(one, other)| !one.ended && !other.ended && twins.get(&one.workload) != Some(&other.workload))
    };
    for row in &theirs.rows {
        let free = |id| pairs.iter().all(|(_, taken)| *taken != id) && !apart(row.id, id);
        if let Some(same) = legacy::find(&row.columns, &ours.rows, |id| !free(id)) {
            pairs.push((row.id, same.id));
        }
    }
    for row in &ours.rows {
        if pairs.iter().any(|(_, taken)| *taken == row.id) {
            continue;
        }
        let free = |id| pairs.iter().all(|(stays, _)| *stays != id) && !apart(id, row.id);
        if let Some(same) = legacy::find(&row.columns, &theirs.rows, |id| !free(id)) {
            pairs.push((same.id, row.id));
        }
    }
    pairs
}

/// Joins one container into another one, and gives it the workload of the one that stays behind.
async fn one_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    report: &mut OperationReport,
    merge: &Merge,
    (stays, goes_on): (i64, i64),
    links: Links<'_>,
    hand: Hand<'_>,
) -> Result<(), StoreError> {
    let (from, into) = (
        shape_read_in_tx(tx, &CONTAINERS, &stays.into()).await?,
        shape_read_in_tx(tx, &CONTAINERS, &goes_on.into()).await?,
    );
    let Some((from, into)) = from.zip(into) else { return Ok(()) };
    let Links { theirs: their_link, ours: our_link, twins } = links;
    let written = |link: Option<&LinkRow>, json: fn(&LinkRow) -> Option<&Json>| columns(link.and_then(json));
    let filled = |link| written(link, |link| link.filled.as_ref());
    let beside = |link| written(link, |link| link.beside.as_ref());
    let (filled_into, filled_from) = (filled(our_link), filled(their_link));
    let sides = (Side { row: &into, filled: &filled_into }, Side { row: &from, filled: &filled_from });
    let joined = join(sides.0, sides.1, &[], &merge.prefer, ("container", goes_on));
    let mut updates: Row = joined.updates;
    report.values.extend(joined.taken);
    report.conflicts.extend(joined.conflicts);
    if let Some(link) = their_link.filter(|link| !link.ended || our_link.is_none_or(|ours| ours.ended)) {
        let mut current = into.clone();
        current.extend(updates.clone());
        let present: Columns = current.into_iter().filter(|(_, value)| !is_empty(value)).collect();
        let filled: Columns = filled_into.into_iter().filter(|(column, _)| !updates.contains_key(column)).collect();
        let mut discovered = filled_from;
        discovered.extend(beside(their_link));
        let filling = fill(&present, &filled, &beside(our_link), &discovered);
        updates.extend(filling.updates);
        let workload = twins.get(&link.workload).copied().unwrap_or(link.workload);
        if let Some(former) = our_link.filter(|former| former.workload != workload) {
            link_in_tx(tx, record, former.workload, None, None, None).await?;
        }
        let (filled, beside) =
            (Some(json!(filling.filled)), (!filling.beside.is_empty()).then(|| json!(filling.beside)));
        link_in_tx(tx, record, workload, Some(goes_on), filled, beside).await?;
    }
    record.alter_in_tx(tx, &CONTAINERS, goes_on, updates).await?;
    renew_one_in_tx(tx, "container", goes_on, hand.now).await?;
    Ok(())
}

async fn link_in_tx(
    tx: &mut Tx,
    record: &mut Record,
    workload: i64,
    container: Option<i64>,
    filled: Option<Json>,
    beside: Option<Json>,
) -> Result<(), StoreError> {
    let wanted = [
        ("container_row_id".to_owned(), container.into()),
        ("container_filled".to_owned(), filled.unwrap_or(Json::Null)),
        ("container_beside".to_owned(), beside.unwrap_or(Json::Null)),
    ];
    record.alter_in_tx(tx, &WORKLOADS, workload, wanted.into_iter().collect()).await
}
