//! What one source told: its entities as they were seen, before they are joined.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrix_common::model::{Completeness, DEFAULT_LIMITS, Entity, Health};

use super::status::{NewStatus, Status};
use crate::{
    inspect::{InspectError, Observation, Warning},
    wire,
};

/// Kinds of problems that a reason names; further ones are only counted.
const PROBLEMS: usize = 3;

/// One source.
#[derive(Debug, Default)]
pub(super) struct RawSource {
    pub(super) status: Status,
    /// It had a complete look since the start.
    pub(super) whole: bool,
    pub(super) entities: BTreeMap<String, Arc<Entity>>,
}

/// What a look means for a source.
pub(super) struct Taken {
    pub(super) status: NewStatus,
    /// The look was complete.
    pub(super) complete: bool,
    /// Entities that differ, and those that are gone, by native id.
    pub(super) edits: Vec<(String, Option<Arc<Entity>>)>,
}

impl RawSource {
    /// Works out what the look changes. The entities stay as they are; the view applies the edits.
    pub(super) fn take_in(&self, outcome: Result<Observation, InspectError>) -> Taken {
        match outcome {
            Err(error) => {
                let status = NewStatus::new(Health::Failing, Completeness::None, &error.to_string(), 0);
                Taken { status, complete: false, edits: Vec::new() }
            }
            Ok(Observation::Absent(reason)) => {
                let status = NewStatus::new(Health::Absent, Completeness::None, &reason, 0);
                Taken { status, complete: false, edits: Vec::new() }
            }
            // The view forgets the entities; nobody is told that they are gone, since they are not.
            Ok(Observation::Elsewhere(reason)) => {
                let status = NewStatus::new(Health::Absent, Completeness::None, &reason, 0);
                Taken { status, complete: false, edits: Vec::new() }
            }
            Ok(Observation::Complete(entities)) => self.listed(entities, Vec::new(), true),
            Ok(Observation::Listed(entities, warnings)) => self.listed(entities, warnings, true),
            Ok(Observation::Partial(entities, warnings)) => self.listed(entities, warnings, false),
        }
    }

    /// Accepts an entity that fits the contract and the bound on a source.
    pub(super) fn admit(&self, entity: Entity) -> Result<Arc<Entity>, Warning> {
        let known = self.entities.get(&entity.native_id);
        if let Some(known) = known
            && **known == entity
        {
            return Ok(Arc::clone(known));
        }
        let refused = |problem: String| Warning { item: entity.native_id.clone(), problem };
        if known.is_none() && self.entities.len() >= DEFAULT_LIMITS.source_entities as usize {
            return Err(refused(too_many()));
        }
        wire::check(&entity).map_err(refused)?;
        Ok(Arc::new(entity))
    }

    fn listed(&self, entities: Vec<Entity>, mut warnings: Vec<Warning>, complete: bool) -> Taken {
        let mut seen = BTreeSet::new();
        let mut edits = Vec::new();
        let limit = DEFAULT_LIMITS.source_entities as usize;
        let mut over = 0_usize;
        for entity in entities {
            if seen.len() >= limit {
                over += 1;
                continue;
            }
            let native_id = entity.native_id.clone();
            if self.entities.get(&native_id).is_some_and(|known| **known == entity) {
                seen.insert(native_id);
                continue;
            }
            match wire::check(&entity) {
                // A source that lists one identifier twice has one entity; the last word counts.
                Ok(()) => {
                    seen.insert(native_id.clone());
                    edits.push((native_id, Some(Arc::new(entity))));
                }
                Err(problem) => warnings.push(Warning { item: native_id, problem }),
            }
        }
        if over > 0 {
            warnings.push(Warning { item: format!("{over} more"), problem: too_many() });
        }
        // Past the bound the list is no longer the whole of the source.
        let complete = complete && over == 0;
        if complete {
            let gone = self.entities.keys().filter(|native_id| !seen.contains(*native_id));
            edits.extend(gone.map(|native_id| (native_id.clone(), None)));
        }
        for Warning { item, problem } in &warnings {
            tracing::debug!(item, problem, "item could not be read");
        }
        let health = if complete && warnings.is_empty() { Health::Healthy } else { Health::Degraded };
        let completeness = if complete { Completeness::Complete } else { Completeness::Partial };
        let count = u32::try_from(warnings.len()).unwrap_or(u32::MAX);
        Taken { status: NewStatus::new(health, completeness, &reason(&warnings), count), complete, edits }
    }
}

fn too_many() -> String {
    format!("more than {} entities; the rest is left out", DEFAULT_LIMITS.source_entities)
}

/// The kinds of problems without the items, which come and go: a reason changes only when the trouble does.
fn reason(warnings: &[Warning]) -> String {
    let kinds: BTreeSet<&str> = warnings.iter().map(|warning| warning.problem.as_str()).collect();
    let mut text = kinds.iter().take(PROBLEMS).copied().collect::<Vec<_>>().join("; ");
    if kinds.len() > PROBLEMS {
        text.push_str("; and others");
    }
    text
}
