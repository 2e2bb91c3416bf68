//! What resources are for, how they are shared out, and what people say to what was inferred.

use axum::{
    Extension,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Schema, Type,
        path::{OperationBuilder, Parameter, ParameterIn, ParameterStyle},
        schema::{ArrayBuilder, Object, ObjectBuilder},
    },
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{Access, Caller},
    lists::{page_parameters, parameter, required},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::Role,
    environment::{
        ResourceType,
        association::{Refusal, association_accept_in_tx, association_change_in_tx, association_remove_in_tx},
        set::Statement,
        violation::violations,
    },
    query::{
        self, EnvironmentBadge, EnvironmentSummary, Key, MAX_LIMIT, ResourceAllocation, compute_allocation,
        environment_summary, environments_of, place_allocation,
    },
    store::{
        StoreError, Tx,
        rows::audit::{AuditEntry, audit_insert_in_tx},
    },
};

/// Resources of one question.
const RESOURCES: usize = 200;
/// Decisions of one request.
const DECISIONS: usize = 500;
/// Computes that are listed in a summary, and violations when no number is given.
const LISTED: usize = 100;
/// The list of violations and its key.
const VIOLATIONS: (&str, &[Key]) =
    ("environment-violations", &[Key::int("ruleId", "rule"), Key::int("computeId", "compute")]);

/// Environments that count for some resources.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EffectiveEnvironments {
    /// One for each resource that was asked for and has any.
    items: Vec<EffectiveOf>,
}

/// Environments that count for a resource.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EffectiveOf {
    /// Type of the resource.
    resource_type: &'static str,
    /// The resource.
    resource_id: i64,
    /// The environments, the main one first.
    environments: Vec<EnvironmentBadge>,
}

/// How some resources are shared out.
#[derive(Serialize, ToSchema)]
struct Allocations {
    /// In the order of the question; what is not there is left out.
    items: Vec<ResourceAllocation>,
}

/// Computes that break rules of separation.
#[derive(Serialize, ToSchema)]
struct Violations {
    /// By rule and compute.
    items: Vec<ViolationOf>,
    /// The cursor of the next page; `null` on the last one.
    next: Option<String>,
}

/// A compute that hosts two environments that must be kept apart.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ViolationOf {
    /// The rule.
    rule_id: i64,
    /// What it is called.
    rule_name: String,
    /// The compute.
    compute_id: i64,
    /// Its name.
    compute_name: String,
    /// The environments, each with reasons why the compute hosts it.
    environments: Vec<Hosted>,
}

/// An environment that a compute hosts.
#[derive(Serialize, ToSchema)]
struct Hosted {
    /// Its code.
    code: String,
    /// Why, for example "given to datacenter Dhaka-DC1" or "runs shop-web"; at most five.
    reasons: Vec<String>,
}

/// What a person says to an association that was inferred or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    /// It is right, and stays whatever rules say.
    Accept,
    /// It is wrong; it does not come back while the evidence is the same.
    Refuse,
    /// It is another environment.
    Change,
}

/// A decision on one association.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Decision {
    /// The association.
    association_id: i64,
    /// What is decided.
    decision: Word,
    /// Change: the right environment.
    environment_id: Option<i64>,
}

/// Accepts or refuses an association: one form of [`Decision`], for the description of the API.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AssociationVerdict)]
#[allow(dead_code, reason = "describes a decision")]
struct Verdict {
    /// The association.
    association_id: i64,
    #[schema(inline)]
    decision: YesOrNo,
}

/// Accept: it is right, and stays whatever rules say. Refuse: it is wrong, and does not come back while the evidence is the
/// same.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes a decision")]
enum YesOrNo {
    Accept,
    Refuse,
}

/// Names the right environment of an association: the other form of [`Decision`].
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(as = AssociationChange)]
#[allow(dead_code, reason = "describes a decision")]
struct Change {
    /// The association.
    association_id: i64,
    #[schema(inline)]
    decision: Other,
    /// The right environment.
    environment_id: i64,
}

