//! An engine that is not there: the four read routes of the Docker API over a real Unix socket, with the behaviour
//! that a real engine shows only with bad luck. It records what it is asked for.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
    routing::get,
};
use futures::{StreamExt as _, future, stream};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{net::UnixListener, sync::broadcast};
use tokio_util::task::AbortOnDropHandle;

/// Nanoseconds since 1970 of the first event: in 2100, and so after every first subscription, which goes by the clock.
pub(super) const FIRST_EVENT: i64 = 4_102_444_800_000_000_000;

/// How the engine answers when asked for one container.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Body(Value),
    NotFound,
    Failure,
    Never,
    Nonsense,
}

#[derive(Debug)]
pub(super) struct Engine {
    containers: Mutex<BTreeMap<String, (bool, Answer)>>,
    events: Mutex<Vec<Value>>,
    live: broadcast::Sender<Option<Value>>,
    clock: AtomicI64,
    /// It accepts connections and never answers.
    pub(super) hung: AtomicBool,
    /// It refuses as a socket proxy does.
    pub(super) refusing: AtomicBool,
    pub(super) asked: Mutex<Vec<String>>,
    pub(super) components: Mutex<Value>,
}

/// A running fake; it ends with this value.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) engine: Arc<Engine>,
    pub(super) socket: PathBuf,
    _dir: TempDir,
    server: Option<AbortOnDropHandle<()>>,
}

impl Fake {
    pub(super) fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let engine = Arc::new(Engine {
            containers: Mutex::default(),
            events: Mutex::default(),
            live: broadcast::channel(4_096).0,
            clock: AtomicI64::new(FIRST_EVENT),
            hung: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            asked: Mutex::default(),
            components: Mutex::new(json!([{"Name": "Engine"}])),
        });
        let mut fake = Self { engine, socket: dir.path().join("docker.sock"), _dir: dir, server: None };
        fake.serve();
        fake
    }

    /// Begins to listen, again if it stopped.
    pub(super) fn serve(&mut self) {
        let listener = UnixListener::bind(&self.socket).unwrap();
        let routes = Router::new()
            .route("/version", get(version))
            .route("/{version}/containers/json", get(list))
            .route("/{version}/containers/{id}/json", get(inspect))
            .route("/{version}/events", get(events))
            .layer(from_fn_with_state(Arc::clone(&self.engine), moods))
            .with_state(Arc::clone(&self.engine));
        self.server = Some(AbortOnDropHandle::new(tokio::spawn(async move {
            axum::serve(listener, routes).await.unwrap();
        })));
    }

    /// Stops listening and takes the socket away; open streams are cut.
    pub(super) fn stop(&mut self) {
        self.engine.cut_streams();
        self.server = None;
        std::fs::remove_file(&self.socket).unwrap();
    }
}

impl Engine {
    /// Lets it know a container.
    pub(super) fn put(&self, id: &str, answer: Answer) {
        self.containers.lock().unwrap().insert(id.to_owned(), (true, answer));
    }

    /// Lets it answer for a container that it does not list.
    pub(super) fn put_unlisted(&self, id: &str, answer: Answer) {
        self.containers.lock().unwrap().insert(id.to_owned(), (false, answer));
    }

    pub(super) fn take(&self, id: &str) {
        self.containers.lock().unwrap().remove(id);
    }

    /// Lets something happen, a millisecond after what happened before.
    pub(super) fn happen(&self, action: &str, id: &str) {
        let nanos = self.clock.fetch_add(1_000_000, Ordering::SeqCst);
        let event = json!({
            "Type": "container", "Action": action, "time": nanos / 1_000_000_000, "timeNano": nanos,
            "Actor": {"ID": id, "Attributes": {"name": format!("name-{id}"), "image": "busybox", "exitCode": "3",
                "team": "red", "password": "fixture-planted"}},
        });
        self.events.lock().unwrap().push(event.clone());
        let _nobody_listens = self.live.send(Some(event));
    }

