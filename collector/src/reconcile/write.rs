//! Writes what a plan comes to, in bulk and sorted by key. The caller holds the lock of the agent's row.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{id::AgentId, model::Source, time::Timestamp};
use serde_json::Value as Json;

use super::{
    drift::{self, Subject},
    facts, fill,
    fold::Folded,
    kubernetes, legacy,
    plan::Place,
};
use crate::{
    catalog::{CONTAINER, WORKLOAD},
    store::{
        StoreError, Tx, Value,
        rows::{
            compute::Columns,
            container::{ContainerRow, container_find_in_tx, container_insert_in_tx, container_update_in_tx},
            entity::{EntityRow, entity_delete_in_tx, entity_upsert_in_tx},
            history::{Actor, HistoryRow},
            row_change::RowChange,
            stored::{Stored, stored_many_in_tx},
            tag::{self, TagSource, tag_set_in_tx},
            tag_origin::TagOrigin,
            workload::{LinkRow, workload_links_in_tx, workload_store_in_tx, workload_unlink_in_tx},
        },
    },
};

/// Who reported what is written, of which compute, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context {
    pub(super) agent_id: AgentId,
    pub(super) compute_id: i64,
    pub(super) now: Timestamp,
}

impl Context {
    /// The history of a row that the report changed.
    fn entry(&self, change: RowChange) -> Option<HistoryRow> {
        change.entry(&Actor::agent(self.agent_id), self.now)
    }
}

/// Writes one source's changes; returns their history.
pub(super) async fn write_in_tx(
    tx: &mut Tx,
    context: Context,
    source: &Source,
    mut folded: Folded<'_>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let touched = folded.slots.iter().filter(|(_, slot)| slot.touched);
    let touched: BTreeSet<i64> = touched.filter_map(|(place, _)| place.row()).collect();
    // Locked and read before anything is written: what a person changed a moment ago is part of the past.
    let mut before = stored_many_in_tx(tx, &WORKLOAD, touched.iter().copied()).await?;
    let mut history = link_containers_in_tx(tx, context, &mut folded, &touched).await?;
    kubernetes::link_pods_in_tx(tx, context, &mut folded).await?;
    let touched = folded.slots.values().filter(|slot| slot.touched).map(|slot| &slot.row).collect();
    let ids = workload_store_in_tx(tx, context.compute_id, source, touched).await?;
    let id_of = |place: Place, folded: &Folded<'_>| match place {
        Place::Row(id) => Some(id),
        Place::New(_) => folded.slots.get(&place).and_then(|slot| ids.get(&slot.row.native_id).copied()),
        Place::Compute => Some(context.compute_id),
    };
    write_tags_in_tx(tx, context, source, &folded, |place| id_of(place, &folded)).await?;
    let mut upserts = Vec::new();
    let mut gone: BTreeSet<&str> = folded.replaced.iter().map(String::as_str).collect();
    for (native_id, entity) in &folded.entities {
        if let Some((kind, hash, place)) = entity {
            gone.remove(native_id);
            upserts.push(EntityRow {
                source: source.clone(),
                native_id: (*native_id).to_owned(),
                kind: kind.as_str().to_owned(),
                hash: *hash,
                resource_id: id_of(*place, &folded),
            });
        } else {
            gone.insert(native_id);
        }
    }
    entity_delete_in_tx(tx, context.agent_id, source, gone).await?;
    entity_upsert_in_tx(tx, context.agent_id, &upserts).await?;
    let mut told = BTreeSet::new();
    for (place, row) in &folded.history {
        // What a workload was between two changes of one report was never stored: only the first one has a row before it.
        let before_row = told.insert(*place).then(|| place.row().and_then(|id| before.remove(&id)).unwrap_or_default());
        history.push(HistoryRow { resource_id: id_of(*place, &folded).unwrap_or(0), before_row, ..row.clone() });
    }
    if let Some(entity) = folded.host {
        history.extend(facts::write_host_in_tx(tx, context, entity).await?);
    }
    history.extend(facts::write_capabilities_in_tx(tx, context, &folded.capabilities).await?);
    history.extend(kubernetes::write_objects_in_tx(tx, context, source, &folded.objects).await?);
    Ok(history)
}

