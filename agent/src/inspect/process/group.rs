//! Which processes make one entity. Pure: tables in, groups out.
//!
//! 1. The processes of a container, `container:<id>`. The view merges it into what the engine says of the container.
//! 2. The processes of a systemd service, `unit:<unit>`; of a user's manager, `unit:<manager>/<unit>`.
//! 3. Programs that the configuration names, `program:<name>:<uid>`.
//! 4. Other processes that listen, `program:<name>:<uid>:<protocol>/<lowest port>`, with `@<namespace>` behind it when that
//!    is not the host's network. Workers that share a socket are one group.
//! 5. A socket whose owner the agent may not see, `socket:<uid>:<protocol>/<port>`: the port is a fact all the same.
//!
//! All others are not listed. A program that only publishes a container's port (`docker-proxy`) is not what listens:
//! the port belongs to the container, so such a process holds nothing here.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{
    membership::Owner,
    sockets::{Socket, Transport},
    table::Process,
};

/// Programs of container engines that publish ports.
const PORT_FORWARDERS: [&str; 2] = ["docker-proxy", "rootlessport"];

/// Processes that make one entity.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) struct Group {
    pub(super) owner: Owner,
    /// Without order; never empty but for a socket without owner.
    pub(super) members: BTreeSet<u32>,
    /// The process that the others come from; `None` for a socket without owner.
    pub(super) main: Option<u32>,
    /// Sockets, each with the name of the process that holds it.
    pub(super) sockets: BTreeMap<Socket, Option<String>>,
}

/// What the groups are made from.
pub(super) struct Tables<'a> {
    pub(super) processes: &'a BTreeMap<u32, &'a Process>,
    pub(super) sockets: &'a [Socket],
    /// Processes that hold a socket.
    pub(super) holders: &'a dyn Fn(&Socket) -> Vec<u32>,
    /// Sockets whose owner will not be found.
    pub(super) is_orphan: &'a dyn Fn(&Socket) -> bool,
    /// Real user of a process.
    pub(super) user_id: &'a dyn Fn(&Process) -> Option<u32>,
    /// Programs that the configuration names.
    pub(super) programs: &'a [String],
    /// The host's network namespace.
    pub(super) namespace: u64,
}

/// Makes the groups, by key.
pub(super) fn groups(tables: &Tables<'_>) -> BTreeMap<String, Group> {
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut keys: HashMap<u32, String> = HashMap::new();
    for process in tables.processes.values() {
        if let Some(key) = owned_key(process).or_else(|| named_key(process, tables)) {
            let group = groups.entry(key.clone()).or_default();
            group.owner = process.membership.owner.clone();
            group.members.insert(process.pid);
            keys.insert(process.pid, key);
        }
    }
    let mut strays = Vec::new();
    for socket in tables.sockets {
        let holders = (tables.holders)(socket);
        let holders: Vec<&Process> = holders.iter().filter_map(|pid| tables.processes.get(pid).copied()).collect();
        if holders.is_empty() && (tables.is_orphan)(socket) {
            let key = format!("socket:{}:{}", socket.user_id, port(socket));
            groups.entry(key).or_default().sockets.insert(socket.clone(), None);
        }
        let holders: Vec<&Process> = holders.into_iter().filter(|process| !forwards_ports(process)).collect();
        // A service manager that opened the socket for its service holds it too: the service counts.
        let grouped: BTreeMap<&String, &Process> =
            holders.iter().rev().filter_map(|process| Some((keys.get(&process.pid)?, *process))).collect();
        for (key, holder) in &grouped {
            if let Some(group) = groups.get_mut(*key) {
                group.sockets.insert(socket.clone(), Some(holder.name.clone()));
            }
        }
        if grouped.is_empty() && !holders.is_empty() {
            strays.push((socket, holders));
        }
    }
    for (key, group) in listeners(&strays, tables) {
        groups.insert(key, group);
    }
    for group in groups.values_mut() {
        group.main = main(&group.members, tables.processes);
    }
    groups
}

fn owned_key(process: &Process) -> Option<String> {
    match &process.membership.owner {
        Owner::Container(id) => Some(format!("container:{id}")),
        Owner::Service(unit) => Some(format!("unit:{unit}")),
        Owner::UserService(manager, unit) => Some(format!("unit:{manager}/{unit}")),
        Owner::Nobody => None,
    }
}

fn named_key(process: &Process, tables: &Tables<'_>) -> Option<String> {
    tables.programs.contains(&process.name).then(|| program(process, tables))
}

fn program(process: &Process, tables: &Tables<'_>) -> String {
    let user = (tables.user_id)(process).map_or_else(|| "?".to_owned(), |id| id.to_string());
    format!("program:{}:{user}", process.name)
}

fn port(socket: &Socket) -> String {
    let transport = match socket.transport {
        Transport::Tcp => "tcp",
        Transport::Udp => "udp",
    };
    format!("{transport}/{}", socket.port)
}

fn forwards_ports(process: &Process) -> bool {
    PORT_FORWARDERS.contains(&process.name.as_str())
}

/// Groups the processes that hold the same sockets, directly or by way of a third.
fn listeners(strays: &[(&Socket, Vec<&Process>)], tables: &Tables<'_>) -> BTreeMap<String, Group> {
    let mut by_process: HashMap<u32, Vec<usize>> = HashMap::new();
    for (at, (_, holders)) in strays.iter().enumerate() {
        for holder in holders {
            by_process.entry(holder.pid).or_default().push(at);
        }
    }
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let mut done = HashSet::new();
    for first in 0..strays.len() {
        let mut group = Group::default();
        let mut waiting = vec![first];
        while let Some(at) = waiting.pop() {
            if !done.insert(at) {
                continue;
            }
            let (socket, holders) = &strays[at];
            group.sockets.insert((*socket).clone(), holders.first().map(|holder| holder.name.clone()));
            for holder in holders {
                group.members.insert(holder.pid);
                waiting.extend(by_process.get(&holder.pid).into_iter().flatten());
            }
        }
        let main = main(&group.members, tables.processes).and_then(|pid| tables.processes.get(&pid));
        // Sockets sort by port, so the first is the lowest.
        if let (Some(main), Some((lowest, _))) = (main, group.sockets.first_key_value()) {
            let elsewhere = (lowest.namespace != tables.namespace).then(|| format!("@{}", lowest.namespace));
            let key = format!("{}:{}{}", program(main, tables), port(lowest), elsewhere.unwrap_or_default());
            let known = groups.entry(key).or_default();
            known.members.append(&mut group.members);
            known.sockets.append(&mut group.sockets);
        }
    }
    groups
}

/// The oldest process whose parent is outside of the group.
fn main(members: &BTreeSet<u32>, processes: &BTreeMap<u32, &Process>) -> Option<u32> {
    let members_of = members.iter().filter_map(|pid| processes.get(pid));
    let oldest = members_of.min_by_key(|process| (members.contains(&process.parent), process.start_ticks, process.pid));
    oldest.map(|process| process.pid)
}
