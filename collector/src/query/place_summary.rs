//! The places of the inventory with what is in each: what the top of a tree shows before anything is opened.
//!
//! Counting is done once for all levels: a compute counts in the nearest place that exists, and every place in those
//! above it, as in [`tree`](super::tree). What is in no place is counted apart, so that the sums always agree.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use utoipa::ToSchema;

use super::{AS_OF, Context, EnvironmentBadge, Key, ParameterError, cursor_behind, effective, liveness, page_of};
use crate::{
    environment::ResourceType,
    store::{Db, Executor as _, Row, StoreError, Value},
};

/// What is in a place, with everything below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Computes.
    pub computes: u64,
    /// Of these, those whose agent is being heard of.
    pub connected: u64,
    /// Of these, those whose agent is not heard of: what runs on them is not known.
    pub unreachable: u64,
    /// Of these, those that no agent ever looked at: people entered them.
    pub unwatched: u64,
    /// Of the connected ones, those that are seen in full: every source that is there is healthy.
    pub covered: u64,
    /// Workloads that did not end, as far as is known.
    pub workloads: u64,
    /// Of these, those whose present state is not known.
    pub workloads_unknown: u64,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.computes += other.computes;
        self.connected += other.connected;
        self.unreachable += other.unreachable;
        self.unwatched += other.unwatched;
        self.covered += other.covered;
        self.workloads += other.workloads;
        self.workloads_unknown += other.workloads_unknown;
    }
}

/// A partner, cloud, region, availability zone or datacenter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlaceSummary {
    /// `partner`, `cloud`, `region`, `availability_zone` or `datacenter`.
    pub kind: &'static str,
    /// Identifier, unique within its kind.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Name or code as people write it; `null` where the kind has none.
    pub label: Option<String>,
    /// For example `ACTIVE`.
    pub status: Option<String>,
    /// Kind of the place it is in; `null` at the top.
    pub parent_kind: Option<&'static str>,
    /// The place it is in.
    pub parent_id: Option<i64>,
    /// What is in it.
    pub counts: Counts,
    /// The environments that count for it, by itself or inherited.
    pub environments: Vec<EnvironmentBadge>,
}

/// Every place, parents before what is in them.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Places {
    /// The places.
    pub items: Vec<PlaceSummary>,
    /// Computes that are in no place.
    pub unplaced: Counts,
    /// Everything.
    pub total: Counts,
    /// The cursor of the next page; `null` on the last one.
    pub next: Option<String>,
    /// Every change up to this number is contained.
    pub sequence: i64,
}

/// A level of places, the uppermost first.
struct Level {
    kind: &'static str,
    resource_type: ResourceType,
    table: &'static str,
    label: &'static str,
    /// Where a place may be, the nearest first: kind and column.
    parents: &'static [(&'static str, &'static str)],
}

const LEVELS: [Level; 5] = [
    Level {
        kind: "partner",
        resource_type: ResourceType::Partner,
        table: "partners",
        label: "display_name",
        parents: &[],
    },
    Level {
        kind: "cloud",
        resource_type: ResourceType::Cloud,
        table: "clouds",
        label: "client_name",
        parents: &[("partner", "partner_id")],
    },
    Level {
        kind: "region",
        resource_type: ResourceType::Region,
        table: "regions",
        label: "code",
        parents: &[("cloud", "cloud_id")],
    },
    Level {
        kind: "availability_zone",
        resource_type: ResourceType::AvailabilityZone,
        table: "availability_zones",
        label: "code",
        parents: &[("region", "region_id")],
    },
    Level {
        kind: "datacenter",
        resource_type: ResourceType::Datacenter,
        table: "datacenters",
        label: "location_other",
        parents: &[("availability_zone", "availability_zone_id"), ("cloud", "cloud_id"), ("partner", "partner_id")],
    },
];

