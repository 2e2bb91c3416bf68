//! REPORT: what this agent believes now, and how it differs from what it believed before.
//!
//! Inspectors yield what they saw; the [`View`] keeps it per source, joins what several sources saw of one thing, and
//! answers each look or event with the differences. It knows nothing of the outbox, of sessions or of clocks.
//!
//! Invariants:
//! - The digest of a source is always that of its joined entities.
//! - Nothing is ended by a look that failed, was partial, or found the source absent.
//! - The first complete look of a source is the baseline: it yields no changes, since a collector compares digests at
//!   the start of a session. Later looks yield every difference.

mod batch;
pub mod join;
mod keeper;
mod source;
mod status;
#[cfg(test)]
mod tests;
mod usage;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrix_common::{
    hash::{Digest, EntityHash},
    model::{Change, ChangeKind, Entity, RemovalReason, Source, SourceStatus},
    time::Timestamp,
    wire::hash,
};

pub use keeper::{Keeper, KeeperHandle, Listing, Seen, Snapshot, SourceSummary};
pub use usage::{UsageBoard, UsageUpdate};

use crate::inspect::{InspectError, Observation, Sighted, Sighting};
use join::{Key, Name};
use source::RawSource;

/// Word for an entity that turned out to be part of another one, which carries its evidence from then on.
pub const JOINED: &str = "joined";

/// Ended containers that are remembered; past it the processes of a further one may show up for a moment.
const ENDED: usize = 4096;

/// All current observations of one host.
#[derive(Debug, Default)]
pub struct View {
    raw: BTreeMap<Source, RawSource>,
    /// Raw entities by the names that sources have in common.
    named: BTreeMap<Name, BTreeSet<Key>>,
    /// Containers that an engine removed, with the number of complete process looks since. Processes of theirs that
    /// are still listed are ending; they are no workload of their own. At most [`ENDED`] are kept.
    ended: BTreeMap<String, u8>,
    joined: BTreeMap<Source, JoinedSource>,
    /// Every source had its first look; until then what one source does to the entities of another is not reported.
    settled: bool,
}

/// The entities of one source as they are reported.
#[derive(Debug, Default)]
struct JoinedSource {
    entities: BTreeMap<String, Held>,
    digest: Digest,
}

/// A joined entity with its hash.
#[derive(Clone, Debug)]
pub struct Held {
    /// The entity.
    pub entity: Arc<Entity>,
    /// Its hash.
    pub hash: EntityHash,
}

/// How the view differs after a look or an event.
#[derive(Debug, Default, PartialEq)]
pub struct Differences {
    /// Changes in the order in which they happened, each with its source.
    pub changes: Vec<(Source, Change)>,
    /// The new status of the source that was looked at, if it changed.
    pub status: Option<(Source, SourceStatus)>,
}

/// What a collector compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceDigest {
    /// The source.
    pub source: Source,
    /// Digest of its joined entities.
    pub digest: Digest,
    /// Number of joined entities.
    pub entities: u64,
}

/// One raw entity that is to be replaced, or to go.
struct Edit {
    key: Key,
    entity: Option<Arc<Entity>>,
    reason: RemovalReason,
}

impl View {
    /// A view of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in what a look at `source` found at the time `at`.
    pub fn observe(
        &mut self,
        source: &Source,
        at: Timestamp,
        outcome: Result<Observation, InspectError>,
    ) -> Differences {
        if matches!(outcome, Ok(Observation::Elsewhere(_))) {
            self.cede(source);
        }
        let raw = self.raw.entry(source.clone()).or_default();
        let taken = raw.take_in(outcome);
        let status = raw.status.update(taken.status, at).map(|status| (source.clone(), status));
        let baseline = taken.complete && !raw.whole;
        raw.whole |= taken.complete;
        let edits = taken.edits.into_iter().map(|(native_id, entity)| Edit {
            key: (source.clone(), native_id),
            entity,
            reason: RemovalReason::NotListed,
        });
        let edits: Vec<Edit> = edits.collect();
        // What an earlier partial look or an event told of was reported, so its changes are too.
        let known: BTreeSet<Key> = if baseline {
            edits.iter().filter(|edit| self.held(&edit.key).is_some()).map(|edit| edit.key.clone()).collect()
        } else {
            BTreeSet::new()
        };
        let mut changes = self.edit(edits, at);
        if baseline {
            changes.retain(|(of, change)| of != source || known.contains(&(of.clone(), id_of(change).to_owned())));
        }
        let mut differences = Differences { changes, status };
        if taken.complete && *source == Source::Process {
            differences.changes.extend(self.forget_ended(at));
        }
        if !self.settled {
            differences.changes.retain(|(of, _)| of == source);
        }
        differences
    }

