//! Decides how the inventory of one host and source must change. Pure: no clock, no database.
//!
//! Planning again after the changes were made yields nothing, so a replayed report is harmless. Changes come in the
//! order in which they happened, several of one entity included: each is an event of the history, while only the last
//! state of a row is written.
//!
//! What stands for what: a workload is found by its native id. A container that is new but has the name and the image
//! of one that ended, or that ends in the same report, is that container made again: it stays the same row.

use std::collections::{BTreeMap, BTreeSet};

use orchestrix_common::{
    hash::EntityHash,
    model::{Body, Entity, Kind, RemovalReason},
    time::Timestamp,
};

/// What is believed of one host and source, as far as the report touches it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Entities that the agent reports now, by native id.
    pub live: BTreeMap<String, Live>,
    /// Workloads whose native id or name the report touches, live and ended.
    pub rows: Vec<KnownRow>,
}

/// An entity that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Live {
    /// Its hash, as the agent computed it.
    pub hash: EntityHash,
    /// Its kind; `None` for one that this version does not know.
    pub kind: Option<Kind>,
    /// The workload that stands for it.
    pub row: Option<i64>,
}

/// A workload as far as planning needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownRow {
    /// Its key.
    pub id: i64,
    /// The source's identifier of it.
    pub native_id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: Option<String>,
    /// When it was first seen.
    pub first_seen_at: Timestamp,
    /// When it ended; `None` while it is there.
    pub ended_at: Option<Timestamp>,
}

/// One thing that was seen, with a time that can be believed.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// What was seen.
    pub what: Sighted<'a>,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq)]
pub enum Sighted<'a> {
    /// An entity as it is.
    There(&'a Entity, EntityHash),
    /// An entity is no more.
    Gone(&'a str, &'a RemovalReason),
}

impl Sighted<'_> {
    /// The source's identifier of the entity.
    #[must_use]
    pub fn native_id(&self) -> &str {
        match self {
            Self::There(entity, _) => &entity.native_id,
            Self::Gone(native_id, _) => native_id,
        }
    }
}

/// What stands for an entity in the inventory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A workload that exists.
    Row(i64),
    /// A workload that is to be made; the number tells those of one plan apart.
    New(usize),
    /// The compute itself, one of its capabilities, or an object of its cluster.
    Compute,
}

impl Place {
    /// The key of a workload that exists.
    pub(super) const fn row(self) -> Option<i64> {
        match self {
            Self::Row(id) => Some(id),
            Self::New(_) | Self::Compute => None,
        }
    }
}

/// One change of the inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Change<'a> {
    /// When it happened.
    pub at: Timestamp,
    /// The source's identifier of the entity.
    pub native_id: &'a str,
    /// Kind of the entity; `None` when it ends and was of a kind that this version does not know.
    pub kind: Option<Kind>,
    /// What stands for it.
    pub place: Place,
    /// What happens.
    pub what: What<'a>,
}

/// What happens to an entity.
#[derive(Clone, Debug, PartialEq)]
pub enum What<'a> {
    /// It is new.
    Appeared(&'a Entity, EntityHash),
    /// It is otherwise than before.
    Altered {
        /// How it is now.
        entity: &'a Entity,
        /// Its hash, as the agent computed it.
        hash: EntityHash,
        /// Native id of the container whose place it takes; `None` when it is the same one.
        replaces: Option<String>,
    },
    /// It had ended and is there again.
    Returned(&'a Entity, EntityHash),
    /// It is no more.
    Ended(&'a RemovalReason),
}

/// Decides how the inventory must change so that it agrees with what was seen.
#[must_use]
pub fn plan<'a>(known: &Known, seen: &[Sighting<'a>]) -> Vec<Change<'a>> {
    let settled = settled(known, seen);
    let mut planner = Planner::new(known);
    let open: Vec<&Sighting<'a>> =
        seen.iter().filter(|sighting| !settled.contains(sighting.what.native_id())).collect();
    for (index, sighting) in open.iter().enumerate() {
        match sighting.what {
            Sighted::There(entity, hash) => planner.there(sighting.at, entity, hash, &open[index + 1..]),
            Sighted::Gone(native_id, reason) => planner.gone(sighting.at, native_id, reason),
        }
    }
    planner.changes
}

