//! Up to which change something is true, and which changes follow.
//!
//! On MariaDB several transactions count up at once and commit in another order: change 8 can be visible before change
//! 7 is. A reader that went on from 8 would never see 7. So a change behind a gap is held back until it is
//! [`SETTLE`] old; by then the missing number is either visible or was rolled back. SQLite has one writer and no gaps
//! that fill up later.

use std::time::Duration;

use orchestrix_common::time::Timestamp;

use super::{HistoryEntry, Resource as _};
use crate::store::{Db, Dialect, Executor as _, StoreError, Value, rows::history::history_start};

/// The age at which a gap in the numbers is final. Transactions here take milliseconds.
pub const SETTLE: Duration = Duration::from_secs(2);

/// Changes that are looked at to find a young gap. More than these within [`SETTLE`] are held back as a whole.
const RECENT: i64 = 512;

/// The number up to which every change is visible; zero when there is none.
///
/// # Errors
/// When a statement fails.
pub async fn current(db: &Db, now: Timestamp) -> Result<i64, StoreError> {
    if let Some(past) = db.past() {
        return Ok(past.sequence());
    }
    let mut executor = db;
    let (sql, values) = match db.dialect() {
        Dialect::Sqlite => ("SELECT sequence, recorded_at_us FROM history ORDER BY sequence DESC LIMIT 1", vec![]),
        Dialect::MySql => {
            ("SELECT sequence, recorded_at_us FROM history ORDER BY sequence DESC LIMIT ?", vec![Value::Int(RECENT)])
        }
    };
    let rows = executor.fetch(sql.to_owned(), values).await?;
    let recent = rows.iter().map(|row| Ok((row.get("sequence")?, row.time("recorded_at_us")?)));
    let recent = recent.collect::<Result<Vec<(i64, Timestamp)>, StoreError>>()?;
    Ok(match db.dialect() {
        Dialect::Sqlite => recent.first().map_or(0, |(sequence, _)| *sequence),
        Dialect::MySql => settled(&recent, now),
    })
}

/// Whether changes after `since` were forgotten.
///
/// # Errors
/// When the statement fails.
pub async fn forgotten(db: &Db, since: i64) -> Result<bool, StoreError> {
    let mut executor = db;
    // Numbers begin at one: who asks from zero has seen nothing, and the first entry may still be there.
    let start = history_start(&mut executor).await?;
    Ok(start.is_some_and(|start| start.forgotten && since < start.sequence))
}

/// The changes after `since`, oldest first, at most `limit`. Ends in front of a young gap.
///
/// # Errors
/// When a statement fails.
pub async fn changes(db: &Db, since: i64, limit: u32, now: Timestamp) -> Result<Vec<HistoryEntry>, StoreError> {
    let context = super::Context::of(db, now);
    let sql = format!("{} WHERE h.sequence > ? ORDER BY h.sequence LIMIT ?", HistoryEntry::select(&context));
    let mut executor = db;
    let rows = executor.fetch(sql, vec![Value::Int(since), Value::from(limit)]).await?;
    let mut entries = rows.iter().map(HistoryEntry::read).collect::<Result<Vec<_>, _>>()?;
    if db.dialect() == Dialect::MySql {
        let numbers = entries.iter().map(|entry| (entry.sequence, entry.recorded_at.0));
        let whole = gapless(since, numbers, now);
        entries.truncate(whole);
    }
    Ok(entries)
}

/// How many of the ascending changes after `since` may be told: those in front of the first young gap.
fn gapless(since: i64, changes: impl Iterator<Item = (i64, Timestamp)>, now: Timestamp) -> usize {
    let young = now.minus(SETTLE);
    let mut before = since;
    let mut count = 0;
    for (sequence, recorded_at) in changes {
        if sequence != before + 1 && recorded_at > young {
            break;
        }
        before = sequence;
        count += 1;
    }
    count
}

/// The highest number in front of every young gap. `recent` is descending.
fn settled(recent: &[(i64, Timestamp)], now: Timestamp) -> i64 {
    let young = now.minus(SETTLE);
    let mut settled = recent.first().map_or(0, |(sequence, _)| *sequence);
    for (index, (sequence, recorded_at)) in recent.iter().enumerate() {
        if *recorded_at <= young {
            // Behind it nothing is young either, as far as the collectors' clocks agree.
            return settled;
        }
        let before = recent.get(index + 1).map(|(before, _)| *before);
        if before != Some(sequence - 1) {
            settled = before.unwrap_or(if *sequence == 1 { settled } else { sequence - 1 });
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn at(seconds_ago: i64) -> Timestamp {
        Timestamp::from_secs(1_000 - seconds_ago)
    }

    #[test]
    fn a_change_behind_a_young_gap_is_held_back() {
        let told = |changes: &[(i64, Timestamp)]| gapless(5, changes.iter().copied(), NOW);
        assert_eq!(told(&[(6, at(0)), (7, at(0))]), 2);
        assert_eq!(told(&[(6, at(0)), (8, at(0)), (9, at(0))]), 1);
        assert_eq!(told(&[(7, at(1))]), 0);
        assert_eq!(told(&[(7, at(3)), (9, at(2))]), 2, "an old gap is one for ever");
    }

    #[test]
    fn the_current_number_lies_in_front_of_young_gaps() {
        assert_eq!(settled(&[], NOW), 0);
        assert_eq!(settled(&[(1, at(0))], NOW), 1);
        assert_eq!(settled(&[(9, at(0)), (8, at(0)), (7, at(9))], NOW), 9);
        assert_eq!(settled(&[(9, at(0)), (7, at(0)), (6, at(9))], NOW), 7);
        assert_eq!(settled(&[(9, at(0)), (7, at(0)), (5, at(1)), (4, at(9))], NOW), 5);
        assert_eq!(settled(&[(9, at(3)), (5, at(4))], NOW), 9);
        assert_eq!(settled(&[(9, at(0)), (8, at(0))], NOW), 7, "what was not looked at may have a gap");
    }
}
