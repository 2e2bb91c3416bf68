//! Making and withdrawing join tokens.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, RefOr, Schema, Type,
        path::{OperationBuilder, ParameterIn},
        schema::{Object, ObjectBuilder},
    },
};

use super::{
    ApiState, Problem,
    agents::json_body,
    auth::{Access, Caller},
    lists::{parameter, plain},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    pki::token::{self, DEFAULT_LIFE, NewToken, TokenError},
    query::Time,
};

/// A join token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
struct Wanted {
    /// For people.
    #[schema(max_length = 255)]
    description: String,
    /// How many hosts may enrol with it.
    #[schema(minimum = 1, maximum = 100_000)]
    uses: u32,
    /// Seconds until it ends, at most a year.
    #[schema(minimum = 1, maximum = 31_622_400)]
    expires_secs: u64,
    /// The datacenter that enrolling hosts are placed in; the default one when absent.
    datacenter_id: Option<i64>,
    /// Tags that enrolling hosts get.
    tags: BTreeMap<String, String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            description: String::new(),
            uses: 1,
            expires_secs: DEFAULT_LIFE.as_secs(),
            datacenter_id: None,
            tags: BTreeMap::new(),
        }
    }
}

/// A join token, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Made {
    /// Names it in lists.
    id: String,
    /// The token: give it to the host over a channel that nobody else reads.
    token: String,
    /// When it ends.
    expires_at: Time,
    /// How many hosts may enrol with it.
    uses_allowed: u32,
}

pub(super) fn enter(routes: &mut Routes) {
    let (wanted, made) = (routes.schema::<Wanted>(), routes.schema::<Made>());
    if let Some(RefOr::T(Schema::Object(object))) = routes.schemas.get_mut("Wanted") {
        object.properties.insert("tags".to_owned(), Schema::from(tags()).into());
    }
    let create = OperationBuilder::new()
        .tag("join-tokens")
        .operation_id(Some("create-join-token"))
        .summary(Some("Makes a join token"))
        .description(Some("By default it lets one host enrol within 15 minutes. The token is shown this once."))
        .request_body(Some(json_body(wanted)))
        .response("201", content("The token.", made))
        .response("400", problem("The body is of another form, or a value is out of range."))
        .response("409", problem("There is no such datacenter, or no certificate authority yet."));
    routes.add(HttpMethod::Post, "/api/v1/join-tokens", Access::Role(Role::Operator), create, create_handler);

    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    let revoke = OperationBuilder::new()
        .tag("join-tokens")
        .operation_id(Some("revoke-join-token"))
        .summary(Some("Withdraws a join token"))
        .description(Some("Hosts that enrolled with it stay."))
        .parameter(parameter("id", ParameterIn::Path, schema, None))
        .response("204", plain("It can no longer be used."))
        .response("404", problem("There is no such token in force."));
    routes.add(HttpMethod::Delete, "/api/v1/join-tokens/{id}", Access::Role(Role::Operator), revoke, revoke_handler);
}

/// Tags as they are described: lines that fit into their columns.
fn tags() -> Object {
    let line = |most: usize| ObjectBuilder::new().schema_type(Type::String).max_length(Some(most));
    ObjectBuilder::new()
        .description(Some("Tags that enrolling hosts get."))
        .property_names(Some(Schema::from(line(100).min_length(Some(1)).build())))
        .additional_properties(Some(Schema::from(line(255).build())))
        .max_properties(Some(64))
        .build()
}

async fn create_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Wanted { description, uses, expires_secs, datacenter_id, tags } = respond::body(&bytes)?;
    let life = Duration::from_secs(expires_secs);
    let new = NewToken { description, uses, life, datacenter_id, tags, created_by: caller.actor().id };
    let now = api.clock.now();
    let (id, text) = token::create(&api.db, &new, now).await.map_err(|error| token_problem(&error))?;
    let made = Made { id: id.to_string(), token: text, expires_at: Time(now.plus(life)), uses_allowed: uses };
    let mut response = (StatusCode::CREATED, axum::Json(made)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn revoke_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("join token in force", &id);
    let token_id = id.parse().map_err(|_| missing())?;
    if token::revoke(&api.db, token_id, &caller.actor().id, api.clock.now()).await? {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(missing())
    }
}

fn token_problem(error: &TokenError) -> Problem {
    let invalid = |field: &str, expected: &str| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", error.to_string()).at(field, expected)
    };
    match error {
        TokenError::Uses(_) => invalid("uses", "a whole number from 1 to 100000"),
        TokenError::Life(_) => invalid("expiresSecs", "from one second to a year"),
        TokenError::TooLong { field, most } => {
            let name = if field.contains("tag") { "tags" } else { field };
            invalid(name, &format!("1 to {most} characters"))
        }
        TokenError::TooManyTags => invalid("tags", "fewer tags"),
        TokenError::UnknownDatacenter(_) => Problem::new(StatusCode::CONFLICT, "conflict", error.to_string())
            .at("datacenterId", "the id of a datacenter"),
        TokenError::NoAuthority => Problem::new(StatusCode::CONFLICT, "conflict", error.to_string()),
        TokenError::Pki(_) => {
            tracing::error!(error = error as &dyn std::error::Error, "join token could not be made");
            Problem::internal()
        }
    }
}
