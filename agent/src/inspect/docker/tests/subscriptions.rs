//! Events: each change at once, with its own time, and none lost.

use std::sync::atomic::Ordering;

use orchestrix_common::{
    model::{ContainerState, RemovalReason},
    time::Timestamp,
};

use super::{
    super::*,
    fake::{Answer, FIRST_EVENT, Fake, running, soon},
    looks::{BUDGET, ids, inspector},
};
use crate::inspect::{Sighted, Sighting};

/// Time of the n-th event of a fake.
fn at(n: i64) -> Timestamp {
    Timestamp::from_micros(FIRST_EVENT / 1_000 + n * 1_000)
}

async fn subscribed(inspector: &DockerInspector) -> BoxStream<'static, Signal> {
    soon(inspector.events()).await.unwrap()
}

/// The next sightings, until `enough` says so.
async fn sightings(events: &mut BoxStream<'static, Signal>, enough: impl Fn(&[Sighting]) -> bool) -> Vec<Sighting> {
    let mut all = Vec::new();
    while !enough(&all) {
        match soon(events.next()).await.expect("the stream ended") {
            Signal::Changes(some) => all.extend(some),
            Signal::Look => panic!("a look was asked for"),
        }
    }
    all
}

fn is_gone(sighting: &Sighting) -> bool {
    matches!(sighting.what, Sighted::Gone { .. })
}

fn ends_gone(all: &[Sighting]) -> bool {
    all.last().is_some_and(is_gone)
}

fn container(sighting: &Sighting) -> &Container {
    match &sighting.what {
        Sighted::Present(Entity { body: Body::Container(container), .. }) => container,
        other => panic!("no container: {other:?}"),
    }
}

#[tokio::test]
async fn a_change_is_told_by_asking_for_the_container_at_once() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    fake.engine.put("a1", Answer::Body(running("a1")));
    fake.engine.happen("start", "a1");
    let told = sightings(&mut events, |all| !all.is_empty()).await;
    assert_eq!((told.len(), told[0].at), (1, at(0)));
    assert_eq!(container(&told[0]).command.as_ref().unwrap().program, "/bin/sleep", "it was asked for in full");
}

#[tokio::test]
async fn noise_is_neither_asked_for_nor_told() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    fake.engine.put("a1", Answer::Body(running("a1")));
    for noise in ["exec_create: /bin/true fixture-planted", "exec_start: x", "exec_die", "top", "attach", "resize"] {
        fake.engine.happen(noise, "a1");
    }
    fake.engine.happen("pause", "a1");
    let told = sightings(&mut events, |all| !all.is_empty()).await;
    assert_eq!((told.len(), told[0].at), (1, at(6)));
    let asked = fake.engine.asked().into_iter().filter(|asked| asked.ends_with("/containers/a1/json")).count();
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn a_container_that_is_gone_before_anybody_asked_still_has_its_whole_story() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    for action in ["create", "start", "die", "destroy"] {
        fake.engine.happen(action, "a1");
    }
    let told = sightings(&mut events, ends_gone).await;
    let (gone, present) = told.split_last().unwrap();
    let last = container(present.last().unwrap());
    assert_eq!((&last.state, last.exit_code), (&ContainerState::Exited, Some(3)));
    assert_eq!((last.created_at, last.started_at, last.finished_at), (Some(at(0)), Some(at(1)), Some(at(2))));
    assert_eq!((last.name.as_str(), last.image.as_str(), last.labels["team"].as_str()), ("name-a1", "busybox", "red"));
    assert!(!format!("{last:?}").contains("fixture-planted"));
    let reason = RemovalReason::Removed;
    assert_eq!(gone, &Sighting { at: at(3), what: Sighted::Gone { native_id: "a1".into(), reason } });
}

#[tokio::test]
async fn the_end_of_a_known_container_keeps_what_was_known() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    fake.engine.put("a1", Answer::Body(running("a1")));
    inspector.inspect(BUDGET).await.unwrap();
    let mut events = subscribed(&inspector).await;
    fake.engine.take("a1");
    fake.engine.happen("die", "a1");
    fake.engine.happen("destroy", "a1");
    let told = sightings(&mut events, ends_gone).await;
    let last = container(&told[told.len() - 2]);
    assert_eq!(last.environment_names, ["PASSWORD"]);
    assert_eq!(last.started_at, Timestamp::parse_rfc3339("2026-11-23T23:58:00Z"));
    assert_eq!((last.exit_code, last.finished_at), (Some(3), Some(at(0))));
}

