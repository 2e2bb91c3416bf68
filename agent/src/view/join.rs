//! Makes one entity of what several sources saw of one thing. Pure: same members, same result, in any order.
//!
//! The processes of a container are no workloads of their own where an engine knows the container: the container takes
//! over their sockets and their evidence. Where no engine knows it, they stay what they are. In the same way a pod takes
//! over its containers and their processes, so that a container is always told of once.
//!
//! What belongs together is found by names that sources have in common: the identifier of a container, which engines,
//! control groups and the status of a pod tell, and the UID of a pod, which its containers' labels and control groups tell
//! too.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use orchestrix_common::model::{Body, Container, ContainerState, Entity, Evidence, Listener, Source, kubernetes::Pod};

/// Names an entity on this host: its source and native id.
pub type Key = (Source, String);

/// Looks at most this many sources and processes as evidence for one entity.
const EVIDENCE: usize = 32;

/// Sockets that are kept for one entity.
const LISTENERS: usize = 512;

/// Label that kubelets put on the containers of a pod where the engine is Docker's.
const POD_LABEL: &str = "io.kubernetes.pod.uid";

/// A name that several sources know a thing by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// A container, by its identifier.
    Container(String),
    /// A pod, by the UID that the host knows it by.
    Pod(String),
}

/// The names of an entity; none for what is never part of anything else.
#[must_use]
pub fn names_of(entity: &Entity) -> Vec<Name> {
    let (container, pod) = match &entity.body {
        Body::Container(container) => (Some(container.id.clone()), container.labels.get(POD_LABEL).cloned()),
        Body::Process(process) => {
            let pod = process.control_group.as_deref().and_then(pod_in);
            (process.container_id.clone(), pod.filter(|_| process.container_id.is_some()))
        }
        Body::Pod(pod) => {
            let own = Name::Pod(pod.host_uid.as_ref().unwrap_or(&pod.uid).clone());
            return containers_of(pod).map(Name::Container).chain([own]).collect();
        }
        _ => (None, None),
    };
    container.map(Name::Container).into_iter().chain(pod.map(Name::Pod)).collect()
}

/// The containers that an entity is, or has.
pub fn containers_in(entity: &Entity) -> Vec<String> {
    match &entity.body {
        Body::Container(container) => vec![container.id.clone()],
        Body::Pod(pod) => containers_of(pod).collect(),
        _ => Vec::new(),
    }
}

fn containers_of(pod: &Pod) -> impl Iterator<Item = String> + '_ {
    pod.containers.iter().filter_map(|container| container.container_id.clone())
}

/// The UID of a pod in the path of a control group, as kubelets write it with either of their drivers:
/// `/kubepods/burstable/pod<uid>/…` or `/kubepods.slice/…/kubepods-burstable-pod<uid with underscores>.slice/…`. That of a
/// static pod is a hash of 32 digits.
fn pod_in(path: &str) -> Option<String> {
    path.split('/').find_map(|component| {
        let component = component.strip_suffix(".slice").unwrap_or(component);
        let (kind, uid) = component.rsplit_once("pod")?;
        let is_kubelets = kind.is_empty() || kind.starts_with("kubepods-");
        let uid = uid.replace('_', "-");
        let is_uid = matches!(uid.len(), 32 | 36) && uid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        (is_kubelets && is_uid).then_some(uid)
    })
}

/// Joins entities that have names in common. Each member is answered: with the entity that is reported under its key, or
/// with `None` when it is part of another one.
///
/// `ended` says of a container that its engine removed it while its processes were still listed.
#[must_use]
pub fn join_group<'a>(
    members: impl IntoIterator<Item = (&'a Key, &'a Arc<Entity>)>,
    ended: impl Fn(&str) -> bool,
) -> Vec<(Key, Option<Arc<Entity>>)> {
    let members: Vec<_> = members.into_iter().collect();
    if let Some((pod_key, pod)) = members.iter().find(|(_, entity)| matches!(entity.body, Body::Pod(_))) {
        let parts: Vec<_> = members.iter().copied().filter(|(key, _)| key != pod_key).collect();
        let whole = ((*pod_key).clone(), Some(merged_pod(pod, &parts)));
        let part = |(key, entity): &(&Key, &Arc<Entity>)| {
            let apart = matches!(entity.body, Body::Pod(_)).then(|| Arc::clone(entity));
            ((*key).clone(), apart)
        };
        return std::iter::once(whole).chain(parts.iter().map(part)).collect();
    }
    let mut by_container: BTreeMap<&str, Vec<(&Key, &Arc<Entity>)>> = BTreeMap::new();
    let mut joined = Vec::new();
    for (key, entity) in members {
        if is_left_over(entity) {
            joined.push((key.clone(), None));
            continue;
        }
        let container = match &entity.body {
            Body::Container(container) => container.id.as_str(),
            Body::Process(process) => process.container_id.as_deref().unwrap_or_default(),
            _ => "",
        };
        by_container.entry(container).or_default().push((key, entity));
    }
    joined.extend(by_container.into_iter().flat_map(|(container, members)| join_container(members, ended(container))));
    joined
}

