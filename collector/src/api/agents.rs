//! Decisions about agents.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use orchestrix_common::{id::AgentId, model::Source};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, Ref, Required, Type,
        path::{OperationBuilder, ParameterIn},
        request_body::{RequestBody, RequestBodyBuilder},
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem, RefreshError,
    auth::{Access, Caller},
    lists::parameter,
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::{self, Role},
    query::{self, Agent},
};

/// Why an agent is revoked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Revocation {
    /// For people, at most 255 characters.
    #[schema(max_length = 255)]
    reason: String,
}

/// Characters of the name of a source.
const LONGEST_SOURCE: usize = 32;

/// What to look at again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Refresh {
    /// The sources, for example `docker`; all when empty. Each has 1 to 32 characters.
    #[schema(max_items = 64)]
    sources: Vec<String>,
}

/// What came of a refresh.
#[derive(Debug, Serialize, ToSchema)]
struct RefreshResult {
    /// The agent looked at everything that was asked for, and what it saw is stored.
    done: bool,
    /// What went wrong; empty when done.
    message: String,
    /// Every change up to this number is contained in what is read now.
    sequence: i64,
}

pub(super) fn enter(routes: &mut Routes) {
    let operation = |routes: &mut Routes, id: &str, summary: &str, body: Option<Ref>| {
        let agent = routes.schema::<Agent>();
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        OperationBuilder::new()
            .tag("agents")
            .operation_id(Some(id))
            .summary(Some(summary))
            .parameter(parameter("id", ParameterIn::Path, schema, None))
            .request_body(body.map(json_body))
            .response("200", content("The agent as it is now.", agent))
            .response("404", problem("There is no such agent."))
    };

    let body = routes.schema::<Revocation>();
    let revoke = operation(routes, "revoke-agent", "Withdraws an agent's identity for good", Some(body))
        .description(Some("Its sessions end at once; the host must enrol again."))
        .response("400", problem("The body is of another form."));
    let path = "/api/v1/agents/{id}/revoke";
    routes.add(HttpMethod::Post, path, Access::Role(Role::Admin), revoke, revoke_handler);

    let activate = operation(routes, "activate-agent", "Lets a quarantined agent report again", None)
        .description(Some("After a person made sure that its identity exists on one host only."))
        .response("409", problem("It is revoked, or waits for a match."));
    let path = "/api/v1/agents/{id}/activate";
    routes.add(HttpMethod::Post, path, Access::Role(Role::Admin), activate, activate_handler);

    let body = routes.schema::<Refresh>();
    let source = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(LONGEST_SOURCE));
    routes.describe_items("Refresh", "sources", source.build());
    let result = routes.schema::<RefreshResult>();
    let refresh = operation(routes, "refresh-agent", "Lets an agent look again and waits for the result", Some(body))
        .response("200", content("What came of it.", result))
        .response("400", problem("The body is of another form."))
        .response("409", problem("The agent is not connected to this collector."))
        .response("429", problem("The agent has too much to do."))
        .response("504", problem("The agent did not answer in time."));
    let path = "/api/v1/agents/{id}/refresh";
    routes.add(HttpMethod::Post, path, Access::Role(Role::Operator), refresh, refresh_handler);
}

/// A body that may be left out: then nothing is given.
pub(super) fn json_body(schema: Ref) -> RequestBody {
    let content = ContentBuilder::new().schema(Some(schema)).build();
    RequestBodyBuilder::new().content("application/json", content).build()
}

/// A body that must be given.
pub(super) fn needed_body(schema: Ref) -> RequestBody {
    let mut body = json_body(schema);
    body.required = Some(Required::True);
    body
}

async fn revoke_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let agent = agent_id(&id)?;
    let Revocation { reason } = respond::body(&bytes)?;
    if reason.chars().count() > 255 {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "the reason is too long");
        return Err(problem.at("reason", "at most 255 characters"));
    }
    admin::revoke_agent(&api.db, api.clock.now(), agent, &reason, &caller.actor()).await?;
    api.sessions.revoked(agent);
    show(&api, &headers, &id).await
}

async fn activate_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    admin::activate_agent(&api.db, api.clock.now(), agent_id(&id)?, &caller.actor()).await?;
    show(&api, &headers, &id).await
}

async fn refresh_handler(
    State(api): State<ApiState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let agent = agent_id(&id)?;
    let Refresh { sources } = respond::body(&bytes)?;
    if sources.len() > 64 || sources.iter().any(|source| !(1..=LONGEST_SOURCE).contains(&source.chars().count())) {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "these are no sources");
        return Err(problem.at("sources", "at most 64 names of sources, for example docker"));
    }
    if query::get::<Agent>(&api.db, api.clock.now(), vec![id.as_str().into()]).await?.is_none() {
        return Err(Problem::not_found("agent", &id));
    }
    let sources: Vec<Source> = sources.into_iter().map(Source::from).collect();
    let refreshed = api.sessions.refresh(agent, &sources, api.settings.refresh_limit).await.map_err(refresh_problem)?;
    let sequence = query::sequence::current(&api.db, api.clock.now()).await?;
    let result = RefreshResult { done: refreshed.done, message: refreshed.message, sequence };
    respond::json(&headers, &result)
}

async fn show(api: &ApiState, headers: &HeaderMap, id: &str) -> Result<Response, Problem> {
    match query::get::<Agent>(&api.db, api.clock.now(), vec![id.into()]).await? {
        Some(agent) => respond::json(headers, &agent),
        // It was there a moment ago; whoever removed the row since was right, too.
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

fn agent_id(text: &str) -> Result<AgentId, Problem> {
    text.parse().map_err(|_| Problem::not_found("agent", text))
}

fn refresh_problem(error: RefreshError) -> Problem {
    let (status, code) = match error {
        RefreshError::NotConnected => (StatusCode::CONFLICT, "agent-not-connected"),
        RefreshError::Busy => (StatusCode::TOO_MANY_REQUESTS, "agent-busy"),
        RefreshError::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "agent-timed-out"),
    };
    Problem::new(status, code, error.to_string())
}
