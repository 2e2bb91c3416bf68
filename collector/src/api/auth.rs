//! Who asks: a bearer token becomes a caller with a role, checked in front of every route.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use subtle::ConstantTimeEq as _;

use super::{ApiState, Problem};
use crate::{
    admin::{self, Role},
    store::rows::{api_token::api_token_find, history::Actor},
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
}

impl Caller {
    /// The caller as history and audit log name them.
    pub(super) fn actor(&self) -> Actor {
        Actor::person(self.name.as_str())
    }

    /// Why a role that is needed is not the caller's.
    pub(super) fn below(&self, least: Role) -> Problem {
        let (name, role, least) = (&self.name, self.role.as_str(), least.as_str());
        let detail = format!("the token {name:?} has the role {role}, this needs {least}");
        Problem::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// Whether the token is still in force; a long answer asks from time to time.
    pub(super) async fn is_still_welcome(&self, api: &ApiState) -> bool {
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
        let caller = identify(&api, request.headers()).await?;
        if caller.role < least {
            return Err(caller.below(least));
        }
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

async fn identify(api: &ApiState, headers: &HeaderMap) -> Result<Caller, Problem> {
    let refused = |detail: &str| {
        metrics::counter!("orchestrix_api_refused_tokens_total").increment(1);
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
            .at("Authorization", "Bearer followed by an API token; the first one is in admin.token in the data folder")
    };
    let header = headers.get(header::AUTHORIZATION).ok_or_else(|| refused("an API token is needed"))?;
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.ok_or_else(|| refused("the Authorization header holds no bearer token"))?;
    let caller = find(api, &admin::hash_token(token)).await?;
    caller.ok_or_else(|| refused("the API token is not known, has expired or was revoked"))
}

/// Finds a token in force by its hash. The index sees only the hash, so its timing tells nothing of the token.
async fn find(api: &ApiState, hash: &[u8]) -> Result<Option<Caller>, Problem> {
    let mut executor = &api.db;
    let Some(row) = api_token_find(&mut executor, hash).await? else { return Ok(None) };
    let same: bool = row.secret_sha256.ct_eq(hash).into();
    let expired = row.expires_at.is_some_and(|at| at <= api.clock.now());
    let role = Role::from_word(&row.role).filter(|_| same && !expired && row.revoked_at.is_none());
    Ok(role.map(|role| Caller { name: row.name, role, hash: row.secret_sha256 }))
}