/// The time at which a row ends: never before it was first seen.
#[must_use]
pub fn end_of(first_seen_at: Timestamp, at: Timestamp) -> Timestamp {
    at.max(first_seen_at)
}

/// Finds the entities for which what was seen is in the inventory already.
fn settled<'a>(known: &Known, seen: &[Sighting<'a>]) -> BTreeSet<&'a str> {
    let mut last: BTreeMap<&str, (usize, &Sighting<'a>, Option<&'a Entity>)> = BTreeMap::new();
    for (index, sighting) in seen.iter().enumerate() {
        let (key, entity) = match sighting.what {
            Sighted::There(entity, _) => (entity.native_id.as_str(), Some(entity)),
            Sighted::Gone(native_id, _) => (native_id, None),
        };
        let earlier = last.get(key).and_then(|(.., entity)| *entity);
        last.insert(key, (index, sighting, entity.or(earlier)));
    }
    let mut latest_first: Vec<_> = last.into_iter().collect();
    latest_first.sort_unstable_by_key(|(_, (index, ..))| std::cmp::Reverse(*index));
    let mut settled = BTreeSet::new();
    // Names and images of settled containers: one that came and went before them has become them.
    let mut successors: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (key, (_, sighting, entity)) in latest_first {
        let container = entity.and_then(container);
        let is_settled = match sighting.what {
            Sighted::There(_, hash) => known.live.get(key).is_some_and(|live| live.hash == hash),
            Sighted::Gone(..) if known.live.contains_key(key) => false,
            Sighted::Gone(..) => {
                let row = known.rows.iter().find(|row| row.native_id == key);
                let ended = row.is_some_and(|row| row.ended_at == Some(end_of(row.first_seen_at, sighting.at)));
                let orphan = row.is_some_and(|row| row.ended_at.is_none());
                let replaced = container.is_some_and(|container| successors.contains(&container));
                // Nothing was seen of it but its end, and nothing is known of it.
                let never_seen = !entity.is_some_and(|entity| is_workload(entity.body.kind())) && !orphan;
                ended || replaced || never_seen
            }
        };
        if is_settled {
            settled.insert(match sighting.what {
                Sighted::There(entity, _) => entity.native_id.as_str(),
                Sighted::Gone(native_id, _) => native_id,
            });
            successors.extend(container);
        }
    }
    settled
}

/// Plays what was seen through, over a copy of what is known.
struct Planner<'a> {
    live: BTreeMap<String, (EntityHash, Option<Kind>, Place)>,
    rows: BTreeMap<Place, Row>,
    made: usize,
    changes: Vec<Change<'a>>,
}

#[derive(Debug)]
struct Row {
    native_id: String,
    kind: Kind,
    name: String,
    image: Option<String>,
    ended_at: Option<Timestamp>,
}

impl<'a> Planner<'a> {
    fn new(known: &Known) -> Self {
        let place = |live: &Live| live.row.map_or(Place::Compute, Place::Row);
        let live = known.live.iter().map(|(key, live)| (key.clone(), (live.hash, live.kind, place(live)))).collect();
        let rows = known.rows.iter().map(|row| {
            let KnownRow { id, native_id, kind, name, image, first_seen_at: _, ended_at } = row.clone();
            (Place::Row(id), Row { native_id, kind, name, image, ended_at })
        });
        Self { live, rows: rows.collect(), made: 0, changes: Vec::new() }
    }

