//! API tokens: made once, listed without their secret, withdrawn for good.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use orchestrix_common::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;
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
    query::Time,
};

/// Days that a token lives when nothing is said.
const DAYS: u32 = 90;
/// Days of the longest life.
const MOST_DAYS: u32 = 3_650;

/// A token to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct NewApiToken {
    /// Who or what it is for: history and audit log name it.
    #[schema(max_length = 64, pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$")]
    name: String,
    /// `viewer`, `operator` or `admin`.
    #[schema(pattern = "^(viewer|operator|admin)$")]
    role: String,
    /// Days until it ends; 90 when nothing is said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 3650)]
    expires_days: Option<u32>,
}

/// A token, shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MadeApiToken {
    /// Names it in lists.
    id: String,
    /// Who or what it is for.
    name: String,
    /// What it allows.
    role: Role,
    /// The token: for the `Authorization` header, after `Bearer`.
    token: String,
    /// When it ends.
    expires_at: Time,
}

pub(super) fn enter(routes: &mut Routes) {
    let (wanted, made) = (routes.schema::<NewApiToken>(), routes.schema::<MadeApiToken>());
    let create = OperationBuilder::new()
        .tag("api-tokens")
        .operation_id(Some("create-api-token"))
        .summary(Some("Makes an API token"))
        .description(Some("The token is shown this once; only its hash is stored."))
        .request_body(Some(needed_body(wanted)))
        .response("201", content("The token.", made))
        .response("400", problem("The body is of another form, or a value is out of range."));
    routes.add(HttpMethod::Post, "/api/v1/api-tokens", Access::Role(Role::Admin), create, create_handler);
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    let revoke = OperationBuilder::new()
        .tag("api-tokens")
        .operation_id(Some("revoke-api-token"))
        .summary(Some("Withdraws an API token"))
        .parameter(parameter("id", ParameterIn::Path, schema, None))
        .response("204", plain("It is no longer in force."))
        .response("404", problem("There is no such token in force."));
    routes.add(HttpMethod::Delete, "/api/v1/api-tokens/{id}", Access::Role(Role::Admin), revoke, revoke_handler);
}

async fn create_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let NewApiToken { name, role, expires_days } = respond::body(&bytes)?;
    let invalid = |field: &str, reason: &str, expected: String| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", format!("{field} {reason}")).at(field, expected)
    };
    let name = name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err(invalid("name", "is no name", "1 to 64 characters on one line".to_owned()));
    }
    let role =
        Role::from_word(&role).ok_or_else(|| invalid("role", "is no role", "viewer, operator or admin".to_owned()))?;
    let days = expires_days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(invalid("expiresDays", "is out of range", format!("a whole number from 1 to {MOST_DAYS}")));
    }
    let now = api.clock.now();
    let ends: Timestamp = now.plus(Duration::from_secs(u64::from(days) * 86_400));
    let secret = admin::create_api_token(&api.db, now, name, role, Some(ends), &caller.actor()).await?;
    let token = secret.token.as_str().to_owned();
    let made = MadeApiToken { id: secret.id, name: name.to_owned(), role, token, expires_at: Time(ends) };
    let mut response = (StatusCode::CREATED, axum::Json(made)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn revoke_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    admin::revoke_api_token(&api.db, api.clock.now(), &id, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
