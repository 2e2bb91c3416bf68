//! Lists and single resources: the same two handlers for every kind.

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use orchestrix_common::time::Timestamp;
use utoipa::openapi::{
    HttpMethod, RefOr, Required, Schema, Type,
    path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn},
    schema::{AnyOfBuilder, KnownFormat, ObjectBuilder, SchemaFormat},
};

use super::{
    ApiState, Problem,
    auth::Access,
    respond,
    routes::{Routes, content, problem},
    schema,
};
use crate::{
    edit::{self, forms::form_of_list},
    query::{
        self, AS_OF, Context, DEFAULT_LIMIT, KeyKind, ListRequest, MAX_LIMIT, MOST_SORTS, PART, Page, Resource, SORT,
        Test, as_of::AsOf,
    },
    store::{Db, Value},
};

/// Enters the list of a resource and its single form.
pub(super) fn enter<R: Resource>(routes: &mut Routes, access: Access) {
    let page = routes.schema_as::<Page<R>>(format!("{}Page", R::name()));
    let past = query::has_past::<R>().then(as_of_parameter);
    let list = format!("/api/v1/{}", R::LIST);
    let operation = OperationBuilder::new()
        .tag(R::LIST)
        .operation_id(Some(format!("list-{}", R::LIST)))
        .summary(Some(format!("Lists {}", R::LIST.replace('-', " "))))
        .description(Some(R::ABOUT))
        .parameters(Some(parameters::<R>().into_iter().chain(past.clone())))
        .response("200", content("A page of the list.", page))
        .response("304", plain("The caller has this page already (If-None-Match)."))
        .response("400", problem("A parameter is unknown or of another form; the nearest name is proposed."));
    let operation = if past.is_some() { operation.response("404", not_so_far()) } else { operation };
    routes.add(HttpMethod::Get, &list, access, operation, list_handler::<R>);

    let one = routes.schema::<R>();
    let operation = OperationBuilder::new()
        .tag(R::LIST)
        .operation_id(Some(format!("get-{}", R::ONE.replace(' ', "-"))))
        .summary(Some(format!("Reads one {}", R::ONE)))
        .parameters(Some(key_parameters::<R>().chain(past)))
        .response("200", content("It.", one))
        .response("304", plain("The caller has it already (If-None-Match)."))
        .response("400", problem("The key is of another form."))
        .response("404", problem("There is none with this key."));
    routes.add(HttpMethod::Get, &path_of_one::<R>(), access, operation, get_handler::<R>);
}

pub(super) fn not_so_far() -> utoipa::openapi::Response {
    problem("The history does not reach the point that `asOf` names.")
}

async fn list_handler<R: Resource>(
    State(api): State<ApiState>,
    headers: HeaderMap,
    parameters: Result<Query<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(parameters) = parameters.map_err(|rejection| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", rejection.body_text())
            .at("query", "name=value pairs, percent-encoded")
    })?;
    let now = api.clock.now();
    let db = as_of(&api, now, &parameters).await?;
    let mut request = ListRequest::parse::<R>(&Context::of(&db, now), &parameters)?;
    api.labels.narrow(&db, now, &mut request).await?;
    let page = query::list::<R>(&db, now, &request).await?;
    query::as_of::confirm(&db).await?;
    respond::json(&headers, &page)
}

async fn get_handler<R: Resource>(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Path(path): Path<Vec<(String, String)>>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let key = key::<R>(&path)?;
    let now = api.clock.now();
    known::<R>(&parameters)?;
    let db = if query::has_past::<R>() { as_of(&api, now, &parameters).await? } else { api.db.clone() };
    // Before the rest: what changes in between makes the tag stale, and never lets an old belief pass for a new one.
    let tag = match form_of_list(R::LIST) {
        Some(form) => edit::stored_tag(&mut &db, db.dialect(), form, &key).await?,
        None => None,
    };
    let found = query::get::<R>(&db, now, key).await?;
    query::as_of::confirm(&db).await?;
    match found {
        Some(item) => match tag.or_else(|| item.row_tag()) {
            Some(tag) => respond::one(&headers, &tag, &item),
            None => respond::json(&headers, &item),
        },
        None => {
            let id: Vec<&str> = path.iter().map(|(_, text)| text.as_str()).collect();
            Err(Problem::not_found(R::ONE, &id.join("/")))
        }
    }
}

/// Refuses parameters that say nothing of a single resource.
fn known<R: Resource>(parameters: &[(String, String)]) -> Result<(), Problem> {
    let allowed = query::has_past::<R>().then_some(AS_OF);
    match parameters.iter().find(|(name, _)| Some(name.as_str()) != allowed) {
        None => Ok(()),
        Some((name, _)) => Err(Problem::unknown_parameter(name, allowed.unwrap_or("no parameters"))),
    }
}

/// Reads the key of a resource from a path.
pub(super) fn key<R: Resource>(path: &[(String, String)]) -> Result<Vec<Value>, Problem> {
    let parts = R::KEYS.iter().zip(path).map(|(part, (name, text))| match part.kind {
        KeyKind::Text => Ok(Value::from(text)),
        KeyKind::Int => text.parse().map(Value::Int).map_err(|_| {
            if !text.is_empty() && text.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit()) {
                // A number, and larger than any that the database has given.
                return Problem::not_found(R::ONE, text);
            }
            Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", format!("{name} is not a whole number"))
                .at(name.as_str(), "a whole number")
        }),
    });
    parts.collect()
}

