//! Loads what planning needs to know, as far as a report touches it: a few statements for each source, whatever the
//! number of entities, and only one where nothing changed.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{
    id::AgentId,
    model::{Body, Kind, Source},
};

use super::plan::{self, Known, KnownRow, Live, Sighted, Sighting};
use crate::store::{
    StoreError, Tx,
    rows::{
        cut,
        entity::entity_find,
        workload::{WorkloadRow, workload_find_ended_in_tx, workload_find_in_tx},
    },
};

/// What is known of one source.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) known: Known,
    /// The workloads in `known`, whole, by key.
    pub(super) rows: BTreeMap<i64, WorkloadRow>,
}

/// Loads what is known of everything that was seen.
pub(super) async fn load_in_tx(
    tx: &mut Tx,
    agent: AgentId,
    compute: i64,
    source: &Source,
    seen: &[Sighting<'_>],
) -> Result<Loaded, StoreError> {
    let keys: BTreeSet<&str> = seen.iter().map(|sighting| sighting.what.native_id()).collect();
    let mut loaded = Loaded::default();
    for entity in entity_find(tx, agent, source, keys.iter().copied()).await? {
        let live = Live { hash: entity.hash, kind: kind(&entity.kind), row: entity.resource_id };
        loaded.known.live.insert(entity.native_id, live);
    }
    // Workloads are needed only for what changed.
    let changed: BTreeSet<&str> = seen
        .iter()
        .filter(|sighting| match sighting.what {
            Sighted::There(entity, hash) => {
                plan::is_workload(entity.body.kind())
                    && loaded.known.live.get(&entity.native_id).is_none_or(|live| live.hash != hash)
            }
            Sighted::Gone(..) => !matches!(source, Source::Host | Source::Capability) && !source.is_of_cluster(),
        })
        .map(|sighting| sighting.what.native_id())
        .collect();
    if changed.is_empty() {
        return Ok(loaded);
    }
    let mut rows = workload_find_in_tx(tx, compute, source, changed.iter().copied()).await?;
    let names: BTreeSet<&str> = seen
        .iter()
        .filter_map(|sighting| match sighting.what {
            Sighted::There(entity, _) if !loaded.known.live.contains_key(&entity.native_id) => match &entity.body {
                Body::Container(container) => Some(cut(&container.name, 255)),
                _ => None,
            },
            _ => None,
        })
        .collect();
    rows.extend(workload_find_ended_in_tx(tx, compute, source, names).await?);
    for row in rows {
        let Some((id, kind)) = row.id.zip(kind(&row.workload_type)) else { continue };
        loaded.rows.insert(id, row.clone());
        loaded.known.rows.push(KnownRow {
            id,
            kind,
            native_id: row.native_id,
            name: row.name,
            image: row.image,
            first_seen_at: row.first_seen_at,
            ended_at: row.ended_at,
        });
    }
    loaded.known.rows.sort_by_key(|row| row.id);
    loaded.known.rows.dedup_by_key(|row| row.id);
    Ok(loaded)
}

fn kind(word: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == word)
}
