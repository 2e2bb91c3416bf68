//! SHOW over HTTP: the admin API under `/api/v1`, what monitoring asks for, and the embedded page.
//!
//! It turns requests into questions to [`query`](crate::query) or decisions of [`admin`](crate::admin), and answers into
//! JSON. It knows no SQL. Invariants:
//!
//! - Every route is entered through [`Routes`](routes::Routes), with the role that it needs and its description: there is
//!   none without, and what OpenAPI says is what is served.
//! - What is wrong with a request is a problem document that names the field and what would be right.
//! - An answer is bounded: pages have a limit, a change feed reads on only as fast as its reader does.
//! - Without a certificate the listener belongs on loopback or behind a proxy with TLS: tokens travel in clear.

mod agents;
mod api_tokens;
mod auth;
mod body;
mod changes;
mod collector;
mod cookie;
mod document;
mod drifts;
mod edit;
mod environment_rules;
mod environments;
mod guard;
mod identity;
mod join_tokens;
mod lists;
mod matches;
mod monitor;
mod mutate;
mod nested;
mod operations;
mod parts;
mod places;
mod problem;
mod respond;
mod routes;
mod samples;
mod schema;
mod search;
mod web_session;

use std::{sync::Arc, time::Duration};

use orchestrix_common::time::SharedClock;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    edit::Editor,
    metrics::Exposition,
    query::LabelIndex,
    store::{Commits, Db},
};

pub use document::openapi;
pub use guard::router;
pub use parts::{AgentSessions, MatchDecisions, RefreshError, Refreshed};
pub use problem::Problem;

/// Time limits and sizes.
#[derive(Clone, Copy, Debug)]
pub struct ApiSettings {
    /// How long a request may take before its answer begins.
    pub request_limit: Duration,
    /// How long a refresh may take.
    pub refresh_limit: Duration,
    /// Open change feeds; further ones are refused.
    pub feeds: usize,
    /// How often an idle change feed says that it lives.
    pub feed_heartbeat: Duration,
    /// How often a change feed looks for what other collectors stored.
    pub feed_poll: Duration,
}

impl Default for ApiSettings {
    fn default() -> Self {
        Self {
            request_limit: Duration::from_secs(60),
            refresh_limit: Duration::from_secs(30),
            feeds: 256,
            feed_heartbeat: Duration::from_secs(15),
            feed_poll: Duration::from_secs(1),
        }
    }
}

/// What all routes share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ApiState {
    db: Db,
    clock: SharedClock,
    committed: watch::Receiver<u64>,
    editor: Editor,
    sessions: Arc<dyn AgentSessions>,
    matches: Arc<dyn MatchDecisions>,
    metrics: Option<Exposition>,
    agents_port: Option<u16>,
    labels: LabelIndex,
    settings: ApiSettings,
    feeds: Arc<Semaphore>,
    stop: CancellationToken,
}

impl ApiState {
    /// Puts together what the routes need. What `commits` announces wakes change feeds; cancelling `stop` ends them.
    #[must_use]
    pub fn new(
        db: Db,
        clock: SharedClock,
        commits: &Commits,
        sessions: Arc<dyn AgentSessions>,
        matches: Arc<dyn MatchDecisions>,
        stop: CancellationToken,
    ) -> Self {
        let settings = ApiSettings::default();
        let feeds = Arc::new(Semaphore::new(settings.feeds));
        let committed = commits.subscribe();
        let editor = Editor::new(db.clone(), clock.clone(), commits.clone());
        Self {
            db,
            clock,
            committed,
            editor,
            sessions,
            matches,
            metrics: None,
            agents_port: None,
            labels: LabelIndex::default(),
            settings,
            feeds,
            stop,
        }
    }

    /// Serves these metrics.
    #[must_use]
    pub fn with_metrics(self, metrics: Exposition) -> Self {
        Self { metrics: Some(metrics), ..self }
    }

    /// Tells people that agents connect to this port.
    #[must_use]
    pub fn with_agents_port(self, port: u16) -> Self {
        Self { agents_port: Some(port), ..self }
    }

    /// Looks workloads up by their labels with this.
    #[must_use]
    pub fn with_labels(self, labels: LabelIndex) -> Self {
        Self { labels, ..self }
    }

    /// Takes other limits.
    #[must_use]
    pub fn with_settings(self, settings: ApiSettings) -> Self {
        Self { settings, feeds: Arc::new(Semaphore::new(settings.feeds)), ..self }
    }
}

#[cfg(test)]
mod tests;
