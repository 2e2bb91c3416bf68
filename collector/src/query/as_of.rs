//! Points in the past that a question may name, and the database as of them.
//!
//! A point is the number of a change or a time; of a time counts the last change recorded until then. It must lie in what
//! the history still holds: what came before the first entry, or before what retention kept, is not known.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::sequence;
use crate::store::{
    Db, StoreError,
    rows::history::{HistoryStart, history_last_until, history_start},
};

/// Collectors' clocks agree within this: so much earlier may be recorded what has a higher number.
const SKEW: Duration = Duration::from_secs(60);

/// A point in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// As of a time.
    Time(Timestamp),
    /// As of a change.
    Sequence(i64),
}

impl AsOf {
    /// What a point in the past looks like, for those who got it wrong.
    pub const EXPECTED: &'static str = "an RFC 3339 time or the number of a change";

    /// Reads an RFC 3339 time or a whole number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self::Sequence).ok().or_else(|| Timestamp::parse_rfc3339(text).map(Self::Time))
    }

    /// Reads a member of a request.
    pub(super) fn from_json(value: &Json) -> Option<Self> {
        match value {
            Json::String(text) => Self::parse(text),
            value => value.as_i64().map(Self::Sequence),
        }
    }
}

/// Why the inventory cannot be read as of a point.
#[derive(Debug, thiserror::Error)]
pub enum AsOfError {
    /// It has not happened yet.
    #[error("lies in the future; the latest change is {latest}, and it is {now}")]
    Future {
        /// The latest change.
        latest: i64,
        /// The time.
        now: Timestamp,
    },
    /// The history does not reach that far.
    #[error("lies before what is known; the earliest possible time is {}, that of change {}", earliest.at, earliest.sequence)]
    TooEarly {
        /// Where the known past begins.
        earliest: HistoryStart,
    },
    /// There is no history yet.
    #[error("cannot be answered: nothing was recorded yet")]
    NoHistory,
    /// The database failed.
    #[error("read the history")]
    Store(#[from] StoreError),
}

/// The database as of a point in the past.
///
/// # Errors
/// When the point lies in the future or before the known past, or the database fails.
pub async fn open(db: &Db, now: Timestamp, point: AsOf) -> Result<Db, AsOfError> {
    let mut executor = db;
    let earliest = history_start(&mut executor).await?.ok_or(AsOfError::NoHistory)?;
    let latest = sequence::current(db, now).await?;
    let sequence = match point {
        AsOf::Sequence(sequence) if sequence > latest => return Err(AsOfError::Future { latest, now }),
        AsOf::Time(at) if at > now => return Err(AsOfError::Future { latest, now }),
        AsOf::Sequence(sequence) if sequence < earliest.sequence => return Err(AsOfError::TooEarly { earliest }),
        AsOf::Time(at) if at < earliest.at => return Err(AsOfError::TooEarly { earliest }),
        AsOf::Sequence(sequence) => sequence,
        AsOf::Time(at) => {
            let last = history_last_until(&mut executor, at, SKEW).await?.unwrap_or(earliest.sequence);
            // What is behind a young gap may still be joined by an earlier number.
            last.clamp(earliest.sequence, latest.max(earliest.sequence))
        }
    };
    Ok(db.as_of(sequence).await?)
}

/// Makes sure that what was just read as of the past was still all there: retention may have moved on meanwhile.
///
/// # Errors
/// When it was not, or the database fails.
pub async fn confirm(past: &Db) -> Result<(), AsOfError> {
    let Some(point) = past.past() else { return Ok(()) };
    let mut executor = past.present();
    match history_start(&mut executor).await? {
        Some(earliest) if point.sequence() < earliest.sequence => Err(AsOfError::TooEarly { earliest }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_a_number_or_a_time() {
        assert_eq!(AsOf::parse("17"), Some(AsOf::Sequence(17)));
        let time = Timestamp::parse_rfc3339("2026-03-01T12:00:00Z").unwrap();
        assert_eq!(AsOf::parse("2026-03-01T13:00:00+01:00"), Some(AsOf::Time(time)));
        assert_eq!(AsOf::from_json(&Json::from(17)), Some(AsOf::Sequence(17)));
        for wrong in ["", "yesterday", "1.5", "2026-03-01"] {
            assert_eq!(AsOf::parse(wrong), None, "{wrong}");
        }
    }
}