#[tokio::test]
async fn a_burst_loses_no_container_and_no_end() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    for n in 0..200 {
        for action in ["create", "start", "die", "destroy"] {
            fake.engine.happen(action, &format!("c{n}"));
        }
    }
    let told = sightings(&mut events, |all| all.iter().filter(|one| is_gone(one)).count() == 200).await;
    for n in 0..200 {
        let id = format!("c{n}");
        let ended = |one: &&Sighting| matches!(&one.what, Sighted::Present(entity) if entity.native_id == id);
        let last = container(told.iter().rfind(ended).unwrap_or_else(|| panic!("{id} was not told")));
        assert_eq!((&last.state, last.exit_code), (&ContainerState::Exited, Some(3)), "{id}");
    }
}

#[tokio::test]
async fn a_run_that_ended_is_told_even_when_the_next_one_began_at_once() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    for action in ["create", "start", "die", "start"] {
        fake.engine.happen(action, "a1");
    }
    // Told before, so that the subscription repeats all four, which then come together.
    fake.engine.put("a1", Answer::Body(running("a1")));
    inspector.shared.memory().tell(vec![memory::EventKey::sample(FIRST_EVENT)]);
    let mut events = subscribed(&inspector).await;
    let told = sightings(&mut events, |all| all.last().is_some_and(|one| one.at == at(3))).await;
    let end = told.iter().map(|one| (one.at, container(one))).find(|(_, body)| body.state == ContainerState::Exited);
    let (ended_at, body) = end.expect("the end of the first run was not told");
    assert_eq!((ended_at, body.exit_code, body.finished_at), (at(2), Some(3), Some(at(2))));
}

#[tokio::test]
async fn what_happened_while_the_stream_was_cut_is_told_later_and_only_once() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    for action in ["create", "start", "die", "destroy"] {
        fake.engine.happen(action, "a1");
    }
    sightings(&mut events, ends_gone).await;
    fake.engine.cut_streams();
    assert_eq!(soon(events.next()).await, None);
    for action in ["create", "start", "die", "destroy"] {
        fake.engine.happen(action, "b2");
    }
    let mut events = subscribed(&inspector).await;
    let told = sightings(&mut events, ends_gone).await;
    assert!(told.iter().all(|one| one.at >= at(4)), "something was told twice: {told:?}");
    assert_eq!(container(&told[told.len() - 2]).finished_at, Some(at(6)));
}

#[tokio::test]
async fn an_event_that_was_not_taken_is_told_again() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    fake.engine.put("a1", Answer::Body(running("a1")));
    let mut events = subscribed(&inspector).await;
    fake.engine.happen("start", "a1");
    sightings(&mut events, |all| all.len() == 1).await;
    fake.engine.happen("pause", "a1");
    // The second event was read, perhaps even handled, but nobody came for it.
    drop(events);
    let mut events = subscribed(&inspector).await;
    let told = sightings(&mut events, |all| all.iter().any(|one| one.at == at(1))).await;
    assert_eq!(container(&told[0]).id, "a1");
}

#[tokio::test]
async fn a_container_that_cannot_be_read_asks_for_a_look() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    fake.engine.put("a1", Answer::Failure);
    fake.engine.happen("start", "a1");
    let Some(Signal::Changes(told)) = soon(events.next()).await else { panic!("nothing was told") };
    assert_eq!((told[0].at, container(&told[0]).state.as_str()), (at(0), "running"), "what the event says is told");
    assert_eq!(soon(events.next()).await, Some(Signal::Look));
}

