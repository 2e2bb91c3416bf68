//! Runs a collector: puts the parts together, keeps them running, and ends them in order.
//!
//! It knows what depends on what and nothing of what the parts do. A core task that ends by itself ends the process
//! with its error, so that whoever supervises it sees it; it is never restarted in here.

mod agents;
mod api;
mod certificate;
mod error;
mod files;
mod live;
mod prepare;
mod signal;
pub(crate) mod supervisor;
mod tasks;

use std::{net::SocketAddr, sync::Arc};

use orchestrix_common::time::SharedClock;
use tokio_util::sync::CancellationToken;

use self::api::ApiPort;
pub use certificate::CertificateError;
pub use error::ServeError;
pub use live::Live;
pub use signal::on_signal;

use crate::{
    backup::FolderLock,
    metrics::Exposition,
    pki::TrustAuthority,
    reconcile::Reconciler,
    session::{AgentListener, Shared},
    store::Db,
};

/// A collector that is bound to its addresses and not yet serving.
#[derive(Debug)]
pub struct Collector {
    db: Db,
    clock: SharedClock,
    reconciler: Reconciler,
    authority: Arc<TrustAuthority>,
    sessions: Shared,
    agents: AgentListener,
    api: ApiPort,
    lock: Arc<FolderLock>,
    metrics: Exposition,
    live: Live,
}

impl Collector {
    /// Where agents connect.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn agents_address(&self) -> std::io::Result<SocketAddr> {
        self.agents.local_address()
    }

    /// Where the API is served.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn api_address(&self) -> std::io::Result<SocketAddr> {
        self.api.local_address()
    }

    /// What may be changed while it runs.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// The inventory database.
    #[must_use]
    pub const fn db(&self) -> &Db {
        &self.db
    }

    /// Serves until `stop` is cancelled or a core task ends, then lets sessions finish and closes the database.
    ///
    /// # Errors
    /// When a core task ended.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ServeError> {
        let (agents, api) = (self.agents_address(), self.api_address());
        let (db, registry) = (self.db.clone(), Arc::clone(&self.sessions.registry));
        let _held_to_the_end = Arc::clone(&self.lock);
        let halt = CancellationToken::new();
        let mut tasks = tasks::start(self, &halt);
        let (agents, api) = (address(agents), address(api));
        supervisor::status(&format!("Agents connect to {agents}, the API is at {api}"));
        tracing::info!(agents, api, "started");
        supervisor::ready();
        let ended = tasks.first_end(&stop).await;
        supervisor::stopping();
        let left = registry.drain(tasks::DRAIN_LIMIT).await;
        if left > 0 {
            tracing::warn!(sessions = left, "sessions were still busy and are cut off");
        }
        halt.cancel();
        tasks.finish().await;
        db.close().await;
        tracing::info!("stopped");
        ended
    }
}

fn address(address: std::io::Result<SocketAddr>) -> String {
    address.map_or_else(|_| "unknown".to_owned(), |address| address.to_string())
}