/// The parameters of a path that ends with the key of a resource.
pub(super) fn key_parameters<R: Resource>() -> impl Iterator<Item = Parameter> {
    R::KEYS.iter().map(|key| {
        let schema = match (key.kind, form_of_list(R::LIST).and_then(|form| form.input(key.name))) {
            // What people choose as a key keeps to the same rule there.
            (_, Some((input, _))) => schema::property::<R>(input, false),
            (KeyKind::Int, None) => Schema::from(ObjectBuilder::new().schema_type(Type::Integer).build()).into(),
            (KeyKind::Text, None) => Schema::from(ObjectBuilder::new().schema_type(Type::String).build()).into(),
        };
        parameter(key.name, ParameterIn::Path, schema, None)
    })
}

/// The path of one resource.
pub(super) fn path_of_one<R: Resource>() -> String {
    R::KEYS.iter().fold(format!("/api/v1/{}", R::LIST), |path, key| format!("{path}/{{{}}}", key.name))
}

/// The database as of the point that a request names, or as it is.
pub(super) async fn as_of(api: &ApiState, now: Timestamp, parameters: &[(String, String)]) -> Result<Db, Problem> {
    let Some((_, text)) = parameters.iter().find(|(name, _)| name == AS_OF) else { return Ok(api.db.clone()) };
    let point = AsOf::parse(text).ok_or_else(|| {
        let detail = format!("{AS_OF} is neither a time nor the number of a change");
        Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", detail).at(AS_OF, AsOf::EXPECTED)
    })?;
    Ok(query::as_of::open(&api.db, now, point).await?)
}

pub(super) fn as_of_parameter() -> Parameter {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let time = text().format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))).build();
    let number = text().pattern(Some("^[0-9]{1,18}$")).build();
    let either = Schema::from(AnyOfBuilder::new().item(time).item(number).build());
    let about = "Reads as of the past: an RFC 3339 time, or the number of a change. What is only kept as it is now (signs \
                 of life, coverage, use, facts) is then null.";
    parameter(AS_OF, ParameterIn::Query, either, Some(about.to_owned()))
}

/// What every list takes.
pub(super) fn page_parameters() -> [Parameter; 2] {
    let limit = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()))
        .build();
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    [
        parameter("limit", ParameterIn::Query, limit, Some("Rows of a page.".to_owned())),
        parameter("cursor", ParameterIn::Query, text, Some("The `next` of the page before.".to_owned())),
    ]
}

fn parameters<R: Resource>() -> Vec<Parameter> {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let fields = query::sortable::<R>();
    let one = format!("-?({})", fields.join("|"));
    let sort = text().pattern(Some(format!("^({one}(,{one}){{0,{}}})?$", MOST_SORTS - 1)));
    let about = format!(
        "Fields to order by, at most {MOST_SORTS} with a comma between them, `-` in front of one for the largest first: {}. \
         What is not known is the smallest.",
        fields.join(", ")
    );
    let mut parameters: Vec<Parameter> = page_parameters().into();
    parameters.push(parameter(SORT, ParameterIn::Query, sort.build(), Some(about)));
    for filter in R::FILTERS {
        let schema = match filter.test {
            Test::Int(_) | Test::Compute(_) | Test::Above(_) => {
                ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(i64::MIN)).maximum(Some(i64::MAX)).build()
            }
            Test::Flag(_) | Test::Inherited => ObjectBuilder::new().schema_type(Type::Boolean).build(),
            Test::Word(words) => {
                let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
            }
            Test::Label(_) => text().pattern(Some("^[^=]")).build(),
            Test::Text(_) | Test::Computed(_) | Test::Contains(_) | Test::Environment(..) => text().build(),
        };
        let repeated = match filter.test {
            Test::Int(_)
            | Test::Compute(_)
            | Test::Text(_)
            | Test::Computed(_)
            | Test::Contains(_)
            | Test::Environment(..) => " Repeated: any of them.",
            Test::Label(_) => " Repeated: all of them.",
            Test::Flag(_) | Test::Above(_) | Test::Word(_) | Test::Inherited => "",
        };
        let about = match filter.also {
            Some(also) => format!("{}{repeated} Also called `{also}`.", filter.about),
            None => format!("{}{repeated}", filter.about),
        };
        parameters.push(parameter(filter.name, ParameterIn::Query, schema, Some(about)));
        if matches!(filter.test, Test::Text(_)) {
            let about = "The same, where it contains this, regardless of case. Repeated: any of them.".to_owned();
            parameters.push(parameter(
                &format!("{}{PART}", filter.name),
                ParameterIn::Query,
                text().build(),
                Some(about),
            ));
        }
    }
    parameters
}

pub(super) fn parameter(
    name: &str,
    place: ParameterIn,
    schema: impl Into<RefOr<Schema>>,
    about: Option<String>,
) -> Parameter {
    let required = if place == ParameterIn::Path { Required::True } else { Required::False };
    let parameter = ParameterBuilder::new().name(name).parameter_in(place).required(required);
    parameter.schema(Some(schema)).description(about).build()
}

/// A parameter that must be given.
pub(super) fn required(mut parameter: Parameter) -> Parameter {
    parameter.required = Required::True;
    parameter
}

pub(super) fn plain(description: &str) -> utoipa::openapi::Response {
    utoipa::openapi::ResponseBuilder::new().description(description).build()
}
