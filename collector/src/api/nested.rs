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
    openapi::{
        HttpMethod, Ref, RefOr, Schema, Type,
        path::OperationBuilder,
        schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, SchemaType},
    },
};

use super::{
    ApiState,
    agents::needed_body,
    auth::Access,
    routes::{Routes, content},
};
use crate::{
    admin::Role,
    catalog::KINDS,
    query::nested::{self, Answer, Limits, QueryError},
};

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
    routes.described("NestedLevel", level(false));
    let (query, answer) = (routes.described("NestedQuery", level(true)), routes.schema::<NestedAnswer>());
    let failure = routes.schema::<NestedFailure>();
    let operation = OperationBuilder::new()
        .tag("query")
        .operation_id(Some("query"))
        .summary(Some("Reads a kind with what is related to it, to any depth"))
        .request_body(Some(needed_body(query)))
        .response("200", content("The rows.", answer))
        .response("400", content("The request is of another form, or the answer would be too large.", failure.clone()))
        .response("504", content("The answer took too long.", failure));
    routes.add(HttpMethod::Post, "/api/v1/query", Access::Role(Role::Viewer), operation, handler);
}

/// A level of a query; the root can also be one that an earlier answer named, and have a point in the past.
fn level(root: bool) -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let nullable = |kind: Type| SchemaType::from_iter([kind, Type::Null]);
    let object = |kind: Type| ObjectBuilder::new().schema_type(nullable(kind));
    let list = |item: RefOr<Schema>| ArrayBuilder::new().schema_type(nullable(Type::Array)).items(item).build();
    let kinds = KINDS.iter().map(|kind| kind.name);
    let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(kinds)).build();
    let most = nested::Limits::default().page;
    let number = |most: usize| object(Type::Integer).minimum(Some(0)).maximum(Some(most)).build();
    let page = object(Type::Object).property("limit", number(most)).property("offset", number(100_000_000));
    let page = page.additional_properties(Some(AdditionalProperties::FreeForm(false)));
    let field = ObjectBuilder::new()
        .property("field", text())
        .property("order", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["asc", "desc"])).build())
        .required("field");
    let sort = OneOfBuilder::new().item(text()).item(field.build()).build();
    let criteria = "What rows must fulfil, by field: a value, or operators such as {\"$gte\": 8}.";
    let level = ObjectBuilder::new()
        .property("kind", kind)
        .property("criteria", object(Type::Object).description(Some(criteria)).build())
        .property("select", list(text().into()))
        .property("sort", list(Schema::from(sort).into()))
        .property("page", page.build())
        .property("include", list(Ref::from_schema_name("NestedLevel").into()))
        .property("effectiveEnvironments", object(Type::Boolean).build())
        .additional_properties(Some(AdditionalProperties::FreeForm(false)));
    if !root {
        let level = level.property("lazy", object(Type::Boolean).build()).required("kind");
        return level.description(Some("An included level of a query.")).build().into();
    }
    let about = "What to read. `collector/QUERY.md` explains it with examples.";
    let asked = level.property("asOf", object(Type::String).build()).required("kind").build();
    let later = ObjectBuilder::new().property("lazyLoadKey", text()).required("lazyLoadKey");
    let later = later.description(Some("A level that an earlier answer named.")).build();
    OneOfBuilder::new().item(asked).item(later).description(Some(about)).build().into()
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
            (StatusCode::BAD_REQUEST, problem.code, message, problem.field)
        }
        QueryError::Store(error) => {
            let problem = super::Problem::from(error);
            (problem.status, problem.code, problem.detail, None)
        }
    };
    let body = NestedFailure { success: false, error: NestedError { code, message, field } };
    (status, Json(body)).into_response()
}
