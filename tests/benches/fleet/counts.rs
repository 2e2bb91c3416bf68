//! What all agents of a fleet count together.

use std::{
    fmt,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use orchestrix_tests::stats::Times;

/// A number that all agents change.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn add(&self, more: usize) {
        self.0.fetch_add(more, Relaxed);
    }

    pub(crate) fn sub(&self, less: usize) {
        self.0.fetch_sub(less, Relaxed);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// What happened so far, and how many are how just now.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) enrolled: Count,
    /// Agents whose whole first picture is stored.
    pub(crate) reported: Count,
    /// Sessions that were welcomed.
    pub(crate) opened: Count,
    /// Agents with a session and nothing left that is not acknowledged. Goes up and down.
    pub(crate) settled: Count,
    /// Connections and sessions that broke, and tries that failed.
    pub(crate) breaks: Count,
    /// Tries that were put off because too many came at once.
    pub(crate) put_off: Count,
    /// Troubles that an agent takes for permanent.
    pub(crate) permanent: Count,
    pub(crate) heartbeats: Count,
    /// Sources that the collector wanted listed.
    pub(crate) listings: Count,
    /// Entities that the collector wanted.
    pub(crate) wanted: Count,
    pub(crate) applied: Count,
    pub(crate) duplicates: Count,
    /// Reports that were held or refused, and sessions whose reports are held.
    pub(crate) refused: Count,
    latencies: Latencies,
}

/// Times that are not shown with the counts, being too many.
#[derive(Default)]
struct Latencies(Mutex<Vec<Duration>>);

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} times", self.0.lock().unwrap().len())
    }
}

impl Counts {
    /// Notes how long a change waited for its acknowledgement.
    pub(crate) fn acknowledged(&self, after: Duration) {
        self.latencies.0.lock().unwrap().push(after);
    }

    /// Takes the times that were noted since the last call.
    pub(crate) fn latencies(&self) -> Times {
        std::mem::take(&mut *self.latencies.0.lock().unwrap()).into_iter().collect()
    }

    /// How many changes were acknowledged since [`Self::latencies`] was called.
    pub(crate) fn acknowledged_count(&self) -> usize {
        self.latencies.0.lock().unwrap().len()
    }
}
