//! The nested query over HTTP, in the form that the existing front end speaks: success and failure are told in the body.

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, path::OperationBuilder},
};

use super::{
    ApiState,
    agents::json_body,
    auth::Access,
    routes::{Routes, content},
};
use crate::{
    admin::Role,
    query::nested::{self, Answer, Limits, QueryError},
};

/// What to read: `{"kind": "partner", "criteria": {…}, "select": […], "sort": […], "page": {…}, "include": [{…}], "asOf":
/// "…"}`, or `{"lazyLoadKey": "…"}` from an earlier answer. `collector/QUERY.md` explains it with examples.
#[derive(Debug, ToSchema)]
#[schema(value_type = Object)]
#[allow(dead_code, reason = "stands for the body in the description")]
struct NestedQuery(Value);

/// Rows of the root kind; what was included stands in each under the plural of its kind.
#[derive(Debug, Serialize, ToSchema)]
struct NestedAnswer {
    /// True.
    success: bool,
    /// The rows.
    #[schema(value_type = Vec<Object>)]
    data: Vec<Value>,
    /// Number of rows of the root kind.
    count: usize,
    /// Every change up to this number is contained, and as of the past none after it.
    sequence: i64,
}

/// Why a query was not answered.
#[derive(Debug, Serialize, ToSchema)]
struct NestedFailure {
    /// False.
    success: bool,
    /// What is wrong.
    error: NestedError,
}

/// What is wrong with a query.
#[derive(Debug, Serialize, ToSchema)]
struct NestedError {
    /// Stable word for programs.
    code: &'static str,
    /// For people.
    message: String,
    /// Place in the request; absent when none is to blame.
    field: Option<String>,
}

pub(super) fn enter(routes: &mut Routes) {
    let (query, answer) = (routes.schema::<NestedQuery>(), routes.schema::<NestedAnswer>());
    let failure = routes.schema::<NestedFailure>();
    let operation = OperationBuilder::new()
        .tag("query")
        .operation_id(Some("query"))
        .summary(Some("Reads a kind with what is related to it, to any depth"))
        .request_body(Some(json_body(query)))
        .response("200", content("The rows.", answer))
        .response("400", content("The request is of another form, or the answer would be too large.", failure.clone()))
        .response("504", content("The answer took too long.", failure));
    routes.add(HttpMethod::Post, "/api/v1/query", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(State(api): State<ApiState>, bytes: Bytes) -> Response {
    match answer(&api, &bytes).await {
        Ok(Answer { data, sequence, .. }) => {
            Json(NestedAnswer { success: true, count: data.len(), data, sequence }).into_response()
        }
        Err(error) => failure(error),
    }
}

async fn answer(api: &ApiState, bytes: &[u8]) -> Result<Answer, QueryError> {
    let request: Value = serde_json::from_slice(bytes).map_err(|error| QueryError::Invalid {
        code: "invalid-body",
        field: String::new(),
        message: format!("is no JSON: {error}"),
    })?;
    nested::answer(&api.db, api.clock.now(), &request, Limits::default()).await
}

fn failure(error: QueryError) -> Response {
    let message = error.to_string();
    let (status, code, message, field) = match error {
        QueryError::Invalid { code, field, message } => {
            (StatusCode::BAD_REQUEST, code, message, Some(field).filter(|field| !field.is_empty()))
        }
        QueryError::TooManyRows(_) => (StatusCode::BAD_REQUEST, "too-many-rows", message, None),
        QueryError::TooSlow(_) => (StatusCode::GATEWAY_TIMEOUT, "too-slow", message, None),
        QueryError::AsOf(error) => {
            let problem = super::Problem::from(error);
            (problem.status, problem.code, message, problem.field)
        }
        QueryError::Store(error) => {
            let problem = super::Problem::from(error);
            (problem.status, problem.code, problem.detail, None)
        }
    };
    let body = NestedFailure { success: false, error: NestedError { code, message, field } };
    (status, Json(body)).into_response()
}
