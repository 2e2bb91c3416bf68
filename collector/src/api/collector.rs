//! What the web UI must know of the collector before it can tell people what to do.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, path::OperationBuilder},
};

use super::{
    ApiState,
    auth::Access,
    routes::{Routes, content},
};
use crate::{admin::Role, store::Dialect};

/// The collector that answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Collector {
    /// Its program's version.
    version: &'static str,
    /// Port that agents connect to; `null` where this collector serves none.
    agents_port: Option<u16>,
    /// `sqlite` or `mysql`.
    database: &'static str,
    /// Its clock, in milliseconds since 1970: what a browser needs to tell how long ago something was.
    now_ms: i64,
}

pub(super) fn enter(routes: &mut Routes) {
    let collector = routes.schema::<Collector>();
    let operation = OperationBuilder::new()
        .tag("monitoring")
        .operation_id(Some("describe-collector"))
        .summary(Some("Describes the collector that answers"))
        .response("200", content("It.", collector));
    routes.add(HttpMethod::Get, "/api/v1/collector", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(State(api): State<ApiState>) -> Json<Collector> {
    let database = match api.db.dialect() {
        Dialect::Sqlite => "sqlite",
        Dialect::MySql => "mysql",
    };
    Json(Collector {
        version: env!("CARGO_PKG_VERSION"),
        agents_port: api.agents_port,
        database,
        now_ms: api.clock.now().as_micros() / 1_000,
    })
}
