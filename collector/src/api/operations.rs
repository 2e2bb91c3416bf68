//! Merging computes, claiming and splitting them, and undoing it.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use orchestrix_common::id::AgentId;
use serde::Deserialize;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Ref, Type,
        path::{OperationBuilder, ParameterIn},
        request_body::RequestBody,
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem,
    agents::{json_body, needed_body},
    auth::{Access, Caller},
    lists::parameter,
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::{
        Role,
        operation::{self, Merge, OperationReport},
    },
    edit::forms,
    query::{self, Agent},
};

/// Which compute turned out to be this one.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Merging {
    /// The compute that is merged into the one that the path names. It stays, with the status `MERGED`.
    #[schema(required = true, nullable = false)]
    from: Option<i64>,
    /// Fields of which its value goes on where a person entered one on both, for example `notes`.
    prefer: Vec<String>,
    /// Only tell what would be done.
    dry_run: bool,
}

/// Which discovered host a compute is.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Claiming {
    /// The agent of the host, which has a compute of its own so far.
    #[schema(required = true, format = Uuid)]
    agent_id: String,
    /// Fields of which the value of that compute goes on where a person entered one on both.
    prefer: Vec<String>,
    /// Only tell what would be done.
    dry_run: bool,
}

/// Which agent gets a compute of its own.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Splitting {
    /// The agent.
    #[schema(required = true, format = Uuid)]
    agent_id: String,
    /// Only tell what would be done.
    dry_run: bool,
}

/// How to undo.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Undoing {
    /// Only tell what would be done.
    dry_run: bool,
}

pub(super) fn enter(routes: &mut Routes) {
    let report = routes.schema::<OperationReport>();
    let operation = |id: &str, summary: &str, about: &str, body: RequestBody| {
        let number = ObjectBuilder::new().schema_type(Type::Integer).build();
        OperationBuilder::new()
            .tag(<query::Operation as query::Resource>::LIST)
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(about))
            .parameter(parameter("id", ParameterIn::Path, number, None))
            .request_body(Some(body))
            .response("200", content("What was done, or would be done.", report.clone()))
            .response("400", problem("The body is of another form, or names something that makes no sense here."))
            .response("404", problem("There is no such compute, agent or operation."))
            .response("409", problem("It cannot be done as things stand; the detail tells why."))
    };
    let operator = Access::Role(Role::Operator);

    let body = needed_body(preferring::<Merging>(routes));
    let about = "Its workloads, containers, tags, environments, targets, agents and identities move; what a person entered \
                 is kept. Nothing is removed, and the operation can be undone.";
    let merge = operation("merge-compute", "Merges another compute into this one", about, body);
    routes.add(HttpMethod::Post, "/api/v1/computes/{id}/merge", operator, merge, merge_handler);

    let body = needed_body(preferring::<Claiming>(routes));
    let about = "For a compute that was entered by hand and whose host was discovered as another one: that is merged \
                 into this one.";
    let claim = operation("claim-compute", "Tells which discovered host this compute is", about, body);
    routes.add(HttpMethod::Post, "/api/v1/computes/{id}/claim", operator, claim, claim_handler);

    let body = needed_body(routes.schema::<Splitting>());
    let about = "For two hosts that were taken for one: the agent and what it reports move to a new compute; what people \
                 entered stays.";
    let split = operation("split-compute", "Gives an agent a compute of its own", about, body);
    routes.add(HttpMethod::Post, "/api/v1/computes/{id}/split", operator, split, split_handler);

    let body = json_body(routes.schema::<Undoing>());
    let about = "Puts back what it changed. What people changed since stays and is told; later operations on the same \
                 computes must be undone first.";
    let undo = operation("undo-operation", "Undoes an operation", about, body);
    routes.add(HttpMethod::Post, "/api/v1/operations/{id}/undo", operator, undo, undo_handler);
}

/// The schema of a body of which `prefer` names fields of a compute.
fn preferring<T: ToSchema>(routes: &mut Routes) -> Ref {
    let reference = routes.schema::<T>();
    let fields = forms::COMPUTE.inputs.iter().map(|input| input.name);
    let field = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(fields)).build();
    routes.describe_items(&T::name(), "prefer", field);
    reference
}

async fn merge_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let into = number("compute", &text)?;
    let Merging { from, prefer, dry_run } = respond::body(&bytes)?;
    let Some(from) = from else {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "this names no compute to be merged");
        return Err(problem.at("from", "the id of a compute"));
    };
    let merge = Merge { from, into, prefer: prefer.into_iter().collect(), claim: false };
    let done = operation::merge_computes(&api.db, api.clock.now(), &merge, dry_run, &caller.actor()).await?;
    respond::json(&headers, &done)
}

async fn claim_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let into = number("compute", &text)?;
    let Claiming { agent_id, prefer, dry_run } = respond::body(&bytes)?;
    let agent = named_agent(&agent_id)?;
    let now = api.clock.now();
    let known = query::get::<Agent>(&api.db, now, vec![agent.into()]).await?;
    let known = known.ok_or_else(|| Problem::not_found("agent", &agent_id))?;
    let Some(from) = known.compute_id else {
        let detail = format!("agent {agent} has no compute yet; resolve its match with computeId {into}");
        return Err(Problem::new(StatusCode::CONFLICT, "conflict", detail));
    };
    let merge = Merge { from, into, prefer: prefer.into_iter().collect(), claim: true };
    let done = operation::merge_computes(&api.db, now, &merge, dry_run, &caller.actor()).await?;
    respond::json(&headers, &done)
}

async fn split_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let compute = number("compute", &text)?;
    let Splitting { agent_id, dry_run } = respond::body(&bytes)?;
    let agent = named_agent(&agent_id)?;
    let done = operation::split_compute(&api.db, api.clock.now(), compute, agent, dry_run, &caller.actor()).await?;
    respond::json(&headers, &done)
}

async fn undo_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id = number("operation", &text)?;
    let Undoing { dry_run } = respond::body(&bytes)?;
    let done = operation::undo_operation(&api.db, api.clock.now(), id, dry_run, &caller.actor()).await?;
    respond::json(&headers, &done)
}

fn number(what: &str, text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::not_found(what, text))
}

fn named_agent(text: &str) -> Result<AgentId, Problem> {
    text.parse().map_err(|_| {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "this is no id of an agent");
        problem.at("agentId", "the id of an agent, a UUID")
    })
}
