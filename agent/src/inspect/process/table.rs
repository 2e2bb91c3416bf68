//! The table of processes, kept between looks.
//!
//! One `readdir` tells which processes are new: procfs gives every process a fresh inode, so that a number which the
//! kernel used again is noticed without opening anything. While the pulse says that none began or ended, even that waits.
//! Details are read once for each, again while it is young (a service manager forks, moves the child to its group and only
//! then executes the program), when it turns out to hold a socket, and then every three minutes.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use rustix::fs::{Mode, OFlags, RawDir};

use super::{
    membership::{self, Membership},
    pulse::Pulse,
    sockets::namespace_of,
    stat::{Stat, parse_stat},
};
use crate::inspect::{
    InspectError,
    host::{read_bytes, read_text},
};

/// A process younger than this is read again at each look.
pub(super) const YOUNG: Duration = Duration::from_secs(4);
/// One that ends sooner is not counted, so that a service that starts helpers does not change with each.
const LASTING: Duration = Duration::from_secs(10);
/// An old one is read again once in so many looks, spread evenly: it may have become another program without a new process.
const RECHECK_LOOKS: u32 = 180;
/// The list is read once in so many looks although the pulse is calm.
const LIST_LOOKS: u32 = 15;
/// Room for what one call to the kernel answers with: about a thousand processes.
const LIST_BYTES: usize = 32 * 1024;

/// A process of a user program.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    pub(super) start_ticks: u64,
    pub(super) name: String,
    pub(super) membership: Arc<Membership>,
    /// Inode of its network namespace; `None` when the agent may not know.
    pub(super) namespace: Option<u64>,
    pub(super) first_seen: Instant,
    /// From when on it counts as one that stays.
    pub(super) lasts_from: Instant,
    inode: u64,
}

/// What one look changed in the table.
#[derive(Debug, Default)]
pub(super) struct Differences {
    /// Processes that appeared, or became another program or moved.
    pub(super) fresh: Vec<u32>,
    /// Something appeared, altered or ended.
    pub(super) any: bool,
    /// Processes that were young at the look before: what was read of them then may have been too early.
    pub(super) young: HashSet<u32>,
    /// One of them is there, or one came of age since the look before.
    pub(super) is_settling: bool,
}

/// The table.
#[derive(Debug)]
pub(super) struct Table {
    proc: PathBuf,
    own_container: Option<String>,
    pulse: Pulse,
    processes: BTreeMap<u32, Process>,
    /// Threads of the kernel, by identifier and inode.
    kernel: HashMap<u32, u64>,
    /// Memberships by the text they were read from.
    memberships: HashMap<String, Arc<Membership>>,
    looks: u32,
    /// Time of the last look.
    looked: Option<Instant>,
}

