//! Mutations in the form of the existing front end: one, or a list that is carried out whole or not at all. They go
//! through the same path as REST, with its rules, its history and its audit; only the form differs.

use axum::{
    Extension, Json,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, RefOr, Schema,
        path::OperationBuilder,
        schema::{ArrayBuilder, OneOfBuilder},
    },
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{Access, Caller},
    routes::{Routes, content},
};
use crate::{
    admin::Role,
    catalog::{Kind, alike, nearest},
    edit::{
        Done, Expected, Failed, FieldProblem, Mode, Operation, Verb, chain,
        form::Form,
        forms::{FORMS, form_of},
    },
    store,
};

/// Mutations of one request.
const MOST: usize = 1_000;

/// What to do with one row: `{"entityName": "compute", "operation": "UPDATE", "id": 7, "data": {"notes": "…"}}`, or a
/// list of such. In a list, `{"$ref": 0}` as `id` or as a field stands for the id of what mutation 0 of it made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schema(as = Mutation)]
struct Mutation {
    /// The kind, as in queries.
    entity_name: String,
    /// What to do.
    #[schema(pattern = "^(INSERT|UPDATE|DELETE)$")]
    operation: String,
    /// The row; for kinds without a number of their own an object of the fields that identify it.
    #[serde(default)]
    id: Option<Value>,
    /// The fields; what an update does not give stays as it is.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// The tag of the row that the caller has seen.
    #[serde(default)]
    if_match: Option<String>,
    /// A deletion takes everything below with it; for admins.
    #[serde(default)]
    cascade: bool,
}

/// What was done, in the order of the request.
#[derive(Debug, Serialize, ToSchema)]
struct MutationAnswer {
    /// True.
    success: bool,
    /// The row as it is now, or as it last was; a list when a list was asked for.
    #[schema(value_type = Object)]
    data: Value,
    /// Number of mutations.
    count: usize,
}

/// Why nothing was done.
#[derive(Debug, Serialize, ToSchema)]
struct MutationFailure {
    /// False.
    success: bool,
    /// What is wrong.
    error: MutationError,
}

/// What is wrong with a mutation.
#[derive(Debug, Serialize, ToSchema)]
struct MutationError {
    /// Stable word for programs.
    code: String,
    /// For people.
    message: String,
    /// Place in the request; absent when none is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// Everything that is wrong with the data.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldProblem>,
}

pub(super) fn enter(routes: &mut Routes) {
    let mutation = routes.schema::<Mutation>();
    if let Some(RefOr::T(Schema::Object(object))) = routes.schemas.get_mut("Mutation")
        && let Some(RefOr::T(Schema::Object(name))) = object.properties.get_mut("entityName")
    {
        let kinds = FORMS.iter().filter(|form| !form.inputs.is_empty()).map(|form| form.kind.name.into());
        name.enum_values = Some(kinds.collect());
    }
    let answer = routes.schema::<MutationAnswer>();
    let failure = routes.schema::<MutationFailure>();
    let list = ArrayBuilder::new().items(mutation.clone()).min_items(Some(1)).max_items(Some(MOST));
    let either: Schema = OneOfBuilder::new().item(mutation).item(list).build().into();
    let either = routes.described("Mutations", either);
    let operation = OperationBuilder::new()
        .tag("query")
        .operation_id(Some("mutate"))
        .summary(Some("Makes, changes or deletes rows, all of them or none"))
        .request_body(Some(needed_body(either)))
        .response("200", content("What was done.", answer))
        .response("400", content("The request is of another form.", failure.clone()))
        .response("404", content("There is no such row.", failure.clone()))
        .response("409", content("It collides with what is stored.", failure.clone()))
        .response("412", content("The row was changed meanwhile.", failure));
    routes.add(HttpMethod::Post, "/api/v1/mutate", Access::Role(Role::Operator), operation, handler);
}

async fn handler(State(api): State<ApiState>, Extension(caller): Extension<Caller>, bytes: Bytes) -> Response {
    match answer(&api, &caller, &bytes).await {
        Ok(answer) => Json(answer).into_response(),
        Err(Refused { problem, place }) => failure(problem, &place),
    }
}

/// A problem, and which mutation it is about.
struct Refused {
    problem: Problem,
    place: String,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, place: String::new() }
    }
}

async fn answer(api: &ApiState, caller: &Caller, bytes: &[u8]) -> Result<MutationAnswer, Refused> {
    let request: Value =
        serde_json::from_slice(bytes).map_err(|error| invalid("body", &format!("is no JSON: {error}"), "JSON"))?;
    let (list, single) = match request {
        Value::Array(list) => (list, false),
        one => (vec![one], true),
    };
    if list.is_empty() || list.len() > MOST {
        let reason = format!("holds {} mutations", list.len());
        return Err(invalid("body", &reason, &format!("1 to {MOST} of them")).into());
    }
    let place = |index: usize| if single { String::new() } else { format!("[{index}].") };
    let mut operations = Vec::with_capacity(list.len());
    for (index, one) in list.into_iter().enumerate() {
        let read = operation(one, caller).map_err(|problem| Refused { problem, place: place(index) })?;
        operations.push(read);
    }
    let done = api.editor.all(&caller.actor(), &operations, Mode::Commit).await;
    let done = done.map_err(|Failed { index, error }| Refused { problem: error.into(), place: place(index) })?;
    let count = done.len();
    let mut rows: Vec<Value> = done.iter().map(|Done { form, record, .. }| form.show(record)).collect();
    let data = if single { rows.pop().unwrap_or(Value::Null) } else { Value::Array(rows) };
    Ok(MutationAnswer { success: true, data, count })
}

