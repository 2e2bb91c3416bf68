//! The change feed: the history as it grows, as server-sent events, or as JSON for those who ask again and again.
//!
//! A feed holds one batch and reads the next when its reader took all of it, so a slow reader slows only itself. It
//! wakes when this collector commits, and looks each second for what others committed. Where it continues is a number,
//! so a reader that comes back, also to another collector, misses nothing and is told nothing twice.

use std::{collections::VecDeque, convert::Infallible};

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{
        IntoResponse as _, Response,
        sse::{Event, Sse},
    },
};
use futures::stream;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep},
};
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, HttpMethod, ResponseBuilder, Type,
        path::{OperationBuilder, ParameterIn},
        schema::ObjectBuilder,
    },
};

use super::{
    ApiState, Problem,
    auth::{Access, Caller},
    lists::parameter,
    respond,
    routes::{Routes, problem},
};
use crate::{
    admin::Role,
    catalog::nearest,
    query::{self, HistoryEntry, sequence},
};

/// Changes read at a time.
const BATCH: u32 = 256;

pub(super) fn enter(routes: &mut Routes) {
    let entry = routes.schema::<HistoryEntry>();
    let number = || ObjectBuilder::new().schema_type(Type::Integer).maximum(Some(i64::MAX));
    // A header is a text; an empty one says nothing.
    let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9]{0,18}$")).build();
    let text = || ObjectBuilder::new().schema_type(Type::String).build();
    let content = ContentBuilder::new().schema(Some(entry)).build();
    let batch = ContentBuilder::new().schema(Some(routes.schema::<Changes>())).build();
    let events = ResponseBuilder::new()
        .description(
            "Server-sent events. `ready` comes first, with {\"sequence\": n}: what follows is after n. `change` holds a \
             change, with its number as id. `reset` instead of `ready` says that the database is older than the number \
             asked for, or has forgotten what came after it: read the lists again. A comment comes every 15 seconds. \
             With `Accept: application/json`: what there is now, for those who ask again with the `sequence` of the answer.",
        )
        .content("text/event-stream", content)
        .content("application/json", batch)
        .build();
    let operation = OperationBuilder::new()
        .tag("history")
        .operation_id(Some("follow-changes"))
        .summary(Some("Follows the changes of resources"))
        .parameter(parameter(
            "since",
            ParameterIn::Query,
            number().minimum(Some(0)).build(),
            Some(
                "Begins after this change, usually the `sequence` of a list; with what comes from now on when absent."
                    .into(),
            ),
        ))
        .parameter(parameter(
            "Last-Event-ID",
            ParameterIn::Header,
            digits,
            Some("The number of the last event that was received; wins over `since`.".into()),
        ))
        .parameter(parameter(
            "resourceType",
            ParameterIn::Query,
            text(),
            Some("Only changes of resources of this type, for example workload. Repeated: any of them.".into()),
        ))
        .parameter(parameter(
            "computeId",
            ParameterIn::Query,
            number().minimum(Some(0)).build(),
            Some("Only changes on this compute. Repeated: any of them.".into()),
        ))
        .response("200", events)
        .response("400", problem("A parameter is unknown or not a whole number."))
        .response("503", problem("Too many feeds are open, or the database does not answer."));
    routes.add(HttpMethod::Get, "/api/v1/changes", Access::Role(Role::Viewer), operation, handler);
}

