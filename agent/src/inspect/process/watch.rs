//! One look at everything, with what the look before it learnt.
//!
//! The order matters: processes first, then sockets, then their owners, so that a socket's owner is in the table when it
//! is asked for. When neither processes nor sockets changed, the entities of the look before stand.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrix_common::{
    model::{Body, Entity, Evidence, Listener, Process as Model, Protocol, Source},
    time::Timestamp,
};

use super::{
    ProcessSettings,
    controllers::{Controllers, Limits},
    details::Cache,
    group::{self, Group, Tables},
    membership::{Membership, Owner},
    namespaces::Namespaces,
    owners::Owners,
    sockets::{Socket, Sockets, Transport, namespace_of},
    table::{Process, Table},
    users::Users,
};
use crate::inspect::{
    InspectError, Warning,
    host::read_text,
    rights::{self, Right},
};

/// Limits, users and mounts are read again after this time even when nothing else changed.
const REFRESH: Duration = Duration::from_secs(60);
/// Clock ticks per second in `/proc`: 100 on every architecture that Rust's standard library runs on (`USER_HZ`).
pub(super) const TICKS_PER_SEC: u64 = 100;

/// What is known from the looks so far.
#[derive(Debug)]
pub(super) struct Watch {
    settings: ProcessSettings,
    pub(super) table: Table,
    namespaces: Namespaces,
    owners: Owners,
    users: Users,
    details: Cache,
    pub(super) controllers: Controllers,
    limits: HashMap<String, Limits>,
    /// The host's network namespace.
    namespace: u64,
    /// Start of this boot in seconds since the epoch; `None` when unknown.
    booted_secs: Option<i64>,
    refreshed: Option<Instant>,
    /// Groups of the last look, by key.
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) entities: Vec<Entity>,
    pub(super) warnings: Vec<Warning>,
    /// Nothing was hidden from the last look.
    pub(super) is_whole: bool,
    hidden: usize,
}

impl Watch {
    pub(super) fn new(settings: ProcessSettings, sockets: Box<dyn Sockets>) -> Self {
        let proc = settings.root.proc.clone();
        let own = namespace_of(&proc, "self").unwrap_or(0);
        Self {
            table: Table::new(&proc),
            namespaces: Namespaces::new(sockets, own),
            owners: Owners::new(&proc),
            users: Users::new(&settings.root.etc),
            details: Cache::new(&proc, settings.with_arguments),
            controllers: Controllers::default(),
            limits: HashMap::new(),
            namespace: namespace_of(&proc, "1").unwrap_or(own),
            booted_secs: None,
            refreshed: None,
            groups: BTreeMap::new(),
            entities: Vec::new(),
            warnings: Vec::new(),
            is_whole: true,
            hidden: 0,
            settings,
        }
    }

    /// Looks; true when the entities changed.
    pub(super) fn look(&mut self, now: Instant) -> Result<bool, InspectError> {
        let is_due = self.refreshed.is_none_or(|at| now.duration_since(at) >= REFRESH);
        if is_due {
            self.refresh(now);
        }
        let mut differences = self.table.look(now)?;
        let sockets_changed = self
            .namespaces
            .look(self.table.all(), !differences.any, now)
            .map_err(|error| InspectError::Unavailable(format!("cannot list the listening sockets: {error}")))?;
        let is_same = !(is_due || differences.any || sockets_changed || differences.is_settling);
        if is_same && self.owners.rests() {
            return Ok(false);
        }
        let wanted = self.namespaces.all().iter().map(|socket| (socket.inode, socket.namespace)).collect();
        let owners_changed = self.owners.look(&wanted, &self.table, &differences.fresh);
        if is_same && !owners_changed {
            return Ok(false);
        }
        // Whoever begins to listen may have become another program since it was read.
        let found = self.owners.found().iter().filter(|pid| !differences.fresh.contains(pid));
        differences.fresh.extend(self.table.reread(found.copied(), now));
        let table = &self.table;
        self.details.forget(|pid| {
            table.get(pid).is_none() || differences.fresh.contains(&pid) || differences.young.contains(&pid)
        });
        self.regroup();
        let entities = self.describe(now);
        let warnings = self.warn();
        let changed = entities != self.entities || warnings != self.warnings;
        self.entities = entities;
        self.warnings = warnings;
        Ok(changed)
    }

