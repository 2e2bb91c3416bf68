//! Errors as RFC 9457 problem documents. Programs act on `code`, which never changes its meaning.

use std::error::Error as _;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    admin::AdminError,
    edit::{EditError, FieldProblem, Hung},
    query::{
        AS_OF, ParameterError, QueryError,
        as_of::{AsOf, AsOfError},
    },
    store::StoreError,
};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable word for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
    /// The parameter or the place in the body that is wrong.
    pub field: Option<String>,
    /// What would be right there.
    pub expected: Option<String>,
    /// Everything that is wrong with a body.
    pub errors: Vec<FieldProblem>,
    /// What is needed to go on.
    pub more: Option<Box<More>>,
}

/// What is needed to go on after a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum More {
    /// The row as it is now, with the tag that a next try may name.
    Current(serde_json::Value, String),
    /// What hangs on a row.
    Hanging(Vec<Hung>),
}

/// Why a request was not carried out (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Document {
    /// Always `about:blank`: `code` tells what is wrong.
    r#type: &'static str,
    /// The status in words.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// Stable word for programs.
    code: &'static str,
    /// What is wrong, for people.
    detail: String,
    /// The parameter or the place in the body that is wrong.
    field: Option<String>,
    /// What would be right there.
    expected: Option<String>,
    /// Everything that is wrong with a body; absent when that is one thing or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
    /// With `stale`: the row as it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    current: Option<serde_json::Value>,
    /// With `has-dependents`: what keeps a row from being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    hanging: Option<Vec<Hung>>,
}

impl Problem {
    /// A problem without a field.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), field: None, expected: None, errors: Vec::new(), more: None }
    }

    /// Names the field and what would be right there.
    #[must_use]
    pub fn at(self, field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { field: Some(field.into()), expected: Some(expected.into()), ..self }
    }

    /// A parameter that the route does not have; `expected` names those that it has.
    #[must_use]
    pub(super) fn unknown_parameter(name: &str, expected: &str) -> Self {
        let name: String = name.chars().take(64).collect();
        let detail = format!("parameter {name:?} is not known here");
        Self::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).at(name, expected)
    }

    /// A parameter whose value will not do: "parameter `name` `problem`".
    #[must_use]
    pub(super) fn invalid_parameter(name: &str, problem: &str, expected: &str) -> Self {
        let detail = format!("parameter {name} {problem}");
        Self::new(StatusCode::BAD_REQUEST, "invalid-parameter", detail).at(name, expected)
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        let id: String = id.chars().take(64).collect();
        Self::new(StatusCode::NOT_FOUND, "not-found", format!("there is no {what} {id:?}"))
    }

    /// What is to be changed is another one than the caller has seen; `tag` names what it is now.
    #[must_use]
    pub(super) fn stale(detail: &str, current: serde_json::Value, tag: String) -> Self {
        let detail = format!("{detail}; look at `current` and decide again");
        let problem = Self::new(StatusCode::PRECONDITION_FAILED, "stale", detail);
        let problem = problem.at("If-Match", format!("\"{tag}\", or the ETag of a new GET"));
        Self { more: Some(Box::new(More::Current(current, tag))), ..problem }
    }

    /// Something failed that the caller can do nothing about; the log tells more.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "the collector could not answer; its log tells why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, code, detail, field, expected, errors, more } = self;
        let title = status.canonical_reason().unwrap_or("Error");
        let (current, tag, hanging) = match more.map(|more| *more) {
            Some(More::Current(current, tag)) => (Some(current), Some(tag), None),
            Some(More::Hanging(hanging)) => (None, None, Some(hanging)),
            None => (None, None, None),
        };
        let document = Document {
            r#type: "about:blank",
            title,
            status: status.as_u16(),
            code,
            detail,
            field,
            expected,
            errors,
            current,
            hanging,
        };
        let body = serde_json::to_vec(&document).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, "application/problem+json")], body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&format!("\"{tag}\"")).ok()) {
            headers.insert(header::ETAG, tag);
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

impl From<ParameterError> for Problem {
    fn from(error: ParameterError) -> Self {
        let detail = error.to_string();
        let ParameterError { code, field, expected, .. } = error;
        Self::new(StatusCode::BAD_REQUEST, code, detail).at(field, expected)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let cause = error.source().map(ToString::to_string).unwrap_or_default();
        tracing::error!(error = %error, cause, "database failed");
        if error.is_transient() {
            let detail = "the database does not answer at the moment; try again";
            return Self::new(StatusCode::SERVICE_UNAVAILABLE, "database-unavailable", detail);
        }
        Self::internal()
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Parameter(error) => error.into(),
            QueryError::Store(error) => error.into(),
        }
    }
}

impl From<AsOfError> for Problem {
    fn from(error: AsOfError) -> Self {
        let code = match &error {
            AsOfError::Future { .. } => "in-the-future",
            AsOfError::TooEarly { .. } | AsOfError::NoHistory => "before-known-past",
            AsOfError::Store(_) => "internal",
        };
        let detail = format!("{AS_OF} {error}");
        match error {
            AsOfError::Store(error) => error.into(),
            AsOfError::Future { now, .. } => {
                Self::new(StatusCode::NOT_FOUND, code, detail).at(AS_OF, format!("a time until {now}"))
            }
            AsOfError::TooEarly { earliest } => {
                let expected = format!("a time from {}, or a change from {}", earliest.at, earliest.sequence);
                Self::new(StatusCode::NOT_FOUND, code, detail).at(AS_OF, expected)
            }
            AsOfError::NoHistory => Self::new(StatusCode::NOT_FOUND, code, detail).at(AS_OF, AsOf::EXPECTED),
        }
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound { what, id } => Self::not_found(what, &id),
            AdminError::Invalid { field, problem, expected } => {
                let detail = format!("{field} {problem}");
                Self::new(StatusCode::BAD_REQUEST, "invalid-body", detail).at(field, expected)
            }
            AdminError::Unfit { field, problem, expected } => {
                let detail = format!("{field} {problem}");
                Self::new(StatusCode::CONFLICT, "conflict", detail).at(field, expected)
            }
            AdminError::Conflict(detail) => Self::new(StatusCode::CONFLICT, "conflict", detail),
            AdminError::Store(error) => error.into(),
            error @ (AdminError::File { .. } | AdminError::Random) => {
                tracing::error!(error = %error, "request failed");
                Self::internal()
            }
        }
    }
}

impl From<EditError> for Problem {
    fn from(error: EditError) -> Self {
        let detail = error.to_string();
        match error {
            EditError::NotFound { what, id } => Self::not_found(what, &id),
            EditError::Stale { current, tag, .. } => Self::stale(&detail, current, tag),
            EditError::Invalid(problems) => {
                // What is wrong by itself comes first: it stays wrong whatever is stored.
                let state = problems.iter().all(FieldProblem::is_about_state);
                let (status, code) = match state {
                    true => (StatusCode::CONFLICT, "conflict"),
                    false => (StatusCode::BAD_REQUEST, "invalid-body"),
                };
                let first = problems.iter().find(|problem| state || !problem.is_about_state());
                let problem = match first {
                    Some(first) => Self::new(status, code, detail).at(&first.field, &first.expected),
                    None => Self::new(status, code, detail),
                };
                Self { errors: problems, ..problem }
            }
            EditError::Hanging { hanging, .. } => {
                let problem = Self::new(StatusCode::CONFLICT, "has-dependents", detail);
                Self { more: Some(Box::new(More::Hanging(hanging))), ..problem }
            }
            EditError::Store(error) => error.into(),
        }
    }
}
