//! The inventory over time.

use std::time::Duration;

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use orchestrix_common::time::Timestamp;
use utoipa::openapi::{
    HttpMethod, KnownFormat, Ref, SchemaFormat, Type,
    path::{OperationBuilder, ParameterIn},
    schema::ObjectBuilder,
};

use super::{
    ApiState, Problem,
    auth::Access,
    lists::parameter,
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    query::{Growth, UseOverTime, growth, use_over_time},
};

/// What is shown when no beginning is given.
const SPAN: Duration = Duration::from_secs(30 * 24 * 3_600);

pub(super) fn enter(routes: &mut Routes) {
    let used = routes.schema::<UseOverTime>();
    let about = "Shares of computes as they were measured, times what the computes have. Samples are taken every quarter of \
                 an hour; the older they are, the fewer are kept, and none for longer than the history.";
    let described = operation("environment-samples", "Tells what environments took over time", about, used);
    routes.add(HttpMethod::Get, "/api/v1/samples/environments", Access::Role(Role::Viewer), described, use_handler);
    let grown = routes.schema::<Growth>();
    let about = "Computes and workloads by partner, and how many of the computes were heard of and seen in full.";
    let described = operation("inventory-samples", "Tells how the inventory grew", about, grown);
    routes.add(HttpMethod::Get, "/api/v1/samples/inventory", Access::Role(Role::Viewer), described, growth_handler);
}

fn operation(id: &str, summary: &str, about: &str, answer: Ref) -> OperationBuilder {
    let time = |name: &str, about: &str| {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(format)).build();
        parameter(name, ParameterIn::Query, schema, Some(about.to_owned()))
    };
    OperationBuilder::new()
        .tag("samples")
        .operation_id(Some(id))
        .summary(Some(summary))
        .description(Some(about))
        .parameter(time("since", "From this time on, RFC 3339; 30 days before `until` when absent."))
        .parameter(time("until", "Up to this time, RFC 3339; now when absent."))
        .response("200", content("The samples, the oldest first.", answer))
        .response("400", problem("A parameter is unknown or no time, or `since` is after `until`."))
}

async fn use_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let (since, until) = span(&parameters, api.clock.now())?;
    respond::json(&headers, &use_over_time(&api.db, since, until).await?)
}

async fn growth_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let (since, until) = span(&parameters, api.clock.now())?;
    respond::json(&headers, &growth(&api.db, since, until).await?)
}

fn span(parameters: &[(String, String)], now: Timestamp) -> Result<(Timestamp, Timestamp), Problem> {
    let (mut since, mut until) = (None, None);
    for (name, value) in parameters {
        let place = match name.as_str() {
            "since" => &mut since,
            "until" => &mut until,
            _ => return Err(Problem::unknown_parameter(name, "since or until")),
        };
        let time = Timestamp::parse_rfc3339(value);
        *place = Some(time.ok_or_else(|| {
            Problem::invalid_parameter(name, "is not a time", "RFC 3339, for example 2026-05-01T12:00:00Z")
        })?);
    }
    let until = until.unwrap_or(now);
    let since = since.unwrap_or_else(|| until.minus(SPAN));
    if since > until {
        return Err(Problem::invalid_parameter("since", "is after until", "a time before until"));
    }
    Ok((since, until))
}