/// Places that are shown; an inventory with more is read level by level.
pub const MOST_PLACES: usize = 50_000;
/// The list and its key: the last place of a page, and how many came before, should it be gone by then.
const LIST: (&str, &[Key]) = ("places", &[Key::text("kind", "kind"), Key::int("id", "id"), Key::int("place", "place")]);

type Place = (&'static str, i64);

/// Reads every place and counts what is in it.
///
/// # Errors
/// When a statement fails.
pub async fn places(db: &Db, context: &Context) -> Result<Places, StoreError> {
    let mut places = counted(db, context).await?;
    let mut rest = &mut places.items[..];
    for level in &LEVELS {
        let end = rest.iter().position(|place| place.kind != level.kind).unwrap_or(rest.len());
        let (of_level, others) = rest.split_at_mut(end);
        effective::fill(db, level.resource_type, of_level, |place| place.id, |place| &mut place.environments).await?;
        rest = others;
    }
    Ok(places)
}

/// Counts what is at each partner, and under zero what is at none.
///
/// # Errors
/// When a statement fails.
pub async fn counts_by_partner(db: &Db, context: &Context) -> Result<BTreeMap<i64, Counts>, StoreError> {
    let Places { items, unplaced, .. } = counted(db, context).await?;
    let mut counts = BTreeMap::from([(0, unplaced)]);
    for place in items.iter().filter(|place| place.parent_kind.is_none()) {
        counts.entry(if place.kind == "partner" { place.id } else { 0 }).or_default().add(&place.counts);
    }
    Ok(counts)
}

/// The places and what is in them, without what they are for; those of one level stand together.
async fn counted(db: &Db, context: &Context) -> Result<Places, StoreError> {
    let sequence = super::sequence::current(db, context.now).await?;
    let mut items: Vec<PlaceSummary> = Vec::new();
    let mut index: HashMap<Place, usize> = HashMap::new();
    for level in &LEVELS {
        for row in rows(db, level).await? {
            let place = read(level, &row, &index)?;
            index.insert((place.kind, place.id), items.len());
            items.push(place);
        }
    }
    let mut unplaced = Counts::default();
    for (place, counts) in computes(db, context).await? {
        match place.into_iter().flatten().find_map(|place| index.get(&place)) {
            Some(at) => items[*at].counts.add(&counts),
            None => unplaced.add(&counts),
        }
    }
    // Children stand behind their parents, so from the end each is whole before it is added to its parent.
    let mut total = unplaced;
    for at in (0..items.len()).rev() {
        let counts = items[at].counts;
        let parent = items[at].parent_kind.zip(items[at].parent_id).and_then(|parent| index.get(&parent).copied());
        match parent {
            Some(parent) => items[parent].counts.add(&counts),
            None => total.add(&counts),
        }
    }
    Ok(Places { items, unplaced, total, next: None, sequence })
}

/// A part of the places. What is in each is counted over all of them, whichever are shown.
#[derive(Clone, Debug)]
pub struct PlacesPage {
    limit: usize,
    behind: Option<Vec<Value>>,
}

impl PlacesPage {
    /// Reads the parameters of a page.
    ///
    /// # Errors
    /// When one is unknown or of another form.
    pub fn parse(parameters: &[(String, String)]) -> Result<Self, ParameterError> {
        let own: Vec<_> = parameters.iter().filter(|(name, _)| name != AS_OF).cloned().collect();
        let (limit, behind) = page_of(&own, LIST, MOST_PLACES, MOST_PLACES)?;
        Ok(Self { limit, behind })
    }

    /// What it shows of all places.
    #[must_use]
    pub fn of(&self, mut places: Places) -> Places {
        let key = |place: &PlaceSummary| [Value::from(place.kind), Value::from(place.id)];
        let begin = self.behind.as_ref().map_or(0, |last| {
            let found = places.items.iter().position(|place| last.starts_with(&key(place)));
            let counted = last.last().and_then(Value::as_int).and_then(|count| usize::try_from(count).ok());
            found.map_or_else(|| counted.unwrap_or_default(), |place| place + 1).min(places.items.len())
        });
        let mut items = places.items.split_off(begin);
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let count = i64::try_from(begin + items.len()).unwrap_or(i64::MAX);
        let last = items
            .last()
            .filter(|_| more)
            .map(|last| cursor_behind(LIST, key(last).into_iter().chain([Value::Int(count)]).collect()));
        places.next = last;
        Places { items, ..places }
    }
}

async fn rows(db: &Db, level: &Level) -> Result<Vec<Row>, StoreError> {
    let parents: String = level.parents.iter().map(|(_, column)| format!(", t.{column}")).collect();
    let sql = format!(
        "SELECT t.id, t.name, t.{} AS label, t.status{parents} FROM {} t ORDER BY t.name, t.id LIMIT {MOST_PLACES}",
        level.label, level.table
    );
    let mut executor = db;
    executor.fetch(sql, Vec::new()).await
}

fn read(level: &Level, row: &Row, index: &HashMap<Place, usize>) -> Result<PlaceSummary, StoreError> {
    let mut parent = None;
    for (kind, column) in level.parents {
        let id = row.get::<Option<i64>>(column)?.filter(|id| index.contains_key(&(kind, *id)));
        parent = parent.or(id.map(|id| (*kind, id)));
    }
    Ok(PlaceSummary {
        kind: level.kind,
        id: row.get("id")?,
        name: row.get("name")?,
        label: row.get("label")?,
        status: row.get("status")?,
        parent_kind: parent.map(|(kind, _)| kind),
        parent_id: parent.map(|(_, id)| id),
        counts: Counts::default(),
        environments: Vec::new(),
    })
}

/// Each compute: the places it may be in, the nearest first, and what it counts as.
async fn computes(db: &Db, context: &Context) -> Result<Vec<([Option<Place>; 2], Counts)>, StoreError> {
    let mut executor = db;
    let sql = "SELECT w.compute_id, COUNT(*) AS workloads FROM compute_workloads w WHERE w.ended_at_us IS NULL \
               GROUP BY w.compute_id";
    let mut workloads: HashMap<i64, i64> = HashMap::new();
    for row in executor.fetch(sql.to_owned(), Vec::new()).await? {
        workloads.insert(row.get("compute_id")?, row.get("workloads")?);
    }
    let sql = format!(
        "SELECT c.id, c.datacenter_id, c.cloud_id, CASE WHEN a.id IS NULL THEN 0 WHEN {} THEN 1 \
         WHEN s.sources > 0 AND s.troubled = 0 THEN 3 ELSE 2 END AS state FROM computes c{} \
         LEFT JOIN (SELECT g.agent_id, COUNT(*) AS sources, \
         COUNT(CASE WHEN g.health NOT IN ('healthy', 'absent') THEN 1 END) AS troubled \
         FROM agent_sources g GROUP BY g.agent_id) s ON s.agent_id = a.id \
         WHERE c.status IS NULL OR c.status <> 'MERGED'",
        liveness::silent(context),
        liveness::join_agent("c.id"),
    );
    let rows = executor.fetch(sql, Vec::new()).await?;
    rows.iter()
        .map(|row| {
            let place = |kind, column| row.get::<Option<i64>>(column).map(|id| id.map(|id| (kind, id)));
            let running = workloads.get(&row.get::<i64>("id")?).copied().unwrap_or_default();
            let state: i64 = row.get("state")?;
            let is = |wanted: bool| u64::from(wanted);
            let workloads = u64::try_from(running).unwrap_or_default();
            let counts = Counts {
                computes: 1,
                unwatched: is(state == 0),
                unreachable: is(state == 1),
                connected: is(state >= 2),
                covered: is(state == 3),
                workloads,
                workloads_unknown: if state == 1 { workloads } else { 0 },
            };
            Ok(([place("datacenter", "datacenter_id")?, place("cloud", "cloud_id")?], counts))
        })
        .collect()
}
