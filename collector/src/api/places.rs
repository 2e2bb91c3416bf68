//! Every place with what is in it.

use axum::{extract::State, http::HeaderMap, response::Response};
use utoipa::openapi::{HttpMethod, path::OperationBuilder};

use super::{
    ApiState, Problem,
    auth::Access,
    lists::plain,
    respond,
    routes::{Routes, content},
};
use crate::{
    admin::Role,
    query::{self, Context, Places},
};

pub(super) fn enter(routes: &mut Routes) {
    let places = routes.schema::<Places>();
    let operation = OperationBuilder::new()
        .tag("places")
        .operation_id(Some("list-places"))
        .summary(Some("Lists partners, clouds, regions, zones and datacenters with what is in each"))
        .response("200", content("The places, parents before what is in them.", places))
        .response("304", plain("The caller has them already (If-None-Match)."));
    routes.add(HttpMethod::Get, "/api/v1/places", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(State(api): State<ApiState>, headers: HeaderMap) -> Result<Response, Problem> {
    let context = Context::of(&api.db, api.clock.now());
    respond::json(&headers, &query::places(&api.db, &context).await?)
}
