//! The open sessions of this collector, by agent, with a switch that ends them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use orchestrix_common::{id::AgentId, model::Source};
use tokio::{sync::watch, time::timeout};

use super::{
    OrderError, OrderOutcome,
    handle::{Ending, Handle},
};

/// The open sessions. An agent has more than one only while a newer one takes over.
#[derive(Debug)]
pub struct Registry {
    sessions: Mutex<Sessions>,
    /// How many sessions are open; readers wait for a value, not for an edge.
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Sessions {
    by_agent: HashMap<AgentId, Vec<Arc<Handle>>>,
    /// The collector stops: nothing is entered any more.
    draining: bool,
}

/// An entered session. Dropping it takes the session out of the registry.
#[derive(Debug)]
pub(super) struct Presence {
    registry: Arc<Registry>,
    handle: Arc<Handle>,
}

/// Why a session was not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotEntered {
    /// A newer session of the agent is there already.
    Overtaken,
    /// The collector stops.
    Draining,
}

impl Default for Registry {
    fn default() -> Self {
        Self { sessions: Mutex::default(), open: watch::Sender::new(0) }
    }
}

impl Registry {
    /// Ends the sessions of an agent because it was revoked; returns how many there were.
    pub fn revoke(&self, agent_id: AgentId) -> usize {
        self.end(agent_id, Ending::Revoked)
    }

    /// Ends the sessions of an agent; returns how many there were.
    pub fn end(&self, agent_id: AgentId, ending: Ending) -> usize {
        let handles = self.of(agent_id);
        handles.iter().for_each(|handle| handle.end(ending));
        handles.len()
    }

    /// Asks an agent to look again at `sources` (all when empty) and waits for the result.
    ///
    /// # Errors
    /// When it is not connected to this collector, or no result came within `limit`.
    pub async fn refresh(
        &self,
        agent_id: AgentId,
        sources: &[Source],
        limit: Duration,
    ) -> Result<OrderOutcome, OrderError> {
        let newest = self.of(agent_id).pop().ok_or(OrderError::NotConnected)?;
        newest.refresh(sources, limit).await
    }

    /// Whether an agent has a session on this collector.
    #[must_use]
    pub fn is_connected(&self, agent_id: AgentId) -> bool {
        !self.of(agent_id).is_empty()
    }

    /// How many sessions are open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        *self.open.borrow()
    }

    /// Messages that wait for the agent of the session in which most do.
    pub(super) fn most_waiting(&self) -> usize {
        self.lock().by_agent.values().flatten().map(|handle| handle.waiting()).max().unwrap_or(0)
    }

    /// Lets every session finish what it is doing, says goodbye, and waits up to `limit`. Returns how many are left.
    pub async fn drain(&self, limit: Duration) -> usize {
        let handles: Vec<_> = {
            let mut sessions = self.lock();
            sessions.draining = true;
            sessions.by_agent.values().flatten().cloned().collect()
        };
        handles.iter().for_each(|handle| handle.end(Ending::Draining));
        let mut open = self.open.subscribe();
        // The sender lives in self, so waiting ends only with the value or the limit.
        let _ = timeout(limit, open.wait_for(|open| *open == 0)).await;
        self.open_count()
    }

    /// Whether the collector stops.
    pub(super) fn is_draining(&self) -> bool {
        self.lock().draining
    }

    /// Enters a session and gives the agent's older ones, newest last.
    pub(super) fn enter(self: &Arc<Self>, handle: &Arc<Handle>) -> Result<(Presence, Vec<Arc<Handle>>), NotEntered> {
        let mut sessions = self.lock();
        if sessions.draining {
            return Err(NotEntered::Draining);
        }
        let of_agent = sessions.by_agent.entry(handle.agent_id()).or_default();
        if of_agent.last().is_some_and(|newest| newest.key.epoch >= handle.key.epoch) {
            return Err(NotEntered::Overtaken);
        }
        let older = of_agent.clone();
        of_agent.push(Arc::clone(handle));
        self.count(1);
        Ok((Presence { registry: Arc::clone(self), handle: Arc::clone(handle) }, older))
    }

    /// The sessions of an agent, the newest last.
    pub(super) fn of(&self, agent_id: AgentId) -> Vec<Arc<Handle>> {
        self.lock().by_agent.get(&agent_id).cloned().unwrap_or_default()
    }

    fn count(&self, change: isize) {
        self.open.send_modify(|open| *open = open.saturating_add_signed(change));
        #[allow(clippy::cast_precision_loss, reason = "a gauge; sessions stay far below 2^52")]
        metrics::gauge!("orchestrix_session_open").set(self.open_count() as f64);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sessions> {
        // The map is whole after every statement, also when a holder panicked.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        {
            let mut sessions = self.registry.lock();
            let agent_id = self.handle.agent_id();
            if let Some(of_agent) = sessions.by_agent.get_mut(&agent_id) {
                of_agent.retain(|handle| !Arc::ptr_eq(handle, &self.handle));
                if of_agent.is_empty() {
                    sessions.by_agent.remove(&agent_id);
                }
            }
        }
        self.handle.orders.close();
        self.registry.count(-1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::SessionKey;

    fn handle(agent_id: AgentId, epoch: u64) -> Arc<Handle> {
        let (queue, _) = tokio::sync::mpsc::channel(1);
        Arc::new(Handle::new(SessionKey { agent_id, epoch }, "boot".into(), queue.downgrade()))
    }

    #[test]
    fn the_newest_session_of_an_agent_wins_whatever_the_order_of_arrival() {
        let registry = Arc::new(Registry::default());
        let agent_id = AgentId::generate();
        let (newer, older) = (handle(agent_id, 5), handle(agent_id, 4));
        let (_presence, before) = registry.enter(&newer).unwrap();
        assert!(before.is_empty());
        assert_eq!(registry.enter(&older).unwrap_err(), NotEntered::Overtaken);
        let newest = handle(agent_id, 6);
        let (presence, before) = registry.enter(&newest).unwrap();
        assert_eq!((before.len(), before[0].key.epoch), (1, 5));
        assert_eq!(registry.open_count(), 2);
        drop(presence);
        assert_eq!(registry.of(agent_id).len(), 1);
    }

    #[tokio::test]
    async fn draining_waits_for_the_last_session_and_lets_no_new_one_in() {
        let registry = Arc::new(Registry::default());
        let agent_id = AgentId::generate();
        let session = handle(agent_id, 1);
        let (presence, _) = registry.enter(&session).unwrap();
        assert_eq!(registry.drain(Duration::from_millis(10)).await, 1);
        assert_eq!(session.ending(), Some(Ending::Draining));
        assert_eq!(registry.enter(&handle(AgentId::generate(), 1)).unwrap_err(), NotEntered::Draining);
        let waits = tokio::spawn({
            let registry = Arc::clone(&registry);
            async move { registry.drain(Duration::from_secs(10)).await }
        });
        drop(presence);
        assert_eq!(waits.await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_agent_that_is_not_connected_cannot_be_asked() {
        let registry = Registry::default();
        let answer = registry.refresh(AgentId::generate(), &[], Duration::from_secs(1)).await;
        assert_eq!(answer, Err(OrderError::NotConnected));
        assert_eq!(registry.revoke(AgentId::generate()), 0);
    }
}
