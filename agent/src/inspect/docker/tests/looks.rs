//! Looks: what is there, what is not, and what cannot be told.

use std::sync::atomic::Ordering;

use orchestrix_common::model::ContainerState;

use super::{
    super::*,
    fake::{Answer, Fake, running, soon},
};

pub(super) const BUDGET: Duration = Duration::from_secs(10);

pub(super) fn inspector(fake: &Fake) -> DockerInspector {
    let address = Address::Unix(fake.socket.clone());
    DockerInspector::new(Settings { address, ..Settings::of(Engine::Docker) })
}

pub(super) fn ids(entities: &[Entity]) -> Vec<&str> {
    entities.iter().map(|entity| entity.native_id.as_str()).collect()
}

#[tokio::test]
async fn a_complete_look_lists_everything_in_order() {
    let fake = Fake::start();
    for id in ["c3", "a1", "b2"] {
        fake.engine.put(id, Answer::Body(running(id)));
    }
    let Ok(Observation::Complete(entities)) = inspector(&fake).inspect(BUDGET).await else { panic!("not complete") };
    assert_eq!(ids(&entities), ["a1", "b2", "c3"]);
    assert_eq!(entities[0].evidence, [Evidence { source: Source::Docker, native_id: "a1".to_owned() }]);
    let Body::Container(container) = &entities[0].body else { panic!("no container") };
    assert_eq!((container.name.as_str(), &container.state), ("name-a1", &ContainerState::Running));
    assert!(!format!("{entities:?}").contains("fixture-planted"));
}

#[tokio::test]
async fn only_the_allowed_routes_are_asked_for() {
    let fake = Fake::start();
    fake.engine.put("a1", Answer::Body(running("a1")));
    let inspector = inspector(&fake);
    let events = inspector.events().await;
    inspector.inspect(BUDGET).await.unwrap();
    drop(events);
    for asked in fake.engine.asked() {
        let path = asked.split('?').next().unwrap().to_owned();
        let known =
            ["GET /version", "GET /v1.41/events", "GET /v1.41/containers/json", "GET /v1.41/containers/a1/json"];
        assert!(known.contains(&path.as_str()), "{asked}");
    }
}

#[tokio::test]
async fn a_container_is_asked_for_again_when_it_is_listed_otherwise_or_something_was_told() {
    let fake = Fake::start();
    for id in ["a1", "b2", "c3"] {
        fake.engine.put(id, Answer::Body(running(id)));
    }
    let inspector = inspector(&fake);
    let mut events = inspector.events().await.unwrap();
    inspector.inspect(BUDGET).await.unwrap();
    fake.engine.asked();
    let Ok(Observation::Complete(entities)) = inspector.inspect(BUDGET).await else { panic!("not complete") };
    assert_eq!(ids(&entities), ["a1", "b2", "c3"]);
    assert!(fake.engine.asked().iter().all(|asked| !asked.ends_with("/json")), "nothing changed");

    let mut paused = running("b2");
    paused["State"]["Status"] = "paused".into();
    fake.engine.put("b2", Answer::Body(paused));
    fake.engine.happen("update", "c3");
    soon(events.next()).await.unwrap();
    fake.engine.asked();
    let Ok(Observation::Complete(entities)) = inspector.inspect(BUDGET).await else { panic!("not complete") };
    let Body::Container(container) = &entities[1].body else { panic!("no container") };
    assert_eq!(container.state, ContainerState::Paused);
    let asked = fake.engine.asked();
    let again = |id: &str| asked.iter().any(|asked| asked.ends_with(&format!("/{id}/json")));
    assert_eq!((again("a1"), again("b2"), again("c3")), (false, true, true), "{asked:?}");
}

#[tokio::test]
async fn a_container_that_vanishes_during_the_look_is_simply_not_there() {
    let fake = Fake::start();
    fake.engine.put("a1", Answer::Body(running("a1")));
    fake.engine.put("b2", Answer::NotFound);
    let Ok(Observation::Complete(entities)) = inspector(&fake).inspect(BUDGET).await else { panic!("not complete") };
    assert_eq!(ids(&entities), ["a1"]);
}

#[tokio::test]
async fn a_container_that_cannot_be_read_makes_the_look_partial() {
    for (answer, said) in [(Answer::Failure, "disk on fire"), (Answer::Nonsense, "unexpected answer at line 1")] {
        let fake = Fake::start();
        fake.engine.put("a1", Answer::Body(running("a1")));
        fake.engine.put("b2", answer);
        let looked = inspector(&fake).inspect(BUDGET).await;
        let Ok(Observation::Partial(entities, warnings)) = looked else { panic!("{looked:?}") };
        assert_eq!((ids(&entities), warnings.len(), warnings[0].item.as_str()), (vec!["a1"], 1, "b2"));
        assert!(warnings[0].problem.contains(said) && !warnings[0].problem.contains("planted"), "{warnings:?}");
    }
}