/// It is another environment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes a decision")]
enum Other {
    Change,
}

/// Either form of a decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AssociationDecision)]
#[allow(dead_code, reason = "describes a decision")]
enum Described {
    Verdict(Verdict),
    Change(Change),
}

/// Decisions on associations.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AssociationDecisions)]
struct Decisions {
    /// One or many, at most 500.
    #[schema(value_type = Vec<Described>, min_items = 1, max_items = 500)]
    decisions: Vec<Decision>,
}

/// What became of decisions.
#[derive(Serialize, ToSchema)]
struct Decided {
    /// In the order of the request.
    results: Vec<DecidedOne>,
}

/// What became of one decision.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DecidedOne {
    /// The association.
    association_id: i64,
    /// It was carried out.
    done: bool,
    /// Why it was not; `null` when it was.
    reason: Option<String>,
}

fn whole() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).build()
}

fn asked(kinds: &[ResourceType]) -> [Parameter; 2] {
    let words: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let about = format!("Type of the resources: {}.", words.join(", "));
    let word = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build();
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(i64::MIN)).maximum(Some(i64::MAX));
    let list = ArrayBuilder::new().items(number.build()).min_items(Some(1)).max_items(Some(RESOURCES)).build();
    let each = "The resources, each as a parameter of its own.".to_owned();
    let mut list = parameter("resourceId", ParameterIn::Query, Schema::Array(list), Some(each));
    list.style = Some(ParameterStyle::Form);
    list.explode = Some(true);
    [required(parameter("resourceType", ParameterIn::Query, word, Some(about))), required(list)]
}

/// What is shared out: places and computes.
const SHARED: [ResourceType; 6] = [
    ResourceType::Partner,
    ResourceType::Cloud,
    ResourceType::Region,
    ResourceType::AvailabilityZone,
    ResourceType::Datacenter,
    ResourceType::Compute,
];

pub(super) fn enter(routes: &mut Routes) {
    let viewer = Access::Role(Role::Viewer);
    let operation = |tag: &str, id: &str, summary: &str, about: &str| {
        OperationBuilder::new().tag(tag).operation_id(Some(id)).summary(Some(summary)).description(Some(about))
    };
    let bad = || problem("A parameter is missing or of another form.");

    let answer = routes.schema::<EffectiveEnvironments>();
    let about = "A resource's own, or those of its nearest ancestor that has any, with the reason.";
    let effective =
        operation("environments", "effective-environments", "Tells which environments count for resources", about)
            .parameters(Some(asked(&ResourceType::ALL)))
            .response("200", content("The environments.", answer))
            .response("400", bad());
    routes.add(HttpMethod::Get, "/api/v1/effective-environments", viewer, effective, effective_handler);

    let answer = routes.schema::<Allocations>();
    let about =
        "Measured shares of places are those of their computes, weighted by capacity. Declared shares stand beside.";
    let places = operation("environments", "allocations", "Tells how resources are shared out", about)
        .parameters(Some(asked(&SHARED)))
        .response("200", content("The shares.", answer))
        .response("400", bad());
    routes.add(HttpMethod::Get, "/api/v1/allocations", viewer, places, allocations_handler);

    let answer = routes.schema::<ResourceAllocation>();
    let about = "Computed at this moment from use, reservations and limits of its workloads.";
    let compute = operation("computes", "compute-allocation", "Tells how a compute is shared out", about)
        .parameter(parameter("id", ParameterIn::Path, whole(), None))
        .response("200", content("The shares.", answer))
        .response("404", problem("There is no such compute."));
    routes.add(HttpMethod::Get, "/api/v1/computes/{id}/allocation", viewer, compute, compute_handler);

    let answer = routes.schema::<EnvironmentSummary>();
    let about = "Dedicated and shared computes, workloads, containers, namespaces, and what it takes.";
    let summary = operation("environments", "environment-summary", "Tells what an environment has", about)
        .parameter(parameter("id", ParameterIn::Path, whole(), None))
        .response("200", content("What it has.", answer))
        .response("404", problem("There is no such environment."));
    routes.add(HttpMethod::Get, "/api/v1/environments/{id}/summary", viewer, summary, summary_handler);

    let answer = routes.schema::<Violations>();
    let about = "Computes that host two environments that a rule keeps apart, with reasons.";
    let broken = operation("environment-rules", "environment-violations", "Lists broken rules of separation", about)
        .parameters(Some(page_parameters()))
        .response("200", content("The violations.", answer))
        .response("400", bad());
    routes.add(HttpMethod::Get, "/api/v1/environment-violations", viewer, broken, violations_handler);

    let (body, answer) = (routes.schema::<Decisions>(), routes.schema::<Decided>());
    let about = "Each is carried out by itself; what cannot be is told, and does not hold up the others.";
    let decide =
        operation("environment-associations", "decide-associations", "Accepts, refuses or changes associations", about)
            .request_body(Some(needed_body(body)))
            .response("200", content("What became of each.", answer))
            .response("400", problem("The body is of another form."));
    let path = "/api/v1/environment-associations/decide";
    routes.add(HttpMethod::Post, path, Access::Role(Role::Operator), decide, decide_handler);
}

