//! Why a collector did not start, or did not go on.

use std::{io, net::SocketAddr, path::PathBuf};

use metrics_exporter_prometheus::BuildError;
use tokio::task::JoinError;

use super::CertificateError;
use crate::{admin::AdminError, backup::LockError, pki::PkiError, store::StoreError};

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
    /// Another process uses the data folder.
    #[error(transparent)]
    Locked(#[from] LockError),
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
    /// The CA cannot be used.
    #[error("certificate authority is not usable")]
    Trust(#[from] PkiError),
    /// The administrator's token cannot be read or made.
    #[error("administrator's token is not usable")]
    AdminToken(#[from] AdminError),
    /// The certificate of the API's port cannot be served.
    #[error("certificate of the API is not usable")]
    Certificate(#[from] CertificateError),
    /// The agents' server failed.
    #[error("serve the agents")]
    AgentsServer(#[source] tonic::transport::Error),
    /// The API's server failed.
    #[error("serve the API")]
    ApiServer(#[source] io::Error),
    /// A task that runs as long as the collector ended by itself.
    #[error("task ended by itself: {0}")]
    TaskEnded(&'static str),
    /// A task panicked; the log says where.
    #[error("task panicked")]
    TaskPanicked(#[source] JoinError),
    /// Measurements cannot be taken.
    #[error("set up the metrics")]
    Metrics(#[source] BuildError),
    /// Signals cannot be watched.
    #[error("watch for signals")]
    Signal(#[source] io::Error),
}
