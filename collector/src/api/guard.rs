//! What surrounds every route: limits, headers, and a problem document for whatever goes wrong.

use std::{any::Any, sync::LazyLock, time::Duration};

use axum::{
    Router,
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer};
use tracing::{Instrument as _, Span, field::Empty};

use super::{ApiState, Problem, document};
use crate::{telemetry, web};

/// Bytes of the largest request body.
const BODY_LIMIT: usize = 64 << 10;

/// Headers of every answer. The page loads nothing from elsewhere and nothing loads the page.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// The policy of every answer but the page's own, which lets it make styles.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    HeaderValue::from_str(&web::policy(None)).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The admin API, what monitoring asks for, and the embedded page, ready to be served.
pub fn router(state: ApiState) -> Router {
    let (routes, _) = document::described(Some(state.clone()));
    let limit = state.settings.request_limit;
    routes
        .merge(web::routes())
        .fallback(async |request: Request| Problem::not_found("page", request.uri().path()))
        .method_not_allowed_fallback(async || {
            let detail = "this path is there, but not for this method";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", detail)
        })
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn(large_body))
        .layer(middleware::from_fn(as_problem))
        .layer(middleware::from_fn_with_state(limit, in_time))
        // Server-sent events are left as they are: a compressor would hold them back.
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(observe))
        .layer(middleware::map_response(protect))
}

/// Gives an answer within the limit. The body of a change feed goes on for as long as it likes.
async fn in_time(State(limit): State<Duration>, request: Request, next: Next) -> Result<Response, Problem> {
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| {
        let detail = "the answer took too long; ask for less, or try again";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timed-out", detail)
    })
}

/// Refuses a body that says it is too large; one that lies about it is cut off when it is read.
async fn large_body(request: Request, next: Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let response = if length.is_some_and(|length: usize| length > BODY_LIMIT) {
        StatusCode::PAYLOAD_TOO_LARGE.into_response()
    } else {
        next.run(request).await
    };
    if response.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("the body is larger than {BODY_LIMIT} bytes");
        return Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail).into_response();
    }
    response
}

/// Makes a problem document of what was refused in front of a handler, in words alone.
async fn as_problem(request: Request, next: Next) -> Response {
    let of_api = request.uri().path().starts_with("/api/");
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let told = kind.is_some_and(|kind| !kind.starts_with("text/plain"));
    if !of_api || told || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), BODY_LIMIT).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let code = match status {
        StatusCode::NOT_FOUND => "not-found",
        StatusCode::METHOD_NOT_ALLOWED => "method-not-allowed",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported-media-type",
        status if status.is_client_error() => "invalid-request",
        _ => "internal",
    };
    let detail = if words.trim().is_empty() { status.canonical_reason().unwrap_or("refused") } else { words.trim() };
    Problem::new(status, code, detail).into_response()
}

async fn observe(request: Request, next: Next) -> Response {
    let method = word(request.method());
    let started = tokio::time::Instant::now();
    let span = span(method, &request);
    telemetry::follow_caller(&span, request.headers());
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let labels = [("method", method.to_owned()), ("status", response.status().as_u16().to_string())];
    metrics::histogram!("orchestrix_api_request_seconds", &labels).record(started.elapsed().as_secs_f64());
    response
}

/// What is traced of a request: its route and the outcome, never what was asked for. Monitoring is not traced.
fn span(method: &'static str, request: &Request) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
    if ["/metrics", "/healthz", "/readyz"].contains(&route) {
        return Span::none();
    }
    tracing::debug_span!(
        "request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    )
}

/// A method as a label: others may come in any number.
fn word(method: &Method) -> &'static str {
    let known = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::HEAD, Method::OPTIONS];
    let words = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    known.iter().zip(words).find(|(known, _)| *known == method).map_or("other", |(_, word)| word)
}

async fn protect(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert_with(|| POLICY.clone());
    response
}

#[allow(clippy::needless_pass_by_value, reason = "the signature of a panic handler")]
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "request handler panicked");
    metrics::counter!("orchestrix_api_panics_total").increment(1);
    Problem::internal().into_response()
}
