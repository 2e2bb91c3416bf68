//! What the inspector keeps between two looks: the last body of each container, and which events were told.
//!
//! It answers two questions that the engine no longer can: what was that container like, which an event says is gone;
//! and which of two bodies, one read by a look and one by an event, is the later one. Each request to the engine is
//! numbered before it is sent; the body of the later request wins. Both parts are bounded: of a container beyond the
//! bound only the event itself can tell, and an event beyond it could be told twice, which the view takes for no change.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use orchestrix_common::model::Container;

use super::parse::{Action, Event};

/// Containers whose last body is kept.
const BODIES: usize = 4_096;
/// Removed containers that a look which is still going on must not bring back.
const REMOVED: usize = 1_024;
/// Events that were told. Twice what Docker can repeat (it keeps 256).
const TOLD: usize = 512;

/// Number of a request, in the order in which requests were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn(u64);

/// Last bodies and told events.
#[derive(Debug, Default)]
pub(super) struct Memory {
    turn: u64,
    bodies: HashMap<String, (Turn, Container)>,
    by_turn: BTreeMap<Turn, String>,
    removed: VecDeque<String>,
    told: VecDeque<EventKey>,
    told_set: HashSet<EventKey>,
    last_told: Option<i64>,
}

/// What makes an event the same when it is told again.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct EventKey {
    nanos: i64,
    id: String,
    action: Action,
}

impl From<&Event> for EventKey {
    fn from(event: &Event) -> Self {
        Self { nanos: event.nanos, id: event.container.id.clone(), action: event.action.clone() }
    }
}

impl Memory {
    /// Numbers a request that is about to be made.
    pub(super) fn next_turn(&mut self) -> Turn {
        self.turn += 1;
        Turn(self.turn)
    }

    /// Takes in what a request found and answers with what is the case: the same, a later body, or nothing when the
    /// container has been removed meanwhile.
    pub(super) fn settle(&mut self, turn: Turn, body: Container) -> Option<Container> {
        if self.removed.contains(&body.id) {
            return None;
        }
        if let Some((known, later)) = self.bodies.get(&body.id)
            && *known > turn
        {
            return Some(later.clone());
        }
        self.forget(&body.id);
        self.by_turn.insert(turn, body.id.clone());
        self.bodies.insert(body.id.clone(), (turn, body.clone()));
        while self.bodies.len() > BODIES {
            let Some((_, oldest)) = self.by_turn.pop_first() else { break };
            self.bodies.remove(&oldest);
        }
        Some(body)
    }

    /// The last body of a container.
    pub(super) fn body(&self, id: &str) -> Option<&Container> {
        self.bodies.get(id).map(|(_, body)| body)
    }

    /// The container was removed; its identifier never comes back.
    pub(super) fn remove(&mut self, id: &str) {
        self.forget(id);
        if self.removed.len() == REMOVED {
            self.removed.pop_front();
        }
        self.removed.push_back(id.to_owned());
    }

    /// Ends a look that began at `began` and saw `listed`: forgets what is no longer there, and answers with the
    /// containers that appeared while it went on and were therefore not listed.
    pub(super) fn finish_look(&mut self, began: Turn, listed: &HashSet<String>) -> Vec<Container> {
        let unlisted = |id: &String| !listed.contains(id);
        let later: Vec<_> = self.by_turn.range(began..).map(|(_, id)| id).filter(|id| unlisted(id)).cloned().collect();
        let gone: Vec<_> = self.by_turn.range(..began).map(|(_, id)| id).filter(|id| unlisted(id)).cloned().collect();
        for id in gone {
            self.forget(&id);
        }
        later.iter().filter_map(|id| self.body(id).cloned()).collect()
    }

    /// Marks events as told.
    pub(super) fn tell(&mut self, keys: Vec<EventKey>) {
        for key in keys {
            self.last_told = Some(key.nanos);
            if self.told_set.insert(key.clone()) {
                self.told.push_back(key);
            }
            if self.told.len() > TOLD
                && let Some(oldest) = self.told.pop_front()
            {
                self.told_set.remove(&oldest);
            }
        }
    }

    /// Whether this event was told.
    pub(super) fn was_told(&self, key: &EventKey) -> bool {
        self.told_set.contains(key)
    }

    /// Time of the last event that was told, in nanoseconds since 1970.
    pub(super) const fn last_told(&self) -> Option<i64> {
        self.last_told
    }

    fn forget(&mut self, id: &str) {
        if let Some((turn, _)) = self.bodies.remove(id) {
            self.by_turn.remove(&turn);
        }
    }
}
