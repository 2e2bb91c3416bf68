//! Making, changing and deleting resources: the same handlers for every kind that has a form.
//!
//! A change is a merge patch (RFC 7396). `If-Match` names the row that the caller has seen; without it the last writer
//! of a field wins.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, Ref, Required, Type,
        header::HeaderBuilder,
        path::{OperationBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem,
    auth::{Access, Caller},
    lists::{key, key_parameters, parameter, path_of_one, plain},
    respond,
    routes::{Routes, content, problem},
    schema,
};
use crate::{
    admin::Role,
    edit::{Done, Expected, Hung, Mode, Operation, Outcome, Verb, form::Form, stored_tag},
    query::{self, Resource},
    store,
};

/// What a deletion came to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Deletion {
    /// It was only tried: everything is as it was.
    dry_run: bool,
    /// The row as it last was.
    #[schema(value_type = Object)]
    deleted: Value,
    /// What went with it, and what no longer names it.
    also: Vec<Hung>,
}

/// Enters what writes a kind. The reading half must be entered as well.
pub(super) fn enter<R: Resource>(routes: &mut Routes, form: &'static Form) {
    let operator = Access::Role(Role::Operator);
    let (list, one) = (format!("/api/v1/{}", R::LIST), path_of_one::<R>());
    let name = R::ONE.replace(' ', "-");
    let view = routes.schema::<R>();
    let new = routes.described(&format!("New{}", R::name()), schema::new::<R>(form));
    let changes = routes.described(&format!("{}Changes", R::name()), schema::changes::<R>(form));

    let create = operation::<R>(&format!("create-{name}"), &format!("Makes one {}", R::ONE))
        .request_body(Some(body(&new, &["application/json"], Required::True)))
        .response("201", tagged("It, as it is now.", view.clone(), true));
    let create = refusals(create);
    routes.add(HttpMethod::Post, &list, operator, create, async move |api, caller, headers, bytes| {
        create_handler::<R>(form, api, caller, headers, bytes).await
    });

    let update = operation::<R>(&format!("update-{name}"), &format!("Changes one {}", R::ONE))
        .description(Some("A merge patch: what is not given stays as it is, `null` empties a field."))
        .parameters(Some(key_parameters::<R>()))
        .parameter(if_match())
        .request_body(Some(body(&changes, &["application/merge-patch+json", "application/json"], Required::False)))
        .response("200", tagged("It, as it is now.", view.clone(), false));
    let update = stale(refusals(update));
    routes.add(HttpMethod::Patch, &one, operator, update, async move |api, caller, path, headers, bytes| {
        change_handler::<R>(form, false, api, caller, path, headers, bytes).await
    });

    if !form.is_numbered() {
        let whole = routes.described(&format!("{}Content", R::name()), schema::whole::<R>(form));
        let put = operation::<R>(&format!("put-{name}"), &format!("Makes or replaces one {}", R::ONE))
            .parameters(Some(key_parameters::<R>()))
            .parameter(if_match())
            .request_body(Some(body(&whole, &["application/json"], Required::True)))
            .response("200", tagged("It, as it is now.", view.clone(), false))
            .response("201", tagged("It is new.", view, true));
        let put = stale(refusals(put));
        routes.add(HttpMethod::Put, &one, operator, put, async move |api, caller, path, headers, bytes| {
            change_handler::<R>(form, true, api, caller, path, headers, bytes).await
        });
    }

    let deletion = routes.schema::<Deletion>();
    let flag = || ObjectBuilder::new().schema_type(Type::Boolean).build();
    let cascade = "Delete what hangs on it as well, for admins. Without it nothing is deleted that others name.";
    let rehearse = "Only say what would be deleted.";
    let delete = operation::<R>(&format!("delete-{name}"), &format!("Deletes one {}", R::ONE))
        .description(Some("Its tags, associations and targets go with it; the history keeps all of it."))
        .parameters(Some(key_parameters::<R>()))
        .parameter(parameter("cascade", ParameterIn::Query, flag(), Some(cascade.to_owned())))
        .parameter(parameter("dryRun", ParameterIn::Query, flag(), Some(rehearse.to_owned())))
        .parameter(if_match())
        .response("200", content("What was or would be deleted, with `cascade` or `dryRun`.", deletion))
        .response("204", plain("It is gone."))
        .response("400", problem("A parameter is unknown or of another form."))
        .response("404", problem("There is none with this key."))
        .response("409", problem("Something hangs on it; `hanging` says what and how much."));
    routes.add(HttpMethod::Delete, &one, operator, stale(delete), async move |api, caller, path, query, headers| {
        delete_handler::<R>(form, api, caller, path, query, headers).await
    });
}

fn operation<R: Resource>(id: &str, summary: &str) -> OperationBuilder {
    OperationBuilder::new().tag(R::LIST).operation_id(Some(id)).summary(Some(summary))
}

fn refusals(operation: OperationBuilder) -> OperationBuilder {
    operation
        .response("400", problem("The body is of another form; `errors` names every field that is wrong."))
        .response("404", problem("There is none with this key."))
        .response("409", problem("It names something that is not there, or collides with another one."))
        .response("413", problem("The body is too large."))
}

