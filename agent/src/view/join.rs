//! Makes one entity of what several sources saw of one thing. Pure: same members, same result, in any order.
//!
//! The processes of a container are no workloads of their own where an engine knows the container: the container takes
//! over their sockets and their evidence. Where no engine knows it, they stay what they are.

use std::{collections::BTreeMap, sync::Arc};

use orchestrix_common::model::{Body, ContainerState, Entity, Source};

/// Names an entity on this host: its source and native id.
pub type Key = (Source, String);

/// Looks at most this many sources and processes as evidence for one container.
const EVIDENCE: usize = 16;

/// Sockets that are kept for one container.
const LISTENERS: usize = 512;

/// The container that an entity is, or runs in.
#[must_use]
pub fn container_of(entity: &Entity) -> Option<&str> {
    match &entity.body {
        Body::Container(container) => Some(&container.id),
        Body::Process(process) => process.container_id.as_deref(),
        Body::Host(_) | Body::Capability(_) => None,
    }
}

/// Joins the entities of one container. Each member is answered: with the entity that is reported under its key, or
/// with `None` when it is part of another one.
///
/// `ended` says that the engine removed the container while its processes were still listed.
#[must_use]
pub fn join_container<'a>(
    members: impl IntoIterator<Item = (&'a Key, &'a Arc<Entity>)>,
    ended: bool,
) -> Vec<(Key, Option<Arc<Entity>>)> {
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
    let mut groups: BTreeMap<&str, Vec<(Key, &Arc<Entity>)>> = BTreeMap::new();
    let mut joined: BTreeMap<Source, BTreeMap<String, Arc<Entity>>> = BTreeMap::new();
    for (source, entities) in raw {
        let mut alone = BTreeMap::new();
        for (native_id, entity) in entities {
            if let Some(container) = container_of(entity) {
                groups.entry(container).or_default().push(((source.clone(), native_id.clone()), entity));
            } else {
                alone.insert(native_id.clone(), Arc::clone(entity));
            }
        }
        joined.insert(source.clone(), alone);
    }
    for members in groups.into_values() {
        for ((source, native_id), entity) in join_container(members.iter().map(|(key, entity)| (key, *entity)), false) {
            if let Some(entity) = entity {
                joined.entry(source).or_default().insert(native_id, entity);
            }
        }
    }
    joined
}

/// The container with what its processes add. One that does not run has no processes: where some are still listed,
/// they are about to go, and taking them in would only make it change twice.
fn merged(container: &Arc<Entity>, processes: &[(&Key, &Arc<Entity>)]) -> Arc<Entity> {
    let Body::Container(body) = &container.body else { return Arc::clone(container) };
    let runs = !matches!(body.state, ContainerState::Created | ContainerState::Exited | ContainerState::Dead);
    if processes.is_empty() || !runs {
        return Arc::clone(container);
    }
    let mut body = body.clone();
    let mut more = Vec::new();
    for (_, entity) in processes {
        if let Body::Process(process) = &entity.body {
            body.listeners.extend(process.listeners.iter().cloned());
        }
        more.extend(entity.evidence.iter().cloned());
    }
    body.listeners.sort();
    body.listeners.dedup();
    body.listeners.truncate(LISTENERS);
    more.sort();
    more.dedup();
    more.retain(|evidence| !container.evidence.contains(evidence));
    let mut evidence = container.evidence.clone();
    evidence.extend(more);
    evidence.truncate(EVIDENCE);
    Arc::new(Entity { native_id: container.native_id.clone(), evidence, body: Body::Container(body) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::tests::{container, listener, process_in, service, stopped};

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
}
