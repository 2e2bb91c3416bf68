//! Deciding which compute a host is.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use utoipa::openapi::{
    HttpMethod, Schema, Type,
    path::{OperationBuilder, ParameterIn},
    schema::{AdditionalProperties, KnownFormat, ObjectBuilder, OneOfBuilder, SchemaFormat},
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{Access, Caller},
    lists::parameter,
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    query::{self, Match},
    reconcile::{MatchChoice, ResolveError},
};

/// What a person decided about a host.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Decision {
    /// It is this compute.
    compute_id: Option<i64>,
    /// It is a new compute. Give either this or `computeId`.
    new: bool,
}

pub(super) fn enter(routes: &mut Routes) {
    let (decision, decided) = (routes.described("MatchChoice", choice()), routes.schema::<Match>());
    let schema = ObjectBuilder::new().schema_type(Type::Integer).build();
    let operation = OperationBuilder::new()
        .tag("matches")
        .operation_id(Some("resolve-match"))
        .summary(Some("Decides which compute a host is"))
        .parameter(parameter("id", ParameterIn::Path, schema, None))
        .request_body(Some(needed_body(decision)))
        .response("200", content("The match as it is now.", decided))
        .response("400", problem("The body is of another form."))
        .response("404", problem("There is no such match."))
        .response(
            "409",
            problem("It is decided already, there is no such compute, or the agent speaks for another one."),
        );
    let path = "/api/v1/matches/{id}/resolve";
    routes.add(HttpMethod::Post, path, Access::Role(Role::Operator), operation, handler);
}

/// Either form of a [`Decision`], for the description of the API.
fn choice() -> Schema {
    let closed =
        |object: ObjectBuilder| object.additional_properties(Some(AdditionalProperties::FreeForm(false))).build();
    let number =
        ObjectBuilder::new().schema_type(Type::Integer).format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
    let known = ObjectBuilder::new().description(Some("It is this compute.")).property("computeId", number.build());
    let yes = ObjectBuilder::new().schema_type(Type::Boolean).enum_values(Some([true])).build();
    let new = ObjectBuilder::new().description(Some("It is a new compute.")).property("new", yes);
    let either = OneOfBuilder::new().item(closed(known.required("computeId"))).item(closed(new.required("new")));
    either.description(Some("What a person decided about a host.")).build().into()
}

async fn handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id: i64 = text.parse().map_err(|_| Problem::not_found("match", &text))?;
    let choice = match respond::body(&bytes)? {
        Decision { compute_id: Some(compute), new: false } => MatchChoice::Claim(compute),
        Decision { compute_id: None, new: true } => MatchChoice::New,
        Decision { .. } => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "this decides nothing");
            return Err(problem.at("computeId", "either {\"computeId\": n} or {\"new\": true}"));
        }
    };
    let Some(open) = query::get::<Match>(&api.db, api.clock.now(), vec![id.into()]).await? else {
        return Err(Problem::not_found("match", &text));
    };
    api.matches.resolve(id, choice, &caller.actor()).await.map_err(resolve_problem)?;
    if let Ok(agent) = open.agent_id.parse() {
        api.sessions.decided(agent);
    }
    match query::get::<Match>(&api.db, api.clock.now(), vec![id.into()]).await? {
        Some(decided) => respond::json(&headers, &decided),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

fn resolve_problem(error: ResolveError) -> Problem {
    let detail = error.to_string();
    match error {
        ResolveError::NotOpen(_) | ResolveError::Revoked { .. } => {
            Problem::new(StatusCode::CONFLICT, "conflict", detail)
        }
        ResolveError::NoCompute(_) | ResolveError::Merged(_) => {
            Problem::new(StatusCode::CONFLICT, "conflict", detail).at("computeId", "the id of a compute")
        }
        ResolveError::SpeaksForAnother { speaks_for, .. } => Problem::new(StatusCode::CONFLICT, "conflict", detail)
            .at("computeId", format!("{speaks_for}, the compute that the agent speaks for")),
        ResolveError::SpeaksAlready { speaks_for, .. } => Problem::new(StatusCode::CONFLICT, "conflict", detail)
            .at("new", format!("{{\"computeId\": {speaks_for}}}, the compute that the agent speaks for")),
        ResolveError::Store(error) => error.into(),
    }
}