#[tokio::test]
async fn a_container_that_is_slow_to_answer_does_not_hold_up_the_others() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    fake.engine.put("a1", Answer::Never);
    fake.engine.put("b2", Answer::Body(running("b2")));
    for action in ["start", "pause", "unpause"] {
        fake.engine.happen(action, "a1");
    }
    fake.engine.happen("start", "b2");
    let told = sightings(&mut events, |all| !all.is_empty()).await;
    assert_eq!((told.len(), container(&told[0]).id.as_str()), (1, "b2"));
    let told = sightings(&mut events, |all| !all.is_empty()).await;
    assert_eq!(container(&told[0]).id, "a1", "what is known of it is told after a while");
    assert_eq!(soon(events.next()).await, Some(Signal::Look));
}

#[tokio::test]
async fn a_look_does_not_miss_what_appeared_while_it_went_on() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    // Not in the list, as if it had been made right after the list was answered; the event told of it.
    fake.engine.put_unlisted("b2", Answer::Body(running("b2")));
    fake.engine.put("a1", Answer::Never);
    fake.engine.put("c3", Answer::Body(running("c3")));
    let look = inspector.inspect(Duration::from_secs(3));
    let event = async {
        let mut events = subscribed(&inspector).await;
        soon(fake.engine.until_asked("/containers/a1/json")).await;
        fake.engine.happen("start", "b2");
        sightings(&mut events, |all| all.len() == 1).await;
    };
    let (looked, ()) = tokio::join!(look, event);
    let Ok(Observation::Partial(entities, _)) = looked else { panic!("{looked:?}") };
    assert_eq!(ids(&entities), ["b2", "c3"]);
}

#[tokio::test]
async fn an_engine_that_was_not_there_ends_the_waiting_when_it_comes() {
    let mut fake = Fake::start();
    fake.stop();
    let inspector = inspector(&fake);
    let mut waiting = subscribed(&inspector).await;
    fake.serve();
    assert_eq!(soon(waiting.next()).await, None);
    let mut events = subscribed(&inspector).await;
    fake.engine.happen("create", "a1");
    sightings(&mut events, |all| all.len() == 1).await;
}

#[tokio::test]
async fn an_engine_that_hangs_does_not_block_a_subscription_for_ever() {
    let fake = Fake::start();
    fake.engine.hung.store(true, Ordering::SeqCst);
    let mut waiting = subscribed(&inspector(&fake)).await;
    fake.engine.hung.store(false, Ordering::SeqCst);
    assert_eq!(soon(waiting.next()).await, None);
}

/// An inspector of one more run of the agent, which remembers in `state_dir` what the runs before it told.
fn run_with(fake: &Fake, state_dir: &std::path::Path) -> DockerInspector {
    let (address, state_dir) = (Address::Unix(fake.socket.clone()), Some(state_dir.to_owned()));
    DockerInspector::new(Settings { address, state_dir, ..Settings::of(Engine::Docker) })
}

#[tokio::test]
async fn what_came_and_went_between_two_runs_of_the_agent_is_told() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let mut events = subscribed(&run_with(&fake, folder.path())).await;
    fake.engine.put("a1", Answer::Body(running("a1")));
    fake.engine.happen("start", "a1");
    sightings(&mut events, |all| !all.is_empty()).await;
    // The run comes back for the next signal, then it is killed.
    assert!(tokio::time::timeout(Duration::from_millis(200), events.next()).await.is_err());
    drop(events);
    for action in ["create", "start", "die", "destroy"] {
        fake.engine.happen(action, "b2");
    }
    let mut events = subscribed(&run_with(&fake, folder.path())).await;
    let told = sightings(&mut events, |all| all.iter().any(is_gone)).await;
    let last = told.iter().rfind(|one| !is_gone(one) && container(one).id == "b2").expect("b2 was not told");
    assert_eq!((container(last).exit_code, container(last).finished_at), (Some(3), Some(at(3))));
}

#[tokio::test]
async fn of_a_container_that_only_an_earlier_run_knew_the_end_alone_is_told() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    let mut events = subscribed(&inspector).await;
    for action in ["kill", "die", "destroy"] {
        fake.engine.happen(action, "a1");
    }
    let told = sightings(&mut events, |all| !all.is_empty()).await;
    let reason = RemovalReason::Removed;
    assert_eq!(told, [Sighting { at: at(2), what: Sighted::Gone { native_id: "a1".into(), reason } }]);
}
