//! Every place with what is in it.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use utoipa::openapi::{
    HttpMethod, Type,
    path::{OperationBuilder, ParameterIn},
    schema::ObjectBuilder,
};

use super::{
    ApiState, Problem,
    auth::Access,
    lists::{as_of, as_of_parameter, not_so_far, parameter, plain},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    query::{self, Context, MOST_PLACES, Places, PlacesPage},
};

pub(super) fn enter(routes: &mut Routes) {
    let places = routes.schema::<Places>();
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(MOST_PLACES)).build();
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let operation = OperationBuilder::new()
        .tag("places")
        .operation_id(Some("list-places"))
        .summary(Some("Lists partners, clouds, regions, zones and datacenters with what is in each"))
        .parameter(parameter(
            "limit",
            ParameterIn::Query,
            number,
            Some("Places of a page; all when absent.".to_owned()),
        ))
        .parameter(parameter("cursor", ParameterIn::Query, text, Some("The `next` of the page before.".to_owned())))
        .parameter(as_of_parameter())
        .response("200", content("The places, parents before what is in them.", places))
        .response("400", problem("A parameter is unknown or of another form."))
        .response("404", not_so_far())
        .response("304", plain("The caller has them already (If-None-Match)."));
    routes.add(HttpMethod::Get, "/api/v1/places", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let page = PlacesPage::parse(&parameters)?;
    let now = api.clock.now();
    let db = as_of(&api, now, &parameters).await?;
    let places = query::places(&db, &Context::of(&db, now)).await?;
    query::as_of::confirm(&db).await?;
    respond::json(&headers, &page.of(places))
}
