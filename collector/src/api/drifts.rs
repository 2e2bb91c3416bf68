//! Deciding which of two values stays: a person's or the discovered one.

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, path::OperationBuilder},
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{Access, Caller},
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::{
        Role,
        operation::{DriftDecision, DriftPick, OperationReport, decide_drifts},
    },
    query::{Drift, Resource as _},
};

/// What is decided about which drifts: about all of them or, where one is in the way, about none.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
#[schema(as = DriftDecision)]
struct Decision {
    /// `take`: the discovered value becomes the value, and discovery follows it from then on. `keep`: the person's value
    /// stays, and the drift opens again when the discovered value changes.
    #[schema(pattern = "^(take|keep)$", required = true)]
    decision: String,
    /// The drifts, at most 1000.
    #[schema(min_items = 1, max_items = 1000, required = true)]
    drifts: Vec<Picked>,
}

/// A drift that is decided.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DriftPick)]
struct Picked {
    /// The drift.
    id: i64,
    /// The discovered value that was seen; when it is another one by now, nothing is decided.
    #[serde(default)]
    discovered: Option<Json>,
}

pub(super) fn enter(routes: &mut Routes) {
    let (decision, report) = (routes.schema::<Decision>(), routes.schema::<OperationReport>());
    let operation = OperationBuilder::new()
        .tag(Drift::LIST)
        .operation_id(Some("decide-drifts"))
        .summary(Some("Takes discovered values, or keeps what people entered"))
        .description(Some("One operation, which can be undone."))
        .request_body(Some(needed_body(decision)))
        .response("200", content("What was decided.", report))
        .response("400", problem("The body is of another form."))
        .response("404", problem("There is no such drift; the values agree by now."))
        .response("409", problem("Discovery sees another value by now than the one that was seen."));
    routes.add(HttpMethod::Post, "/api/v1/drifts/decide", Access::Role(Role::Operator), operation, handler);
}

async fn handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let Decision { decision, drifts } = respond::body(&bytes)?;
    let decision = match decision.as_str() {
        "take" => DriftDecision::Take,
        "keep" => DriftDecision::Keep,
        _ => {
            let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid-body", "this decides nothing");
            return Err(problem.at("decision", "take or keep"));
        }
    };
    let picks: Vec<DriftPick> =
        drifts.into_iter().map(|Picked { id, discovered }| DriftPick { id, seen: discovered }).collect();
    let done = decide_drifts(&api.db, api.clock.now(), decision, &picks, &caller.actor()).await?;
    respond::json(&headers, &done)
}