/// A container of a pod that is gone, which its engine has not cleared away yet.
fn is_left_over(entity: &Entity) -> bool {
    matches!(&entity.body, Body::Container(container) if container.labels.contains_key(POD_LABEL) && !runs(container))
}

fn join_container(members: Vec<(&Key, &Arc<Entity>)>, ended: bool) -> Vec<(Key, Option<Arc<Entity>>)> {
    let (containers, processes): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|(_, entity)| matches!(entity.body, Body::Container(_)));
    let mut containers = containers.into_iter();
    let mut joined = Vec::new();
    if let Some((key, container)) = containers.next() {
        joined.push((key.clone(), Some(merged(container, &processes))));
        joined.extend(containers.map(|(key, container)| (key.clone(), Some(Arc::clone(container)))));
        joined.extend(processes.into_iter().map(|(key, _)| (key.clone(), None)));
    } else {
        let alone = processes.into_iter().map(|(key, process)| (key.clone(), (!ended).then(|| Arc::clone(process))));
        joined.extend(alone);
    }
    joined
}

/// Joins everything that was seen, by source and native id.
#[must_use]
pub fn join(raw: &BTreeMap<Source, BTreeMap<String, Arc<Entity>>>) -> BTreeMap<Source, BTreeMap<String, Arc<Entity>>> {
    let mut named: BTreeMap<Name, Vec<(Key, &Arc<Entity>)>> = BTreeMap::new();
    let mut joined: BTreeMap<Source, BTreeMap<String, Arc<Entity>>> = BTreeMap::new();
    for (source, entities) in raw {
        let mut alone = BTreeMap::new();
        for (native_id, entity) in entities {
            let names = names_of(entity);
            if names.is_empty() {
                alone.insert(native_id.clone(), Arc::clone(entity));
            }
            for name in names {
                named.entry(name).or_default().push(((source.clone(), native_id.clone()), entity));
            }
        }
        joined.insert(source.clone(), alone);
    }
    let mut done = BTreeSet::new();
    for name in named.keys() {
        let group = group_of([name.clone()], |name| named.get(name).into_iter().flatten().cloned());
        if group.keys().any(|key| done.insert(key.clone())) {
            for ((source, native_id), entity) in join_group(group.iter().map(|(key, entity)| (key, *entity)), |_| false)
            {
                if let Some(entity) = entity {
                    joined.entry(source).or_default().insert(native_id, entity);
                }
            }
        }
    }
    joined
}

/// Everything that hangs together with some names. `named` tells what has a name.
pub fn group_of<'a, M: IntoIterator<Item = (Key, &'a Arc<Entity>)>>(
    names: impl IntoIterator<Item = Name>,
    named: impl Fn(&Name) -> M,
) -> BTreeMap<Key, &'a Arc<Entity>> {
    let mut open: Vec<Name> = names.into_iter().collect();
    let mut seen: BTreeSet<Name> = open.iter().cloned().collect();
    let mut group = BTreeMap::new();
    while let Some(name) = open.pop() {
        for (key, entity) in named(&name) {
            if group.insert(key, entity).is_none() {
                open.extend(names_of(entity).into_iter().filter(|name| seen.insert(name.clone())));
            }
        }
    }
    group
}

