mod agreement;

use std::collections::BTreeMap;

use super::*;
use crate::inspect::Warning;
use orchestrix_common::model::{
    Body, Command, Completeness, Container, ContainerState, Evidence, Health, Listener, Process, Protocol,
    kubernetes::{Pod, PodContainer},
};

pub(crate) fn container(id: &str) -> Entity {
    let body = Container {
        id: id.to_owned(),
        name: format!("name-{id}"),
        image: "busybox".into(),
        image_id: None,
        runtime: "docker".into(),
        state: ContainerState::Running,
        health: None,
        exit_code: None,
        out_of_memory_killed: None,
        created_at: None,
        started_at: None,
        finished_at: None,
        restart_count: None,
        restart_policy: None,
        cpu_limit_millicores: None,
        memory_limit_bytes: None,
        command: Some(Command::default()),
        environment_names: Vec::new(),
        labels: BTreeMap::new(),
        labels_truncated: 0,
        ports: Vec::new(),
        networks: Vec::new(),
        mounts: Vec::new(),
        network_mode: None,
        privileged: None,
        user: None,
        listeners: Vec::new(),
    };
    let evidence = vec![Evidence { source: Source::Docker, native_id: id.to_owned() }];
    Entity { native_id: id.to_owned(), evidence, body: Body::Container(Box::new(body)) }
}

pub(crate) fn in_state(id: &str, state: ContainerState) -> Entity {
    let mut entity = container(id);
    if let Body::Container(body) = &mut entity.body {
        body.state = state;
    }
    entity
}

pub(crate) fn stopped(id: &str) -> Entity {
    in_state(id, ContainerState::Exited)
}

pub(crate) fn listener(port: u16) -> Listener {
    Listener { protocol: Protocol::Tcp, port, address: "0.0.0.0".into(), process: None, network_namespace: None }
}

fn process(native_id: String, process: Process) -> Entity {
    let evidence = vec![Evidence { source: Source::Process, native_id: native_id.clone() }];
    Entity { native_id, evidence, body: Body::Process(Box::new(process)) }
}

pub(crate) fn process_in(container: &str, ports: &[u16]) -> Entity {
    let listeners = ports.iter().copied().map(listener).collect();
    let body =
        Process { name: "httpd".into(), container_id: Some(container.to_owned()), listeners, ..Process::default() };
    process(format!("container:{container}"), body)
}

pub(crate) fn process_in_pod(container: &str, path: &str, ports: &[u16]) -> Entity {
    let mut entity = process_in(container, ports);
    if let Body::Process(body) = &mut entity.body {
        body.control_group = Some(path.to_owned());
    }
    entity
}

pub(crate) fn labelled(id: &str, pod: &str) -> Entity {
    let mut entity = container(id);
    if let Body::Container(body) = &mut entity.body {
        body.labels.insert("io.kubernetes.pod.uid".into(), pod.to_owned());
    }
    entity
}

pub(crate) fn pod(uid: &str, containers: &[&str]) -> Entity {
    let containers = containers.iter().map(|id| PodContainer {
        name: format!("name-{id}"),
        container_id: Some((*id).to_owned()),
        ..PodContainer::default()
    });
    let body = Pod {
        cluster_uid: "cluster".into(),
        namespace: "team".into(),
        name: format!("pod-{uid}"),
        uid: uid.to_owned(),
        phase: "Running".into(),
        status: "Running".into(),
        containers: containers.collect(),
        ..Pod::default()
    };
    let evidence = vec![Evidence { source: Source::Kubernetes, native_id: uid.to_owned() }];
    Entity { native_id: uid.to_owned(), evidence, body: Body::Pod(Box::new(body)) }
}

pub(crate) fn service(unit: &str, ports: &[u16]) -> Entity {
    let listeners = ports.iter().copied().map(listener).collect();
    let body = Process { name: unit.to_owned(), unit: Some(unit.to_owned()), listeners, ..Process::default() };
    process(format!("unit:{unit}"), body)
}

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

