//! Folds the changes of a plan into rows: one for each workload, however often it changed, and one history entry for
//! each change. Pure.

use std::collections::BTreeMap;

use orchestrix_common::{
    hash::EntityHash,
    id::AgentId,
    model::{Body, Container, Entity, Kind, RemovalReason, Source},
    time::Timestamp,
};

use super::{
    Actor,
    plan::{Change, Place, What},
    workload,
};
use crate::store::rows::{
    history::{HistoryKind, HistoryRow},
    workload::WorkloadRow,
};

/// A workload on its way into the database.
#[derive(Debug)]
pub(super) struct Slot<'a> {
    /// How it will be.
    pub(super) row: WorkloadRow,
    /// How it was.
    pub(super) before: Option<WorkloadRow>,
    /// What was last said of it, when it is a container.
    pub(super) container: Option<&'a Container>,
    /// It will be stored.
    pub(super) touched: bool,
}

/// An object of a cluster, as it was last told of.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) kind: Kind,
    /// How it is; `None` when it is gone.
    pub(super) entity: Option<&'a Entity>,
    /// How that is known.
    pub(super) reason: Option<&'a RemovalReason>,
    /// When it changed last.
    pub(super) at: Timestamp,
}

/// What a plan comes to.
#[derive(Debug, Default)]
pub(super) struct Folded<'a> {
    pub(super) slots: BTreeMap<Place, Slot<'a>>,
    /// Changes in order; the resource of a new workload is not known yet.
    pub(super) history: Vec<(Place, HistoryRow)>,
    /// Entities by native id: what they are now, or `None` when they are gone.
    pub(super) entities: BTreeMap<&'a str, Option<(Kind, EntityHash, Place)>>,
    /// Native ids of containers whose place another one took.
    pub(super) replaced: Vec<String>,
    /// The host, when it changed.
    pub(super) host: Option<&'a Entity>,
    /// Capabilities by name: what they are now, or `None` when they are gone, with the time of the last change.
    pub(super) capabilities: BTreeMap<&'a str, (Option<&'a Entity>, Timestamp)>,
    /// Objects of a cluster, by native id.
    pub(super) objects: BTreeMap<&'a str, Object<'a>>,
}

impl Folded<'_> {
    /// Workloads that were there before and are not any more.
    pub(super) fn ending(&self) -> usize {
        let was_there = |slot: &Slot<'_>| slot.before.as_ref().is_some_and(|before| before.ended_at.is_none());
        self.slots.values().filter(|slot| was_there(slot) && slot.row.ended_at.is_some()).count()
    }
}

/// Folds a plan.
pub(super) fn fold<'a>(
    agent: AgentId,
    compute: i64,
    source: &Source,
    rows: &BTreeMap<i64, WorkloadRow>,
    changes: &[Change<'a>],
) -> Folded<'a> {
    let mut folded = Folded::default();
    for change in changes {
        let now_is = match &change.what {
            What::Appeared(entity, hash) | What::Returned(entity, hash) | What::Altered { entity, hash, .. } => {
                Some((*entity, *hash))
            }
            What::Ended(_) => None,
        };
        if let What::Altered { replaces: Some(replaced), .. } = &change.what {
            folded.replaced.push(replaced.clone());
        }
        let entity = now_is.map(|(entity, hash)| (entity.body.kind(), hash, change.place));
        folded.entities.insert(change.native_id, entity);
        match change.kind {
            Some(Kind::Host) => folded.host = now_is.map(|(entity, _)| entity).or(folded.host),
            Some(Kind::Capability) => {
                folded.capabilities.insert(change.native_id, (now_is.map(|(entity, _)| entity), change.at));
            }
            Some(Kind::Container | Kind::Process | Kind::Pod) => {
                let history = |kind, row: &WorkloadRow, before, after| HistoryRow {
                    happened_at: change.at,
                    actor: Actor::agent(agent),
                    kind,
                    resource_type: "workload",
                    resource_id: 0,
                    resource_key: String::new(),
                    before_row: None,
                    resource_name: row.name.clone(),
                    compute_id: Some(compute),
                    source: Some(source.as_str().to_owned()),
                    before,
                    after,
                };
                workload_change(&mut folded, rows, change, history);
            }
            Some(
                kind @ (Kind::KubernetesCluster
                | Kind::KubernetesNamespace
                | Kind::KubernetesNode
                | Kind::KubernetesService
                | Kind::KubernetesIngress),
            ) => {
                let reason = match &change.what {
                    What::Ended(reason) => Some(*reason),
                    _ => None,
                };
                let object = Object { kind, entity: now_is.map(|(entity, _)| entity), reason, at: change.at };
                folded.objects.insert(change.native_id, object);
            }
            // Of a kind that this version does not know: only the entity is forgotten.
            None => {}
        }
    }
    folded
}

fn workload_change<'a>(
    folded: &mut Folded<'a>,
    rows: &BTreeMap<i64, WorkloadRow>,
    change: &Change<'a>,
    history: impl Fn(HistoryKind, &WorkloadRow, Option<serde_json::Value>, Option<serde_json::Value>) -> HistoryRow,
) {
    let loaded = || match change.place {
        Place::Row(id) => rows.get(&id).cloned(),
        Place::New(_) | Place::Compute => None,
    };
    let before = folded.slots.get(&change.place).map(|slot| slot.row.clone()).or_else(loaded);
    let before_json = before.as_ref().map(workload::row_json);
    let (kind, entity) = match &change.what {
        What::Appeared(entity, _) => (HistoryKind::Appeared, *entity),
        What::Returned(entity, _) => (HistoryKind::Returned, *entity),
        What::Altered { entity, .. } => (HistoryKind::Altered, *entity),
        What::Ended(reason) => {
            let Some(mut row) = before else { return };
            workload::end(&mut row, change.at, reason);
            let entry = history(HistoryKind::Ended, &row, before_json, Some(workload::end_json(change.at, reason)));
            folded.history.push((change.place, entry));
            keep(folded, rows, change.place, row, None, true);
            return;
        }
    };
    let Some(row) = workload::row(entity, before.as_ref(), change.at) else { return };
    let after_json = workload::row_json(&row);
    let container = match &entity.body {
        Body::Container(container) => Some(&**container),
        _ => None,
    };
    // The same in another encoding, for example from another version of the agent.
    let same = kind == HistoryKind::Altered && before_json.as_ref() == Some(&after_json);
    if let (true, Some(before)) = (same, before) {
        keep(folded, rows, change.place, before, container, false);
    } else {
        folded.history.push((change.place, history(kind, &row, before_json, Some(workload::entity_json(entity)))));
        keep(folded, rows, change.place, row, container, true);
    }
}

fn keep<'a>(
    folded: &mut Folded<'a>,
    rows: &BTreeMap<i64, WorkloadRow>,
    place: Place,
    row: WorkloadRow,
    container: Option<&'a Container>,
    touched: bool,
) {
    let before = match place {
        Place::Row(id) => rows.get(&id).cloned(),
        Place::New(_) | Place::Compute => None,
    };
    let earlier = folded.slots.remove(&place);
    let slot = Slot {
        row,
        before,
        container: container.or(earlier.as_ref().and_then(|slot| slot.container)),
        touched: touched || earlier.is_some_and(|slot| slot.touched),
    };
    folded.slots.insert(place, slot);
}