type Parameters = Result<Query<Vec<(String, String)>>, QueryRejection>;

fn question(parameters: Parameters) -> Result<(ResourceType, Vec<i64>), Problem> {
    let bad = |field: &str, detail: &str, expected: &str| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", detail).at(field, expected)
    };
    let Query(parameters) =
        parameters.map_err(|rejection| bad("query", &rejection.body_text(), "name=value pairs, percent-encoded"))?;
    let (mut kind, mut ids) = (None, Vec::new());
    let words = ResourceType::ALL.map(ResourceType::as_str).join(", ");
    for (name, text) in parameters {
        match name.as_str() {
            "resourceType" => {
                let found = ResourceType::from_word(&text);
                kind = Some(found.ok_or_else(|| bad("resourceType", "there is no such type", &words))?);
            }
            "resourceId" => {
                let id = text.parse().map_err(|_| bad("resourceId", "is no whole number", "a whole number"))?;
                ids.push(id);
            }
            _ => {
                let mut problem = bad(&name, "is not known here", "resourceType or resourceId");
                problem.code = "unknown-parameter";
                return Err(problem);
            }
        }
    }
    let kind = kind.ok_or_else(|| bad("resourceType", "is missing", &words))?;
    if ids.is_empty() || ids.len() > RESOURCES {
        return Err(bad("resourceId", "is missing or given too often", &format!("1 to {RESOURCES} of them")));
    }
    Ok((kind, ids))
}

async fn effective_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let (kind, ids) = question(parameters)?;
    let mut found = environments_of(&api.db, kind, &ids).await?;
    let items = ids.into_iter().filter_map(|id| {
        let environments = found.remove(&id)?;
        Some(EffectiveOf { resource_type: kind.as_str(), resource_id: id, environments })
    });
    respond::json(&headers, &EffectiveEnvironments { items: items.collect() })
}

async fn allocations_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let (kind, ids) = question(parameters)?;
    if !SHARED.contains(&kind) {
        let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", "this type is not shared out");
        return Err(problem.at("resourceType", "partner, cloud, region, availability_zone, datacenter or compute"));
    }
    let mut items = Vec::new();
    for id in ids {
        items.extend(match kind {
            ResourceType::Compute => compute_allocation(&api.db, id).await?,
            kind => place_allocation(&api.db, kind, id).await?,
        });
    }
    respond::json(&headers, &Allocations { items })
}