/// What changed, in short: `+docker/aa`, `-process/unit:x removed`.
fn told(differences: &Differences) -> Vec<String> {
    let line = |(source, change): &(Source, Change)| match &change.kind {
        ChangeKind::Upsert { entity, hash } => {
            assert_eq!(*hash, orchestrix_common::wire::hash(entity));
            format!("+{source}/{}", entity.native_id)
        }
        ChangeKind::Removal { native_id, reason } => format!("-{source}/{native_id} {}", reason.as_str()),
    };
    differences.changes.iter().map(line).collect()
}

fn look(view: &mut View, source: &Source, secs: i64, entities: Vec<Entity>) -> Vec<String> {
    told(&view.observe(source, at(secs), Ok(Observation::Complete(entities))))
}

fn present(secs: i64, entity: Entity) -> Sighting {
    Sighting { at: at(secs), what: Sighted::Present(entity) }
}

fn gone(secs: i64, native_id: &str) -> Sighting {
    Sighting { at: at(secs), what: Sighted::Gone { native_id: native_id.into(), reason: RemovalReason::Removed } }
}

/// A view whose sources had their first look: docker with `aa`, process with its listener and one service.
fn settled() -> View {
    let mut view = View::new();
    assert!(look(&mut view, &Source::Docker, 1, vec![container("aa")]).is_empty());
    assert!(look(&mut view, &Source::Process, 1, vec![process_in("aa", &[80]), service("ssh", &[22])]).is_empty());
    view.settle();
    view
}

fn health(view: &View, source: &Source) -> (Health, Completeness, String) {
    let (_, status) = view.statuses().find(|(of, _)| *of == source).unwrap();
    (status.health, status.completeness, status.reason.clone())
}

#[test]
fn the_first_complete_look_is_the_baseline_and_silent() {
    let mut view = View::new();
    let differences = view.observe(&Source::Docker, at(1), Ok(Observation::Complete(vec![container("aa")])));
    assert!(differences.changes.is_empty());
    assert_eq!(differences.status.map(|(_, status)| status.health), Some(Health::Healthy));
    assert_eq!(view.digests().len(), 1);
    assert_eq!(view.digests()[0].entities, 1);
    assert_eq!(look(&mut view, &Source::Docker, 2, vec![container("aa"), container("bb")]), ["+docker/bb"]);
}

#[test]
fn a_first_look_that_was_partial_is_reported_and_not_whole() {
    let mut view = View::new();
    let warnings = vec![Warning { item: "bb".into(), problem: "permission denied".into() }];
    let first = view.observe(&Source::Docker, at(1), Ok(Observation::Partial(vec![container("aa")], warnings)));
    assert_eq!(told(&first), ["+docker/aa"]);
    assert!(view.digests().is_empty());
    // What was told before is corrected openly, what is new is the baseline.
    assert_eq!(look(&mut view, &Source::Docker, 2, vec![container("cc")]), ["-docker/aa not-listed"]);
    assert_eq!(view.digests().len(), 1);
}

#[test]
fn a_complete_look_ends_what_it_does_not_list() {
    let mut view = settled();
    assert_eq!(look(&mut view, &Source::Docker, 9, vec![]), ["-docker/aa not-listed"]);
    let change = view.observe(&Source::Process, at(10), Ok(Observation::Complete(vec![])));
    assert_eq!(told(&change), ["-process/unit:ssh not-listed"]);
    assert_eq!(change.changes[0].1.observed_at, at(10));
}

#[test]
fn a_partial_look_ends_nothing() {
    let mut view = settled();
    let partial = Observation::Partial(vec![], vec![Warning { item: "1".into(), problem: "denied".into() }]);
    assert!(told(&view.observe(&Source::Docker, at(2), Ok(partial))).is_empty());
    assert!(view.entity(&Source::Docker, "aa").is_some());
    assert_eq!(health(&view, &Source::Docker), (Health::Degraded, Completeness::Partial, "denied".into()));
    assert!(view.is_whole(&Source::Docker));
}

