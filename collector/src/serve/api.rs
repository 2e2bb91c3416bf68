//! The API's port.

use std::io;

use axum::{Router, routing::get};
use metrics_exporter_prometheus::PrometheusHandle;
use orchestrix_common::time::SharedClock;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{reconcile::Reconciler, session::Shared, store::Db};

/// Puts together what is served.
pub(super) fn router(
    _db: Db,
    _clock: SharedClock,
    _reconciler: &Reconciler,
    _sessions: &Shared,
    metrics: PrometheusHandle,
    _halt: CancellationToken,
) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(move || async move { metrics.render() }))
}

/// Serves until `halt`, then lets requests finish.
pub(super) async fn serve(listener: TcpListener, router: Router, halt: CancellationToken) -> io::Result<()> {
    axum::serve(listener, router).with_graceful_shutdown(halt.cancelled_owned()).await
}