    /// Takes in one entity that an event concerned.
    pub fn sighting(&mut self, source: &Source, sighting: Sighting) -> Differences {
        let raw = self.raw.entry(source.clone()).or_default();
        let (native_id, entity, reason) = match sighting.what {
            Sighted::Present(entity) => match raw.admit(entity) {
                Ok(entity) => (entity.native_id.clone(), Some(entity), RemovalReason::Removed),
                Err(refused) => {
                    tracing::warn!(%source, item = refused.item, problem = refused.problem, "entity left out");
                    return Differences::default();
                }
            },
            // This run of the agent never saw it. Collectors may know it from an earlier one.
            Sighted::Gone { native_id, reason } if !raw.entities.contains_key(&native_id) => {
                let kind = ChangeKind::Removal { native_id, reason };
                let changes = vec![(source.clone(), Change { observed_at: sighting.at, kind })];
                return Differences { changes, status: None };
            }
            Sighted::Gone { native_id, reason } => (native_id, None, reason),
        };
        let mut changes = self.edit(vec![Edit { key: (source.clone(), native_id), entity, reason }], sighting.at);
        if !self.settled {
            changes.retain(|(of, _)| of == source);
        }
        Differences { changes, status: None }
    }

    /// Every source had its first look.
    pub fn settle(&mut self) {
        self.settled = true;
    }

    /// Digests of the sources that were seen whole since the start.
    #[must_use]
    pub fn digests(&self) -> Vec<SourceDigest> {
        let whole = self.raw.iter().filter(|(_, raw)| raw.whole);
        let digests = whole.map(|(source, _)| {
            let joined = self.joined.get(source);
            SourceDigest {
                source: source.clone(),
                digest: joined.map_or_else(Digest::default, |joined| joined.digest),
                entities: joined.map_or(0, |joined| joined.entities.len() as u64),
            }
        });
        digests.collect()
    }

    /// The source had a complete look since the start.
    #[must_use]
    pub fn is_whole(&self, source: &Source) -> bool {
        self.raw.get(source).is_some_and(|raw| raw.whole)
    }

    /// The joined entities of a source, by native id.
    pub fn entities(&self, source: &Source) -> impl Iterator<Item = (&str, &Held)> {
        let joined = self.joined.get(source).into_iter();
        joined.flat_map(|joined| joined.entities.iter().map(|(native_id, held)| (native_id.as_str(), held)))
    }

    /// One joined entity.
    #[must_use]
    pub fn entity(&self, source: &Source, native_id: &str) -> Option<&Held> {
        self.joined.get(source)?.entities.get(native_id)
    }

    /// The status of every source that was looked at.
    pub fn statuses(&self) -> impl Iterator<Item = (&Source, &SourceStatus)> {
        self.raw.iter().filter_map(|(source, raw)| raw.status.current().map(|status| (source, status)))
    }

    /// The entity that speaks for a raw one: itself, or what it was joined into; `None` when unknown.
    #[must_use]
    pub fn owner(&self, source: &Source, native_id: &str) -> Option<Key> {
        let key = (source.clone(), native_id.to_owned());
        if self.held(&key).is_some() {
            return Some(key);
        }
        let names = join::names_of(self.raw.get(source)?.entities.get(native_id)?);
        self.group(names).into_keys().find(|member| self.held(member).is_some())
    }

    /// The containers that a raw entity is, has or runs in.
    #[must_use]
    pub fn containers_of(&self, source: &Source, native_id: &str) -> Vec<String> {
        let entity = self.raw.get(source).and_then(|raw| raw.entities.get(native_id));
        let names = entity.map(|entity| join::names_of(entity)).unwrap_or_default();
        let container = |name| match name {
            Name::Container(id) => Some(id),
            Name::Pod(_) => None,
        };
        names.into_iter().filter_map(container).collect()
    }

    /// Forgets a source that another agent tells of now. Nothing is reported: what it said is no longer its own.
    fn cede(&mut self, source: &Source) {
        if let Some(raw) = self.raw.get_mut(source) {
            raw.whole = false;
            raw.entities.clear();
        }
        self.joined.remove(source);
        self.named.values_mut().for_each(|members| members.retain(|(of, _)| of != source));
        self.named.retain(|_, members| !members.is_empty());
    }

    /// Everything that hangs together with some names.
    fn group(&self, names: impl IntoIterator<Item = Name>) -> BTreeMap<Key, &Arc<Entity>> {
        join::group_of(names, |name| {
            let members = self.named.get(name).into_iter().flatten();
            members.filter_map(|key| Some((key.clone(), self.raw.get(&key.0)?.entities.get(&key.1)?)))
        })
    }

    fn held(&self, key: &Key) -> Option<&Held> {
        self.joined.get(&key.0)?.entities.get(&key.1)
    }

