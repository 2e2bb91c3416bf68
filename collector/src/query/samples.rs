//! The inventory over time, from the samples that were taken of it: what environments took, and how much there was.
//!
//! One answer holds the times once and, for each line, a value per time: `null` where there was none.

use std::collections::{BTreeMap, HashMap};

use orchestrix_common::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Time;
use crate::store::{
    Db, Executor as _, StoreError, Value,
    rows::sample::{CountSample, Part, UseSample, sample_counts, sample_use},
};

/// What each environment took of the measured computes, over time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UseOverTime {
    /// When samples were taken, the oldest first: every quarter of an hour, of older times one of each hour, and of the
    /// oldest one of each day.
    pub times: Vec<Time>,
    /// Environments, and then what none of them had.
    pub series: Vec<UseSeries>,
}

/// What one part took. Parts come to what all measured computes had at the time, up to rounding.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UseSeries {
    /// `environment`, `unclaimed` (in use, and claimed by no environment) or `idle`.
    pub part: &'static str,
    /// The environment; `null` for the other parts.
    pub environment_id: Option<i64>,
    /// Its code; `null` when it is there no more.
    pub code: Option<String>,
    /// Its name; `null` when it is there no more.
    pub name: Option<String>,
    /// Computes of which it took something, at each time; `null` when it took nothing.
    pub computes: Vec<Option<u64>>,
    /// Processors, in thousandths of a core, at each time.
    pub cpu_millicores: Vec<Option<u64>>,
    /// Memory in bytes, at each time.
    pub memory_bytes: Vec<Option<u64>>,
}

/// How much there was, over time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Growth {
    /// When samples were taken, as in the use over time.
    pub times: Vec<Time>,
    /// By partner, and then what was in no place.
    pub series: Vec<GrowthSeries>,
}

/// How much there was at a partner.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GrowthSeries {
    /// The partner; `null` for what was in no place.
    pub partner_id: Option<i64>,
    /// Its name; `null` when it is there no more.
    pub name: Option<String>,
    /// Computes, at each time; `null` when the partner was not there.
    pub computes: Vec<Option<u64>>,
    /// Of these, those whose agent was heard of.
    pub connected: Vec<Option<u64>>,
    /// Of these, those whose agent was not.
    pub unreachable: Vec<Option<u64>>,
    /// Of these, those that no agent looked at.
    pub unwatched: Vec<Option<u64>>,
    /// Of the connected ones, those that were seen in full.
    pub covered: Vec<Option<u64>>,
    /// Workloads that had not ended, as far as was known.
    pub workloads: Vec<Option<u64>>,
}

/// The samples of each key by the position of their time.
type Lines<K, S> = BTreeMap<K, BTreeMap<usize, S>>;

fn lines<K: Ord, S>(samples: Vec<S>, at: impl Fn(&S) -> Timestamp, key: impl Fn(&S) -> K) -> (Vec<Time>, Lines<K, S>) {
    let mut times: Vec<Time> = Vec::new();
    let mut lines = Lines::new();
    for sample in samples {
        let time = Time(at(&sample));
        if times.last() != Some(&time) {
            times.push(time);
        }
        lines.entry(key(&sample)).or_insert_with(BTreeMap::new).insert(times.len() - 1, sample);
    }
    (times, lines)
}

fn values<S>(times: &[Time], line: &BTreeMap<usize, S>, value: impl Fn(&S) -> u64) -> Vec<Option<u64>> {
    (0..times.len()).map(|place| line.get(&place).map(&value)).collect()
}

/// Reads what environments took from `since` to `until`.
///
/// # Errors
/// When a statement fails.
pub async fn use_over_time(db: &Db, since: Timestamp, until: Timestamp) -> Result<UseOverTime, StoreError> {
    let mut executor = db;
    let samples = sample_use(&mut executor, since, until).await?;
    let (times, lines) = lines(samples, |sample| sample.at, |sample| sample.part);
    let environments = lines.keys().filter_map(|part| match part {
        Part::Environment(id) => Some(Value::Int(*id)),
        Part::Unclaimed | Part::Idle => None,
    });
    let rows = executor
        .fetch_in("SELECT id, code, name FROM environments WHERE", "id", vec![], environments.collect())
        .await?;
    let mut names: HashMap<i64, (Option<String>, Option<String>)> = HashMap::new();
    for row in &rows {
        names.insert(row.get("id")?, (row.get("code")?, row.get("name")?));
    }
    let series = lines.iter().map(|(part, line)| {
        let (word, environment_id) = match part {
            Part::Environment(id) => ("environment", Some(*id)),
            Part::Unclaimed => ("unclaimed", None),
            Part::Idle => ("idle", None),
        };
        let (code, name) = environment_id.and_then(|id| names.remove(&id)).unwrap_or_default();
        UseSeries {
            part: word,
            environment_id,
            code,
            name,
            computes: values(&times, line, |sample: &UseSample| sample.computes),
            cpu_millicores: values(&times, line, |sample| sample.cpu_millicores),
            memory_bytes: values(&times, line, |sample| sample.memory_bytes),
        }
    });
    let series = series.collect();
    Ok(UseOverTime { times, series })
}

/// Reads how much there was from `since` to `until`.
///
/// # Errors
/// When a statement fails.
pub async fn growth(db: &Db, since: Timestamp, until: Timestamp) -> Result<Growth, StoreError> {
    let mut executor = db;
    let samples = sample_counts(&mut executor, since, until).await?;
    // What is in no place comes last.
    let (times, lines) = lines(samples, |sample| sample.at, |sample| (sample.partner_id == 0, sample.partner_id));
    let partners = lines.keys().map(|(_, id)| Value::Int(*id)).collect();
    let rows = executor.fetch_in("SELECT id, name FROM partners WHERE", "id", vec![], partners).await?;
    let mut names: HashMap<i64, String> = HashMap::new();
    for row in &rows {
        names.insert(row.get("id")?, row.get("name")?);
    }
    let series = lines.iter().map(|((nowhere, id), line)| GrowthSeries {
        partner_id: (!nowhere).then_some(*id),
        name: names.remove(id),
        computes: values(&times, line, |sample: &CountSample| sample.computes),
        connected: values(&times, line, |sample| sample.connected),
        unreachable: values(&times, line, |sample| sample.unreachable),
        unwatched: values(&times, line, |sample| sample.unwatched),
        covered: values(&times, line, |sample| sample.covered),
        workloads: values(&times, line, |sample| sample.workloads),
    });
    let series = series.collect();
    Ok(Growth { times, series })
}
