//! What the API asks of other parts of a collector.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use orchestrix_common::{id::AgentId, model::Source};

use crate::{
    reconcile::{Actor, MatchChoice, ResolveError},
    session::{Ending, OrderError, OrderOutcome, Registry},
};

/// The open sessions of this collector.
#[async_trait]
pub trait AgentSessions: fmt::Debug + Send + Sync {
    /// Ends the sessions of an agent that was revoked. Other collectors notice by themselves.
    fn revoked(&self, agent: AgentId);

    /// Ends the sessions of an agent whose reports were held, so that it comes back at once and they are applied.
    fn decided(&self, agent: AgentId);

    /// Asks an agent to look again, at all sources when none is named, and waits for the result.
    ///
    /// # Errors
    /// When there is no result.
    async fn refresh(&self, agent: AgentId, sources: &[Source], limit: Duration) -> Result<Refreshed, RefreshError>;
}

/// What an agent made of a refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// It looked at everything that was asked for, and what it saw is stored.
    pub done: bool,
    /// What went wrong; empty when done.
    pub message: String,
}

/// There is no result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The agent has no session on this collector.
    #[error("the agent is not connected to this collector")]
    NotConnected,
    /// The agent has too much to do, or its session ended.
    #[error("the agent is busy or its session ended; try again")]
    Busy,
    /// The agent did not answer in time.
    #[error("the agent did not answer in time")]
    TimedOut,
}

/// The queue of hosts that a person must place.
#[async_trait]
pub trait MatchDecisions: fmt::Debug + Send + Sync {
    /// Carries out what a person decided, and writes who it was, in one transaction.
    ///
    /// # Errors
    /// When there is nothing to decide any more, the choice makes no sense, or the database failed.
    async fn resolve(&self, id: i64, choice: MatchChoice, actor: &Actor) -> Result<(), ResolveError>;
}

#[async_trait]
impl AgentSessions for Registry {
    fn revoked(&self, agent: AgentId) {
        Self::revoke(self, agent);
    }

    fn decided(&self, agent: AgentId) {
        self.end(agent, Ending::Decided);
    }

    async fn refresh(&self, agent: AgentId, sources: &[Source], limit: Duration) -> Result<Refreshed, RefreshError> {
        match Self::refresh(self, agent, sources, limit).await {
            Ok(OrderOutcome { done, message }) => Ok(Refreshed { done, message }),
            Err(OrderError::NotConnected) => Err(RefreshError::NotConnected),
            Err(OrderError::Busy | OrderError::Ended) => Err(RefreshError::Busy),
            Err(OrderError::TimedOut) => Err(RefreshError::TimedOut),
        }
    }
}
