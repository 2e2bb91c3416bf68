//! Rules that infer environments and tags: make, change, try, and go back to the default set.

use std::time::Duration;

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{
        HttpMethod, RefOr, Schema, Type,
        path::{OperationBuilder, ParameterIn},
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem,
    agents::{json_body, needed_body},
    auth::{Access, Caller},
    edit::{if_match, stale, tagged},
    lists::{self, parameter, plain},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    environment::{
        dry_run::{self, Budget, DryRun, Proposal, TagChange, dry_run},
        rule::{self, Compiled, Rule, check},
        rules::{RuleError, rule_change, rule_create, rule_delete, rules_reset},
    },
    query::{self, EnvironmentRule, Resource as _},
    store::rows::environment_rule::RuleRow,
};

/// How long a dry run may look.
const TRY_FOR: Duration = Duration::from_secs(20);
/// Changes that a dry run lists when nothing is said, and at most.
const LISTED: (usize, usize) = (100, 1_000);
/// Rules of one dry run.
const RULES: usize = 100;

/// Rules that somebody considers.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Considered {
    /// New rules, and those that would replace the one with their id.
    #[serde(default)]
    rules: Vec<ConsideredRule>,
    /// Ids of rules that would be removed.
    #[serde(default)]
    remove: Vec<i64>,
    /// How many changes are listed, 1 to 1000; all are counted.
    limit: Option<usize>,
}

/// A rule that somebody considers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConsideredRule {
    /// The rule that it would replace; a new one when absent.
    id: Option<i64>,
    /// The rule.
    rule: Rule,
}

/// What rules would change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tried {
    /// Resources that were looked at.
    scanned: usize,
    /// Whether those were all; false when it would have taken too long.
    complete: bool,
    /// Resources that would change, in their environment or in their tags.
    total: usize,
    /// Of those, resources whose tags would change.
    retagged: usize,
    /// How many would get another environment, by what from and what to.
    counts: Vec<Transition>,
    /// The first of them.
    changes: Vec<Changed>,
}

/// How many resources would change from one environment to another.
#[derive(Serialize, ToSchema)]
struct Transition {
    /// Code of the environment that rules give them now; `null` when none does.
    from: Option<String>,
    /// Code of the one that they would give them.
    to: Option<String>,
    /// Number of resources.
    count: usize,
}

/// A resource that would change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Changed {
    /// Its type.
    resource_type: &'static str,
    /// Its identifier.
    resource_id: i64,
    /// Its name.
    resource_name: String,
    /// Code of the environment that rules give it now.
    from: Option<String>,
    /// Code of the one that they would give it.
    to: Option<String>,
    /// The rule that would decide.
    rule: Option<String>,
    /// What it would decide by.
    #[schema(value_type = Option<Vec<Object>>)]
    evidence: Json,
    /// Tags that rules would set, change or take back; empty when none.
    tags: Vec<Retagged>,
}

/// A tag that rules would set, change or take back.
#[derive(Serialize, ToSchema)]
struct Retagged {
    /// Its key.
    key: String,
    /// The value that a rule gives it now; `null` when none does.
    from: Option<String>,
    /// The value that a rule would give it; `null` when none would.
    to: Option<String>,
    /// The rule that would set it.
    rule: Option<String>,
}

