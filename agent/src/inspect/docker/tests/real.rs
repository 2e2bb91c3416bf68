//! The inspector against a real engine, which the harness starts and names in `ORCHESTRIX_TEST_DOCKER_HOST`
//! (`ORCHESTRIX_TEST_PODMAN_HOST` for Podman). The containers are made by the `docker` command line client, so that
//! what is seen is what an operator does.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use orchestrix_common::{
    model::ContainerState,
    time::{Clock as _, SystemClock, Timestamp},
};

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::{super::*, fake::soon, looks::BUDGET};
use crate::inspect::{Sighted, Sighting};

const IMAGE: &str = "orchestrix-test:busybox";

/// The engine under test, with a name of its own for everything made there.
struct Real {
    host: String,
    prefix: String,
}

impl Real {
    /// The engine, unless nobody named one; then says so.
    fn of(engine: Engine) -> Option<Self> {
        let variable = format!("ORCHESTRIX_TEST_{}_HOST", engine.name().to_uppercase());
        let Ok(host) = std::env::var(&variable) else {
            println!("SKIPPED {engine}: {variable} is not set (tests/run sets it)");
            return None;
        };
        let real = Self { host, prefix: format!("orchestrix-{}", uuid::Uuid::new_v4().simple()) };
        real.import_image();
        Some(real)
    }

    fn inspector(&self, engine: Engine) -> DockerInspector {
        DockerInspector::new(Settings { address: self.host.parse().unwrap(), ..Settings::of(engine) })
    }

    fn name(&self, of: &str) -> String {
        format!("{}-{of}", self.prefix)
    }

    /// Runs the client, away from the threads that the inspector uses, and answers with what it printed.
    async fn docker(&self, arguments: &[&str]) -> String {
        let host = self.host.clone();
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        tokio::task::spawn_blocking(move || docker(&host, &arguments)).await.unwrap()
    }

    /// Starts a container and answers with its identifier. It has no network, for which an engine in a test need not
    /// be set up, and modest limits, which an engine in a container may set.
    async fn run(&self, name: &str, arguments: &[&str]) -> String {
        let fixed = ["run", "-d", "--network", "none", "--ulimit", "nofile=1000:1000", "--ulimit", "nproc=100:100"];
        self.docker(&[&fixed[..], &["--name", name], arguments].concat()).await
    }

