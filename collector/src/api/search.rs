//! Search over everything.

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::Response,
};
use utoipa::openapi::{
    HttpMethod, Type,
    path::{OperationBuilder, ParameterIn},
    schema::ObjectBuilder,
};

use super::{
    ApiState, Problem,
    auth::Access,
    lists::{parameter, required},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    query::search::{self, DEFAULT_HITS, Found, MOST_HITS, MOST_LETTERS, Search},
};

pub(super) fn enter(routes: &mut Routes) {
    let found = routes.schema::<Found>();
    let schema = |kind| ObjectBuilder::new().schema_type(kind);
    let text = schema(Type::String).pattern(Some(r"\S")).max_length(Some(MOST_LETTERS));
    let kinds: Vec<&str> = search::kinds().collect();
    let kinds = kinds.join("|");
    let some = schema(Type::String).pattern(Some(format!("^(({kinds})(,({kinds}))*)?$")));
    let number = schema(Type::Integer).minimum(Some(1)).maximum(Some(MOST_HITS)).default(Some(DEFAULT_HITS.into()));
    let flag = schema(Type::Boolean);
    let given = |name: &str, schema: ObjectBuilder, about: &str| {
        parameter(name, ParameterIn::Query, schema.build(), Some(about.to_owned()))
    };
    let operation = OperationBuilder::new()
        .tag("search")
        .operation_id(Some("search"))
        .summary(Some("Finds anything by name, address, image, port, tag or label"))
        .parameter(required(given(
            "q",
            text,
            "What to look for: at least one letter. `key=value` looks for labels and tags, `:80` for ports.",
        )))
        .parameter(given("kinds", some, "Only these kinds, separated by commas."))
        .parameter(given("limit", number, "Hits of each kind."))
        .parameter(given("ended", flag, "Also workloads that ended."))
        .response("200", content("What was found, kind by kind, the best first.", found))
        .response("400", problem("A parameter is unknown or of another form."));
    routes.add(HttpMethod::Get, "/api/v1/search", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let search = read(&parameters)?;
    respond::json(&headers, &search::search(&api.db, api.clock.now(), &search).await?)
}

fn read(parameters: &[(String, String)]) -> Result<Search, Problem> {
    let mut search = Search { text: String::new(), kinds: Vec::new(), limit: DEFAULT_HITS, ended: false };
    for (name, value) in parameters {
        match name.as_str() {
            "q" => search.text.clone_from(value),
            "kinds" => search.kinds = kinds(value)?,
            "limit" => {
                let limit = value.parse().ok().filter(|limit| (1..=MOST_HITS).contains(limit));
                search.limit = limit.ok_or_else(|| {
                    Problem::invalid_parameter("limit", "is out of range", "a whole number from 1 to 500")
                })?;
            }
            "ended" => {
                search.ended =
                    value.parse().map_err(|_| Problem::invalid_parameter("ended", "is neither", "true or false"))?
            }
            _ => return Err(Problem::unknown_parameter(name, "one of q, kinds, limit, ended")),
        }
    }
    let letters = search.text.trim().chars().count();
    if !(1..=MOST_LETTERS).contains(&letters) {
        return Err(Problem::invalid_parameter("q", "is empty or too long", "1 to 200 letters"));
    }
    Ok(search)
}

fn kinds(text: &str) -> Result<Vec<String>, Problem> {
    let wanted: Vec<String> = text.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned).collect();
    if wanted.iter().all(|kind| search::kinds().any(|known| known == kind)) {
        return Ok(wanted);
    }
    let known: Vec<&str> = search::kinds().collect();
    Err(Problem::invalid_parameter(
        "kinds",
        "names a kind that cannot be looked for",
        &format!("some of {}", known.join(", ")),
    ))
}
