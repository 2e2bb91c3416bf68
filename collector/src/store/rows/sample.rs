//! What there was from time to time: what environments took, and how much there was of everything.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, Row, StoreError, Tx, Value};

/// What a part of the measured computes came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What an environment took.
    Environment(i64),
    /// In use, and claimed by no environment.
    Unclaimed,
    /// Not in use.
    Idle,
}

impl Part {
    const fn columns(self) -> (&'static str, i64) {
        match self {
            Self::Environment(id) => ("environment", id),
            Self::Unclaimed => ("unclaimed", 0),
            Self::Idle => ("idle", 0),
        }
    }

    /// `None` for what a later version may have written.
    fn read(word: &str, environment: i64) -> Option<Self> {
        match word {
            "environment" => Some(Self::Environment(environment)),
            "unclaimed" => Some(Self::Unclaimed),
            "idle" => Some(Self::Idle),
            _ => None,
        }
    }
}

/// How much of the measured computes a part took at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UseSample {
    /// When.
    pub at: Timestamp,
    /// Which part.
    pub part: Part,
    /// Computes of which it took something.
    pub computes: u64,
    /// Thousandths of a core.
    pub cpu_millicores: u64,
    /// Bytes.
    pub memory_bytes: u64,
}

/// How much there was at a partner at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountSample {
    /// When.
    pub at: Timestamp,
    /// The partner; zero for what is in no place.
    pub partner_id: i64,
    /// Computes.
    pub computes: u64,
    /// Of these, those whose agent was heard of.
    pub connected: u64,
    /// Of these, those whose agent was not.
    pub unreachable: u64,
    /// Of these, those that no agent looked at.
    pub unwatched: u64,
    /// Of the connected ones, those that were seen in full.
    pub covered: u64,
    /// Workloads that had not ended, as far as was known.
    pub workloads: u64,
}

const USE: &str = "environment_samples";
const COUNTS: &str = "inventory_samples";
const AT: &str = "sampled_at_us";

fn amount(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Stores what was sampled. A time that another collector has sampled already stays as it is.
///
/// # Errors
/// When a statement fails.
pub async fn sample_insert_in_tx(tx: &mut Tx, used: &[UseSample], counts: &[CountSample]) -> Result<(), StoreError> {
    let columns = [AT, "part", "environment_id", "computes", "cpu_millicores", "memory_bytes"];
    let ending = tx.dialect().on_conflict(&columns[..3], &[]);
    let rows = used.iter().map(|sample| {
        let UseSample { at, part, computes, cpu_millicores, memory_bytes } = *sample;
        let (word, environment) = part.columns();
        let amounts = [computes, cpu_millicores, memory_bytes].map(amount);
        [at.into(), word.into(), environment.into()].into_iter().chain(amounts).collect()
    });
    tx.insert_many(USE, &columns, rows.collect(), &ending).await?;
    let columns = [AT, "partner_id", "computes", "connected", "unreachable", "unwatched", "covered", "workloads"];
    let ending = tx.dialect().on_conflict(&columns[..2], &[]);
    let rows = counts.iter().map(|sample| {
        let CountSample { at, partner_id, computes, connected, unreachable, unwatched, covered, workloads } = *sample;
        let amounts = [computes, connected, unreachable, unwatched, covered, workloads].map(amount);
        [at.into(), partner_id.into()].into_iter().chain(amounts).collect()
    });
    tx.insert_many(COUNTS, &columns, rows.collect(), &ending).await
}

/// When samples were taken before `until`, the oldest first.
///
/// # Errors
/// When the statement fails.
pub async fn sample_times(from: &mut impl Executor, until: Timestamp) -> Result<Vec<Timestamp>, StoreError> {
    let sql = format!("SELECT DISTINCT {AT} FROM {COUNTS} WHERE {AT} < ? ORDER BY {AT}");
    from.fetch(sql, vec![until.into()]).await?.iter().map(|row| row.time(AT)).collect()
}

/// Whether a sample of this time is there.
///
/// # Errors
/// When the statement fails.
pub async fn sample_is_there(from: &mut impl Executor, at: Timestamp) -> Result<bool, StoreError> {
    let sql = format!("SELECT {AT} FROM {COUNTS} WHERE {AT} = ? LIMIT 1");
    Ok(from.fetch_optional(sql, vec![at.into()]).await?.is_some())
}

/// Forgets the samples of some times.
///
/// # Errors
/// When a statement fails.
pub async fn sample_delete_in_tx(tx: &mut Tx, times: &[Timestamp]) -> Result<(), StoreError> {
    for table in [USE, COUNTS] {
        let keys = times.iter().map(|at| Value::from(*at)).collect();
        tx.execute_in(&format!("DELETE FROM {table} WHERE"), AT, vec![], keys).await?;
    }
    Ok(())
}

/// What parts took from `since` to `until`, the oldest first.
///
/// # Errors
/// When the statement fails.
pub async fn sample_use(
    from: &mut impl Executor,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<UseSample>, StoreError> {
    let sql = format!(
        "SELECT {AT}, part, environment_id, computes, cpu_millicores, memory_bytes FROM {USE} \
         WHERE {AT} >= ? AND {AT} <= ? ORDER BY {AT}, part, environment_id"
    );
    let rows = from.fetch(sql, vec![since.into(), until.into()]).await?;
    let read = |row: &Row| {
        let Some(part) = Part::read(&row.get::<String>("part")?, row.get("environment_id")?) else { return Ok(None) };
        Ok(Some(UseSample {
            at: row.time(AT)?,
            part,
            computes: row.get("computes")?,
            cpu_millicores: row.get("cpu_millicores")?,
            memory_bytes: row.get("memory_bytes")?,
        }))
    };
    rows.iter().filter_map(|row| read(row).transpose()).collect()
}

/// How much there was from `since` to `until`, the oldest first.
///
/// # Errors
/// When the statement fails.
pub async fn sample_counts(
    from: &mut impl Executor,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<CountSample>, StoreError> {
    let sql = format!(
        "SELECT {AT}, partner_id, computes, connected, unreachable, unwatched, covered, workloads FROM {COUNTS} \
         WHERE {AT} >= ? AND {AT} <= ? ORDER BY {AT}, partner_id"
    );
    let rows = from.fetch(sql, vec![since.into(), until.into()]).await?;
    let read = |row: &Row| {
        Ok(CountSample {
            at: row.time(AT)?,
            partner_id: row.get("partner_id")?,
            computes: row.get("computes")?,
            connected: row.get("connected")?,
            unreachable: row.get("unreachable")?,
            unwatched: row.get("unwatched")?,
            covered: row.get("covered")?,
            workloads: row.get("workloads")?,
        })
    };
    rows.iter().map(read).collect()
}
