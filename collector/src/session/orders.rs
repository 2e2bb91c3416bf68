//! What the collector asks of an agent, and the wait for the result.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use orchestrix_common::model::Source;
use orchestrix_proto::v1::{self as pb, collector_message::Message, order::Order};
use tokio::{sync::oneshot, time::timeout};

use super::handle::Handle;

/// Orders of one session that may wait for their result; further ones are refused.
const WAITING: usize = 16;

/// What an agent made of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    /// It was done.
    pub done: bool,
    /// What went wrong; empty when done.
    pub message: String,
}

/// Why there is no result of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// The agent has no session on this collector.
    #[error("the agent is not connected to this collector")]
    NotConnected,
    /// The agent has too much to do, or does not read.
    #[error("the agent is busy")]
    Busy,
    /// The session ended first.
    #[error("the session ended before the result came")]
    Ended,
    /// The result did not come in time.
    #[error("the agent did not answer in time")]
    TimedOut,
}

/// Orders that wait for their result.
#[derive(Debug, Default)]
pub(super) struct Orders {
    waiting: Mutex<HashMap<u64, oneshot::Sender<OrderOutcome>>>,
    last: AtomicU64,
}

impl Orders {
    /// Hands a result to whoever waits for it. `false` when nobody does.
    pub(super) fn resolve(&self, result: pb::OrderResult) -> bool {
        let pb::OrderResult { id, done, message } = result;
        let waiting = self.lock().remove(&id);
        waiting.is_some_and(|waiting| waiting.send(OrderOutcome { done, message }).is_ok())
    }

    /// Lets everybody who waits know that nothing will come.
    pub(super) fn close(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<OrderOutcome>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    /// Asks the agent to look again and waits for the result.
    pub(super) async fn refresh(&self, sources: &[Source], limit: Duration) -> Result<OrderOutcome, OrderError> {
        let sources = sources.iter().map(|source| source.as_str().to_owned()).collect();
        self.order(Order::Refresh(pb::Refresh { sources }), limit).await
    }

    /// Whether the agent at the other end of this very session still lives. A message that was under way before does
    /// not prove it; the answer to a Ping sent now does.
    pub(super) async fn answers_ping(&self, limit: Duration) -> bool {
        self.order(Order::Ping(pb::Ping {}), limit).await.is_ok()
    }

    async fn order(&self, order: Order, limit: Duration) -> Result<OrderOutcome, OrderError> {
        let id = self.orders.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, result) = oneshot::channel();
        {
            let mut waiting = self.orders.lock();
            if waiting.len() >= WAITING {
                return Err(OrderError::Busy);
            }
            waiting.insert(id, sender);
        }
        if !self.try_send(Message::Order(pb::Order { id, order: Some(order) })) {
            self.orders.lock().remove(&id);
            return Err(OrderError::Busy);
        }
        let outcome = match timeout(limit, result).await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(_)) => Err(OrderError::Ended),
            Err(_) => Err(OrderError::TimedOut),
        };
        self.orders.lock().remove(&id);
        outcome
    }
}