    fn there(&mut self, at: Timestamp, entity: &'a Entity, hash: EntityHash, later: &[&Sighting<'a>]) {
        let key = entity.native_id.as_str();
        let kind = entity.body.kind();
        let (place, what) = match self.live.get(key) {
            Some((known, ..)) if *known == hash => return,
            Some((.., place)) => (*place, What::Altered { entity, hash, replaces: None }),
            None if !is_workload(kind) => (Place::Compute, What::Appeared(entity, hash)),
            None => match self.find(entity, later) {
                None => {
                    self.made += 1;
                    (Place::New(self.made), What::Appeared(entity, hash))
                }
                Some((place, true)) => (place, What::Returned(entity, hash)),
                Some((place, false)) => {
                    let replaces = self.rows.get(&place).map(|row| row.native_id.clone()).filter(|other| other != key);
                    if let Some(replaced) = &replaces {
                        self.live.remove(replaced);
                    }
                    (place, What::Altered { entity, hash, replaces })
                }
            },
        };
        if is_workload(kind) {
            let (name, image) = title(entity);
            let row = Row {
                native_id: key.to_owned(),
                kind,
                name: name.to_owned(),
                image: image.map(str::to_owned),
                ended_at: None,
            };
            self.rows.insert(place, row);
        }
        self.live.insert(key.to_owned(), (hash, Some(kind), place));
        self.changes.push(Change { at, native_id: key, kind: Some(kind), place, what });
    }

    fn gone(&mut self, at: Timestamp, native_id: &'a str, reason: &'a RemovalReason) {
        let (kind, place) = if let Some((_, kind, place)) = self.live.remove(native_id) {
            (kind, place)
        } else {
            // A workload that another agent of the host left behind.
            let orphan = self.rows.iter().find(|(_, row)| row.native_id == native_id && row.ended_at.is_none());
            let Some((place, row)) = orphan else { return };
            (Some(row.kind), *place)
        };
        if let Some(row) = self.rows.get_mut(&place) {
            row.ended_at = Some(at);
        }
        self.changes.push(Change { at, native_id, kind, place, what: What::Ended(reason) });
    }

    /// Finds the row that a workload which is not live belongs to, and whether that row has ended.
    fn find(&self, entity: &Entity, later: &[&Sighting<'a>]) -> Option<(Place, bool)> {
        if let Some((place, row)) = self.rows.iter().find(|(_, row)| row.native_id == entity.native_id) {
            return Some((*place, row.ended_at.is_some()));
        }
        let wanted = container(entity)?;
        let ends_later = |native_id: &str| {
            let last = later.iter().rev().find(|sighting| sighting.what.native_id() == native_id);
            last.is_some_and(|sighting| matches!(sighting.what, Sighted::Gone(..)))
        };
        self.rows
            .iter()
            .filter(|(_, row)| {
                row.kind == Kind::Container && (row.name.as_str(), row.image.as_deref()) == (wanted.0, Some(wanted.1))
            })
            .filter(|(_, row)| row.ended_at.is_some() || ends_later(&row.native_id))
            // The one that is just ending held the name last; after it the one that ended last.
            .max_by_key(|(place, row)| (row.ended_at.is_none(), row.ended_at, std::cmp::Reverse(**place)))
            .map(|(place, row)| (*place, row.ended_at.is_some()))
    }
}

/// Whether entities of a kind are workloads: things that run.
#[must_use]
pub const fn is_workload(kind: Kind) -> bool {
    matches!(kind, Kind::Container | Kind::Process | Kind::Pod)
}

/// Name and image by which a container is known when it is made again. One without a name is nobody's successor.
fn container(entity: &Entity) -> Option<(&str, &str)> {
    match title(entity) {
        (name, Some(image)) if !name.is_empty() => Some((name, image)),
        _ => None,
    }
}

/// Name of an entity, and image of a container.
#[must_use]
pub fn title(entity: &Entity) -> (&str, Option<&str>) {
    match &entity.body {
        Body::Container(container) => (&container.name, Some(&container.image)),
        Body::Process(process) => (&process.name, None),
        Body::Capability(capability) => (&capability.name, None),
        Body::Host(host) => (&host.machine.hostname, None),
        Body::Pod(pod) => (&pod.name, None),
        Body::KubernetesCluster(cluster) => (&cluster.uid, None),
        Body::KubernetesNamespace(namespace) => (&namespace.name, None),
        Body::KubernetesNode(node) => (&node.name, None),
        Body::KubernetesService(service) => (&service.name, None),
        Body::KubernetesIngress(ingress) => (&ingress.name, None),
    }
}
