//! Who was heard of since the last flush. In memory, so that a heartbeat costs no write.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use orchestrix_common::{id::AgentId, time::Timestamp};

/// When agents were last heard of. Bounded by the number of enrolled agents.
#[derive(Debug, Default)]
pub struct Liveness(Mutex<HashMap<AgentId, Timestamp>>);

impl Liveness {
    /// Notes a sign of life.
    pub fn touch(&self, agent_id: AgentId, at: Timestamp) {
        let mut seen = self.lock();
        let last = seen.entry(agent_id).or_insert(at);
        *last = at.max(*last);
    }

    /// Takes what was noted since the last time, sorted by agent.
    #[must_use]
    pub fn take(&self) -> Vec<(AgentId, Timestamp)> {
        let mut seen: Vec<_> = std::mem::take(&mut *self.lock()).into_iter().collect();
        seen.sort_unstable();
        seen
    }

    /// Puts back what could not be written. What was noted in the meantime is newer and stays.
    pub fn put_back(&self, unwritten: Vec<(AgentId, Timestamp)>) {
        for (agent_id, at) in unwritten {
            self.touch(agent_id, at);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, Timestamp>> {
        // The map is whole after every statement, also when a holder panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_agents_heard_of_since_the_last_time_are_taken() {
        let liveness = Liveness::default();
        let (one, two) = (AgentId::generate(), AgentId::generate());
        liveness.touch(two, Timestamp::from_secs(1));
        liveness.touch(one, Timestamp::from_secs(2));
        assert_eq!(liveness.take().len(), 2);
        assert_eq!(liveness.take(), []);
        liveness.touch(one, Timestamp::from_secs(5));
        liveness.put_back(vec![(one, Timestamp::from_secs(2)), (two, Timestamp::from_secs(1))]);
        let taken = liveness.take();
        assert!(taken.is_sorted());
        assert!(taken.contains(&(one, Timestamp::from_secs(5))) && taken.contains(&(two, Timestamp::from_secs(1))));
    }
}
