//! The API's port.

use std::{io, sync::Arc};

use async_trait::async_trait;
use axum::Router;
use metrics_exporter_prometheus::PrometheusHandle;
use orchestrix_common::time::SharedClock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    api::{ApiState, MatchDecisions, router as api_router},
    reconcile::{Actor, MatchChoice, Reconciler, ResolveError},
    session::Registry,
};

/// Puts together what is served.
pub(super) fn router(
    reconciler: &Reconciler,
    registry: Arc<Registry>,
    clock: SharedClock,
    metrics: PrometheusHandle,
    halt: CancellationToken,
) -> Router {
    let db = reconciler.db().clone();
    let state = ApiState::new(db, clock, reconciler.committed(), registry, Arc::new(NoMatches), halt);
    api_router(state.with_metrics(metrics))
}

/// Serves until `halt`, then lets requests finish.
pub(super) async fn serve(listener: TcpListener, router: Router, halt: CancellationToken) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(halt.cancelled_owned()).await
}

/// The reconciler queues no host for a person, so there is no match to decide. It takes this place when it does.
#[derive(Debug)]
struct NoMatches;

#[async_trait]
impl MatchDecisions for NoMatches {
    async fn resolve(&self, id: i64, _: MatchChoice, _: &Actor) -> Result<(), ResolveError> {
        Err(ResolveError::NotOpen(id))
    }
}
