//! When the sockets of which network namespace are asked for.
//!
//! The agent's own namespace is asked at every look. Another one is asked while it has young processes, and else once in
//! so many looks, spread evenly: sixty containers cost six questions a second, not sixty. Where the kernel tells cheaply
//! how many sockets a namespace has, one whose number stayed is not asked, but for once in a while: a socket may have
//! taken the place of another.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    time::{Duration, Instant},
};

use super::{
    sockets::{Socket, Sockets, Tally},
    table::{Process, YOUNG},
};

/// Looks between two questions to a quiet namespace.
const QUIET_LOOKS: u64 = 10;
/// Looks after which the agent's own namespace is asked although its number of sockets stayed.
const OWN_AFTER: u64 = 5;
/// The same for another one.
const OTHER_AFTER: u64 = 60;

/// Sockets of all namespaces as they were answered last.
#[derive(Debug)]
pub(super) struct Namespaces {
    sockets: Box<dyn Sockets>,
    /// The agent's own namespace.
    own: u64,
    answers: HashMap<u64, Answer>,
    /// All of them, sorted.
    all: Vec<Socket>,
    looks: u64,
}

/// What one namespace answered.
#[derive(Debug)]
struct Answer {
    sockets: Vec<Socket>,
    /// Number of its sockets right before it was asked; `None` when it is not known.
    tally: Option<Tally>,
    /// The look at which it was asked.
    asked: u64,
}

impl Answer {
    /// The number stayed, and the answer is not older than `after` looks.
    fn stands(&self, tally: Option<Tally>, looks: u64, after: u64) -> bool {
        tally.is_some() && self.tally == tally && looks - self.asked < after
    }
}

impl Namespaces {
    pub(super) fn new(sockets: Box<dyn Sockets>, own: u64) -> Self {
        Self { sockets, own, answers: HashMap::new(), all: Vec::new(), looks: 0 }
    }

    pub(super) fn all(&self) -> &[Socket] {
        &self.all
    }

