//! Candidates against an API server in memory that keeps one Lease as the real one does.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::*;

/// Twenty-five times faster than in life.
const PACE: Pace = Pace {
    period: Duration::from_millis(160),
    duration: Duration::from_millis(480),
    deadline: Duration::from_millis(320),
    request: Duration::from_millis(120),
    retry: Duration::from_millis(40),
    unheard: Duration::from_millis(480),
};
/// Each wait in a test ends after this.
const LIMIT: Duration = Duration::from_secs(10);

/// The server: the Lease with its version, and whether it answers.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Option<(u64, Value)>>>,
    away: Arc<AtomicBool>,
}

impl Server {
    fn client(&self) -> Client {
        let leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
        let router = Router::new()
            .route(leases, post(Self::create))
            .route(&format!("{leases}/{NAME}"), get(Self::read).put(Self::replace))
            .with_state(self.clone());
        Client::new(router, "default")
    }

    async fn read(State(server): State<Self>) -> Response {
        server.answer(|lease| lease.as_mut().map_or_else(|| refused(404), shown))
    }

    async fn create(State(server): State<Self>, Json(made): Json<Value>) -> Response {
        server.answer(|lease| {
            if lease.is_some() {
                return refused(409);
            }
            shown(lease.insert((1, made)))
        })
    }

    async fn replace(State(server): State<Self>, Json(put): Json<Value>) -> Response {
        let based_on = put["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse::<u64>().ok());
        server.answer(|lease| match lease.as_ref().map(|(version, _)| *version) {
            Some(version) if based_on == Some(version) => shown(lease.insert((version + 1, put))),
            _ => refused(409),
        })
    }

    fn answer(&self, answer: impl FnOnce(&mut Option<(u64, Value)>) -> Response) -> Response {
        if self.away.load(Ordering::SeqCst) { refused(503) } else { answer(&mut self.lease.lock().unwrap()) }
    }

    fn spec(&self) -> Value {
        self.lease.lock().unwrap().as_ref().map_or(Value::Null, |(_, lease)| lease["spec"].clone())
    }

    fn holder(&self) -> String {
        self.spec()["holderIdentity"].as_str().unwrap_or_default().to_owned()
    }
}

fn shown((version, lease): &mut (u64, Value)) -> Response {
    lease["metadata"]["resourceVersion"] = json!(version.to_string());
    Json(&*lease).into_response()
}

fn refused(code: u16) -> Response {
    let status = json!({ "kind": "Status", "status": "Failure", "reason": "no", "message": "no", "code": code });
    (StatusCode::from_u16(code).unwrap(), Json(status)).into_response()
}

/// A candidate that takes part.
struct Agent {
    tenure: watch::Receiver<Tenure>,
    hearing: watch::Sender<Hearing>,
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

impl Agent {
    fn starts(server: &Server, identity: &str, heard: Hearing) -> Self {
        let (tenure, told) = watch::channel(Tenure::Pending);
        let (hearing, heard) = watch::channel(heard);
        let candidate = Candidate::new(server.client(), "default", identity.to_owned(), tenure, heard, PACE);
        let stop = CancellationToken::new();
        let task = AbortOnDropHandle::new(tokio::spawn(candidate.run(stop.clone())));
        Self { tenure: told, hearing, stop, task }
    }

    async fn until(&mut self, what: &str, condition: impl FnMut(&Tenure) -> bool) -> Tenure {
        let waited = timeout(LIMIT, self.tenure.wait_for(condition)).await.map(|tenure| tenure.unwrap().clone());
        waited.unwrap_or_else(|_| panic!("never {what}: {:?}", *self.tenure.borrow()))
    }

