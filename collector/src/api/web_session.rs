//! Signing in to the web UI with an API token, and out again.

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, path::OperationBuilder},
};

use super::{
    ApiState, Problem,
    agents::needed_body,
    auth::{self, Access, Caller, WebSession},
    body, cookie,
    lists::plain,
    respond,
    routes::{Routes, content, problem},
};
use crate::{
    admin::{self, Role, SESSION_LIFE},
    query::Time,
};

/// What a session is opened with.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct Login {
    /// An API token.
    token: String,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Session {
    /// Name of the API token.
    name: String,
    /// What it allows.
    role: Role,
    /// When the session ends; `null` with a bearer token.
    expires_at: Option<Time>,
    /// What requests that change something must carry as `X-CSRF-Token`; `null` with a bearer token.
    csrf_token: Option<String>,
}

impl Session {
    fn of(caller: &Caller) -> Self {
        let session = caller.session.as_ref();
        Self {
            name: caller.name.clone(),
            role: caller.role,
            expires_at: session.map(|session| Time(session.expires_at)),
            csrf_token: session.map(|session| session.csrf_token.clone()),
        }
    }
}

pub(super) fn enter(routes: &mut Routes) {
    let (login, session) = (routes.schema::<Login>(), routes.schema::<Session>());
    let path = "/api/v1/session";
    let operation =
        |id: &str, summary: &str| OperationBuilder::new().tag("session").operation_id(Some(id)).summary(Some(summary));
    let open = operation("open-session", "Opens a session of the web UI with an API token")
        .description(Some(
            "The answer sets a cookie that scripts cannot read. Requests with it that change something must carry \
             `csrfToken` as `X-CSRF-Token`. The session ends after 12 hours, when it is closed, or with the token.",
        ))
        .request_body(Some(needed_body(login)))
        .response("201", content("The session.", session.clone()))
        .response("401", problem("The token is not in force."))
        .response("415", problem("The body is not sent as application/json."));
    routes.add(HttpMethod::Post, path, Access::Public, open, open_handler);

    let read = operation("read-session", "Tells who asks").response("200", content("It.", session));
    routes.add(HttpMethod::Get, path, Access::Role(Role::Viewer), read, read_handler);

    let close = operation("close-session", "Ends the session").response("204", plain("It has ended."));
    routes.add(HttpMethod::Delete, path, Access::Role(Role::Viewer), close, close_handler);
}

async fn open_handler(State(api): State<ApiState>, headers: HeaderMap, bytes: Bytes) -> Result<Response, Problem> {
    // A form of another site can send a body of any other type without asking first.
    if body::media_type(&headers).as_deref() != Some("application/json") {
        let detail = "a session is opened with a JSON body";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
            .at("Content-Type", "application/json"));
    }
    let Login { token } = respond::body(&bytes)?;
    let mut caller = auth::by_token(&api, token.trim()).await?;
    let now = api.clock.now();
    let secret = admin::open_web_session(&api.db, now, caller.token_sha256()).await?;
    caller.session = Some(WebSession {
        sha256: admin::hash_token(&secret),
        csrf_token: cookie::csrf_token(&secret),
        expires_at: now.plus(SESSION_LIFE),
    });
    let mut response = (StatusCode::CREATED, axum::Json(Session::of(&caller))).into_response();
    let headers_out = response.headers_mut();
    headers_out.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    let cookie = cookie::set(&headers, &secret, SESSION_LIFE).ok_or_else(Problem::internal)?;
    headers_out.append(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn read_handler(Extension(caller): Extension<Caller>) -> Response {
    let mut response = axum::Json(Session::of(&caller)).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn close_handler(State(api): State<ApiState>, Extension(caller): Extension<Caller>) -> Result<Response, Problem> {
    if let Some(session) = &caller.session {
        admin::end_web_session(&api.db, &session.sha256).await?;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    for cookie in cookie::clear() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}