/// Makes the labels of a container or a pod its tags where they changed. The tags of an ended one stay.
async fn write_tags_in_tx(
    tx: &mut Tx,
    context: Context,
    source: &Source,
    folded: &Folded<'_>,
    id_of: impl Fn(Place) -> Option<i64>,
) -> Result<(), StoreError> {
    let mut wanted = BTreeMap::new();
    for (place, slot) in &folded.slots {
        let known = slot.before.as_ref().map(|row| &row.labels);
        let has_labels = slot.container.is_some() || slot.row.workload_type == "k8s_pod";
        if has_labels
            && slot.touched
            && known != Some(&slot.row.labels)
            && let Some((id, labels)) = id_of(*place).zip(slot.row.labels.as_object())
        {
            let labels = labels.iter().filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)));
            wanted.insert(id, tag::fitted(labels));
        }
    }
    let source = TagSource {
        resource_type: "workload",
        origin: &TagOrigin::Label(source.clone()).to_string(),
        compute_id: Some(context.compute_id),
        actor: &Actor::agent(context.agent_id),
        at: context.now,
    };
    tag_set_in_tx(tx, source, &wanted).await
}

/// Links containers to their rows in the legacy table: finds them, makes those that are missing, and fills what
/// discovery may fill. One that came and went within a report gets none. Returns the history of those rows, and of
/// workloads that are not `touched` and lost theirs.
async fn link_containers_in_tx(
    tx: &mut Tx,
    context: Context,
    folded: &mut Folded<'_>,
    touched: &BTreeSet<i64>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let compute = context.compute_id;
    let places: Vec<Place> = folded
        .slots
        .iter()
        .filter(|(_, slot)| slot.touched && slot.row.workload_type == "container")
        .filter(|(_, slot)| slot.row.container_row_id.is_some() || slot.row.ended_at.is_none())
        .map(|(place, _)| *place)
        .collect();
    if places.is_empty() {
        return Ok(Vec::new());
    }
    let rows = candidates_in_tx(tx, compute, folded, &places).await?;
    let links = workload_links_in_tx(tx, compute, rows.iter().map(|row| row.id)).await?;
    let mut taken: BTreeSet<i64> = links
        .iter()
        .filter(|(_, link)| {
            let slot = folded.slots.get(&Place::Row(link.workload));
            slot.map_or(!link.ended, |slot| slot.row.ended_at.is_none())
        })
        .map(|(row, _)| *row)
        .collect();
    let (mut made, mut unlinked, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for place in places {
        let Some(slot) = folded.slots.get_mut(&place) else { continue };
        let discovered = match slot.container {
            Some(_) if slot.row.ended_at.is_some() => {
                [("status".to_owned(), Json::from(legacy::STOPPED))].into_iter().collect()
            }
            Some(container) => legacy::columns(container),
            // It ends, and nothing else was said of it.
            None => [("status".to_owned(), Json::from(legacy::STOPPED))].into_iter().collect(),
        };
        let linked = slot.row.container_row_id.and_then(|id| rows.iter().find(|row| row.id == id));
        let (row, written) = if let Some(row) = linked {
            (row, Written::of(slot.row.container_filled.as_ref(), slot.row.container_beside.as_ref()))
        } else if slot.row.ended_at.is_some() {
            continue;
        } else if let Some(row) = legacy::find(&discovered, &rows, |id| taken.contains(&id)) {
            taken.insert(row.id);
            let former: Option<&LinkRow> = links.get(&row.id);
            unlinked.extend(former.map(|link| link.workload));
            let of = |json: fn(&LinkRow) -> Option<&Json>| former.and_then(json);
            (row, Written::of(of(|link| link.filled.as_ref()), of(|link| link.beside.as_ref())))
        } else {
            slot.row.container_filled = Some(json(&discovered));
            made.push((place, discovered));
            continue;
        };
        slot.row.container_row_id = Some(row.id);
        kept.push((place, row.id, written, discovered));
    }
    // A workload that ended in this report and lost its row to another one must not get it back when it is stored.
    for workload in &unlinked {
        if let Some(slot) = folded.slots.get_mut(&Place::Row(*workload)) {
            (slot.row.container_row_id, slot.row.container_filled, slot.row.container_beside) = (None, None, None);
        }
    }
    kept.retain(|(place, ..)| folded.slots.get(place).is_some_and(|slot| slot.row.container_row_id.is_some()));
    let mut history = unlink_in_tx(tx, context, unlinked, touched).await?;
    history.extend(fill_containers_in_tx(tx, context, folded, kept).await?);
    history.extend(make_containers_in_tx(tx, context, folded, made).await?);
    Ok(history)
}

/// Takes the link to a legacy container from workloads. Those that are touched have a history of their own.
async fn unlink_in_tx(
    tx: &mut Tx,
    context: Context,
    workloads: Vec<i64>,
    touched: &BTreeSet<i64>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let others = workloads.iter().copied().filter(|id| !touched.contains(id));
    let rows = stored_many_in_tx(tx, &WORKLOAD, others.collect::<Vec<_>>()).await?;
    workload_unlink_in_tx(tx, workloads).await?;
    let changes = rows.into_values().map(|before| {
        let mut after = before.clone();
        after.remove("container_row_id");
        context.entry(RowChange { kind: &WORKLOAD, before, after })
    });
    Ok(changes.flatten().collect())
}

/// A legacy row that was found: whose it is, its key, what discovery knows of it, and what is discovered now.
type Kept = (Place, i64, Written, Columns);

/// What discovery wrote into a legacy row, and what it saw beside a person's value.
struct Written {
    filled: Columns,
    beside: Columns,
}

impl Written {
    fn of(filled: Option<&Json>, beside: Option<&Json>) -> Self {
        Self { filled: columns(filled), beside: columns(beside) }
    }
}

/// Fills what discovery may fill, by what stands in the rows now that they are locked.
async fn fill_containers_in_tx(
    tx: &mut Tx,
    context: Context,
    folded: &mut Folded<'_>,
    kept: Vec<Kept>,
) -> Result<Vec<HistoryRow>, StoreError> {
    let mut rows = stored_many_in_tx(tx, &CONTAINER, kept.iter().map(|(_, id, ..)| *id).collect::<Vec<_>>()).await?;
    let (mut history, mut subjects) = (Vec::new(), BTreeMap::new());
    for (place, id, written, discovered) in kept {
        let Some(before) = rows.remove(&id) else { continue };
        let mut current = ContainerRow::from(&before).columns;
        let filling = fill::fill(&current, &written.filled, &written.beside, &discovered);
        if let Some(slot) = folded.slots.get_mut(&place) {
            slot.row.container_filled = Some(json(&filling.filled));
            slot.row.container_beside = (!filling.beside.is_empty()).then(|| json(&filling.beside));
        }
        current.extend(filling.updates.clone());
        subjects.insert(id, Subject { current, filled: filling.filled, beside: filling.beside, ..Subject::default() });
        if !filling.updates.is_empty() {
            container_update_in_tx(tx, id, &filling.updates).await?;
            let mut after = before.clone();
            after.extend(filling.updates);
            history.extend(context.entry(RowChange { kind: &CONTAINER, before, after }));
        }
    }
    drift::renew_in_tx(tx, "container", &subjects, context.now).await?;
    Ok(history)
}

/// Makes the rows of containers that have none.
async fn make_containers_in_tx(
    tx: &mut Tx,
    context: Context,
    folded: &mut Folded<'_>,
    made: Vec<(Place, Columns)>,
) -> Result<Vec<HistoryRow>, StoreError> {
    if made.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<Columns> = made.iter().map(|(_, columns)| columns.clone()).collect();
    let ids = container_insert_in_tx(tx, context.compute_id, &columns).await?;
    let mut history = Vec::new();
    for (place, columns) in made {
        let id = columns.get("container_id").and_then(Json::as_str).and_then(|id| ids.get(id).copied());
        if let Some(slot) = folded.slots.get_mut(&place) {
            slot.row.container_row_id = id;
        }
        let mut after: Stored = columns.into_iter().collect();
        after.extend([("id".to_owned(), id.into()), ("compute_id".to_owned(), context.compute_id.into())]);
        history.extend(context.entry(RowChange { kind: &CONTAINER, before: Stored::new(), after }));
    }
    Ok(history)
}

/// Reads the legacy rows that may be those of some containers.
async fn candidates_in_tx(
    tx: &mut Tx,
    compute: i64,
    folded: &Folded<'_>,
    places: &[Place],
) -> Result<Vec<ContainerRow>, StoreError> {
    let (mut linked, mut ids, mut names) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for slot in places.iter().filter_map(|place| folded.slots.get(place)) {
        if let Some(id) = slot.row.container_row_id {
            linked.insert(id);
        } else if let Some(container) = slot.container {
            ids.extend(legacy::ids(&container.id));
            names.insert(slot.row.name.as_str());
        }
    }
    let mut rows = BTreeMap::new();
    let wanted: [(&str, Vec<Value>); 3] = [
        ("id", linked.into_iter().map(Value::from).collect()),
        ("container_id", ids.into_iter().map(Value::from).collect()),
        ("name", names.into_iter().map(Value::from).collect()),
    ];
    for (column, keys) in wanted {
        for row in container_find_in_tx(tx, compute, column, keys).await? {
            rows.insert(row.id, row);
        }
    }
    Ok(rows.into_values().collect())
}

fn columns(json: Option<&Json>) -> Columns {
    let members = json.and_then(Json::as_object);
    members
        .map(|members| members.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
        .unwrap_or_default()
}

fn json(columns: &Columns) -> Json {
    Json::Object(columns.iter().map(|(name, value)| (name.clone(), value.clone())).collect())
}