fn operation(mutation: Value, caller: &Caller) -> Result<Operation, Problem> {
    let read: Result<Mutation, _> = serde_path_to_error::deserialize(mutation);
    let Mutation { entity_name, operation, id, data, if_match, cascade } = read.map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." || field == "?" { "body".to_owned() } else { field };
        invalid(&field, &error.into_inner().to_string(), "entityName, operation, id, data, ifMatch, cascade")
    })?;
    let form = form(&entity_name)?;
    let data = data.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    let expected = if_match.map(|tag| Expected::tags(vec![row_part(&tag)])).unwrap_or_default();
    let mut of = None;
    let verb = match operation.to_ascii_uppercase().as_str() {
        "INSERT" if id.as_ref().is_none_or(Value::is_null) => Verb::Create { data },
        "INSERT" => return Err(invalid("id", "is given", "none: the database numbers what is new")),
        "UPDATE" => Verb::Update { key: key(form, id.as_ref(), &data, &mut of)?, data, expected },
        "DELETE" if cascade && caller.role < Role::Admin => return Err(caller.below(Role::Admin)),
        "DELETE" => Verb::Delete { key: key(form, id.as_ref(), &data, &mut of)?, expected, cascade },
        _ => {
            let shown: String = operation.chars().take(64).collect();
            return Err(invalid("operation", &format!("is {shown:?}"), "INSERT, UPDATE or DELETE"));
        }
    };
    Ok(Operation { form, verb, of })
}

fn form(name: &str) -> Result<&'static Form, Problem> {
    let form = Kind::find(name).and_then(form_of).filter(|form| !form.inputs.is_empty());
    form.ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        let known = FORMS.iter().filter(|form| !form.inputs.is_empty()).map(|form| form.kind.name);
        let near = nearest(&shown, known).join(", ");
        invalid("entityName", &format!("{shown:?} is nothing that can be written"), &format!("one of {near}"))
    })
}

/// The key of a row: its number, or the fields that identify it, from `id` or from the data.
fn key(
    form: &'static Form,
    id: Option<&Value>,
    data: &Value,
    of: &mut Option<usize>,
) -> Result<Vec<store::Value>, Problem> {
    if form.is_numbered() {
        let number = id.and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()));
        if let Some(index) = id.and_then(chain::of) {
            *of = Some(index.as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(usize::MAX));
        } else if number.is_none() {
            return Err(invalid("id", "is missing or no number", &format!("the id of a {}", form.one)));
        }
        return Ok(vec![number.into()]);
    }
    let member = |from: Option<&Value>, name: &str| {
        let members = from.and_then(Value::as_object)?;
        members.iter().find(|(key, _)| alike(key, name)).map(|(_, value)| value.clone())
    };
    let parts = form.key.iter().map(|column| {
        let name = form.name_of(column);
        match member(id, name).or_else(|| member(Some(data), name)) {
            Some(Value::Number(number)) => Ok(store::Value::from(number.as_i64())),
            Some(Value::String(text)) => Ok(store::Value::from(text)),
            _ => Err(invalid("id", &format!("lacks {name}"), "an object of the fields that identify the row")),
        }
    });
    parts.collect()
}

/// The part of an ETag that names what is stored.
fn row_part(tag: &str) -> String {
    let tag = tag.trim_start_matches("W/").trim_matches('"');
    tag.split('-').next().unwrap_or_default().to_owned()
}

fn invalid(field: &str, reason: &str, expected: &str) -> Problem {
    let detail = format!("{field} {reason}; expected {expected}");
    Problem::new(StatusCode::BAD_REQUEST, "invalid-mutation", detail).at(field, expected)
}

fn failure(problem: Problem, place: &str) -> Response {
    let Problem { status, code, detail, field, mut errors, .. } = problem;
    // The problems of the editor are about the data, those of the form about the mutation itself.
    let inside = if errors.is_empty() { place.to_owned() } else { format!("{place}data.") };
    let field = field.map(|field| format!("{inside}{field}")).or_else(|| Some(place.trim_end_matches('.').to_owned()));
    for error in &mut errors {
        error.field = format!("{inside}{}", error.field);
    }
    let error = MutationError {
        code: code.to_owned(),
        message: detail,
        field: field.filter(|field| !field.is_empty()),
        errors,
    };
    (status, Json(MutationFailure { success: false, error })).into_response()
}