/// The container with what its processes add. One that does not run has no processes: where some are still listed,
/// they are about to go, and taking them in would only make it change twice.
fn merged(container: &Arc<Entity>, processes: &[(&Key, &Arc<Entity>)]) -> Arc<Entity> {
    let Body::Container(body) = &container.body else { return Arc::clone(container) };
    if processes.is_empty() || !runs(body) {
        return Arc::clone(container);
    }
    let mut body = body.clone();
    add_listeners(&mut body.listeners, processes);
    let evidence = evidence_of(container, processes);
    Arc::new(Entity { native_id: container.native_id.clone(), evidence, body: Body::Container(body) })
}

/// The pod with what its containers and their processes add; processes only while it is not done.
fn merged_pod(pod: &Arc<Entity>, parts: &[(&Key, &Arc<Entity>)]) -> Arc<Entity> {
    let Body::Pod(body) = &pod.body else { return Arc::clone(pod) };
    let done = matches!(body.phase.as_str(), "Succeeded" | "Failed");
    let counts = |entity: &Entity| match &entity.body {
        Body::Container(_) => true,
        Body::Process(_) => !done,
        _ => false,
    };
    let parts: Vec<_> = parts.iter().copied().filter(|(_, entity)| counts(entity)).collect();
    if parts.is_empty() {
        return Arc::clone(pod);
    }
    let mut body = body.clone();
    add_listeners(&mut body.listeners, &parts);
    let evidence = evidence_of(pod, &parts);
    Arc::new(Entity { native_id: pod.native_id.clone(), evidence, body: Body::Pod(body) })
}

fn runs(container: &Container) -> bool {
    !matches!(container.state, ContainerState::Created | ContainerState::Exited | ContainerState::Dead)
}

fn add_listeners(listeners: &mut Vec<Listener>, parts: &[(&Key, &Arc<Entity>)]) {
    for (_, entity) in parts {
        if let Body::Process(process) = &entity.body {
            listeners.extend(process.listeners.iter().cloned());
        }
    }
    listeners.sort();
    listeners.dedup();
    listeners.truncate(LISTENERS);
}

