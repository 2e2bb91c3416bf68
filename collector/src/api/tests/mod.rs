//! The API over its router, with real databases and fakes for other parts.

mod admin_token;
mod changes;
mod decisions;
mod document;
mod edit;
mod environments;
mod identity;
mod lists;
mod nested;
mod requests;
mod roles;
mod web_session;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use orchestrix_common::{
    id::AgentId,
    model::Source,
    time::{ManualClock, SharedClock},
};
use serde_json::Value as Json;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::*;
use crate::{
    admin::{self, Role},
    query::testing::{TestDb, now, one_host},
    reconcile::{Actor, MatchChoice, ResolveError},
};

/// Stands in for sessions and matches, and remembers what it was asked.
#[derive(Debug, Default)]
struct Parts {
    asked: Mutex<Vec<String>>,
    refresh: Mutex<Option<RefreshError>>,
}

impl Parts {
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl AgentSessions for Parts {
    fn revoked(&self, agent: AgentId) {
        self.asked.lock().unwrap().push(format!("revoked {agent}"));
    }

    fn decided(&self, agent: AgentId) {
        self.asked.lock().unwrap().push(format!("decided {agent}"));
    }

    async fn refresh(&self, _: AgentId, sources: &[Source], _: Duration) -> Result<Refreshed, RefreshError> {
        self.asked.lock().unwrap().push(format!("refresh {sources:?}"));
        match *self.refresh.lock().unwrap() {
            Some(error) => Err(error),
            None => Ok(Refreshed { done: true, message: String::new() }),
        }
    }
}

#[async_trait]
impl MatchDecisions for Parts {
    async fn resolve(&self, id: i64, choice: MatchChoice, actor: &Actor) -> Result<(), ResolveError> {
        self.asked.lock().unwrap().push(format!("resolve {id} {choice:?} by {}", actor.id));
        match choice {
            MatchChoice::Claim(99) => Err(ResolveError::NoCompute(99)),
            MatchChoice::Claim(wanted @ 98) => {
                let agent = crate::query::testing::agent_id(1).parse().unwrap();
                Err(ResolveError::SpeaksForAnother { agent, speaks_for: 1, wanted })
            }
            _ => Ok(()),
        }
    }
}

/// A served API with one host in its inventory.
struct Served {
    test: TestDb,
    router: Router,
    parts: Arc<Parts>,
    commits: Commits,
    stop: CancellationToken,
    clock: Arc<ManualClock>,
    /// A token of each role.
    tokens: Vec<(Role, String)>,
}

impl Served {
    async fn on(test: TestDb) -> Self {
        one_host(&test.db).await;
        let mut tokens = Vec::new();
        for role in Role::ALL {
            let actor = Actor::person("test");
            let made = admin::create_api_token(&test.db, now(), role.as_str(), role, None, &actor).await.unwrap();
            tokens.push((role, made.token.as_str().to_owned()));
        }
        let parts = Arc::new(Parts::default());
        let commits = Commits::default();
        let stop = CancellationToken::new();
        let clock = Arc::new(ManualClock::at(now()));
        let shared: SharedClock = clock.clone();
        let settings = ApiSettings {
            feeds: 2,
            feed_heartbeat: Duration::from_millis(300),
            feed_poll: Duration::from_millis(50),
            ..ApiSettings::default()
        };
        let state = ApiState::new(test.db.clone(), shared, &commits, parts.clone(), parts.clone(), stop.clone())
            .with_settings(settings);
        Self { test, router: router(state), parts, commits, stop, clock, tokens }
    }

    async fn sqlite() -> Self {
        Self::on(TestDb::sqlite().await).await
    }

    fn token(&self, role: Role) -> &str {
        &self.tokens.iter().find(|(known, _)| *known == role).unwrap().1
    }

    fn request(&self, method: &str, path: &str, role: Option<Role>) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match role {
            Some(role) => request.header("authorization", format!("Bearer {}", self.token(role))),
            None => request,
        }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, to_bytes(body, 8 << 20).await.unwrap().to_vec())
    }

    async fn json(&self, method: &str, path: &str, role: Role, body: &str) -> (StatusCode, Json) {
        let request = self.request(method, path, Some(role)).body(Body::from(body.to_owned())).unwrap();
        let (status, _, bytes) = self.send(request).await;
        (status, if bytes.is_empty() { Json::Null } else { serde_json::from_slice(&bytes).unwrap() })
    }

    async fn get(&self, path: &str) -> (StatusCode, Json) {
        self.json("GET", path, Role::Viewer, "").await
    }

    /// Asks for a form of the answer.
    async fn get_as(&self, accept: &str, path: &str) -> (StatusCode, Json) {
        let request = self.request("GET", path, Some(Role::Viewer)).header("accept", accept);
        let (status, _, bytes) = self.send(request.body(Body::empty()).unwrap()).await;
        (status, serde_json::from_slice(&bytes).unwrap())
    }
}
