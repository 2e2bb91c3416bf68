//! CARRY: keeps reports on disk until a collector has stored them.
//!
//! # Contract
//! - **Order and numbers.** Reports are numbered from 1 without gaps and read back in that order. Numbers go on over
//!   restarts; they count within the outbox's random identity. When the disk lost numbers that a collector had seen,
//!   the outbox takes a new identity, so that a number never means two reports.
//! - **Durability.** [`Outbox::append`] returns after `fdatasync`, one for all reports of a call. Only then may a report
//!   be sent. A `kill -9` or a power cut loses at most what was not appended yet.
//! - **Form.** Segment files `<first number>.log` hold records of length, number, checksum (the first 8 bytes of BLAKE3)
//!   and an encoded `orchestrix.discovery.v1.Report`. A segment is cut at its first bad record when it is opened;
//!   nothing behind that is guessed at. `meta` holds the identity, the newest acknowledged number and the drop count.
//! - **Bound.** Past `outbox_max_bytes` the oldest segment goes, acknowledged or not; unacknowledged reports in it are
//!   counted as dropped. This costs history, not truth: collectors compare digests and ask for what they miss.
//! - **A full or read-only disk** does not stop the agent, and a full one does not keep it from starting: reports are kept
//!   in memory (at most 4 MiB, the oldest dropped and counted), the trouble is shown in the status, and the next append
//!   tries the disk again.
//! - **Trimming.** A segment goes when all of it is acknowledged. The number of the newest acknowledged report is saved
//!   then and on [`Outbox::close`]; after a crash the collector's Welcome tells it again.
//!
//! It knows nothing of sessions, and of a report's content only that it is encoded when it is appended.

mod meta;
mod record;
mod segment;
mod store;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use orchestrix_common::{id::OutboxId, model::SourceReport, time::Timestamp};

pub use record::Record;
use store::Store;

/// Why an outbox could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The folder or a file in it cannot be used.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        #[source]
        source: std::io::Error,
    },
}

/// Where an outbox stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its identity.
    pub id: OutboxId,
    /// Number of the newest report; zero when there never was one.
    pub head_sequence: u64,
    /// Newest report that is known to be acknowledged; zero when none is.
    pub acknowledged_sequence: u64,
    /// Reports dropped since it was made.
    pub dropped_reports: u64,
    /// Reports that wait for an acknowledgement and are still there.
    pub waiting_reports: u64,
    /// Bytes on disk and in memory.
    pub bytes: u64,
    /// Bytes that it may take on disk.
    pub max_bytes: u64,
    /// Why reports are kept in memory only; `None` while the disk works.
    pub trouble: Option<String>,
}

/// A queue of reports on disk. Cheap to clone; all clones are the same outbox.
#[derive(Clone, Debug)]
pub struct Outbox(Arc<Mutex<Store>>);

impl Outbox {
    /// Opens the outbox in a folder, or makes one. Blocks on the disk.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written.
    pub fn open(folder: &Path, max_bytes: u64) -> Result<Self, OutboxError> {
        Store::open(folder, max_bytes).map(|store| Self(Arc::new(Mutex::new(store))))
    }

    /// Appends reports with these contents and answers with the number of the newest.
    pub async fn append(&self, reports: Vec<Vec<SourceReport>>, at: Timestamp) -> u64 {
        self.blocking(move |store| store.append(reports, at)).await.unwrap_or_else(|| self.position().head_sequence)
    }

    /// Reads reports behind `sequence`, in order: as many as fit into `max_bytes`, at least one if there is one.
    pub async fn reports_after(&self, sequence: u64, max_bytes: usize) -> Vec<Record> {
        self.blocking(move |store| store.after(sequence, max_bytes)).await.unwrap_or_default()
    }

    /// Lets everything up to `sequence` go.
    pub async fn acknowledge(&self, sequence: u64) {
        self.blocking(move |store| store.acknowledge(sequence)).await;
    }

    /// Takes a new identity, because a collector has seen numbers that the disk lost.
    pub async fn renew_identity(&self) {
        self.blocking(Store::renew_identity).await;
    }

    /// Changes the bytes that reports may take on disk; the next append keeps to it.
    pub fn set_bound(&self, max_bytes: u64) {
        self.lock().set_bound(max_bytes);
    }

    /// Where it stands.
    #[must_use]
    pub fn position(&self) -> Position {
        self.lock().position()
    }

    /// Saves what is only saved now and then.
    pub async fn close(&self) {
        self.blocking(Store::close).await;
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        // Each operation leaves the store consistent before it can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn blocking<T: Send + 'static>(&self, work: impl FnOnce(&mut Store) -> T + Send + 'static) -> Option<T> {
        let this = self.clone();
        let result = tokio::task::spawn_blocking(move || work(&mut this.lock())).await;
        result.inspect_err(|error| tracing::error!(%error, "outbox operation failed")).ok()
    }
}