    async fn holds(&mut self) -> u64 {
        match self.until("held", Tenure::is_held).await {
            Tenure::Held(changes) => changes,
            other => panic!("{other:?}"),
        }
    }
}

fn waived(tenure: &Tenure) -> bool {
    matches!(tenure, Tenure::Waived(_))
}

/// Nobody has listened for long.
fn unheard() -> Hearing {
    Hearing::NotSince(Instant::now().checked_sub(PACE.unheard).unwrap())
}

/// `a` holds the Lease and `b` waits.
async fn two(server: &Server) -> (Agent, Agent) {
    let mut first = Agent::starts(server, "a", Hearing::Taken);
    assert_eq!(first.holds().await, 0);
    let mut second = Agent::starts(server, "b", Hearing::Taken);
    second.until("elsewhere", |tenure| *tenure == Tenure::Elsewhere("a".to_owned())).await;
    (first, second)
}

#[tokio::test]
async fn a_holder_that_ends_gives_the_lease_back_and_another_one_takes_it_at_its_next_look() {
    let server = Server::default();
    let (first, mut second) = two(&server).await;
    let stopped = Instant::now();
    first.stop.cancel();
    first.task.await.unwrap();
    assert_ne!(server.holder(), "a");
    assert!(waived(&first.tenure.borrow()));
    assert_eq!(second.holds().await, 1, "the Lease changed hands once");
    assert!(stopped.elapsed() < PACE.duration, "nobody waited for it to run out");
}

#[tokio::test]
async fn a_candidate_that_ends_leaves_the_lease_to_its_holder() {
    let server = Server::default();
    let (first, second) = two(&server).await;
    second.stop.cancel();
    second.task.await.unwrap();
    assert_eq!(server.holder(), "a");
    assert!(first.tenure.borrow().is_held());
}

#[tokio::test]
async fn a_holder_that_dies_is_replaced() {
    let server = Server::default();
    let (first, mut second) = two(&server).await;
    drop(first);
    sleep(PACE.period).await;
    assert_eq!(server.holder(), "a", "it may come back");
    assert_eq!(second.holds().await, 1);
}

#[tokio::test]
async fn a_holder_whom_no_collector_hears_hands_over_and_leaves_it_at_that() {
    let server = Server::default();
    let (mut first, mut second) = two(&server).await;
    first.hearing.send_modify(|hearing| assert!(hearing.update(false)));
    sleep(PACE.unheard / 3).await;
    assert!(first.tenure.borrow().is_held(), "a collector may be restarted");
    first.until("waived", waived).await;
    assert_eq!(second.holds().await, 1);
    first.hearing.send_replace(Hearing::Taken);
    first.until("elsewhere", |tenure| *tenure == Tenure::Elsewhere("b".to_owned())).await;
    sleep(PACE.duration * 2).await;
    assert_eq!((server.holder().as_str(), &server.spec()["leaseTransitions"]), ("b", &json!(1)), "no flapping");
}

#[tokio::test]
async fn a_lease_is_not_taken_by_an_agent_whom_no_collector_hears_until_one_does() {
    let server = Server::default();
    let mut agent = Agent::starts(&server, "a", unheard());
    agent.until("waived", waived).await;
    sleep(PACE.period * 3).await;
    assert_eq!(server.spec(), Value::Null);
    let heard = Instant::now();
    agent.hearing.send_replace(Hearing::Taken);
    assert_eq!(agent.holds().await, 0);
    assert!(heard.elapsed() < PACE.duration);
    // What it tells after a pause is told apart from what it told before.
    agent.hearing.send_replace(unheard());
    agent.until("waived", waived).await;
    agent.hearing.send_replace(Hearing::Taken);
    assert_eq!(agent.holds().await, 1);
}

#[tokio::test]
async fn a_lease_of_its_own_from_before_is_given_back_by_an_agent_whom_no_collector_hears() {
    let server = Server::default();
    let mut first = Agent::starts(&server, "a", Hearing::Taken);
    first.holds().await;
    drop(first);
    let mut second = Agent::starts(&server, "a", unheard());
    second.until("waived", waived).await;
    assert_eq!(server.holder(), "");
}

#[tokio::test]
async fn a_holder_that_cannot_renew_gives_up_before_anybody_may_take_over() {
    let server = Server::default();
    let (mut first, second) = two(&server).await;
    server.away.store(true, Ordering::SeqCst);
    first.until("failed", |tenure| matches!(tenure, Tenure::Failed(_))).await;
    assert!(!second.tenure.borrow().is_held());
    let Pace { deadline, request, duration, .. } = Pace::default();
    assert!(deadline + request < duration);
    // One that ends while the server is away does not wait for it.
    first.stop.cancel();
    timeout(LIMIT, first.task).await.unwrap().unwrap();
}