    /// Replaces raw entities and brings what is joined up to date.
    fn edit(&mut self, edits: Vec<Edit>, at: Timestamp) -> Vec<(Source, Change)> {
        let mut touched: Vec<Key> = Vec::new();
        let mut names = BTreeSet::new();
        let mut reasons = BTreeMap::new();
        for Edit { key, entity, reason } in edits {
            let entities = &mut self.raw.entry(key.0.clone()).or_default().entities;
            let old = match &entity {
                Some(entity) => entities.insert(key.1.clone(), Arc::clone(entity)),
                None => entities.remove(&key.1),
            };
            let before = old.as_deref().map(join::names_of).unwrap_or_default();
            let after = entity.as_deref().map(join::names_of).unwrap_or_default();
            self.index(&key, &before, &after);
            match (&entity, &old) {
                (Some(entity), _) => {
                    for container in join::containers_in(entity) {
                        self.ended.remove(&container);
                    }
                }
                (None, old) => {
                    let containers = old.as_deref().map(join::containers_in).unwrap_or_default();
                    containers.iter().for_each(|container| self.note_ended(container));
                    reasons.insert(key.clone(), reason);
                }
            }
            names.extend(before);
            names.extend(after);
            touched.push(key);
        }
        let mut changes = Vec::new();
        for key in touched {
            let entity = self.raw.get(&key.0).and_then(|raw| raw.entities.get(&key.1));
            // What has names is settled with its group below; what is gone has no other place.
            if entity.is_none_or(|entity| join::names_of(entity).is_empty()) {
                let entity = entity.cloned();
                let reason = reasons.remove(&key).unwrap_or(RemovalReason::NotListed);
                changes.extend(self.place(key, entity, reason, at));
            }
        }
        changes.extend(self.join_again(names, at));
        changes
    }

    fn index(&mut self, key: &Key, before: &[Name], after: &[Name]) {
        for name in before.iter().filter(|name| !after.contains(name)) {
            if let Some(members) = self.named.get_mut(name) {
                members.remove(key);
                if members.is_empty() {
                    self.named.remove(name);
                }
            }
        }
        for name in after.iter().filter(|name| !before.contains(name)) {
            self.named.entry(name.clone()).or_default().insert(key.clone());
        }
    }

    /// Joins what hangs together with some names and reports how that differs.
    fn join_again(&mut self, names: BTreeSet<Name>, at: Timestamp) -> Vec<(Source, Change)> {
        let mut placed: BTreeMap<Key, Option<Arc<Entity>>> = BTreeMap::new();
        for name in names {
            // A member that was placed brought all of its group along.
            let known = self.named.get(&name).and_then(BTreeSet::first).is_none_or(|key| placed.contains_key(key));
            if !known {
                let group = self.group([name]);
                let ended = |container: &str| self.ended.contains_key(container);
                placed.extend(join::join_group(group.iter().map(|(key, entity)| (key, *entity)), ended));
            }
        }
        let joined = || RemovalReason::Other(JOINED.to_owned());
        placed.into_iter().filter_map(|(key, entity)| self.place(key, entity, joined(), at)).collect()
    }

    /// Puts a joined entity where it belongs, keeps the digest, and tells what changed.
    fn place(
        &mut self,
        key: Key,
        entity: Option<Arc<Entity>>,
        reason: RemovalReason,
        observed_at: Timestamp,
    ) -> Option<(Source, Change)> {
        let (source, native_id) = key;
        let joined = self.joined.entry(source.clone()).or_default();
        let kind = match entity {
            Some(entity) => {
                let same = |held: &Held| Arc::ptr_eq(&held.entity, &entity) || held.entity == entity;
                if joined.entities.get(&native_id).is_some_and(same) {
                    return None;
                }
                let held = Held { hash: hash(&entity), entity };
                joined.digest.add(&native_id, held.hash);
                if let Some(old) = joined.entities.insert(native_id.clone(), held.clone()) {
                    joined.digest.remove(&native_id, old.hash);
                }
                ChangeKind::Upsert { entity: Arc::unwrap_or_clone(held.entity), hash: held.hash }
            }
            None => {
                let old = joined.entities.remove(&native_id)?;
                joined.digest.remove(&native_id, old.hash);
                ChangeKind::Removal { native_id, reason }
            }
        };
        Some((source, Change { observed_at, kind }))
    }

    fn note_ended(&mut self, container: &str) {
        let members = self.named.get(&Name::Container(container.to_owned()));
        let processes = members.is_none_or(|members| members.iter().all(|(source, _)| *source == Source::Process));
        // Without a working process source nothing would ever be forgotten again.
        if processes && self.is_whole(&Source::Process) && self.ended.len() < ENDED {
            self.ended.insert(container.to_owned(), 0);
        }
    }

    /// After a complete look at the processes: those of an ended container are gone, or are found to live on without
    /// an engine. The look may have begun before the container's end, so it takes two to tell.
    fn forget_ended(&mut self, at: Timestamp) -> Vec<(Source, Change)> {
        let mut over = Vec::new();
        for (container, looks) in &mut self.ended {
            *looks += 1;
            if *looks > 1 || !self.named.contains_key(&Name::Container(container.clone())) {
                over.push(container.clone());
            }
        }
        for container in &over {
            self.ended.remove(container);
        }
        self.join_again(over.into_iter().map(Name::Container).collect(), at)
    }
}

fn id_of(change: &Change) -> &str {
    match &change.kind {
        ChangeKind::Upsert { entity, .. } => &entity.native_id,
        ChangeKind::Removal { native_id, .. } => native_id,
    }
}