pub(super) fn enter(routes: &mut Routes) {
    lists::enter::<EnvironmentRule>(routes, Access::Role(Role::Viewer));
    let (rule, stored) = (routes.schema::<Rule>(), routes.schema::<EnvironmentRule>());
    let changes = routes.described("RuleChanges", rule_changes());
    let value = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(256)).build();
    routes.describe_items("Condition", "values", value);
    let (considered, tried) = (routes.schema::<Considered>(), routes.schema::<Tried>());
    let operator = Access::Role(Role::Operator);
    let operation = |id: &str, summary: &str, about: &str| {
        OperationBuilder::new()
            .tag("environment-rules")
            .operation_id(Some(id))
            .summary(Some(summary))
            .description(Some(about))
    };
    let bad = || problem("The rule makes no sense; the field is named.");
    let id = || {
        let schema = ObjectBuilder::new().schema_type(Type::Integer).build();
        parameter("id", ParameterIn::Path, schema, None)
    };
    let missing = || problem("There is no such rule.");

    let create = operation(
        "create-environment-rule",
        "Makes a rule",
        "Everything is evaluated again in the background; try the rule with a dry run before.",
    )
    .request_body(Some(needed_body(rule)))
    .response("201", tagged("The rule.", stored.clone(), true))
    .response("400", bad());
    routes.add(HttpMethod::Post, "/api/v1/environment-rules", operator, create, create_handler);

    let change = operation(
        "update-environment-rule",
        "Changes a rule",
        "Members that are left out stay as they are; conditions and scope are replaced as a whole.",
    )
    .parameter(id())
    .parameter(if_match())
    .request_body(Some(json_body(changes)))
    .response("200", tagged("The rule as it is now.", stored, false))
    .response("400", bad())
    .response("404", missing());
    let change = stale(change);
    routes.add(HttpMethod::Patch, "/api/v1/environment-rules/{id}", operator, change, change_handler);

    let delete =
        operation("delete-environment-rule", "Removes a rule", "What it inferred, tags included, is taken back.")
            .parameter(id())
            .parameter(if_match())
            .response("204", plain("It is gone."))
            .response("404", missing());
    let delete = stale(delete);
    routes.add(HttpMethod::Delete, "/api/v1/environment-rules/{id}", operator, delete, delete_handler);

    let about = "Rules that people made stay; those of the default set become what they were at first.";
    let reset = operation("reset-environment-rules", "Restores the default rules", about)
        .response("204", plain("They are restored."));
    routes.add(HttpMethod::Post, "/api/v1/environment-rules/reset", operator, reset, reset_handler);

    let about = "Evaluates the rules in force together with the given ones, and changes nothing.";
    let attempt = operation("dry-run-environment-rules", "Tells what rules would change", about)
        .request_body(Some(json_body(considered)))
        .response("200", content("What would change.", tried))
        .response("400", bad());
    routes.add(HttpMethod::Post, "/api/v1/environment-rules/dry-run", operator, attempt, dry_run_handler);
}

/// A body that changes a rule: nothing must be given, and what is not given has no default.
fn rule_changes() -> Schema {
    let RefOr::T(Schema::Object(mut rule)) = Rule::schema() else { return Schema::default() };
    rule.description = Some("Changes of a rule: what is not given stays as it is.".to_owned());
    rule.required.clear();
    for property in rule.properties.values_mut() {
        match property {
            RefOr::T(Schema::Object(object)) => object.default = None,
            RefOr::T(Schema::Array(list)) => list.default = None,
            RefOr::T(Schema::OneOf(one)) => one.default = None,
            _ => {}
        }
    }
    rule.into()
}

async fn create_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let rule: Rule = respond::body(&bytes)?;
    let id = rule_create(&api.db, &caller.actor(), api.clock.now(), rule).await?;
    let mut response = stored(&api, &headers, id).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&format!("/api/v1/environment-rules/{id}")) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

async fn change_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let id = rule_id(&text)?;
    let Json::Object(given) = respond::body(&bytes)? else {
        return Err(
            Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "the body is no object").at("body", "an object")
        );
    };
    let change = |before: Rule| changed(&before, &given);
    rule_change(&api.db, &caller.actor(), api.clock.now(), id, &seen(&headers), &change).await?;
    stored(&api, &headers, id).await
}

async fn delete_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    rule_delete(&api.db, &caller.actor(), api.clock.now(), rule_id(&text)?, &seen(&headers)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn reset_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
) -> Result<StatusCode, Problem> {
    rules_reset(&api.db, &caller.actor(), api.clock.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn dry_run_handler(State(api): State<ApiState>, headers: HeaderMap, bytes: Bytes) -> Result<Response, Problem> {
    let Considered { rules, remove, limit } = respond::body(&bytes)?;
    if rules.len() > RULES {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "there are too many rules");
        return Err(problem.at("rules", format!("at most {RULES}")));
    }
    let listed = limit.unwrap_or(LISTED.0);
    if !(1..=LISTED.1).contains(&listed) {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "limit is out of range");
        return Err(problem.at("limit", format!("1 to {}", LISTED.1)));
    }
    let compiled = rules.into_iter().enumerate().map(|(index, ConsideredRule { id, rule })| {
        check(id.unwrap_or(0), rule).map_err(|problems| rule_problem(&problems, &format!("rules[{index}].rule.")))
    });
    let rules = compiled.collect::<Result<Vec<Compiled>, Problem>>()?;
    let proposal = Proposal { rules, removed: remove };
    let found = dry_run(&api.db, proposal, Budget { time: TRY_FOR, listed }).await?;
    respond::json(&headers, &tried(found))
}

