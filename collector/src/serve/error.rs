//! Why a collector did not start, or did not go on.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::store::StoreError;

/// Why a collector did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error("data folder {} is not writable; name another one with --data-dir or change its owner", .dir.display())]
    DataDir {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The inventory database cannot be used.
    #[error("inventory database is not usable")]
    Database(#[source] StoreError),
    /// An address cannot be listened on.
    #[error("cannot listen on {address} ({key}); is another collector running?")]
    Listen {
        /// The configuration key.
        key: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Signals cannot be watched.
    #[error("watch for signals")]
    Signal(#[source] io::Error),
}