/// The evidence of the whole first, then that of its parts, sorted.
fn evidence_of(whole: &Entity, parts: &[(&Key, &Arc<Entity>)]) -> Vec<Evidence> {
    let mut more: Vec<_> = parts.iter().flat_map(|(_, entity)| entity.evidence.iter().cloned()).collect();
    more.sort();
    more.dedup();
    more.retain(|evidence| !whole.evidence.contains(evidence));
    let mut evidence = whole.evidence.clone();
    evidence.extend(more);
    evidence.truncate(EVIDENCE);
    evidence
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{container, labelled, listener, pod, process_in, process_in_pod, service, stopped};

    fn run(sources: &[(Source, Vec<Entity>)]) -> BTreeMap<Source, BTreeMap<String, Arc<Entity>>> {
        let by_id = |entities: &Vec<Entity>| {
            entities.iter().map(|entity| (entity.native_id.clone(), Arc::new(entity.clone()))).collect()
        };
        join(&sources.iter().map(|(source, entities)| (source.clone(), by_id(entities))).collect())
    }

    fn ids(joined: &BTreeMap<Source, BTreeMap<String, Arc<Entity>>>) -> Vec<String> {
        let of = |(source, entities): (&Source, &BTreeMap<String, Arc<Entity>>)| {
            entities.keys().map(|id| format!("{source}/{id}")).collect::<Vec<_>>()
        };
        joined.iter().flat_map(of).collect()
    }

    #[test]
    fn a_containers_processes_become_its_sockets_and_evidence() {
        let joined = run(&[
            (Source::Docker, vec![container("aa")]),
            (Source::Process, vec![process_in("aa", &[80]), service("nginx.service", &[443])]),
        ]);
        assert_eq!(ids(&joined), ["docker/aa", "process/unit:nginx.service"]);
        let entity = &joined[&Source::Docker]["aa"];
        let Body::Container(body) = &entity.body else { panic!("{entity:?}") };
        assert_eq!(body.listeners, [listener(80)]);
        let evidence: Vec<_> = entity.evidence.iter().map(|evidence| evidence.source.as_str()).collect();
        assert_eq!(evidence, ["docker", "process"]);
    }

    #[test]
    fn a_process_whose_container_no_engine_knows_stays_a_workload() {
        let joined = run(&[(Source::Docker, vec![container("aa")]), (Source::Process, vec![process_in("bb", &[80])])]);
        assert_eq!(ids(&joined), ["docker/aa", "process/container:bb"]);
    }

    #[test]
    fn podman_takes_its_processes_too() {
        let joined = run(&[(Source::Podman, vec![container("cc")]), (Source::Process, vec![process_in("cc", &[53])])]);
        assert_eq!(ids(&joined), ["podman/cc"]);
    }

    #[test]
    fn a_stopped_container_takes_its_last_processes_without_changing() {
        let joined = run(&[(Source::Docker, vec![stopped("aa")]), (Source::Process, vec![process_in("aa", &[80])])]);
        assert_eq!(ids(&joined), ["docker/aa"]);
        assert_eq!(*joined[&Source::Docker]["aa"], stopped("aa"));
    }

    #[test]
    fn several_processes_join_in_a_fixed_order_without_doubles() {
        let second = Entity { native_id: "listener:x".into(), ..process_in("aa", &[80, 22]) };
        let joined = run(&[
            (Source::Docker, vec![container("aa")]),
            (Source::Process, vec![process_in("aa", &[443, 80]), second]),
        ]);
        assert_eq!(ids(&joined), ["docker/aa"]);
        let Body::Container(body) = &joined[&Source::Docker]["aa"].body else { panic!() };
        assert_eq!(body.listeners, [listener(22), listener(80), listener(443)]);
    }

    #[test]
    fn one_container_told_by_two_engines_is_kept_by_both_but_joined_once() {
        let joined = run(&[
            (Source::Docker, vec![container("aa")]),
            (Source::Podman, vec![container("aa")]),
            (Source::Process, vec![process_in("aa", &[80])]),
        ]);
        assert_eq!(ids(&joined), ["docker/aa", "podman/aa"]);
        assert_eq!(*joined[&Source::Podman]["aa"], container("aa"));
    }

    const UID: &str = "0f6e0b8e-5a1c-4d39-9f0a-0123456789ab";

    #[test]
    fn a_pod_takes_its_containers_and_their_processes() {
        let joined = run(&[
            (Source::Docker, vec![labelled("aa", UID), labelled("pause", UID), container("cc")]),
            (Source::Kubernetes, vec![pod(UID, &["aa", "bb"])]),
            (Source::Process, vec![process_in("aa", &[80]), process_in("bb", &[443]), process_in("cc", &[53])]),
        ]);
        assert_eq!(ids(&joined), ["docker/cc".to_owned(), format!("kubernetes/{UID}")]);
        let entity = &joined[&Source::Kubernetes][UID];
        let Body::Pod(body) = &entity.body else { panic!("{entity:?}") };
        assert_eq!(body.listeners, [listener(80), listener(443)]);
        let evidence: Vec<_> = entity.evidence.iter().map(|evidence| evidence.native_id.as_str()).collect();
        assert_eq!(evidence, [UID, "aa", "pause", "container:aa", "container:bb"]);
    }

    #[test]
    fn a_process_finds_its_pod_by_its_control_group_alone() {
        for path in [
            format!("/kubepods/burstable/pod{UID}/dd"),
            format!(
                "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{}.slice/x",
                UID.replace('-', "_")
            ),
        ] {
            let joined = run(&[
                (Source::Kubernetes, vec![pod(UID, &[])]),
                (Source::Process, vec![process_in_pod("dd", &path, &[80])]),
            ]);
            assert_eq!(ids(&joined), [format!("kubernetes/{UID}")], "{path}");
        }
        assert_eq!(pod_in("/system.slice/podman.service"), None);
        assert_eq!(pod_in("/kubepods/pod00112233445566778899aabbccddeeff/x").map(|uid| uid.len()), Some(32));
    }

    #[test]
    fn containers_of_a_pod_that_nobody_tells_of_stay_apart() {
        let mut over = labelled("cc", UID);
        if let Body::Container(body) = &mut over.body {
            body.state = ContainerState::Exited;
        }
        let joined = run(&[(Source::Docker, vec![labelled("aa", UID), labelled("bb", UID), over])]);
        assert_eq!(ids(&joined), ["docker/aa", "docker/bb"], "what is left over of it is nobody's workload");
    }
}
