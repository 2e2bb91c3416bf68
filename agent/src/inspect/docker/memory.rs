//! What the inspector keeps between two looks: the last body of each container, how it was listed then, and which events
//! were told.
//!
//! It answers two questions that the engine no longer can: what was that container like, which an event says is gone;
//! and which of two bodies, one read by a look and one by an event, is the later one. And one that is dear to ask: what a
//! container is like that is listed as before. Each request to the engine is
//! numbered before it is sent; the body of the later request wins. Both parts are bounded: of a container beyond the
//! bound only the event itself can tell, and an event beyond it could be told twice, which the view takes for no change.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use orchestrix_common::model::Container;
use tokio::time::Instant;

use super::{
    fingerprint::Fingerprint,
    parse::{Action, Event},
};

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
    /// How containers were listed when they were last asked for, and until when that answer stands.
    listed: HashMap<String, (Fingerprint, Instant)>,
    removed: VecDeque<String>,
    told: VecDeque<EventKey>,
    told_set: HashSet<EventKey>,
    resume_at: Option<i64>,
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

#[cfg(test)]
impl EventKey {
    /// An event of a container that is not otherwise used.
    pub(super) fn sample(nanos: i64) -> Self {
        Self { nanos, id: "sample".to_owned(), action: Action::Other }
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
            self.listed.remove(&oldest);
        }
        Some(body)
    }

    /// Notes that a container was asked for by a look that had found it listed like this.
    pub(super) fn asked(&mut self, id: &str, listed: Fingerprint, until: Instant) {
        if self.bodies.contains_key(id) {
            self.listed.insert(id.to_owned(), (listed, until));
        }
    }

    /// The last body of a container stands: it is still listed like this, nothing was told of it since, and the answer is
    /// not too old.
    pub(super) fn stands(&self, id: &str, listed: Fingerprint, now: Instant) -> bool {
        self.listed.get(id).is_some_and(|(then, until)| *then == listed && now < *until)
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
            self.resume_at = Some(key.nanos);
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

    /// Where a subscription has to begin, in nanoseconds since 1970: at the last event that was told, or where the
    /// first subscription began, which is `first` if this is the first one.
    pub(super) fn resume_at(&mut self, first: Option<i64>) -> Option<i64> {
        self.resume_at = self.resume_at.or(first);
        self.resume_at
    }

    /// When the last event that was told happened, in nanoseconds since 1970; before any was told, where the first
    /// subscription began.
    pub(super) const fn told_until(&self) -> Option<i64> {
        self.resume_at
    }

    fn forget(&mut self, id: &str) {
        self.listed.remove(id);
        if let Some((turn, _)) = self.bodies.remove(id) {
            self.by_turn.remove(&turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::docker::{api, parse};

    fn body(id: &str, image: &str) -> Container {
        let raw = api::Inspected {
            id: Some(id.to_owned()),
            config: Some(api::Config { image: Some(image.to_owned()), ..Default::default() }),
            ..Default::default()
        };
        let limits = orchestrix_common::model::DEFAULT_LIMITS;
        parse::container(raw, &parse::Rules { runtime: "docker", arguments: false, limits }).0.unwrap()
    }

    #[test]
    fn the_body_of_the_later_request_wins_whichever_answer_comes_first() {
        let mut memory = Memory::default();
        let (early, late) = (memory.next_turn(), memory.next_turn());
        assert_eq!(memory.settle(late, body("a1", "new")).unwrap().image, "new");
        assert_eq!(memory.settle(early, body("a1", "old")).unwrap().image, "new");
        assert_eq!(memory.body("a1").unwrap().image, "new");
    }

    #[test]
    fn a_removed_container_does_not_come_back_with_a_late_answer() {
        let mut memory = Memory::default();
        let turn = memory.next_turn();
        memory.remove("a1");
        assert_eq!(memory.settle(turn, body("a1", "old")), None);
    }

    #[test]
    fn a_look_forgets_what_is_gone_and_keeps_what_came_after_it_began() {
        let mut memory = Memory::default();
        let before = memory.next_turn();
        memory.settle(before, body("gone", "x"));
        let began = memory.next_turn();
        let during = memory.next_turn();
        memory.settle(during, body("new", "x"));
        let later = memory.finish_look(began, &HashSet::new());
        assert_eq!(later.iter().map(|body| body.id.as_str()).collect::<Vec<_>>(), ["new"]);
        assert!(memory.body("gone").is_none());
    }

    #[test]
    fn both_parts_are_bounded() {
        let mut memory = Memory::default();
        for n in 0..BODIES + 10 {
            let turn = memory.next_turn();
            memory.settle(turn, body(&format!("c{n}"), "x"));
            memory.tell(vec![EventKey::sample(n.try_into().unwrap())]);
            memory.remove(&format!("r{n}"));
        }
        assert_eq!((memory.bodies.len(), memory.by_turn.len()), (BODIES, BODIES));
        assert!(memory.body("c0").is_none() && memory.body("c10").is_some());
        assert_eq!((memory.told.len(), memory.told_set.len(), memory.removed.len()), (TOLD, TOLD, REMOVED));
        assert!(!memory.was_told(&EventKey::sample(0)) && memory.was_told(&EventKey::sample(4_000)));
    }
}
