//! Whom a process belongs to, by its control groups: a container, a systemd service, or nobody.
//!
//! Format: `/proc/PID/cgroup`, cgroups(7), one line per hierarchy of version 1 and `0::` for version 2. How engines
//! name their groups was recorded from Docker, Podman, containerd and CRI-O with both of their cgroup drivers.

/// Whom a process belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Owner {
    /// A container, by its full identifier.
    Container(String),
    /// A service of the system's manager, for example `nginx.service`.
    Service(String),
    /// A service of a user's manager: the manager's unit, for example `user@1000.service`, and the service.
    UserService(String, String),
    /// Neither.
    #[default]
    Nobody,
}

/// Control groups of a process. Processes with the same file share one value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Membership {
    /// Whom it belongs to.
    pub(super) owner: Owner,
    /// Path that told so, up to the group of the owner; else the path that systemd would use.
    pub(super) control_group: Option<String>,
    /// Version 1 hierarchies: their controllers, separated by commas, and the path.
    hierarchies: Vec<(String, String)>,
    /// Path in the version 2 hierarchy.
    unified: Option<String>,
}

impl Membership {
    /// Path of the owner's own group for a version 1 controller; `None` when it has none there.
    pub(super) fn own_path(&self, controller: &str) -> Option<&str> {
        let holds = |list: &str| list.split(',').any(|name| name == controller);
        let (_, path) = self.hierarchies.iter().find(|(list, _)| holds(list))?;
        self.owners_part(path)
    }

    /// Path of the owner's own group in version 2; `None` when it has none there.
    pub(super) fn own_unified_path(&self) -> Option<&str> {
        self.owners_part(self.unified.as_deref()?)
    }

    /// Finds the owner in the paths. Only the hierarchies that a manager keeps tell of services; any may tell of a
    /// container.
    fn judge(&mut self, own_container: Option<&str>) {
        let systemd = self.hierarchies.iter().find(|(list, _)| list == "name=systemd").map(|(_, path)| path);
        let managed: Vec<&String> = [systemd, self.unified.as_ref()].into_iter().flatten().collect();
        let others = self.hierarchies.iter().map(|(_, path)| path);
        let all: Vec<&String> = managed.iter().copied().chain(others).collect();
        let container = all.iter().find_map(|path| container_in(path, own_container)).map(Owner::Container);
        let service = managed.iter().map(|path| service_in(path, own_container));
        let owner = container.or_else(|| service.into_iter().find(|owner| *owner != Owner::Nobody));
        let fallback = managed.iter().find(|path| **path != "/").map(|path| (*path).clone());
        let own = Self { owner: owner.clone().unwrap_or_default(), ..Self::default() };
        let own = all.iter().find_map(|path| own.owners_part(path)).map(str::to_owned);
        self.control_group = own.or(fallback);
        self.owner = owner.unwrap_or_default();
    }

    /// The part of a path up to the component that names the owner.
    fn owners_part<'a>(&self, path: &'a str) -> Option<&'a str> {
        let names_owner = |component: &str| match &self.owner {
            Owner::Container(id) => container_id(component) == Some(id),
            Owner::Service(unit) | Owner::UserService(_, unit) => component == unit,
            Owner::Nobody => false,
        };
        let component = path.split('/').find(|component| names_owner(component))?;
        let end = component.as_ptr().addr() - path.as_ptr().addr() + component.len();
        path.get(..end)
    }
}

/// Reads `/proc/PID/cgroup`. `own_container` is the container that the agent itself runs in, whose part of the paths
/// says nothing.
pub(super) fn parse(text: &str, own_container: Option<&str>) -> Membership {
    let mut membership = Membership::default();
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let path = path.strip_suffix(" (deleted)").unwrap_or(path).to_owned();
        if controllers.is_empty() {
            membership.unified = Some(path);
        } else {
            membership.hierarchies.push((controllers.to_owned(), path));
        }
    }
    membership.judge(own_container);
    membership
}

/// The container whose part a path's first process has: that of the agent, when given its own or process 1's file.
pub(in crate::inspect) fn container_of(text: &str) -> Option<String> {
    match parse(text, None).owner {
        Owner::Container(id) => Some(id),
        _ => None,
    }
}

/// The outermost container: the one that this host's engine knows.
fn container_in(path: &str, own: Option<&str>) -> Option<String> {
    beyond(path, own).find_map(container_id).map(str::to_owned)
}

/// Components of a path, without those up to the agent's own container.
fn beyond<'a>(path: &'a str, own: Option<&str>) -> impl Iterator<Item = &'a str> {
    let components = path.split('/').filter(|component| !component.is_empty());
    let inside = own.and_then(|own| components.clone().position(|component| container_id(component) == Some(own)));
    components.skip(inside.map_or(0, |at| at + 1))
}

/// The identifier in `<id>`, `docker-<id>.scope`, `libpod-<id>`, `…:cri-containerd:<id>`. A monitor's group
/// (`libpod-conmon-<id>.scope`) is outside of the container that it watches.
fn container_id(component: &str) -> Option<&str> {
    let component = component.strip_suffix(".scope").unwrap_or(component);
    let (engine, id) = component.split_at_checked(component.len().checked_sub(64)?)?;
    let is_id = id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let is_engine = engine.is_empty() || (engine.ends_with(['-', ':']) && !engine.contains("conmon"));
    (is_id && is_engine).then_some(id)
}

/// The service at the end of a chain of slices. Anything else before it (`lxc.payload.x`, a scope) makes it the service
/// of another system's manager, or none.
fn service_in(path: &str, own: Option<&str>) -> Owner {
    let mut components = beyond(path, own).skip_while(|component| component.ends_with(".slice"));
    match components.next() {
        Some(manager) if manager.starts_with("user@") && manager.ends_with(".service") => {
            match components.find(|component| !component.ends_with(".slice")) {
                Some(unit) if unit.ends_with(".service") => Owner::UserService(manager.to_owned(), unit.to_owned()),
                _ => Owner::Nobody,
            }
        }
        Some(unit) if unit.ends_with(".service") => Owner::Service(unit.to_owned()),
        _ => Owner::Nobody,
    }
}

#[cfg(test)]
#[path = "membership_tests.rs"]
mod tests;