fn tried(found: DryRun) -> Tried {
    let DryRun { scanned, complete, changed, retagged, counts, changes } = found;
    let changes = changes.into_iter().map(|change| Changed {
        resource_type: change.kind.as_str(),
        resource_id: change.id,
        resource_name: change.name,
        from: change.from,
        to: change.to,
        rule: change.inference.as_ref().map(|inference| inference.rule_name.clone()),
        evidence: dry_run::evidence(change.inference.as_ref()),
        tags: change
            .tags
            .into_iter()
            .map(|TagChange { key, from, to, rule }| Retagged { key, from, to, rule })
            .collect(),
    });
    Tried {
        scanned,
        complete,
        total: changed,
        retagged,
        counts: counts.into_iter().map(|((from, to), count)| Transition { from, to, count }).collect(),
        changes: changes.collect(),
    }
}

fn rule_id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::not_found("environment rule", text))
}

/// A rule in which the given members are other ones.
fn changed(before: &Rule, given: &Map<String, Json>) -> Result<Rule, Vec<rule::Problem>> {
    let mut whole = serde_json::to_value(before).unwrap_or_default();
    if let Json::Object(whole) = &mut whole {
        whole.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    serde_path_to_error::deserialize(whole).map_err(|error| {
        let field = error.path().to_string();
        let reason = error.into_inner().to_string();
        vec![rule::Problem { field, reason, expected: "the form that /api/v1/openapi.json describes".to_owned() }]
    })
}

/// Whether a stored rule is one that the caller names with `If-Match`; any when it names none.
fn seen(headers: &HeaderMap) -> impl Fn(&RuleRow) -> bool + Sync + use<> {
    let tags = respond::row_tags(headers);
    move |row| tags.as_ref().is_none_or(|tags| row_tag(row).is_some_and(|tag| tags.contains(&tag)))
}

fn row_tag(row: &RuleRow) -> Option<String> {
    EnvironmentRule::of(row.clone()).ok()?.row_tag()
}

async fn stored(api: &ApiState, headers: &HeaderMap, id: i64) -> Result<Response, Problem> {
    match query::get::<EnvironmentRule>(&api.db, api.clock.now(), vec![id.into()]).await? {
        Some(rule) => {
            let mut asked = headers.clone();
            asked.remove(header::IF_NONE_MATCH);
            respond::one(&asked, &rule.row_tag().unwrap_or_default(), &rule)
        }
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// The first thing that is wrong; the detail tells of all.
fn rule_problem(problems: &[rule::Problem], place: &str) -> Problem {
    let all: Vec<String> =
        problems.iter().map(|one| format!("{place}{} {}; expected {}", one.field, one.reason, one.expected)).collect();
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", all.join(". "));
    match problems.first() {
        Some(first) => problem.at(format!("{place}{}", first.field), first.expected.clone()),
        None => problem,
    }
}

impl From<RuleError> for Problem {
    fn from(error: RuleError) -> Self {
        match error {
            RuleError::NotFound(id) => Self::not_found("environment rule", &id.to_string()),
            RuleError::Invalid(problems) => rule_problem(&problems, ""),
            RuleError::Stale(row) => {
                let tag = row_tag(&row).unwrap_or_default();
                let current = EnvironmentRule::of(*row).ok().and_then(|rule| serde_json::to_value(rule).ok());
                Self::stale("the environment rule was changed in the meantime", current.unwrap_or_default(), tag)
            }
            RuleError::Store(error) => error.into(),
        }
    }
}