async fn handler(
    State(api): State<ApiState>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let asked = Asked::read(&headers, &parameters)?;
    if wants_json(&headers) {
        return poll(&api, &headers, &asked).await;
    }
    let permit = api.feeds.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-feeds", "too many change feeds are open; try again")
    })?;
    let (since, reset) = begin(&api, asked.since).await?;
    let name = if reset { "reset" } else { "ready" };
    let first = Event::default().event(name).id(since.to_string()).data(format!("{{\"sequence\":{since}}}"));
    let committed = api.committed.clone();
    let feed = Feed {
        api,
        caller,
        since,
        only: asked.only,
        first: Some(first),
        batch: VecDeque::new(),
        committed,
        told: Instant::now(),
        _permit: permit,
    };
    let mut response = Sse::new(stream::unfold(feed, Feed::next)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies such as nginx would collect events otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Changes that were stored after a number.
#[derive(Debug, Serialize, ToSchema)]
struct Changes {
    /// The changes, oldest first.
    changes: Vec<HistoryEntry>,
    /// Up to this number all were told: ask again with `since` of it.
    sequence: i64,
    /// The number asked for is newer than the database, or what came after it is forgotten: read the lists again.
    reset: bool,
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let accepted: Vec<&str> = accepted.flat_map(|list| list.split(',')).map(str::trim).collect();
    accepted.iter().any(|kind| kind.starts_with("application/json"))
        && !accepted.iter().any(|kind| kind.starts_with("text/event-stream"))
}

/// Tells what there is now.
async fn poll(api: &ApiState, headers: &HeaderMap, asked: &Asked) -> Result<Response, Problem> {
    let (since, reset) = begin(api, asked.since).await?;
    let mut changes = sequence::changes(&api.db, since, BATCH, api.clock.now()).await?;
    let sequence = changes.last().map_or(since, |entry| entry.sequence);
    changes.retain(|entry| asked.only.admits(entry));
    respond::json(headers, &Changes { changes, sequence, reset })
}

/// Where a reader who asked for a number goes on, and whether that is somewhere else.
async fn begin(api: &ApiState, asked: Option<i64>) -> Result<(i64, bool), Problem> {
    let newest = sequence::current(&api.db, api.clock.now()).await?;
    let Some(since) = asked else { return Ok((newest, false)) };
    // A restored database counts from an earlier number; waiting for it to catch up would tell nothing for long.
    let ahead = since > newest && !exists(api, since).await?;
    Ok(if ahead || sequence::forgotten(&api.db, since).await? { (newest, true) } else { (since, false) })
}

/// What a reader asked for.
struct Asked {
    since: Option<i64>,
    only: Only,
}

/// Changes that a reader wants to be told; all where nothing is named.
#[derive(Default)]
struct Only {
    resource_types: Vec<String>,
    computes: Vec<i64>,
}

impl Only {
    fn admits(&self, entry: &HistoryEntry) -> bool {
        (self.resource_types.is_empty() || self.resource_types.contains(&entry.resource_type))
            && (self.computes.is_empty() || entry.compute_id.is_some_and(|compute| self.computes.contains(&compute)))
    }
}

/// Whether there is a change with this number, though it lies behind a young gap.
async fn exists(api: &ApiState, sequence: i64) -> Result<bool, Problem> {
    Ok(query::get::<HistoryEntry>(&api.db, api.clock.now(), vec![sequence.into()]).await?.is_some())
}

impl Asked {
    fn read(headers: &HeaderMap, parameters: &[(String, String)]) -> Result<Self, Problem> {
        let mut asked = Self { since: None, only: Only::default() };
        for (name, text) in parameters {
            match name.as_str() {
                "since" => asked.since = Some(number(name, text)?),
                "resourceType" => asked.only.resource_types.push(text.clone()),
                "computeId" => asked.only.computes.push(number(name, text)?),
                _ => {
                    let name: String = name.chars().take(64).collect();
                    let valid = ["since", "resourceType", "computeId"];
                    let near = nearest(&name, valid).first().copied().unwrap_or("since");
                    let detail = format!("parameter {name:?} is not known here, did you mean {near}?");
                    return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail)
                        .at(name, format!("one of {}", valid.join(", "))));
                }
            }
        }
        match headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default()) {
            Some(text) if !text.is_empty() => asked.since = Some(number("Last-Event-ID", text)?),
            _ => {}
        }
        Ok(asked)
    }
}

fn number(name: &str, text: &str) -> Result<i64, Problem> {
    text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(|| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", format!("{name} is not a whole number from 0"))
            .at(name, "a whole number from 0")
    })
}

struct Feed {
    api: ApiState,
    caller: Caller,
    /// The last change that was told, or passed over.
    since: i64,
    only: Only,
    first: Option<Event>,
    batch: VecDeque<HistoryEntry>,
    committed: watch::Receiver<u64>,
    /// When something was last told.
    told: Instant,
    _permit: OwnedSemaphorePermit,
}

impl Feed {
    /// The next event. The body asks for it when there is room to write it, which is all the flow control there is.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        loop {
            if let Some(event) = self.take() {
                self.told = Instant::now();
                return Some((Ok(event), self));
            }
            // Before the reading: what is committed after it wakes the wait below.
            self.committed.mark_unchanged();
            let before = self.since;
            let now = self.api.clock.now();
            match sequence::changes(&self.api.db, self.since, BATCH, now).await {
                Ok(changes) => {
                    self.since = changes.last().map_or(self.since, |entry| entry.sequence);
                    self.batch.extend(changes.into_iter().filter(|entry| self.only.admits(entry)));
                }
                // The reader keeps its place; it is told again when the database is back.
                Err(error) => tracing::warn!(%error, "change feed could not be read"),
            }
            if !self.batch.is_empty() || self.since > before {
                continue;
            }
            if self.told.elapsed() >= self.api.settings.feed_heartbeat {
                if !self.caller.is_still_welcome(&self.api).await {
                    return None;
                }
                self.told = Instant::now();
                return Some((Ok(Event::default().comment("alive")), self));
            }
            // Cancel-safe: all arms only wait.
            tokio::select! {
                () = self.api.stop.cancelled() => return None,
                Ok(()) = self.committed.changed() => {}
                () = sleep(self.api.settings.feed_poll) => {}
            }
        }
    }

    fn take(&mut self) -> Option<Event> {
        if let Some(event) = self.first.take() {
            return Some(event);
        }
        let entry = self.batch.pop_front()?;
        let data = serde_json::to_string(&entry).unwrap_or_else(|error| {
            tracing::error!(%error, "change cannot be written as JSON");
            format!("{{\"sequence\":{}}}", entry.sequence)
        });
        Some(Event::default().event("change").id(entry.sequence.to_string()).data(data))
    }
}