#[tokio::test]
async fn one_container_that_hangs_does_not_take_the_others_with_it() {
    let fake = Fake::start();
    fake.engine.put("a1", Answer::Never);
    fake.engine.put("b2", Answer::Body(running("b2")));
    let looked = soon(inspector(&fake).inspect(Duration::from_secs(1))).await;
    let Ok(Observation::Partial(entities, warnings)) = looked else { panic!("{looked:?}") };
    assert_eq!((ids(&entities), warnings[0].item.as_str()), (vec!["b2"], "a1"));
}

#[tokio::test]
async fn an_engine_that_hangs_times_out_and_one_that_wakes_is_seen_again() {
    let fake = Fake::start();
    let inspector = inspector(&fake);
    fake.engine.hung.store(true, Ordering::SeqCst);
    let looked = soon(inspector.inspect(Duration::from_millis(500))).await;
    assert!(matches!(looked, Err(InspectError::TimedOut(_))), "{looked:?}");
    fake.engine.hung.store(false, Ordering::SeqCst);
    assert_eq!(inspector.inspect(BUDGET).await, Ok(Observation::Complete(Vec::new())));
}

#[tokio::test]
async fn a_refusal_by_a_proxy_says_which_routes_it_has_to_pass() {
    let fake = Fake::start();
    fake.engine.refusing.store(true, Ordering::SeqCst);
    let Err(InspectError::NotPermitted(text)) = inspector(&fake).inspect(BUDGET).await else { panic!("permitted") };
    assert!(text.contains("not on my watch") && text.contains("/containers/json"), "{text}");
}

#[test]
fn an_unreadable_socket_says_what_to_do() {
    // The right to ignore file modes belongs to a thread: this one gives it up by becoming nobody.
    let root = rustix::process::getuid().is_root();
    let nobody = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            use std::os::unix::fs::PermissionsExt as _;
            let fake = Fake::start();
            let locked = std::fs::Permissions::from_mode(0o000);
            std::fs::set_permissions(fake.socket.parent().unwrap(), std::fs::Permissions::from_mode(0o755)).unwrap();
            std::fs::set_permissions(&fake.socket, locked).unwrap();
            if root {
                rustix::thread::set_thread_uid(rustix::process::Uid::from_raw(65_534)).unwrap();
            }
            inspector(&fake).inspect(BUDGET).await
        })
    });
    let looked = nobody.join().unwrap();
    let Err(InspectError::NotPermitted(text)) = looked else { panic!("{looked:?}") };
    assert!(text.contains("docker.sock") && text.contains("usermod -aG docker"), "{text}");
}

#[tokio::test]
async fn no_socket_is_absent_until_it_was_there_once() {
    let mut fake = Fake::start();
    fake.engine.put("a1", Answer::Body(running("a1")));
    fake.stop();
    let inspector = inspector(&fake);
    let Ok(Observation::Absent(reason)) = inspector.inspect(BUDGET).await else { panic!("not absent") };
    assert!(reason.contains("docker.sock"), "{reason}");
    fake.serve();
    assert!(matches!(inspector.inspect(BUDGET).await, Ok(Observation::Complete(entities)) if entities.len() == 1));
    fake.stop();
    let Err(InspectError::Unavailable(text)) = inspector.inspect(BUDGET).await else { panic!("not unavailable") };
    assert!(text.contains("is gone") && text.contains("service running"), "{text}");
}

#[tokio::test]
async fn a_socket_without_an_engine_behind_it_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("docker.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let inspector = DockerInspector::new(Settings { address: Address::Unix(path), ..Settings::of(Engine::Docker) });
    let Err(InspectError::Unavailable(text)) = inspector.inspect(BUDGET).await else { panic!("not unavailable") };
    assert!(text.contains("cannot connect") && text.contains("service running"), "{text}");
}

#[tokio::test]
async fn podman_behind_dockers_socket_is_not_seen_twice() {
    let fake = Fake::start();
    *fake.engine.components.lock().unwrap() = serde_json::json!([{"Name": "Podman Engine"}]);
    let Ok(Observation::Absent(reason)) = inspector(&fake).inspect(BUDGET).await else { panic!("not absent") };
    assert!(reason.contains("served by podman"), "{reason}");
    let address = Address::Unix(fake.socket.clone());
    let podman = DockerInspector::new(Settings { address, ..Settings::of(Engine::Podman) });
    assert_eq!(podman.inspect(BUDGET).await, Ok(Observation::Complete(Vec::new())));
}

#[tokio::test]
async fn an_engine_behind_a_proxy_on_loopback_is_looked_at_alike() {
    let fake = Fake::start();
    fake.engine.put("a1", Answer::Body(running("a1")));
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("tcp://{}", proxy.local_addr().unwrap()).parse().unwrap();
    let socket = fake.socket.clone();
    let proxying = tokio::spawn(async move {
        while let Ok((mut near, _)) = proxy.accept().await {
            let mut far = tokio::net::UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
        }
    });
    let inspector = DockerInspector::new(Settings { address, ..Settings::of(Engine::Docker) });
    assert!(matches!(inspector.inspect(BUDGET).await, Ok(Observation::Complete(entities)) if entities.len() == 1));
    proxying.abort();
}
