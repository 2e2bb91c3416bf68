//! Which workloads have a label, without looking into all of them.
//!
//! Labels stand in JSON, where neither database finds anything by an index. A collector that is asked for them therefore
//! keeps in memory which workloads have which, and follows the history. It only says where to look: the statement tests each
//! workload that is named, so that an entry of the past does no harm, and a change since is taken from the history first.
//! Until it is whole, for what many have, and as of the past, the statement looks into one workload after the other.
//! Nothing is kept while nobody asks.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::{Duration, Instant},
};

use orchestrix_common::time::{SharedClock, Timestamp};
use serde_json::Value as Json;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{ListRequest, filter::Condition, sequence};
use crate::store::{Db, Executor as _, Row, StoreError, Value};

/// Up to this many workloads are named in a statement.
const FEW: usize = 2_000;
/// Workloads, or changes, that are read at a time.
const PART: usize = 2_000;
/// Parts of the history in one round.
const PARTS: usize = 100;
/// How often the history is followed.
const EVERY: Duration = Duration::from_secs(2);
/// How long nobody must ask before everything is forgotten.
const IDLE: Duration = Duration::from_secs(600);

/// Which workloads have which labels. All clones are one.
#[derive(Clone, Debug, Default)]
pub struct LabelIndex {
    state: Arc<RwLock<State>>,
    wanted: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    /// When somebody last asked.
    asked: Option<Instant>,
    whole: Option<Whole>,
}

/// Every label of every workload, as of a change at least.
#[derive(Debug, Default)]
struct Whole {
    upto: i64,
    /// Workloads in ascending order by the hash of key and value. What they no longer have is in it, too.
    workloads: HashMap<u64, Vec<i64>>,
}

impl LabelIndex {
    /// Makes it when somebody asks, and keeps up with the history until nobody does any more, or `stop`.
    pub async fn keep(self, db: Db, clock: SharedClock, stop: CancellationToken) {
        loop {
            // Cancel-safe: all arms only wait.
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
            // Cancel-safe: what was read for nothing is dropped.
            let kept = tokio::select! {
                () = stop.cancelled() => return,
                kept = self.keep_up(&db, clock.now()) => kept,
            };
            if let Err(error) = kept {
                tracing::warn!(error = &error as &dyn std::error::Error, "labels could not be followed, trying again");
            }
        }
    }

