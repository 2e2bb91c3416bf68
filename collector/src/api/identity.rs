//! Why hosts are matched as they are, and the list of values that identify nothing.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use orchestrix_common::id::AgentId;
use serde::Deserialize;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Type,
        path::{OperationBuilder, ParameterIn},
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{Access, Caller},
    lists::{parameter, plain},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::{self, Role},
    query::{self, JunkValue, MatchExplanation},
    reconcile::{self, identity::Evidence},
};

/// A value that identifies nothing.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Junk {
    /// `cloud_instance_id`, `product_uuid`, `product_serial`, `machine_id`, `mac`, `hostname` or `address`.
    #[schema(
        required = true,
        pattern = "^(cloud_instance_id|product_uuid|product_serial|machine_id|mac|hostname|address)$"
    )]
    evidence: String,
    /// The value; case and byte order do not matter.
    #[schema(required = true, min_length = 1, max_length = 255)]
    content: String,
    /// Why, at most 255 characters.
    #[schema(max_length = 255)]
    note: String,
}

pub(super) fn enter(routes: &mut Routes) {
    let explanation = routes.schema::<MatchExplanation>();
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let number = || ObjectBuilder::new().schema_type(Type::Integer).build();
    let about = "Also weigh this compute, as things stand now: why it is not the host, or why it may be.";
    let explain = OperationBuilder::new()
        .tag("matches")
        .operation_id(Some("explain-match"))
        .summary(Some("Tells why an agent's host was matched as it was"))
        .description(Some("What it showed, what of that identifies nothing, and for each candidate what speaks for it and what against."))
        .parameter(parameter("id", ParameterIn::Path, text(), None))
        .parameter(parameter("computeId", ParameterIn::Query, number(), Some(about.to_owned())))
        .response("200", content("The explanation.", explanation))
        .response("400", problem("The parameter is of another form."))
        .response("404", problem("There is no such agent or compute."));
    let path = "/api/v1/agents/{id}/match-explanation";
    routes.add(HttpMethod::Get, path, Access::Role(Role::Viewer), explain, explain_handler);

    let (junk, made) = (routes.schema::<Junk>(), routes.schema::<JunkValue>());
    let add = OperationBuilder::new()
        .tag(<JunkValue as query::Resource>::LIST)
        .operation_id(Some("add-identity-junk"))
        .summary(Some("Has matching leave out a value"))
        .description(Some("Hosts that are matched already stay as they are."))
        .request_body(Some(needed_body(junk)))
        .response("201", content("The entry.", made))
        .response("400", problem("The body is of another form."))
        .response("409", problem("The value is on the list already."));
    routes.add(HttpMethod::Post, "/api/v1/identity-junk", Access::Role(Role::Operator), add, add_handler);

    let remove = OperationBuilder::new()
        .tag(<JunkValue as query::Resource>::LIST)
        .operation_id(Some("remove-identity-junk"))
        .summary(Some("Has matching believe a value again"))
        .parameter(parameter("id", ParameterIn::Path, number(), None))
        .response("204", plain("It is not on the list any more."))
        .response("404", problem("There is no such entry."));
    routes.add(HttpMethod::Delete, "/api/v1/identity-junk/{id}", Access::Role(Role::Operator), remove, remove_handler);
}

async fn explain_handler(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let agent: AgentId = id.parse().map_err(|_| Problem::not_found("agent", &id))?;
    let now = api.clock.now();
    let mut asked = None;
    for (name, text) in parameters {
        if name != "computeId" {
            let problem =
                Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", "this parameter is not known here");
            return Err(problem.at(name, "computeId"));
        }
        let compute: i64 = text.parse().map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", "computeId is not a whole number")
                .at("computeId", "the id of a compute")
        })?;
        if query::get::<query::Compute>(&api.db, now, vec![compute.into()]).await?.is_none() {
            return Err(Problem::not_found("compute", &text));
        }
        asked = reconcile::weigh(&api.db, agent, compute, now).await?;
    }
    let agent = agent.to_string();
    let explanation = query::match_explanation(&api.db, now, &agent, asked).await?;
    respond::json(&headers, &explanation.ok_or_else(|| Problem::not_found("agent", &agent))?)
}

async fn add_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Junk { evidence, content, note } = respond::body(&bytes)?;
    let Some(kind) = Evidence::from_word(&evidence) else {
        let words: Vec<&str> = Evidence::ORDER.iter().map(|kind| kind.word()).collect();
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "this is no kind of evidence");
        return Err(problem.at("evidence", format!("one of {}", words.join(", "))));
    };
    if note.chars().count() > 255 {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "the note is too long");
        return Err(problem.at("note", "at most 255 characters"));
    }
    let now = api.clock.now();
    let id = admin::add_junk(&api.db, now, kind, &content, &note, &caller.actor()).await?;
    let made = query::get::<JunkValue>(&api.db, now, vec![id.into()]).await?;
    let mut response = respond::json(&headers, &made)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

async fn remove_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = text.parse().map_err(|_| Problem::not_found("junk value", &text))?;
    admin::remove_junk(&api.db, api.clock.now(), id, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
