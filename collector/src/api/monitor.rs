//! What monitoring asks for. It needs no token: the listener is on loopback, and none of it shows the inventory.

use std::time::Duration;

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use orchestrix_common::metric::MetricText;
use tokio::time::timeout;
use utoipa::openapi::{HttpMethod, path::OperationBuilder};

use super::{
    ApiState, Problem,
    auth::Access,
    lists::plain,
    routes::{Routes, problem},
};
use crate::{metrics::whole, query::sequence, store};

/// How long the database may take to show that it is ready. A balancer that asks waits little longer, and much less than a
/// pool waits for a connection.
const READY_LIMIT: Duration = Duration::from_secs(2);

pub(super) fn enter(routes: &mut Routes) {
    let operation = |id: &str, summary: &str| {
        OperationBuilder::new().tag("monitoring").operation_id(Some(id)).summary(Some(summary))
    };
    let healthz = operation("healthz", "The process lives").response("200", plain("It does."));
    routes.add(HttpMethod::Get, "/healthz", Access::Public, healthz, || async { "ok\n" });
    let readyz = operation("readyz", "The database answers and its tables are up to date")
        .response("200", plain("They are."))
        .response("503", problem("The database does not answer, or migrations are missing."));
    routes.add(HttpMethod::Get, "/readyz", Access::Public, readyz, ready);
    let metrics = operation("metrics", "Measurements of this collector, in Prometheus' text format")
        .description(Some("Needs no token: keep the listener on loopback, or let a proxy decide who may read them."))
        .response("200", plain("The measurements."))
        .response("404", problem("This collector measures nothing."));
    routes.add(HttpMethod::Get, "/metrics", Access::Public, metrics, measurements);
}

async fn ready(State(api): State<ApiState>) -> Result<&'static str, Problem> {
    // What is cut off are reads.
    timeout(READY_LIMIT, look(&api)).await.unwrap_or_else(|_| {
        let secs = READY_LIMIT.as_secs();
        tracing::warn!(secs, "not ready: database does not answer in time");
        Err(unready(format!("the database does not answer within {secs} s")))
    })
}

async fn look(api: &ApiState) -> Result<&'static str, Problem> {
    let plan = store::migration_plan(&api.db).await.map_err(|error| {
        tracing::warn!(%error, "not ready: database does not answer");
        unready("the database does not answer".to_owned())
    })?;
    if !plan.pending.is_empty() {
        return Err(unready(format!("migrations are missing: {}", plan.pending.join(", "))));
    }
    sequence::current(&api.db, api.clock.now())
        .await
        .map_err(|_| unready("the inventory cannot be read".to_owned()))?;
    Ok("ok\n")
}

fn unready(detail: String) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", detail)
}

async fn measurements(State(api): State<ApiState>) -> Result<Response, Problem> {
    let Some(metrics) = &api.metrics else { return Err(Problem::not_found("measurement", "metrics")) };
    let (feeds, free) = (api.settings.feeds, api.feeds.available_permits());
    metrics::gauge!("orchestrix_queue_capacity", "queue" => "change_feeds").set(whole(feeds));
    metrics::gauge!("orchestrix_queue_depth", "queue" => "change_feeds").set(whole(feeds.saturating_sub(free)));
    Ok(([(header::CONTENT_TYPE, MetricText::CONTENT_TYPE)], metrics.render()).into_response())
}