pub(super) fn stale(operation: OperationBuilder) -> OperationBuilder {
    operation.response("412", problem("It was changed meanwhile (If-Match); `current` is what it is now."))
}

pub(super) fn if_match() -> utoipa::openapi::path::Parameter {
    let about = "The ETag of the answer that the caller has seen; without it the last writer of a field wins.";
    let schema = ObjectBuilder::new().schema_type(Type::String).build();
    parameter("If-Match", ParameterIn::Header, schema, Some(about.to_owned()))
}

fn body(schema: &Ref, types: &[&str], required: Required) -> utoipa::openapi::request_body::RequestBody {
    let body = RequestBodyBuilder::new().required(Some(required));
    types
        .iter()
        .fold(body, |body, kind| body.content(*kind, ContentBuilder::new().schema(Some(schema.clone())).build()))
        .build()
}

pub(super) fn tagged(description: &str, view: Ref, made: bool) -> utoipa::openapi::Response {
    let text = |about: &str| {
        let schema = ObjectBuilder::new().schema_type(Type::String).build();
        HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
    };
    let mut response = content(description, view);
    response.headers.insert("ETag".to_owned(), text("Names what is stored, for If-Match.").into());
    if made {
        response.headers.insert("Location".to_owned(), text("Where it is.").into());
    }
    response
}

async fn create_handler<R: Resource>(
    form: &'static Form,
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let operation = Operation::new(form, Verb::Create { data: respond::body(&bytes)? });
    let done = api.editor.one(&caller.actor(), &operation, Mode::Commit).await?;
    show::<R>(&api, &headers, &done).await
}

async fn change_handler<R: Resource>(
    form: &'static Form,
    put: bool,
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<Vec<(String, String)>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let (key, data, expected) = (key::<R>(&path)?, respond::body(&bytes)?, expected(&headers));
    let verb = if put { Verb::Put { key, data, expected } } else { Verb::Update { key, data, expected } };
    let done = api.editor.one(&caller.actor(), &Operation::new(form, verb), Mode::Commit).await?;
    show::<R>(&api, &headers, &done).await
}

async fn delete_handler<R: Resource>(
    form: &'static Form,
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(path): Path<Vec<(String, String)>>,
    Query(parameters): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (cascade, dry_run) = flags(&parameters)?;
    if cascade && caller.role < Role::Admin {
        return Err(caller.below(Role::Admin));
    }
    let verb = Verb::Delete { key: key::<R>(&path)?, expected: expected(&headers), cascade };
    let mode = if dry_run { Mode::Rehearse } else { Mode::Commit };
    let done = api.editor.one(&caller.actor(), &Operation::new(form, verb), mode).await?;
    if !cascade && !dry_run {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(Json(Deletion { dry_run, deleted: form.show(&done.record), also: done.also }).into_response())
}

fn flags(parameters: &[(String, String)]) -> Result<(bool, bool), Problem> {
    let (mut cascade, mut dry_run) = (false, false);
    for (name, text) in parameters {
        let flag = match name.as_str() {
            "cascade" => &mut cascade,
            "dryRun" => &mut dry_run,
            _ => return Err(Problem::unknown_parameter(name, "one of cascade, dryRun")),
        };
        *flag = text.parse().map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", format!("{name} is neither true nor false"))
                .at(name.as_str(), "true or false")
        })?;
    }
    Ok((cascade, dry_run))
}

fn expected(headers: &HeaderMap) -> Expected {
    respond::row_tags(headers).map(Expected::tags).unwrap_or_default()
}

/// The resource as a GET shows it.
async fn show<R: Resource>(api: &ApiState, headers: &HeaderMap, done: &Done) -> Result<Response, Problem> {
    let Done { form, key, outcome, .. } = done;
    let tag = stored_tag(&mut &api.db, api.db.dialect(), form, key).await?.unwrap_or_default();
    let Some(item) = query::get::<R>(&api.db, api.clock.now(), key.clone()).await? else {
        // It was there a moment ago; whoever deleted it since was right, too.
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    // What was just written is sent whatever the caller has.
    let mut asked = headers.clone();
    asked.remove(header::IF_NONE_MATCH);
    let mut response = respond::one(&asked, &tag, &item)?;
    if *outcome == Outcome::Created {
        *response.status_mut() = StatusCode::CREATED;
        if let Ok(place) = HeaderValue::from_str(&location::<R>(key)) {
            response.headers_mut().insert(header::LOCATION, place);
        }
    }
    Ok(response)
}

fn location<R: Resource>(key: &[store::Value]) -> String {
    let mut path = format!("/api/v1/{}", R::LIST);
    for part in key {
        path.push('/');
        match part {
            store::Value::Int(number) => path.push_str(&number.to_string()),
            store::Value::Text(text) => path.push_str(&escaped(text)),
            _ => {}
        }
    }
    path
}

/// A text as one segment of a path (RFC 3986).
fn escaped(text: &str) -> String {
    let mut path = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            path.push(byte.into());
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}
