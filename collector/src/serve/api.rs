//! The API's port.

use std::{io, sync::Arc};

use async_trait::async_trait;
use axum::Router;
use orchestrix_common::time::SharedClock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{ApiState, MatchDecisions, router as api_router},
    metrics::Exposition,
    reconcile::{Actor, MatchChoice, Reconciler, ResolveError},
    session::Registry,
};

/// Puts together what is served.
pub(super) fn router(
    reconciler: &Reconciler,
    registry: Arc<Registry>,
    clock: SharedClock,
    metrics: Exposition,
    agents_port: Option<u16>,
    halt: CancellationToken,
) -> Router {
    let db = reconciler.db().clone();
    let state = ApiState::new(db, clock, reconciler.commits(), registry, Arc::new(reconciler.clone()), halt);
    let state = state.with_metrics(metrics);
    api_router(match agents_port {
        Some(port) => state.with_agents_port(port),
        None => state,
    })
}

/// Serves until `halt`, then lets requests finish.
pub(super) async fn serve(listener: TcpListener, router: Router, halt: CancellationToken) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(halt.cancelled_owned()).await
}

#[async_trait]
impl MatchDecisions for Reconciler {
    async fn resolve(&self, id: i64, choice: MatchChoice, actor: &Actor) -> Result<(), ResolveError> {
        self.resolve_match(id, choice, actor).await
    }
}