    /// Does what there is to do now.
    pub(super) async fn keep_up(&self, db: &Db, now: Timestamp) -> Result<(), StoreError> {
        let (asked, is_there) = {
            let state = self.read();
            (state.asked.is_some_and(|at| at.elapsed() < IDLE), state.whole.is_some())
        };
        match (asked, is_there) {
            (false, false) => {}
            (false, true) => self.write().whole = None,
            (true, false) => {
                let whole = Whole::read(db, now).await?;
                self.write().whole = Some(whole);
            }
            (true, true) => {
                for _ in 0..PARTS {
                    if self.follow(db, now).await? {
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds to a question for workloads with labels which of them can have these at all, when they are few.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn narrow(&self, db: &Db, now: Timestamp, request: &mut ListRequest) -> Result<(), StoreError> {
        if request.labels.is_empty() || db.past().is_some() {
            return Ok(());
        }
        self.write().asked = Some(Instant::now());
        if self.read().whole.is_none() {
            self.wanted.notify_one();
            return Ok(());
        }
        if self.follow(db, now).await?
            && let Some(few) = self.few(&request.labels)
        {
            request.conditions.push(among(few));
        }
        Ok(())
    }

    /// The workloads that may have all of these labels; `None` when they are not few.
    fn few(&self, labels: &[(String, String)]) -> Option<Vec<i64>> {
        let state = self.read();
        let known = &state.whole.as_ref()?.workloads;
        let having = labels.iter().map(|(key, value)| known.get(&hash(key, value)).map_or(&[][..], Vec::as_slice));
        having.min_by_key(|ids| ids.len()).filter(|ids| ids.len() <= FEW).map(<[i64]>::to_vec)
    }

    /// Goes on with the history; whether everything that changed until now is contained.
    async fn follow(&self, db: &Db, now: Timestamp) -> Result<bool, StoreError> {
        let Some(upto) = self.read().whole.as_ref().map(|whole| whole.upto) else { return Ok(true) };
        let settled = sequence::current(db, now).await?;
        if settled < upto {
            // The database was set back.
            self.write().whole = None;
            return Ok(true);
        }
        let sql =
            "SELECT sequence, resource_type, resource_id FROM history WHERE sequence > ? ORDER BY sequence LIMIT ?";
        let limit = Value::from(u64::try_from(PART).unwrap_or(u64::MAX));
        let mut executor = db;
        let rows = executor.fetch(sql.to_owned(), vec![upto.into(), limit]).await?;
        let (mut last, mut ids) = (upto, Vec::new());
        for row in &rows {
            last = row.get("sequence")?;
            if row.get::<String>("resource_type")? == "workload" {
                ids.push(row.get::<i64>("resource_id")?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let select = format!("SELECT id, {} AS labels FROM compute_workloads WHERE", db.dialect().json_text("labels"));
        let found = executor.fetch_in(&select, "id", vec![], ids.into_iter().map(Value::from).collect()).await?;
        let whole = rows.len() < PART;
        let mut state = self.write();
        if let Some(known) = &mut state.whole {
            for row in &found {
                known.enter(row)?;
            }
            // What is behind a gap is read again.
            known.upto = known.upto.max(if whole { settled } else { last.min(settled) });
        }
        Ok(whole)
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Whole {
    /// Reads the labels of all workloads.
    async fn read(db: &Db, now: Timestamp) -> Result<Self, StoreError> {
        // Before the rows: what changes in between is read again.
        let mut whole = Self { upto: sequence::current(db, now).await?, ..Self::default() };
        let sql = format!(
            "SELECT w.id, {} AS labels FROM compute_workloads w WHERE w.id > ? ORDER BY w.id LIMIT ?",
            db.dialect().json_text("w.labels")
        );
        let mut after = 0_i64;
        loop {
            let limit = Value::from(u64::try_from(PART).unwrap_or(u64::MAX));
            let mut executor = db;
            let rows = executor.fetch(sql.clone(), vec![after.into(), limit]).await?;
            for row in &rows {
                whole.enter(row)?;
            }
            match rows.last() {
                Some(row) if rows.len() == PART => after = row.get("id")?,
                _ => return Ok(whole),
            }
        }
    }

    fn enter(&mut self, row: &Row) -> Result<(), StoreError> {
        let id: i64 = row.get("id")?;
        let Some(Json::Object(labels)) = row.json::<Json>("labels")? else { return Ok(()) };
        for (key, value) in labels.iter().filter_map(|(key, value)| Some((key, value.as_str()?))) {
            let workloads = self.workloads.entry(hash(key, value)).or_default();
            if let Err(place) = workloads.binary_search(&id) {
                workloads.insert(place, id);
            }
        }
        Ok(())
    }
}

fn hash(key: &str, value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (key, value).hash(&mut hasher);
    hasher.finish()
}

/// The workload is one of these. The last one is repeated until there are as many as a power of two, so that the statement
/// is one of few.
fn among(ids: Vec<i64>) -> Condition {
    let last = ids.last().copied().unwrap_or_default();
    let count = ids.len().max(1).next_power_of_two();
    let values = ids.into_iter().chain(std::iter::repeat(last)).take(count).map(Value::from).collect();
    Condition { sql: format!("w.id IN ({})", vec!["?"; count].join(", ")), values }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::query::{
        Context, Workload, list,
        testing::{Seed, compute, now, on_both, places, run},
    };

    on_both!(a_label_is_found_by_the_index_as_without_it, what_changed_since_is_found, what_many_have_is_not_named);

    async fn asked(index: &LabelIndex, db: &Db, labels: &[&str]) -> (Vec<i64>, bool) {
        let parameters: Vec<_> = labels.iter().map(|label| ("label".to_owned(), (*label).to_owned())).collect();
        let mut request = ListRequest::parse::<Workload>(&Context::of(db, now()), &parameters).unwrap();
        let before = request.conditions.len();
        index.narrow(db, now(), &mut request).await.unwrap();
        let named = request.conditions.len() > before;
        let page = list::<Workload>(db, now(), &request).await.unwrap();
        (page.items.iter().map(|item| item.id).collect(), named)
    }

    async fn seeded(db: &Db) -> LabelIndex {
        places(db).await;
        compute(db, 1, "web-1", Some(1)).await;
        for (id, labels) in [
            (1, json!({ "tier": "gold", "team": "red" })),
            (2, json!({ "tier": "silver", "team": "red" })),
            (3, json!({ "tier": "gold" })),
            (4, json!({ "tier=gold": "x", "a\"b": "c\\d" })),
        ] {
            Seed { labels, ..Seed::container(id, 1, "odd") }.store(db).await;
        }
        LabelIndex::default()
    }

    async fn a_label_is_found_by_the_index_as_without_it(db: &Db) {
        let index = seeded(db).await;
        for named in [false, true] {
            for (labels, ids) in [
                (&["tier=gold"][..], &[1, 3][..]),
                (&["tier=gold", "team=red"], &[1]),
                (&["team=red"], &[1, 2]),
                (&["team=blue"], &[]),
                (&["a\"b=c\\d"], &[4]),
            ] {
                assert_eq!(asked(&index, db, labels).await, (ids.to_vec(), named), "{labels:?}");
            }
            assert_eq!(asked(&index, db, &["tier"]).await, (vec![1, 2, 3], false), "a key alone is not in it");
            index.keep_up(db, now()).await.unwrap();
        }
    }

    async fn changed(db: &Db, id: i64, labels: &Json) {
        run(db, "UPDATE compute_workloads SET labels = ? WHERE id = ?", vec![labels.into(), id.into()]).await;
        let sql = "INSERT INTO history (recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, \
                   resource_id, resource_name) VALUES (1, 1, 'agent', 'a', 'altered', 'workload', ?, 'odd')";
        run(db, sql, vec![id.into()]).await;
    }

    async fn what_changed_since_is_found(db: &Db) {
        let index = seeded(db).await;
        assert_eq!(asked(&index, db, &["tier=gold"]).await, (vec![1, 3], false));
        index.keep_up(db, now()).await.unwrap();
        changed(db, 2, &json!({ "tier": "gold" })).await;
        changed(db, 3, &json!({ "tier": "bronze" })).await;
        assert_eq!(asked(&index, db, &["tier=gold"]).await, (vec![1, 2], true), "an entry of the past does no harm");
        assert_eq!(asked(&index, db, &["tier=bronze"]).await, (vec![3], true));
        run(db, "DELETE FROM history", vec![]).await;
        assert_eq!(asked(&index, db, &["tier=gold"]).await, (vec![1, 2], false), "a database that was set back");
    }

    async fn what_many_have_is_not_named(db: &Db) {
        let index = seeded(db).await;
        assert!(!asked(&index, db, &["tier=gold"]).await.1);
        index.keep_up(db, now()).await.unwrap();
        let many = (0..).take(FEW + 1).collect();
        index.write().whole.as_mut().unwrap().workloads.insert(hash("tier", "gold"), many);
        assert_eq!(asked(&index, db, &["tier=gold"]).await, (vec![1, 3], false));
        assert_eq!(asked(&index, db, &["tier=gold", "team=red"]).await, (vec![1], true), "the fewest are named");
    }
}
