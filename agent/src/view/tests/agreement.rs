//! Digests, reports and the view agree after any history.

use proptest::prelude::*;

use super::*;

/// One step of a random history.
#[derive(Clone, Debug)]
enum Step {
    Look(Source, Vec<Entity>, bool),
    Sighting(Source, Sighting),
    Fail(Source),
}

fn any_container() -> impl Strategy<Value = Entity> {
    let state = prop_oneof![Just(ContainerState::Running), Just(ContainerState::Exited), Just(ContainerState::Paused)];
    ("[a-e]", state).prop_map(|(id, state)| in_state(&id, state))
}

fn any_process() -> impl Strategy<Value = Entity> {
    let ports = prop::collection::vec(1_u16..5, 0..3);
    prop_oneof![
        ("[a-f]", ports.clone()).prop_map(|(id, ports)| process_in(&id, &ports)),
        ("[x-z]", ports).prop_map(|(unit, ports)| service(&unit, &ports)),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let pods = prop::collection::btree_map("[p-q]", prop::collection::btree_set("[a-f]", 0..3), 0..3);
    let sighting =
        prop_oneof![any_container().prop_map(|entity| present(1, entity)), "[a-e]".prop_map(|id| gone(1, &id))];
    prop_oneof![
        (prop::collection::vec(any_container(), 0..5), any::<bool>()).prop_map(|(entities, whole)| Step::Look(
            Source::Docker,
            entities,
            whole
        )),
        (prop::collection::vec(any_process(), 0..6), any::<bool>()).prop_map(|(entities, whole)| Step::Look(
            Source::Process,
            entities,
            whole
        )),
        sighting.prop_map(|sighting| Step::Sighting(Source::Docker, sighting)),
        (pods, any::<bool>()).prop_map(|(pods, whole)| Step::Look(Source::Kubernetes, apart(pods), whole)),
        Just(Step::Fail(Source::Docker)),
    ]
}

/// Pods that have no container in common.
fn apart(pods: BTreeMap<String, BTreeSet<String>>) -> Vec<Entity> {
    let mut taken = BTreeSet::new();
    let pods = pods.into_iter().map(|(uid, containers)| {
        let containers: Vec<&str> = containers.iter().map(String::as_str).collect();
        let own: Vec<&str> = containers.into_iter().filter(|id| taken.insert((*id).to_owned())).collect();
        pod(&uid, &own)
    });
    pods.collect()
}

/// A collector that applies what it is told.
#[derive(Default)]
struct Believed(BTreeMap<(Source, String), EntityHash>);

impl Believed {
    fn apply(&mut self, differences: &Differences) {
        for (source, change) in &differences.changes {
            match &change.kind {
                ChangeKind::Upsert { entity, hash } => {
                    self.0.insert((source.clone(), entity.native_id.clone()), *hash);
                }
                ChangeKind::Removal { native_id, .. } => {
                    self.0.remove(&(source.clone(), native_id.clone()));
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn digests_and_reports_agree_with_the_view_at_any_time(steps in prop::collection::vec(any_step(), 1..40)) {
        let mut view = View::new();
        look(&mut view, &Source::Docker, 0, vec![]);
        look(&mut view, &Source::Process, 0, vec![]);
        look(&mut view, &Source::Kubernetes, 0, vec![]);
        view.settle();
        let mut believed = Believed::default();
        for step in steps {
            let differences = match step {
                Step::Look(source, entities, true) => view.observe(&source, at(1), Ok(Observation::Complete(entities))),
                Step::Look(source, entities, false) => {
                    view.observe(&source, at(1), Ok(Observation::Partial(entities, vec![])))
                }
                Step::Sighting(source, sighting) => view.sighting(&source, sighting),
                Step::Fail(source) => view.observe(&source, at(1), Err(InspectError::Unavailable("down".into()))),
            };
            believed.apply(&differences);

            let mut held = BTreeMap::new();
            for digest in view.digests() {
                let fresh: Digest = view
                    .entities(&digest.source)
                    .map(|(id, held)| (id, orchestrix_common::wire::hash(&held.entity)))
                    .collect();
                prop_assert_eq!(fresh, digest.digest);
                for (id, entity) in view.entities(&digest.source) {
                    held.insert((digest.source.clone(), id.to_owned()), entity.hash);
                }
            }
            prop_assert_eq!(&held, &believed.0);

            // What is joined step by step is what joining everything at once gives, but for ending processes.
            let raw = view.raw.iter().map(|(source, raw)| (source.clone(), raw.entities.clone())).collect();
            for (source, entities) in join::join(&raw) {
                for (id, entity) in entities {
                    let ending = matches!(&entity.body, Body::Process(process)
                        if process.container_id.as_ref().is_some_and(|id| view.ended.contains_key(id)));
                    let reported = view.entity(&source, &id).map(|held| Arc::clone(&held.entity));
                    prop_assert_eq!(reported, (!ending).then_some(entity));
                }
            }
        }
    }
}