    /// Asks whom it is time to ask; true when a socket appeared or went. `is_same` says that the processes
    /// are those of the look before.
    ///
    /// # Errors
    /// When the agent's own namespace cannot be asked.
    pub(super) fn look<'a>(
        &mut self,
        processes: impl Iterator<Item = &'a Process>,
        is_same: bool,
        now: Instant,
    ) -> io::Result<bool> {
        self.looks += 1;
        // A process of each namespace, the oldest first, and whether one is young.
        let mut others: BTreeMap<u64, (u32, bool)> = BTreeMap::new();
        for process in processes {
            if let Some(namespace) = process.namespace.filter(|namespace| *namespace != self.own) {
                let is_young = now.duration_since(process.first_seen) < YOUNG + Duration::from_secs(2);
                others.entry(namespace).or_insert((process.pid, false)).1 |= is_young;
            }
        }
        let (own, known) = (self.own, self.answers.len());
        self.answers.retain(|namespace, _| *namespace == own || others.contains_key(namespace));
        let mut is_other = self.answers.len() != known;
        is_other |= self.look_at_own(is_same)?;
        is_other |= self.look_at_others(&others);
        if !is_other {
            return Ok(false);
        }
        let mut all: Vec<Socket> = self.answers.values().flat_map(|answer| &answer.sockets).cloned().collect();
        all.sort_unstable();
        let is_other = all != self.all;
        self.all = all;
        Ok(is_other)
    }

    /// True when the sockets are others than before.
    fn look_at_own(&mut self, is_same: bool) -> io::Result<bool> {
        // It is read first: what happens in between is then noticed by the next look.
        let tally = self.sockets.tally(None);
        let stands = |answer: &Answer| answer.stands(tally, self.looks, OWN_AFTER);
        if is_same && self.answers.get(&self.own).is_some_and(stands) {
            return Ok(false);
        }
        let sockets = self.sockets.own(self.own)?;
        Ok(self.keep(self.own, sockets, tally))
    }

    /// True when the sockets of one are others than before.
    fn look_at_others(&mut self, others: &BTreeMap<u64, (u32, bool)>) -> bool {
        let (mut due, mut tallies) = (Vec::new(), HashMap::new());
        for (&namespace, &(process, is_young)) in others {
            let known = self.answers.get(&namespace);
            if known.is_some() && !is_young && namespace % QUIET_LOOKS != self.looks % QUIET_LOOKS {
                continue;
            }
            let tally = self.sockets.tally(Some(process));
            if is_young || known.is_none_or(|answer| !answer.stands(tally, self.looks, OTHER_AFTER)) {
                due.push((namespace, process));
                tallies.insert(namespace, tally);
            }
        }
        // What could not be asked keeps its last answer; the namespace may be ending.
        let mut is_other = false;
        for (namespace, sockets) in self.sockets.others(&due) {
            is_other |= self.keep(namespace, sockets, tallies.get(&namespace).copied().flatten());
        }
        is_other
    }

    fn keep(&mut self, namespace: u64, mut sockets: Vec<Socket>, tally: Option<Tally>) -> bool {
        sockets.sort_unstable();
        let answer = Answer { sockets, tally, asked: self.looks };
        let (is_empty, same) = (answer.sockets.is_empty(), |before: &Answer| before.sockets == answer.sockets);
        let is_other = self.answers.get(&namespace).map_or(!is_empty, |before| !same(before));
        self.answers.insert(namespace, answer);
        is_other
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        sync::{Arc, Mutex},
    };

    use super::{super::sockets::Transport, *};

    const OWN: u64 = 4_026_531_840;

    /// One namespace with a number and a listening port that a test sets, and how often it was asked.
    #[derive(Clone, Debug, Default)]
    struct One(Arc<Mutex<(Option<Tally>, u16, u32)>>);

    impl Sockets for One {
        fn own(&mut self, namespace: u64) -> io::Result<Vec<Socket>> {
            let mut one = self.0.lock().unwrap();
            one.2 += 1;
            let address = IpAddr::from(Ipv4Addr::LOCALHOST);
            let transport = Transport::Tcp;
            Ok(vec![Socket { port: one.1, transport, address, namespace, inode: one.1.into(), user_id: 0 }])
        }

        fn others(&mut self, _: &[(u64, u32)]) -> HashMap<u64, Vec<Socket>> {
            HashMap::new()
        }

        fn tally(&mut self, _: Option<u32>) -> Option<Tally> {
            self.0.lock().unwrap().0
        }
    }

    fn looks(namespaces: &mut Namespaces, count: u32, is_same: bool) -> bool {
        let now = Instant::now();
        (0..count)
            .map(|_| namespaces.look([].iter(), is_same, now).unwrap())
            .fold(false, |any, is_other| any | is_other)
    }

    #[test]
    fn a_quiet_namespace_is_asked_once_in_a_while() {
        let one = One::default();
        one.0.lock().unwrap().0 = Some(Tally::default());
        let mut namespaces = Namespaces::new(Box::new(one.clone()), OWN);
        assert!(looks(&mut namespaces, 1, false));
        assert!(!looks(&mut namespaces, 4, true));
        assert_eq!(one.0.lock().unwrap().2, 1);
        one.0.lock().unwrap().1 = 80;
        assert!(looks(&mut namespaces, 5, true), "a socket that took the place of another is found");
        assert_eq!(one.0.lock().unwrap().2, 2);
    }

    #[test]
    fn it_is_asked_at_once_when_the_number_moves_or_a_process_did() {
        let one = One::default();
        one.0.lock().unwrap().0 = Some(Tally::default());
        let mut namespaces = Namespaces::new(Box::new(one.clone()), OWN);
        looks(&mut namespaces, 1, false);
        one.0.lock().unwrap().1 = 80;
        assert!(looks(&mut namespaces, 1, false), "something began or ended");
        *one.0.lock().unwrap() = (None, 443, 0);
        assert!(looks(&mut namespaces, 1, true), "the number is not known");
        assert!(!looks(&mut namespaces, 9, true));
        assert_eq!(one.0.lock().unwrap().2, 10, "without a number it is asked each time");
    }
}