    fn refresh(&mut self, now: Instant) {
        let root = &self.settings.root;
        let mounts = read_text(root.proc.join("self/mountinfo")).unwrap_or_default();
        self.controllers = Controllers::parse(&mounts, &root.sys);
        self.limits.clear();
        self.users.refresh();
        let stat = read_text(root.proc.join("stat")).unwrap_or_default();
        self.booted_secs =
            stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok()).or(self.booted_secs);
        self.refreshed = Some(now);
    }

    fn regroup(&mut self) {
        let processes: BTreeMap<u32, &Process> = self.table.all().map(|process| (process.pid, process)).collect();
        let owners = &self.owners;
        // What nobody readable holds is held by the one who cannot be read, if there is only one.
        let suspects: Vec<u32> = owners.unreadable().iter().copied().collect();
        let is_hidden = |socket: &Socket| owners.is_orphan(socket.inode);
        let holders = |socket: &Socket| -> Vec<u32> {
            let known: Vec<u32> = owners.of(socket.inode).collect();
            if known.is_empty() && suspects.len() == 1 && is_hidden(socket) { suspects.clone() } else { known }
        };
        let details = std::cell::RefCell::new(&mut self.details);
        let tables = Tables {
            processes: &processes,
            sockets: self.namespaces.all(),
            holders: &holders,
            is_orphan: &|socket| suspects.len() > 1 && is_hidden(socket),
            user_id: &|process| details.borrow_mut().of(process).user_id,
            programs: &self.settings.programs,
            namespace: self.namespace,
        };
        self.groups = group::groups(&tables);
    }

    fn describe(&mut self, now: Instant) -> Vec<Entity> {
        let groups = std::mem::take(&mut self.groups);
        let entities = groups.iter().map(|(key, group)| self.entity(key, group, now)).collect();
        self.groups = groups;
        self.limits.retain(|key, _| self.groups.contains_key(key));
        entities
    }

    fn entity(&mut self, key: &str, group: &Group, now: Instant) -> Entity {
        let mut model = group.main.and_then(|pid| self.table.get(pid)).map_or_else(Model::default, |main| {
            let details = self.details.of(main).clone();
            let booted = self.booted_secs;
            let started = i64::try_from(main.start_ticks / TICKS_PER_SEC).ok();
            Model {
                name: main.name.clone(),
                executable: details.executable,
                command: details.command,
                user_id: details.user_id,
                started_at: booted.zip(started).map(|(booted, after)| Timestamp::from_secs(booted + after)),
                control_group: main.membership.control_group.clone(),
                ..Model::default()
            }
        });
        match &group.owner {
            Owner::Container(id) => model.container_id = Some(id.clone()),
            Owner::Service(unit) | Owner::UserService(_, unit) => {
                model.name = unit.strip_suffix(".service").unwrap_or(unit).to_owned();
                model.unit = Some(unit.clone());
            }
            Owner::Nobody => {}
        }
        if group.main.is_none() {
            // Only the port is known, and the user that made the socket.
            let socket = group.sockets.first_key_value().map(|(socket, _)| socket);
            model.name = key.rsplit(':').next().unwrap_or(key).to_owned();
            model.user_id = socket.map(|socket| socket.user_id);
        }
        // A container has users of its own: the host's name for the same number would mislead, but for root.
        let is_own = !matches!(group.owner, Owner::Container(_));
        model.user = model.user_id.filter(|id| is_own || *id == 0).and_then(|id| self.users.name(id));
        model.process_count = self.count(group, now);
        model.listeners = self.listeners(group);
        if let Some(membership) = self.membership(group) {
            let controllers = &self.controllers;
            let limits = *self.limits.entry(key.to_owned()).or_insert_with(|| controllers.limits(&membership));
            model.cpu_limit_millicores = limits.cpu_millicores;
            model.memory_limit_bytes = limits.memory_bytes;
        }
        let evidence = vec![Evidence { source: Source::Process, native_id: key.to_owned() }];
        Entity { native_id: key.to_owned(), evidence, body: Body::Process(Box::new(model)) }
    }

    /// Control groups of the group's main process.
    pub(super) fn membership(&self, group: &Group) -> Option<Arc<Membership>> {
        self.table.get(group.main?).map(|main| Arc::clone(&main.membership))
    }

    /// Counts the members that last. Exact up to four, above that the power of two below: a pool of workers that
    /// breathes is not a change.
    fn count(&self, group: &Group, now: Instant) -> u32 {
        let lasts = |process: &Process| process.lasts_from <= now;
        let lasting = group.members.iter().filter_map(|pid| self.table.get(*pid)).filter(|process| lasts(process));
        let least = u32::from(!group.members.is_empty());
        let count = u32::try_from(lasting.count()).unwrap_or(u32::MAX).max(least);
        if count <= 4 { count } else { 1 << count.ilog2() }
    }

    fn listeners(&self, group: &Group) -> Vec<Listener> {
        let listener = |(socket, process): (&Socket, &Option<String>)| Listener {
            protocol: match socket.transport {
                Transport::Tcp => Protocol::Tcp,
                Transport::Udp => Protocol::Udp,
            },
            port: socket.port,
            address: socket.address.to_string(),
            process: process.clone(),
            network_namespace: (socket.namespace != self.namespace).then_some(socket.namespace),
        };
        let mut listeners: Vec<Listener> = group.sockets.iter().map(listener).collect();
        listeners.sort();
        listeners.dedup();
        listeners
    }

    /// A `/proc` that hides others' processes (`hidepid`) leaves the look partial. That some owners of sockets cannot be
    /// seen does not: their ports are listed all the same, so what is not listed is gone.
    fn warn(&mut self) -> Vec<Warning> {
        const BOTH: [Right; 2] = [Right::SeeProcesses, Right::ReadFiles];
        self.is_whole = self.table.get(1).is_some();
        let mut warnings = Vec::new();
        if !self.is_whole {
            let problem = rights::lacking("process 1 is hidden, as /proc is mounted with hidepid", &BOTH);
            warnings.push(Warning { item: self.settings.root.proc.display().to_string(), problem });
        }
        let hidden = self.groups.values().filter(|group| group.main.is_none()).count();
        if hidden > 0 {
            let problem = rights::lacking("the owners of some sockets cannot be seen", &BOTH);
            warnings.push(Warning { item: "sockets".to_owned(), problem });
        }
        if hidden != self.hidden {
            self.hidden = hidden;
            let unreadable = self.owners.unreadable().len();
            tracing::warn!(sockets = hidden, processes = unreadable, "owners of sockets cannot be seen");
        }
        warnings
    }
}