#[test]
fn a_failed_look_ends_nothing() {
    let mut view = settled();
    let error = InspectError::Unavailable("connection refused".into());
    let failed = view.observe(&Source::Docker, at(2), Err(error.clone()));
    assert!(failed.changes.is_empty());
    let (_, status) = failed.status.unwrap();
    assert_eq!((status.health, status.since), (Health::Failing, at(2)));
    assert!(view.entity(&Source::Docker, "aa").is_some());
    // The same trouble again is no news, and its beginning stays.
    assert!(view.observe(&Source::Docker, at(3), Err(error)).status.is_none());
    // Its containers still take their processes.
    assert!(look(&mut view, &Source::Process, 4, vec![process_in("aa", &[80]), service("ssh", &[22])]).is_empty());
}

#[test]
fn a_source_that_went_away_keeps_what_it_had() {
    let mut view = settled();
    let absent = view.observe(&Source::Docker, at(2), Ok(Observation::Absent("no socket".into())));
    assert!(absent.changes.is_empty());
    assert_eq!(health(&view, &Source::Docker), (Health::Absent, Completeness::None, "no socket".into()));
    assert_eq!(view.digests().len(), 2);
    assert_eq!(look(&mut view, &Source::Docker, 3, vec![]), ["-docker/aa not-listed"]);
}

#[test]
fn a_source_that_was_never_there_is_absent_and_not_whole() {
    let mut view = View::new();
    let absent = view.observe(&Source::Podman, at(2), Ok(Observation::Absent("no socket".into())));
    assert_eq!(absent.status.map(|(_, status)| status.health), Some(Health::Absent));
    assert!(view.digests().is_empty());
}

#[test]
fn a_number_of_warnings_that_goes_up_and_down_is_no_news() {
    let mut view = View::new();
    let partial = |count: usize| {
        let warning = |pid: usize| Warning { item: format!("pid {pid}"), problem: "permission denied".into() };
        Ok(Observation::Partial(vec![], (0..count).map(warning).collect()))
    };
    assert!(view.observe(&Source::Process, at(1), partial(3)).status.is_some());
    assert!(view.observe(&Source::Process, at(2), partial(7)).status.is_none());
    assert!(view.observe(&Source::Process, at(3), partial(1)).status.is_none());
}

#[test]
fn a_container_that_came_and_went_is_told_twice_with_its_own_times() {
    let mut view = settled();
    let mut changes = Vec::new();
    for sighting in [present(5, container("bb")), present(6, stopped("bb")), gone(7, "bb")] {
        changes.extend(view.sighting(&Source::Docker, sighting).changes);
    }
    let differences = Differences { changes, status: None };
    assert_eq!(told(&differences), ["+docker/bb", "+docker/bb", "-docker/bb removed"]);
    let times: Vec<_> = differences.changes.iter().map(|(_, change)| change.observed_at).collect();
    assert_eq!(times, [at(5), at(6), at(7)]);
}

#[test]
fn the_same_sighting_again_is_no_change() {
    let mut view = settled();
    assert!(view.sighting(&Source::Docker, present(5, container("aa"))).changes.is_empty());
}

#[test]
fn the_end_of_what_only_an_earlier_run_of_the_agent_saw_is_told() {
    let mut view = settled();
    assert_eq!(told(&view.sighting(&Source::Docker, gone(5, "zz"))), ["-docker/zz removed"]);
}

#[test]
fn a_new_listener_of_a_container_alters_the_container_only() {
    let mut view = settled();
    let processes = vec![process_in("aa", &[80, 443]), service("ssh", &[22])];
    assert_eq!(look(&mut view, &Source::Process, 3, processes), ["+docker/aa"]);
    let Body::Container(body) = &view.entity(&Source::Docker, "aa").unwrap().entity.body else { panic!() };
    assert_eq!(body.listeners, [listener(80), listener(443)]);
}

