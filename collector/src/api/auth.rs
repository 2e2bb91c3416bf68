//! Who asks: a bearer token, or the cookie of a session of the web UI, becomes a caller with a role, checked in front of
//! every route.
//!
//! A request with a cookie that changes something must also carry the session's CSRF token in a header: a browser adds
//! the cookie by itself, but no other site can read or send the header.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use orchestrix_common::time::Timestamp;
use subtle::ConstantTimeEq as _;

use super::{ApiState, Problem, cookie};
use crate::{
    admin::{self, Role},
    store::rows::{
        api_token::api_token_find,
        history::Actor,
        web_session::{WebSessionRow, web_session_find},
    },
};

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody who can reach the listener.
    Public,
    /// This role and those above it.
    Role(Role),
}

/// Who asks.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    /// Name of the token.
    pub(super) name: String,
    /// What it allows.
    pub(super) role: Role,
    /// Hash of the token, to look again whether it is still in force.
    hash: Vec<u8>,
    /// The session of the web UI that the request belongs to; `None` with a bearer token.
    pub(super) session: Option<WebSession>,
}

/// A session of the web UI in force.
#[derive(Clone, Debug)]
pub(super) struct WebSession {
    /// Hash of its secret.
    pub(super) sha256: Vec<u8>,
    /// What requests that change something must carry.
    pub(super) csrf_token: String,
    /// When it ends.
    pub(super) expires_at: Timestamp,
}

impl Caller {
    /// The caller as history and audit log name them.
    pub(super) fn actor(&self) -> Actor {
        Actor::person(self.name.as_str())
    }

    /// Hash of the token.
    pub(super) fn token_sha256(&self) -> &[u8] {
        &self.hash
    }

    /// Why a role that is needed is not the caller's.
    pub(super) fn below(&self, least: Role) -> Problem {
        let (name, role, least) = (&self.name, self.role.as_str(), least.as_str());
        let detail = format!("the token {name:?} has the role {role}, this needs {least}");
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Whether the token is still in force; a long answer asks from time to time.
    pub(super) async fn is_still_welcome(&self, api: &ApiState) -> bool {
        if let Some(session) = &self.session
            && !matches!(find_session(api, &session.sha256).await, Ok(Some(_)))
        {
            return false;
        }
        matches!(find(api, &self.hash).await, Ok(Some(caller)) if caller.role >= self.role)
    }
}

/// Stands in front of a route.
pub(super) async fn check(
    State((api, access)): State<(ApiState, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Access::Role(least) = access {
        let caller = identify(&api, request.method(), request.headers()).await?;
        if caller.role < least {
            return Err(caller.below(least));
        }
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

async fn identify(api: &ApiState, method: &Method, headers: &HeaderMap) -> Result<Caller, Problem> {
    let Some(header) = headers.get(header::AUTHORIZATION) else {
        let Some(secret) = cookie::read(headers) else { return Err(refused("an API token is needed")) };
        return by_session(api, method, headers, secret).await;
    };
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.ok_or_else(|| refused("the Authorization header holds no bearer token"))?;
    by_token(api, token).await
}

/// The caller that holds this API token.
pub(super) async fn by_token(api: &ApiState, token: &str) -> Result<Caller, Problem> {
    let caller = find(api, &admin::hash_token(token)).await?;
    caller.ok_or_else(|| refused("the API token is not known, has expired or was revoked"))
}

async fn by_session(api: &ApiState, method: &Method, headers: &HeaderMap, secret: &str) -> Result<Caller, Problem> {
    let ended = || refused("the session has ended; sign in again");
    let row = find_session(api, &admin::hash_token(secret)).await?.ok_or_else(ended)?;
    let mut caller = find(api, &row.token_sha256).await?.ok_or_else(ended)?;
    let csrf_token = cookie::csrf_token(secret);
    if !method.is_safe() {
        let sent = headers.get(cookie::CSRF_HEADER).map_or(&[][..], HeaderValue::as_bytes);
        if !bool::from(sent.ct_eq(csrf_token.as_bytes())) {
            metrics::counter!("orchestrix_api_refused_tokens_total").increment(1);
            let detail = "a request with a session's cookie that changes something needs the session's CSRF token";
            return Err(Problem::new(StatusCode::FORBIDDEN, "csrf-token-missing", detail)
                .at("X-CSRF-Token", "the csrfToken that GET /api/v1/session tells"));
        }
    }
    caller.session = Some(WebSession { sha256: row.secret_sha256, csrf_token, expires_at: row.expires_at });
    Ok(caller)
}

fn refused(detail: &str) -> Problem {
    metrics::counter!("orchestrix_api_refused_tokens_total").increment(1);
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .at("Authorization", "Bearer followed by an API token; the first one is in admin.token in the data folder")
}

/// Finds a session in force by the hash of its secret.
async fn find_session(api: &ApiState, sha256: &[u8]) -> Result<Option<WebSessionRow>, Problem> {
    let mut executor = &api.db;
    let found = web_session_find(&mut executor, sha256).await?;
    Ok(found.filter(|row| row.expires_at > api.clock.now()))
}

/// Finds a token in force by its hash. The index sees only the hash, so its timing tells nothing of the token.
async fn find(api: &ApiState, hash: &[u8]) -> Result<Option<Caller>, Problem> {
    let mut executor = &api.db;
    let Some(row) = api_token_find(&mut executor, hash).await? else { return Ok(None) };
    let same: bool = row.secret_sha256.ct_eq(hash).into();
    let expired = row.expires_at.is_some_and(|at| at <= api.clock.now());
    let role = Role::from_word(&row.role).filter(|_| same && !expired && row.revoked_at.is_none());
    Ok(role.map(|role| Caller { name: row.name, role, hash: row.secret_sha256, session: None }))
}