impl Table {
    pub(super) fn new(proc: &Path) -> Self {
        // When process 1 is in a container, then the agent is in the same one.
        let own_container = read_text(proc.join("1/cgroup")).ok().and_then(|text| membership::container_of(&text));
        Self {
            proc: proc.to_owned(),
            own_container,
            pulse: Pulse::new(proc),
            processes: BTreeMap::new(),
            kernel: HashMap::new(),
            memberships: HashMap::new(),
            looks: 0,
            looked: None,
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Process> {
        self.processes.values()
    }

    pub(super) fn get(&self, pid: u32) -> Option<&Process> {
        self.processes.get(&pid)
    }

    /// Brings the table up to date.
    pub(super) fn look(&mut self, now: Instant) -> Result<Differences, InspectError> {
        self.looks = self.looks.wrapping_add(1);
        // It is taken first: what begins in between is then noticed by the next look.
        let is_calm = self.pulse.is_calm() && self.looked.is_some();
        let mut differences = Differences::default();
        let is_due =
            |process: &&Process| self.was_young(process) || process.pid % RECHECK_LOOKS == self.looks % RECHECK_LOOKS;
        let mut due: Vec<(u32, u64)> = self.all().filter(is_due).map(|process| (process.pid, process.inode)).collect();
        if !is_calm || self.looks.is_multiple_of(LIST_LOOKS) {
            let listed = list(&self.proc)?;
            let known = self.processes.len();
            self.processes.retain(|pid, process| listed.get(pid) == Some(&process.inode));
            self.kernel.retain(|pid, inode| listed.get(pid) == Some(inode));
            differences.any = self.processes.len() != known;
            due.retain(|(pid, _)| self.processes.contains_key(pid));
            let is_new = |pid: &u32| !self.processes.contains_key(pid) && !self.kernel.contains_key(pid);
            due.extend(listed.into_iter().filter(|(pid, _)| is_new(pid)));
        }
        for (pid, inode) in due {
            if self.read(pid, inode, now) {
                differences.fresh.push(pid);
                differences.any = true;
            }
        }
        let looked = self.looked;
        let came_of_age = |it: &Process| looked.is_some_and(|at| it.lasts_from > at) && it.lasts_from <= now;
        differences.young = self.all().filter(|it| self.was_young(it)).map(|it| it.pid).collect();
        differences.is_settling = !differences.young.is_empty() || self.all().any(came_of_age);
        self.looked = Some(now);
        if self.looks.is_multiple_of(RECHECK_LOOKS) {
            self.memberships.retain(|_, membership| Arc::strong_count(membership) > 1);
        }
        Ok(differences)
    }

    /// Reads processes again; answers with those that are others than before.
    pub(super) fn reread(&mut self, pids: impl IntoIterator<Item = u32>, now: Instant) -> Vec<u32> {
        let known = |pid: &u32| self.processes.get(pid).map(|process| (*pid, process.inode));
        let known: Vec<(u32, u64)> = pids.into_iter().filter_map(|pid| known(&pid)).collect();
        known.into_iter().filter(|(pid, inode)| self.read(*pid, *inode, now)).map(|(pid, _)| pid).collect()
    }

    fn was_young(&self, process: &Process) -> bool {
        self.looked.is_none_or(|at| process.first_seen + YOUNG > at)
    }

    /// Reads one process; true when it is new or another than before.
    fn read(&mut self, pid: u32, inode: u64, now: Instant) -> bool {
        // It may end at any moment; a dead one that waits for its parent holds nothing.
        let stat = read_bytes(self.path(pid, "stat")).ok().and_then(|bytes| parse_stat(&bytes));
        let Some(stat) = stat.filter(|stat| !matches!(stat.state, b'Z' | b'X')) else {
            return self.processes.remove(&pid).is_some();
        };
        if stat.is_kernel {
            self.kernel.insert(pid, inode);
            return false;
        }
        let membership = self.membership(pid);
        let namespace = namespace_of(&self.proc, &pid.to_string());
        let Stat { name, parent, start_ticks, .. } = stat;
        if let Some(known) = self.processes.get_mut(&pid) {
            let Process { first_seen, lasts_from, .. } = *known;
            let process =
                Process { pid, parent, start_ticks, name, membership, namespace, first_seen, lasts_from, inode };
            let is_same = *known == process;
            *known = process;
            return !is_same;
        }
        // Those that were there before the agent have shown that they last.
        let lasts_from = if self.looked.is_some() { now + LASTING } else { now };
        let process =
            Process { pid, parent, start_ticks, name, membership, namespace, first_seen: now, lasts_from, inode };
        self.processes.insert(pid, process);
        true
    }

    fn membership(&mut self, pid: u32) -> Arc<Membership> {
        let mut text = read_text(self.path(pid, "cgroup")).unwrap_or_default();
        if let Some(known) = self.memberships.get(&text) {
            return Arc::clone(known);
        }
        let membership = Arc::new(membership::parse(&text, self.own_container.as_deref()));
        text.shrink_to_fit();
        self.memberships.insert(text, Arc::clone(&membership));
        membership
    }

    fn path(&self, pid: u32, file: &str) -> PathBuf {
        self.proc.join(pid.to_string()).join(file)
    }
}

/// The processes and their inodes.
fn list(proc: &Path) -> Result<BTreeMap<u32, u64>, InspectError> {
    let failed = |error: rustix::io::Errno| {
        InspectError::Unavailable(format!("cannot list {}: {}", proc.display(), std::io::Error::from(error)))
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::open(proc, flags, Mode::empty()).map_err(failed)?;
    let mut buffer = Vec::with_capacity(LIST_BYTES);
    let mut entries = RawDir::new(folder, buffer.spare_capacity_mut());
    let mut listed = BTreeMap::new();
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(failed)?;
        if let Some(pid) = entry.file_name().to_str().ok().and_then(|name| name.parse().ok()) {
            listed.insert(pid, entry.ino());
        }
    }
    Ok(listed)
}
