//! Takes a sample of the inventory every quarter of an hour, for pictures over time: how much there is, and what
//! environments take. These are figures that are measured anew all the time and have no history of their own.
//!
//! Several collectors may do so at once: the first one's sample of a time stays. It knows nothing of HTTP.

mod take;
mod thin;

#[cfg(test)]
mod tests;

use std::time::Duration;

use orchestrix_common::time::{SharedClock, Timestamp};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::thin::{EVERY, begin_of, surplus, youngest};
use crate::store::{
    Db, StoreError,
    rows::sample::{sample_delete_in_tx, sample_insert_in_tx, sample_is_there, sample_times},
};

/// How often is looked whether it is time: the sample of a new installation is not long in coming.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Samples until `stop`. What is older than the history may be goes with it: `keep`, `None` for all of it.
pub async fn keep_samples(
    db: Db,
    clock: SharedClock,
    keep: watch::Receiver<Option<Duration>>,
    stop: CancellationToken,
) {
    loop {
        let span = *keep.borrow();
        match sample(&db, clock.now(), span).await {
            Ok(true) => metrics::counter!("orchestrix_sample_taken_total").increment(1),
            Ok(false) => {}
            Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "no sample could be taken"),
        }
        // Cancel-safe: both arms only wait.
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Takes the sample of this quarter of an hour, unless it is there, and forgets those that are too many; whether it took
/// one.
///
/// # Errors
/// When the database failed; a sample that was begun is not there then.
pub async fn sample(db: &Db, now: Timestamp, keep: Option<Duration>) -> Result<bool, StoreError> {
    let at = begin_of(now, EVERY);
    let mut executor = db;
    if sample_is_there(&mut executor, at).await? {
        return Ok(false);
    }
    let (used, counts) = (take::used(db, at).await?, take::counts(db, now, at).await?);
    crate::transaction!(db, |tx| sample_insert_in_tx(tx, &used, &counts).await?)?;
    let surplus = surplus(&sample_times(&mut executor, youngest(now)).await?, now, keep);
    if !surplus.is_empty() {
        crate::transaction!(db, |tx| sample_delete_in_tx(tx, &surplus).await?)?;
    }
    Ok(true)
}
