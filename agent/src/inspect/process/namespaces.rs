//! When the sockets of which network namespace are asked for.
//!
//! The agent's own namespace is asked at every look. Another one is asked while it has young processes, and else once in
//! so many looks, spread evenly: sixty containers cost six questions a second, not sixty.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    time::{Duration, Instant},
};

use super::{
    sockets::{Socket, Sockets},
    table::{Process, YOUNG},
};

/// Looks between two questions to a quiet namespace.
const QUIET_LOOKS: u64 = 10;

/// Sockets of all namespaces as they were answered last.
#[derive(Debug)]
pub(super) struct Namespaces {
    sockets: Box<dyn Sockets>,
    /// The agent's own namespace.
    own: u64,
    answers: HashMap<u64, Vec<Socket>>,
    /// All of them, sorted.
    all: Vec<Socket>,
    looks: u64,
}

impl Namespaces {
    pub(super) fn new(sockets: Box<dyn Sockets>, own: u64) -> Self {
        Self { sockets, own, answers: HashMap::new(), all: Vec::new(), looks: 0 }
    }

    pub(super) fn all(&self) -> &[Socket] {
        &self.all
    }

    /// Asks whom it is time to ask; true when a socket appeared or went.
    ///
    /// # Errors
    /// When the agent's own namespace cannot be asked.
    pub(super) fn look<'a>(&mut self, processes: impl Iterator<Item = &'a Process>, now: Instant) -> io::Result<bool> {
        self.looks += 1;
        // A process of each namespace, the oldest first, and whether one is young.
        let mut others: BTreeMap<u64, (u32, bool)> = BTreeMap::new();
        for process in processes {
            if let Some(namespace) = process.namespace.filter(|namespace| *namespace != self.own) {
                let is_young = now.duration_since(process.first_seen) < YOUNG + Duration::from_secs(2);
                others.entry(namespace).or_insert((process.pid, false)).1 |= is_young;
            }
        }
        let own = self.sockets.own(self.own)?;
        self.answers.retain(|namespace, _| others.contains_key(namespace));
        self.answers.insert(self.own, own);
        let is_due = |namespace: u64, is_young: bool| {
            is_young || !self.answers.contains_key(&namespace) || namespace % QUIET_LOOKS == self.looks % QUIET_LOOKS
        };
        let due = others.iter().filter(|(namespace, (_, is_young))| is_due(**namespace, *is_young));
        let due: Vec<(u64, u32)> = due.map(|(namespace, (pid, _))| (*namespace, *pid)).collect();
        // What could not be asked keeps its last answer; the namespace may be ending.
        self.answers.extend(self.sockets.others(&due));
        let mut all: Vec<Socket> = self.answers.values().flatten().cloned().collect();
        all.sort_unstable();
        let is_other = all != self.all;
        self.all = all;
        Ok(is_other)
    }
}