#[test]
fn a_removed_containers_last_processes_are_no_workload() {
    let mut view = settled();
    let removed = view.sighting(&Source::Docker, gone(5, "aa"));
    assert_eq!(told(&removed), ["-docker/aa removed"]);
    // A look that began before the removal still lists them.
    let late = vec![process_in("aa", &[80]), service("ssh", &[22])];
    assert!(look(&mut view, &Source::Process, 6, late).is_empty());
    assert!(look(&mut view, &Source::Process, 7, vec![service("ssh", &[22])]).is_empty());
    assert!(view.ended.is_empty());
}

#[test]
fn processes_that_outlive_their_container_become_a_workload() {
    let mut view = settled();
    view.sighting(&Source::Docker, gone(5, "aa"));
    let processes = || vec![process_in("aa", &[80]), service("ssh", &[22])];
    assert!(look(&mut view, &Source::Process, 6, processes()).is_empty());
    assert_eq!(look(&mut view, &Source::Process, 7, processes()), ["+process/container:aa"]);
}

#[test]
fn a_container_that_stops_changes_once() {
    let mut view = settled();
    assert_eq!(told(&view.sighting(&Source::Docker, present(5, stopped("aa")))), ["+docker/aa"]);
    assert!(look(&mut view, &Source::Process, 6, vec![service("ssh", &[22])]).is_empty());
}

#[test]
fn an_engine_that_appears_later_takes_over_the_processes() {
    let mut view = View::new();
    look(&mut view, &Source::Process, 1, vec![process_in("aa", &[80])]);
    view.settle();
    assert!(view.entity(&Source::Process, "container:aa").is_some());
    // The containers are the baseline; that the process is part of one is a change of another source.
    assert_eq!(look(&mut view, &Source::Docker, 2, vec![container("aa")]), ["-process/container:aa joined"]);
    assert_eq!(view.owner(&Source::Process, "container:aa"), Some((Source::Docker, "aa".into())));
}

#[test]
fn before_everything_was_looked_at_sources_do_not_report_on_each_other() {
    let mut view = View::new();
    look(&mut view, &Source::Process, 1, vec![process_in("aa", &[80])]);
    assert!(look(&mut view, &Source::Docker, 1, vec![container("aa")]).is_empty());
    assert_eq!(view.entities(&Source::Process).count(), 0);
}

#[test]
fn use_is_told_of_the_container() {
    let view = settled();
    assert_eq!(view.owner(&Source::Process, "container:aa"), Some((Source::Docker, "aa".into())));
    assert_eq!(view.owner(&Source::Process, "unit:ssh"), Some((Source::Process, "unit:ssh".into())));
    assert_eq!(view.owner(&Source::Docker, "aa"), Some((Source::Docker, "aa".into())));
    assert_eq!(view.owner(&Source::Process, "unit:nope"), None);
}

#[test]
fn an_entity_that_no_collector_would_accept_is_left_out_with_a_warning() {
    let mut view = settled();
    let nameless = Entity { native_id: String::new(), ..container("bb") };
    assert!(look(&mut view, &Source::Docker, 3, vec![container("aa"), nameless.clone()]).is_empty());
    let (health, completeness, reason) = health(&view, &Source::Docker);
    assert_eq!((health, completeness), (Health::Degraded, Completeness::Complete));
    assert!(reason.contains("native_id"), "{reason}");
    assert!(view.sighting(&Source::Docker, present(4, nameless)).changes.is_empty());
}

#[test]
fn a_secret_in_an_error_is_taken_out_of_the_status() {
    let mut view = View::new();
    let error = InspectError::Unavailable("GET http://bob:hunter2@localhost/ failed".into());
    view.observe(&Source::Docker, at(1), Err(error));
    let (_, _, reason) = health(&view, &Source::Docker);
    assert!(!reason.contains("hunter2"), "{reason}");
}