    /// Makes an image of busybox alone, from the host's static binary.
    fn import_image(&self) {
        let script = r#"set -e; d=$(mktemp -d); mkdir "$d/bin"; cp "$(command -v busybox)" "$d/bin/busybox"
            for l in sh sleep true; do ln -s busybox "$d/bin/$l"; done; tar -C "$d" -c .; rm -r "$d""#;
        let tar = Command::new("sh").args(["-c", script]).output().unwrap();
        assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
        let mut import = Command::new("docker");
        import.args(["-H", &self.host, "import", "-", IMAGE]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut import = import.spawn().unwrap();
        import.stdin.take().unwrap().write_all(&tar.stdout).unwrap();
        assert!(import.wait().unwrap().success());
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let filter = format!("name={}", self.prefix);
        let left = docker(&self.host, &["ps", "-aq", "--filter", &filter].map(str::to_owned));
        for id in left.lines() {
            docker(&self.host, &["rm", "-f", id].map(str::to_owned));
        }
    }
}

fn docker(host: &str, arguments: &[String]) -> String {
    let output = Command::new("docker").args(["-H", host]).args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Sightings as they come, with the time that each took to come.
struct Seen {
    arriving: mpsc::UnboundedReceiver<(Timestamp, Signal)>,
    _receiving: AbortOnDropHandle<()>,
    all: Vec<Sighting>,
    delays: Vec<Duration>,
}

impl Seen {
    async fn from(inspector: &DockerInspector) -> Self {
        let mut events = inspector.events().await.unwrap();
        let (arrived, arriving) = mpsc::unbounded_channel();
        let receiving = tokio::spawn(async move {
            while let Some(signal) = events.next().await {
                let _nobody_waits = arrived.send((SystemClock.now(), signal));
            }
        });
        let _receiving = AbortOnDropHandle::new(receiving);
        Self { arriving, _receiving, all: Vec::new(), delays: Vec::new() }
    }

    /// Waits for the container of this name to be seen like this, and answers with how and when.
    async fn until(&mut self, name: &str, like: impl Fn(&Container) -> bool) -> (Timestamp, Container) {
        loop {
            let found = self.all.iter().rev().find_map(|sighting| match &sighting.what {
                Sighted::Present(Entity { body: Body::Container(body), .. }) => {
                    (body.name == name && like(body)).then(|| (sighting.at, (**body).clone()))
                }
                _ => None,
            });
            match found {
                Some(found) => return found,
                None => self.more().await,
            }
        }
    }

    async fn until_gone(&mut self, id: &str) -> Timestamp {
        loop {
            let gone = |one: &&Sighting| matches!(&one.what, Sighted::Gone { native_id, .. } if native_id == id);
            match self.all.iter().find(gone) {
                Some(sighting) => return sighting.at,
                None => self.more().await,
            }
        }
    }

    async fn more(&mut self) {
        match soon(self.arriving.recv()).await.expect("the stream ended") {
            (_, Signal::Look) => {}
            (now, Signal::Changes(some)) => {
                self.delays.extend(some.iter().map(|sighting| now.since(sighting.at)));
                self.all.extend(some);
            }
        }
    }

    fn print_delays(&mut self, of: &str) {
        self.delays.sort_unstable();
        let at = |share: usize| self.delays[(self.delays.len() - 1) * share / 100];
        println!(
            "{of}: {} sightings, event to sighting p50 {:?} p95 {:?} max {:?}",
            self.delays.len(),
            at(50),
            at(95),
            at(100)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_real_docker_container_is_told() {
    let Some(real) = Real::of(Engine::Docker) else { return };
    life(&real, Engine::Docker).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_life_of_a_real_podman_container_is_told() {
    let Some(real) = Real::of(Engine::Podman) else { return };
    life(&real, Engine::Podman).await;
}

/// Run, pause, rename, stop, remove; each is told with its own time, without any look in between.
async fn life(real: &Real, engine: Engine) {
    let inspector = real.inspector(engine);
    let mut seen = Seen::from(&inspector).await;
    let before = inspector.inspect(BUDGET).await.unwrap();
    assert!(matches!(before, Observation::Complete(_)), "{before:?}");

    let name = real.name("life");
    let limits =
        ["--memory", "64m", "--cpus", "0.5", "--label", "environment=staging", "-e", "PASSWORD=fixture-planted"];
    let id = real.run(&name, &[&limits[..], &[IMAGE, "/bin/sleep", "1000"]].concat()).await;
    let (started, body) = seen.until(&name, |body| body.state == ContainerState::Running).await;
    assert_eq!(
        (body.id.as_str(), body.runtime.as_str(), body.image.contains("orchestrix-test")),
        (&*id, engine.name(), true)
    );
    assert_eq!((body.memory_limit_bytes, body.cpu_limit_millicores), (Some(64 << 20), Some(500)));
    assert_eq!(body.labels.get("environment").map(String::as_str), Some("staging"));
    assert!(body.environment_names.iter().any(|name| name == "PASSWORD"));
    assert!(body.started_at.is_some_and(|at| at.since(started).max(started.since(at)) < Duration::from_secs(2)));

    real.docker(&["pause", &name]).await;
    seen.until(&name, |body| body.state == ContainerState::Paused).await;
    real.docker(&["unpause", &name]).await;
    seen.until(&name, |body| body.state == ContainerState::Running).await;
    let renamed = real.name("renamed");
    real.docker(&["rename", &name, &renamed]).await;
    seen.until(&renamed, |_| true).await;
    let all = inspector.inspect(BUDGET).await.unwrap();
    let Observation::Complete(entities) = all else { panic!("{all:?}") };
    let listed = entities.iter().find(|entity| entity.native_id == id).expect("not listed");
    let told = seen.until(&renamed, |_| true).await.1;
    assert_eq!(listed.body, Body::Container(Box::new(told)), "a look and an event tell the same");

    real.docker(&["kill", &renamed]).await;
    let (ended, body) = seen.until(&renamed, |body| body.state == ContainerState::Exited).await;
    assert_eq!(body.exit_code, Some(137));
    assert!(body.finished_at.is_some_and(|at| at.since(ended).max(ended.since(at)) < Duration::from_secs(2)));
    real.docker(&["rm", &renamed]).await;
    assert!(seen.until_gone(&id).await >= ended);
    assert!(!format!("{:?}", seen.all).contains("fixture-planted"));

    let short = real.name("short");
    let id = real.run(&short, &["--rm", IMAGE, "/bin/sh", "-c", "sleep 0.5; exit 3"]).await;
    let gone = seen.until_gone(&id).await;
    let (ended, body) = seen.until(&short, |body| body.finished_at.is_some()).await;
    let lived = body.finished_at.unwrap().since(body.started_at.unwrap());
    assert_eq!((body.exit_code, body.id == id, ended <= gone), (Some(3), true, true), "{body:?}");
    assert!((300..5_000).contains(&lived.as_millis()), "it lived for half a second, not {lived:?}");
    seen.print_delays(engine.name());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_changes_and_hostile_labels_of_a_real_container_are_told() {
    let Some(real) = Real::of(Engine::Docker) else { return };
    let inspector = real.inspector(Engine::Docker);
    let mut seen = Seen::from(&inspector).await;
    let name = real.name("health");
    let mut arguments = vec!["--health-cmd", "test ! -e /sick", "--health-interval", "1s", "--health-retries", "1"];
    let labels: Vec<_> = (0..500).map(|n| format!("label-{n:03}=\u{1b}[31m'; DROP TABLE {n}")).collect();
    arguments.extend(labels.iter().flat_map(|label| ["--label", label]));
    arguments.extend([IMAGE, "/bin/sleep", "1000"]);
    real.run(&name, &arguments).await;
    let (_, body) = seen.until(&name, |body| body.health.as_deref() == Some("healthy")).await;
    assert_eq!((body.labels.len(), body.labels_truncated), (128, 372));
    real.docker(&["exec", &name, "/bin/sh", "-c", "> /sick"]).await;
    seen.until(&name, |body| body.health.as_deref() == Some("unhealthy")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_real_containers_is_told_in_full() {
    let Some(real) = Real::of(Engine::Docker) else { return };
    let inspector = real.inspector(Engine::Docker);
    let mut seen = Seen::from(&inspector).await;
    let names: Vec<_> = (0..12).map(|n| real.name(&format!("burst-{n}"))).collect();
    let runs = names.iter().map(|name| real.run(name, &["--rm", IMAGE, "/bin/sh", "-c", "exit 5"]));
    futures::future::join_all(runs).await;
    for name in &names {
        let (_, body) = seen.until(name, |body| body.finished_at.is_some()).await;
        assert_eq!((body.exit_code, body.started_at.is_some()), (Some(5), true), "{body:?}");
        seen.until_gone(&body.id).await;
    }
    seen.print_delays("burst");
}
