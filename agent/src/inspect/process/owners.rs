//! Who holds a socket: found by the links in `/proc/PID/fd`.
//!
//! The walk over all processes is the dearest part of a look, so it happens only when a socket without a known owner
//! appears. New processes are looked at first; children of an owner are looked at when they appear, as they share its
//! sockets. A socket that nobody is found for is asked for again after 1, 2, 4, … and at last every 64 looks.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::table::{Process, Table};

/// The longest pause between two walks for a socket that nobody is found for, in looks.
const LONGEST_PAUSE: u32 = 64;

/// Owners of sockets by the socket's inode.
#[derive(Debug)]
pub(super) struct Owners {
    proc: PathBuf,
    by_inode: HashMap<u64, BTreeSet<u32>>,
    /// Sockets that nobody was found for: the look of the next try, and the pause after it.
    orphans: HashMap<u64, (u32, u32)>,
    /// Processes whose files may not be listed.
    unreadable: BTreeSet<u32>,
    /// Who turned out in this look to hold a socket that it was not known to hold.
    found: BTreeSet<u32>,
    looks: u32,
}

impl Owners {
    pub(super) fn new(proc: &Path) -> Self {
        let proc = proc.to_owned();
        Self {
            proc,
            by_inode: HashMap::new(),
            orphans: HashMap::new(),
            unreadable: BTreeSet::new(),
            found: BTreeSet::new(),
            looks: 0,
        }
    }

    /// Holders of a socket; empty when none is known.
    pub(super) fn of(&self, inode: u64) -> impl Iterator<Item = u32> {
        self.by_inode.get(&inode).into_iter().flatten().copied()
    }

    /// Processes whose files could not be listed when it was tried last.
    pub(super) const fn unreadable(&self) -> &BTreeSet<u32> {
        &self.unreadable
    }

    /// Processes that the last look found to hold a socket that they were not known to hold.
    pub(super) const fn found(&self) -> &BTreeSet<u32> {
        &self.found
    }

    /// Sockets that nobody was found for in at least two tries.
    pub(super) fn is_orphan(&self, inode: u64) -> bool {
        self.orphans.get(&inode).is_some_and(|(_, pause)| *pause > 2)
    }

    /// Counts a look at which neither processes nor sockets changed, so that owners did not either; false when it is time
    /// to try a socket again that nobody was found for, and nothing was counted.
    pub(super) fn rests(&mut self) -> bool {
        let next = self.looks.wrapping_add(1);
        let rests = self.orphans.values().all(|(at, _)| *at > next);
        if rests {
            self.looks = next;
        }
        rests
    }

    /// Brings the owners of `wanted` (inode and namespace of each socket) up to date; true when something changed.
    pub(super) fn look(&mut self, wanted: &HashMap<u64, u64>, table: &Table, fresh: &[u32]) -> bool {
        self.looks = self.looks.wrapping_add(1);
        self.found.clear();
        let before = (self.by_inode.clone(), self.orphans.len());
        self.unreadable.retain(|pid| table.get(*pid).is_some());
        self.orphans.retain(|inode, _| wanted.contains_key(inode));
        self.by_inode.retain(|inode, owners| {
            owners.retain(|pid| table.get(*pid).is_some());
            wanted.contains_key(inode) && !owners.is_empty()
        });
        let holders: HashSet<u32> = self.by_inode.values().flatten().copied().collect();
        let fresh: Vec<&Process> = fresh.iter().filter_map(|pid| table.get(*pid)).collect();
        for process in fresh.iter().filter(|process| holders.contains(&process.parent)) {
            self.read(process, wanted);
        }
        let mut unknown = self.unknown(wanted);
        if !unknown.is_empty() {
            for process in &fresh {
                self.read(process, wanted);
            }
            unknown = self.unknown(wanted);
        }
        if !unknown.is_empty() {
            let namespaces: HashSet<u64> = unknown.iter().filter_map(|inode| wanted.get(inode)).copied().collect();
            // Only a process of the socket's own namespace counts as its owner.
            for process in table.all().filter(|p| p.namespace.is_none_or(|inode| namespaces.contains(&inode))) {
                self.read(process, wanted);
            }
            let due = self.unknown(wanted);
            // The others were looked for as well: one walk does for all, however many there are.
            for (inode, (next, pause)) in &mut self.orphans {
                if wanted.get(inode).is_some_and(|namespace| namespaces.contains(namespace)) {
                    *next = self.looks.wrapping_add(*pause);
                }
            }
            for inode in due {
                let pause = self.orphans.get(&inode).map_or(1, |(_, pause)| *pause);
                self.orphans.insert(inode, (self.looks.wrapping_add(pause), (pause * 2).min(LONGEST_PAUSE)));
            }
        }
        let by_inode = &self.by_inode;
        self.orphans.retain(|inode, _| !by_inode.contains_key(inode));
        before != (self.by_inode.clone(), self.orphans.len())
    }

    /// Sockets without an owner whose time for a try has come.
    fn unknown(&self, wanted: &HashMap<u64, u64>) -> Vec<u64> {
        let is_due = |inode: &u64| self.orphans.get(inode).is_none_or(|(next, _)| *next <= self.looks);
        wanted.keys().filter(|inode| !self.by_inode.contains_key(inode) && is_due(inode)).copied().collect()
    }

    fn read(&mut self, process: &Process, wanted: &HashMap<u64, u64>) {
        match sockets_of(&self.proc, process.pid) {
            Ok(inodes) => {
                self.unreadable.remove(&process.pid);
                for inode in inodes {
                    let is_wanted = wanted.get(&inode).is_some_and(|at| process.namespace.is_none_or(|own| own == *at));
                    if is_wanted && self.by_inode.entry(inode).or_default().insert(process.pid) {
                        self.found.insert(process.pid);
                    }
                }
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.unreadable.insert(process.pid);
            }
            // It has ended.
            Err(_) => {}
        }
    }
}

/// Inodes of the sockets that a process holds.
fn sockets_of(proc: &Path, pid: u32) -> io::Result<Vec<u64>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(proc.join(pid.to_string()).join("fd"))? {
        // One that is closed meanwhile is none.
        let Ok(target) = entry.and_then(|entry| fs::read_link(entry.path())) else { continue };
        let inode: Option<u64> =
            target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
        found.extend(inode);
    }
    Ok(found)
}