    /// Ends every event stream.
    pub(super) fn cut_streams(&self) {
        let _nobody_listens = self.live.send(None);
    }

    /// Waits until something was asked for whose end is `what`.
    pub(super) async fn until_asked(&self, what: &str) {
        while !self.asked.lock().unwrap().iter().any(|asked| asked.ends_with(what)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What was asked for since the last call, without the version.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

async fn moods(State(engine): State<Arc<Engine>>, request: Request, next: Next) -> Response {
    let asked = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    engine.asked.lock().unwrap().push(format!("{} {asked}", request.method()));
    if engine.hung.load(Ordering::SeqCst) {
        future::pending::<()>().await;
    }
    if engine.refusing.load(Ordering::SeqCst) {
        return (StatusCode::FORBIDDEN, Json(json!({"message": "not on my watch"}))).into_response();
    }
    next.run(request).await
}

async fn version(State(engine): State<Arc<Engine>>) -> Json<Value> {
    let components = engine.components.lock().unwrap().clone();
    Json(json!({"ApiVersion": "1.41", "MinAPIVersion": "1.12", "Components": components}))
}

async fn list(State(engine): State<Arc<Engine>>) -> Json<Value> {
    let containers = engine.containers.lock().unwrap();
    let line = |(id, (_, answer)): (&String, &(bool, Answer))| match answer {
        Answer::Body(body) => json!({"Id": id, "State": body["State"]["Status"], "Status": "Up 3 seconds"}),
        _ => json!({"Id": id}),
    };
    Json(containers.iter().filter(|(_, (listed, _))| *listed).map(line).collect())
}

async fn inspect(State(engine): State<Arc<Engine>>, Path((_, id)): Path<(String, String)>) -> Response {
    let answer = engine.containers.lock().unwrap().get(&id).map_or(Answer::NotFound, |(_, answer)| answer.clone());
    match answer {
        Answer::Body(body) => Json(body).into_response(),
        Answer::NotFound => (StatusCode::NOT_FOUND, Json(json!({"message": "No such container"}))).into_response(),
        Answer::Failure => {
            (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"message": "disk on fire"}))).into_response()
        }
        Answer::Never => future::pending().await,
        Answer::Nonsense => r#"{"Id": "x", "Config": {"Env": "SECRET=fixture-planted"}}"#.into_response(),
    }
}

async fn events(State(engine): State<Arc<Engine>>, Query(query): Query<BTreeMap<String, String>>) -> Response {
    let live = engine.live.subscribe();
    let since = query.get("since").and_then(|since| since.replace('.', "").parse::<i64>().ok());
    let happened = engine.events.lock().unwrap().clone();
    let repeated: Vec<_> = happened
        .into_iter()
        .filter(|event| since.is_some_and(|since| event["timeNano"].as_i64() >= Some(since)))
        .collect();
    let live = stream::unfold(live, |mut live| async move {
        let event = live.recv().await.ok().flatten()?;
        Some((event, live))
    });
    let lines = stream::iter(repeated).chain(live).map(|event| Ok::<_, Infallible>(Bytes::from(format!("{event}\n"))));
    Body::from_stream(lines).into_response()
}

/// What an engine says of a running container.
pub(super) fn running(id: &str) -> Value {
    json!({
        "Id": id, "Name": format!("/name-{id}"), "Path": "/bin/sleep", "Args": ["1"], "Image": "sha256:5",
        "State": {"Status": "running", "ExitCode": 0, "StartedAt": "2026-11-23T23:58:00Z",
            "FinishedAt": "0001-01-01T00:00:00Z"},
        "Config": {"Image": "busybox", "Env": ["PASSWORD=fixture-planted"], "Labels": {"team": "red"}},
    })
}

/// Waits for something that should come soon.
pub(super) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("nothing happened within 60 s")
}
