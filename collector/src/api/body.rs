//! What is sent as the body of a request.

use axum::{
    extract::Request,
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::Problem;

/// What `curl -d` calls every body, and scripts leave at that. A form itself is no JSON and refused as such.
const UNSAID: &str = "application/x-www-form-urlencoded";

/// Lets bodies through that are sent as JSON, or without saying what they are.
pub(super) async fn check(request: Request, next: Next) -> Result<Response, Problem> {
    match media_type(request.headers()) {
        Some(kind) if kind != UNSAID && !is_json(&kind) => {
            let kind: String = kind.chars().take(64).collect();
            let detail = format!("the body is sent as {kind}");
            Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
                .at("Content-Type", "application/json"))
        }
        _ => Ok(next.run(request).await),
    }
}

/// The type of a body without its parameters; `None` when it is not said.
pub(super) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (!kind.is_empty()).then_some(kind)
}

/// JSON, or something written in it, such as `application/merge-patch+json`.
pub(super) fn is_json(kind: &str) -> bool {
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
