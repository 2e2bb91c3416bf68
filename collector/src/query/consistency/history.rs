//! The history against itself: numbers that are missing, and changes that do not follow from the one before.
//!
//! The newest [`LOOKED_AT`] entries are read, in their order. What a change says of the row before it is compared with what
//! the last change of the same field left there. Fields that are measured anew all the time have no history and are left
//! out.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use super::{Finding, MOST, Severity};
use crate::store::{Db, Dialect, Executor as _, Row, StoreError, rows::history::history_start};

/// Entries that are looked at.
const LOOKED_AT: i64 = 100_000;
/// Entries of one read.
const BATCH: i64 = 1_000;
/// Fields that change without an entry.
const MEASURED: [&str; 7] =
    ["allocatedPercentage", "measuredPercentage", "reachable", "connectedAt", "reportedAt", "lastSeenAt", "updatedAt"];

/// What an entry is about: type, key and number of the resource.
type About = (String, String, i64);

/// Finds them.
pub(super) async fn contradictions(mut db: &Db) -> Result<Vec<Finding>, StoreError> {
    let sql = "SELECT MAX(sequence) AS last FROM history";
    let last: Option<i64> = match db.fetch_optional(sql.to_owned(), vec![]).await? {
        Some(row) => row.get("last")?,
        None => None,
    };
    let Some(last) = last else { return Ok(Vec::new()) };
    let start = history_start(&mut db).await?;
    let forgotten = start.filter(|start| start.forgotten).map_or(0, |start| start.sequence);
    let from = (last - LOOKED_AT).max(forgotten);
    // Numbers begin at one, and what retention took away is explained.
    let mut reader = Reader { before: from, states: HashMap::new(), gaps: Vec::new(), breaks: Vec::new() };
    let dialect = db.dialect();
    let counts_by_one = dialect == Dialect::Sqlite || counts_by_one(db).await?;
    let sql = format!(
        "SELECT sequence, resource_type, resource_key, resource_id, resource_name, {} AS before_state, {} AS after_state \
         FROM history WHERE sequence > ? ORDER BY sequence LIMIT ?",
        dialect.json_text("before_state"),
        dialect.json_text("after_state"),
    );
    loop {
        let rows = db.fetch(sql.clone(), vec![reader.before.into(), BATCH.into()]).await?;
        for row in &rows {
            reader.entry(row)?;
        }
        if i64::try_from(rows.len()).unwrap_or(0) < BATCH {
            if !counts_by_one {
                reader.gaps.clear();
            }
            return Ok(reader.findings(dialect));
        }
    }
}

/// Whether a number follows on the one before. Nodes of a Galera cluster count in steps of their own, and what lies between
/// says nothing.
async fn counts_by_one(mut db: &Db) -> Result<bool, StoreError> {
    let sql = "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('auto_increment_increment', 'wsrep_on')";
    let values = db.fetch(sql.to_owned(), vec![]).await?;
    let values = values.iter().map(|row| row.get::<String>("Value")).collect::<Result<Vec<_>, _>>()?;
    Ok(values.iter().all(|value| value == "1" || value == "OFF"))
}

struct Reader {
    /// Number of the entry before.
    before: i64,
    /// What the entries so far left in the fields that they told of.
    states: HashMap<About, Map<String, Json>>,
    gaps: Vec<(i64, i64)>,
    breaks: Vec<(i64, String)>,
}

impl Reader {
    fn entry(&mut self, row: &Row) -> Result<(), StoreError> {
        let sequence: i64 = row.get("sequence")?;
        if sequence > self.before + 1 {
            self.gaps.push((self.before + 1, sequence - 1));
        }
        self.before = sequence;
        let about = (row.get("resource_type")?, row.get("resource_key")?, row.get("resource_id")?);
        let (was, is): (Option<Json>, Option<Json>) = (row.json("before_state")?, row.json("after_state")?);
        let state = self.states.entry(about).or_default();
        if let Some(Json::Object(was)) = &was {
            let differs = was.iter().find(|(field, value)| {
                !MEASURED.contains(&field.as_str()) && state.get(*field).is_some_and(|left| !same(left, value))
            });
            if let Some((field, value)) = differs {
                let name: String = row.get("resource_name")?;
                let left = state.get(field).cloned().unwrap_or_default();
                let kind: String = row.get("resource_type")?;
                self.breaks.push((sequence, format!("{kind} {name}, {field}: {left} was left, {value} was found")));
            }
        }
        match is {
            Some(Json::Object(is)) => state.extend(is),
            // It is no more; what comes back under its number is another story.
            _ => state.clear(),
        }
        Ok(())
    }

    fn findings(self, dialect: Dialect) -> Vec<Finding> {
        // MariaDB counts on when a transaction is given up; SQLite gives the number to the next one.
        let severity = match dialect {
            Dialect::Sqlite => Severity::Error,
            Dialect::MySql => Severity::Warning,
        };
        let gap = |(first, last): (i64, i64)| Finding {
            code: "history-gap",
            severity,
            subject: format!("change {first}"),
            detail: if first == last { String::new() } else { format!("to {last}") },
            problem: "is missing, and retention did not take it away",
            advice: "one that was given up leaves such a gap on MariaDB; if nothing else explains it, compare with a backup",
        };
        let broken = |(sequence, detail): (i64, String)| Finding {
            code: "history-contradiction",
            severity: Severity::Warning,
            subject: format!("change {sequence}"),
            detail,
            problem: "does not follow from the change before it",
            advice: "another program wrote to the database, or entries are missing; the past up to it may be read wrongly",
        };
        let most = MOST as usize;
        let gaps = self.gaps.into_iter().take(most).map(gap);
        gaps.chain(self.breaks.into_iter().take(most).map(broken)).collect()
    }
}

/// Whether two values say the same: numbers may be written with more or fewer digits.
fn same(one: &Json, other: &Json) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() < 1e-6,
        _ => one == other,
    }
}
