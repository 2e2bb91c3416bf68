//! The change feed: the history as it grows, as server-sent events.
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
use tokio::{
    sync::{OwnedSemaphorePermit, watch},
    time::{Instant, sleep},
};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ResponseBuilder, Type,
    path::{OperationBuilder, ParameterIn},
    schema::ObjectBuilder,
};

use super::{
    ApiState, Problem,
    auth::{Access, Caller},
    lists::parameter,
    routes::{Routes, problem},
};
use crate::{
    admin::Role,
    query::{self, HistoryEntry, sequence},
};

/// Changes read at a time.
const BATCH: u32 = 256;

pub(super) fn enter(routes: &mut Routes) {
    let entry = routes.schema::<HistoryEntry>();
    let number = || ObjectBuilder::new().schema_type(Type::Integer).build();
    let content = ContentBuilder::new().schema(Some(entry)).build();
    let events = ResponseBuilder::new()
        .description(
            "Server-sent events. `ready` comes first, with {\"sequence\": n}: what follows is after n. `change` holds a \
             change, with its number as id. `reset` instead of `ready` says that the database is older than the number \
             asked for: read the lists again. A comment comes every 15 seconds.",
        )
        .content("text/event-stream", content)
        .build();
    let operation = OperationBuilder::new()
        .tag("history")
        .operation_id(Some("follow-changes"))
        .summary(Some("Follows the changes of resources"))
        .parameter(parameter(
            "since",
            ParameterIn::Query,
            number(),
            Some(
                "Begins after this change, usually the `sequence` of a list; with what comes from now on when absent."
                    .into(),
            ),
        ))
        .parameter(parameter(
            "Last-Event-ID",
            ParameterIn::Header,
            number(),
            Some("The number of the last event that was received; wins over `since`.".into()),
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
    let asked = position(&headers, &parameters)?;
    let permit = api.feeds.clone().try_acquire_owned().map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "too-many-feeds", "too many change feeds are open; try again")
    })?;
    let newest = sequence::current(&api.db, api.clock.now()).await?;
    let (since, name) = match asked {
        // A restored database counts from an earlier number; waiting for it to catch up would tell nothing for long.
        Some(since) if since > newest && !exists(&api, since).await? => (newest, "reset"),
        Some(since) => (since, "ready"),
        None => (newest, "ready"),
    };
    let first = Event::default().event(name).id(since.to_string()).data(format!("{{\"sequence\":{since}}}"));
    let committed = api.committed.clone();
    let feed = Feed {
        api,
        caller,
        since,
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

/// Whether there is a change with this number, though it lies behind a young gap.
async fn exists(api: &ApiState, sequence: i64) -> Result<bool, Problem> {
    Ok(query::get::<HistoryEntry>(&api.db, api.clock.now(), vec![sequence.into()]).await?.is_some())
}

fn position(headers: &HeaderMap, parameters: &[(String, String)]) -> Result<Option<i64>, Problem> {
    let number = |name: &str, text: &str| {
        text.parse::<i64>().ok().filter(|number| *number >= 0).ok_or_else(|| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid-parameter", format!("{name} is not the number of a change"))
                .at(name, "a whole number from 0")
        })
    };
    let mut since = None;
    for (name, text) in parameters {
        if name != "since" {
            let name: String = name.chars().take(64).collect();
            let detail = format!("parameter {name:?} is not known here, did you mean since?");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "unknown-parameter", detail).at(name, "since"));
        }
        since = Some(number("since", text)?);
    }
    match headers.get("last-event-id").map(|value| value.to_str().unwrap_or_default()) {
        Some(text) if !text.is_empty() => number("Last-Event-ID", text).map(Some),
        _ => Ok(since),
    }
}

struct Feed {
    api: ApiState,
    caller: Caller,
    /// The last change that was told.
    since: i64,
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
            let now = self.api.clock.now();
            match sequence::changes(&self.api.db, self.since, BATCH, now).await {
                Ok(changes) => self.batch.extend(changes),
                // The reader keeps its place; it is told again when the database is back.
                Err(error) => tracing::warn!(%error, "change feed could not be read"),
            }
            if !self.batch.is_empty() {
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
        self.since = entry.sequence;
        let data = serde_json::to_string(&entry).unwrap_or_else(|error| {
            tracing::error!(%error, "change cannot be written as JSON");
            format!("{{\"sequence\":{}}}", entry.sequence)
        });
        Some(Event::default().event("change").id(entry.sequence.to_string()).data(data))
    }
}