async fn compute_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("compute", &text);
    let id = text.parse().map_err(|_| missing())?;
    respond::json(&headers, &compute_allocation(&api.db, id).await?.ok_or_else(missing)?)
}

async fn summary_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem::not_found("environment", &text);
    let id = text.parse().map_err(|_| missing())?;
    respond::json(&headers, &environment_summary(&api.db, id, LISTED).await?.ok_or_else(missing)?)
}

async fn violations_handler(
    State(api): State<ApiState>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let (limit, after) = query::page_of(&parameters, VIOLATIONS, LISTED, MAX_LIMIT)?;
    let after = after.as_deref().and_then(|key| Some((key.first()?.as_int()?, key.get(1)?.as_int()?)));
    let mut found = violations(&api.db, after, limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| more);
    let next = last.map(|last| query::cursor_behind(VIOLATIONS, vec![last.rule_id.into(), last.compute_id.into()]));
    let items = found.into_iter().map(|found| ViolationOf {
        rule_id: found.rule_id,
        rule_name: found.rule_name,
        compute_id: found.compute_id,
        compute_name: found.compute_name,
        environments: found.environments.into_iter().map(|(code, reasons)| Hosted { code, reasons }).collect(),
    });
    respond::json(&headers, &Violations { items: items.collect(), next })
}

async fn decide_handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Decisions { decisions } = respond::body(&bytes)?;
    let bad = |field: String, detail: &str, expected: &str| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-body", detail).at(field, expected)
    };
    if decisions.is_empty() || decisions.len() > DECISIONS {
        return Err(bad("decisions".to_owned(), "there are none, or too many", &format!("1 to {DECISIONS}")));
    }
    for (index, one) in decisions.iter().enumerate() {
        if (one.decision == Word::Change) != one.environment_id.is_some() {
            let field = format!("decisions[{index}].environmentId");
            return Err(bad(field, "goes with change and with nothing else", "the id of an environment, for change"));
        }
    }
    let (actor, now) = (caller.actor(), api.clock.now());
    let mut results = Vec::with_capacity(decisions.len());
    for one in &decisions {
        let outcome = crate::transaction!(api.db, |tx| {
            let outcome = decide_in_tx(tx, &actor, now, one).await?;
            if outcome.is_ok() {
                audit_in_tx(tx, &actor, now, one).await?;
            }
            outcome
        })?;
        let reason = outcome.err().map(|refusal| refusal.to_string());
        results.push(DecidedOne { association_id: one.association_id, done: reason.is_none(), reason });
    }
    respond::json(&headers, &Decided { results })
}

type Actor = crate::store::rows::history::Actor;
type Timestamp = orchestrix_common::time::Timestamp;

async fn decide_in_tx(
    tx: &mut Tx,
    actor: &Actor,
    now: Timestamp,
    one: &Decision,
) -> Result<Result<(), Refusal>, StoreError> {
    let id = one.association_id;
    Ok(match one.decision {
        Word::Accept => association_accept_in_tx(tx, actor, now, id).await?.map(drop),
        Word::Refuse => association_remove_in_tx(tx, actor, now, id).await?,
        Word::Change => {
            let statement = Statement::default();
            association_change_in_tx(tx, actor, now, id, one.environment_id, &statement).await?.map(drop)
        }
    })
}

async fn audit_in_tx(tx: &mut Tx, actor: &Actor, at: Timestamp, one: &Decision) -> Result<(), StoreError> {
    let action = match one.decision {
        Word::Accept => "environment-association.accept",
        Word::Refuse => "environment-association.refuse",
        Word::Change => "environment-association.change",
    };
    let entry = AuditEntry {
        at,
        actor_kind: actor.kind,
        actor_id: &actor.id,
        action,
        resource_type: "environment_association",
        resource_id: &one.association_id.to_string(),
        detail: json!({ "environmentId": one.environment_id }),
    };
    audit_insert_in_tx(tx, &entry).await
}
