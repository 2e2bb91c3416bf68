//! Feeds from an API server in memory that answers each list and each watch as the test says.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::Response,
};
use kube::Client;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::inspect::kubernetes::objects::NamespaceObject;

/// Each wait in a test ends after this.
const LIMIT: Duration = Duration::from_secs(20);

/// What the server answers to one request.
enum Answer {
    /// Objects by name, the version of the list, and the token of its next page.
    List(Vec<&'static str>, u32, Option<&'static str>),
    /// Events of a watch, and whether it stays open after them.
    Watch(Vec<Value>, bool),
    /// A refusal with this status.
    Refusal(u16),
}

/// The server: what it answers to lists and to watches, the last one again and again, and what it was asked.
#[derive(Clone)]
struct Server {
    lists: Arc<Mutex<VecDeque<Answer>>>,
    watches: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(lists: impl IntoIterator<Item = Answer>, watches: impl IntoIterator<Item = Answer>) -> Self {
        let queue = |answers: VecDeque<Answer>| Arc::new(Mutex::new(answers));
        let (lists, watches) = (lists.into_iter().collect(), watches.into_iter().collect());
        Self { lists: queue(lists), watches: queue(watches), asked: Arc::default() }
    }

    fn feed(&self) -> Pin<Box<dyn Stream<Item = Fed<NamespaceObject>> + Send>> {
        let router = Router::new().fallback(Self::answer).with_state(self.clone());
        Box::pin(feed(Api::all(Client::new(router, "default")), None))
    }

    async fn answer(State(server): State<Self>, request: Request) -> Response {
        let asked = request.uri().query().unwrap_or_default().to_owned();
        let answers = if asked.contains("watch=true") { &server.watches } else { &server.lists };
        server.asked.lock().unwrap().push(asked);
        let mut answers = answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap().response() } else { answers[0].response() }
    }

    fn asked(&self, word: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|asked| asked.contains(word)).cloned().collect()
    }

    fn lists(&self) -> usize {
        self.asked("limit=").len()
    }
}

impl Answer {
    fn response(&self) -> Response {
        match self {
            Self::List(names, version, next) => {
                let items: Vec<Value> = names.iter().map(|name| namespace(name, *version)).collect();
                let metadata = json!({ "resourceVersion": version.to_string(), "continue": next });
                Response::new(Body::from(json!({ "metadata": metadata, "items": items }).to_string()))
            }
            Self::Watch(events, open) => {
                let lines: Vec<_> = events.iter().map(|event| Ok::<_, std::io::Error>(format!("{event}\n"))).collect();
                let lines = stream::iter(lines);
                let body =
                    if *open { Body::from_stream(lines.chain(stream::pending())) } else { Body::from_stream(lines) };
                Response::new(body)
            }
            Self::Refusal(code) => {
                let body = Body::from(status(*code).to_string());
                Response::builder().status(*code).body(body).unwrap()
            }
        }
    }
}

fn namespace(name: &str, version: u32) -> Value {
    json!({ "metadata": { "name": name, "uid": name, "resourceVersion": version.to_string() } })
}

fn event(kind: &str, object: &Value) -> Value {
    json!({ "type": kind, "object": object })
}

fn status(code: u16) -> Value {
    json!({ "kind": "Status", "status": "Failure", "reason": "Expired", "message": "too old", "code": code })
}

fn bookmark(version: u32) -> Value {
    let metadata = json!({ "resourceVersion": version.to_string(), "creationTimestamp": null });
    event("BOOKMARK", &json!({ "kind": "Namespace", "apiVersion": "v1", "metadata": metadata }))
}

/// What comes next, in short.
async fn next(feed: &mut Pin<Box<dyn Stream<Item = Fed<NamespaceObject>> + Send>>) -> String {
    let name = |object: &NamespaceObject| object.metadata.name.clone().unwrap();
    match timeout(LIMIT, feed.next()).await.expect("nothing came").unwrap() {
        Fed::Listed(objects) => format!("={}", objects.iter().map(name).collect::<Vec<_>>().join(",")),
        Fed::Applied(object) => format!("+{}", name(&object)),
        Fed::Deleted(object) => format!("-{}", name(&object)),
        Fed::Failed(error) => format!("! {error}"),
        Fed::Resumed => "resumed".to_owned(),
    }
}

#[tokio::test]
async fn an_expired_watch_is_another_list_and_no_failure() {
    let gone = [event("ADDED", &namespace("c", 11)), event("ERROR", &status(410))];
    let server = Server::new(
        [Answer::List(vec!["a", "b"], 10, None), Answer::List(vec!["b", "c", "d"], 30, None)],
        [Answer::Watch(gone.to_vec(), false), Answer::Watch(vec![event("DELETED", &namespace("b", 31))], true)],
    );
    let mut feed = server.feed();
    assert_eq!(next(&mut feed).await, "=a,b");
    assert_eq!(next(&mut feed).await, "+c");
    assert_eq!(next(&mut feed).await, "=b,c,d", "what is missing is for the reader of a whole list to see");
    assert_eq!(next(&mut feed).await, "-b");
    let watches = server.asked("watch=true");
    assert!(watches[0].contains("resourceVersion=10") && watches[1].contains("resourceVersion=30"), "{watches:?}");
    assert!(watches.iter().all(|watch| watch.contains("allowWatchBookmarks=true")), "{watches:?}");
}

#[tokio::test]
async fn a_watch_that_cannot_begin_because_it_expired_is_another_list_and_no_failure() {
    let server = Server::new(
        [Answer::List(vec!["a"], 10, None), Answer::List(vec!["b"], 30, None)],
        [Answer::Refusal(410), Answer::Watch(vec![], true)],
    );
    let mut feed = server.feed();
    assert_eq!(next(&mut feed).await, "=a");
    assert_eq!(next(&mut feed).await, "=b");
}

#[tokio::test]
async fn a_list_whose_next_page_expired_begins_again() {
    let server = Server::new(
        [Answer::List(vec!["a"], 10, Some("two")), Answer::Refusal(410), Answer::List(vec!["b"], 30, None)],
        [Answer::Watch(vec![], true)],
    );
    assert_eq!(next(&mut server.feed()).await, "=b", "half a list is none");
}

#[tokio::test]
async fn a_watch_that_ends_goes_on_where_a_bookmark_says_without_a_list() {
    let first = vec![event("ADDED", &namespace("b", 11)), bookmark(25)];
    let server = Server::new(
        [Answer::List(vec!["a"], 10, None)],
        [Answer::Watch(first, false), Answer::Watch(vec![event("MODIFIED", &namespace("a", 26))], true)],
    );
    let mut feed = server.feed();
    assert_eq!(next(&mut feed).await, "=a");
    assert_eq!(next(&mut feed).await, "+b");
    assert_eq!(next(&mut feed).await, "+a");
    let watches = server.asked("watch=true");
    assert!(watches[1].contains("resourceVersion=25"), "{watches:?}");
    assert_eq!(server.lists(), 1);
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_is_handed_over_whole() {
    let server = Server::new(
        [Answer::List(vec!["a", "b"], 10, Some("two")), Answer::List(vec!["c"], 10, None)],
        [Answer::Watch(vec![], true)],
    );
    assert_eq!(next(&mut server.feed()).await, "=a,b,c");
    let lists = server.asked("limit=500");
    assert!(lists.len() == 2 && lists[1].contains("continue=two"), "{lists:?}");
}

#[tokio::test]
async fn an_outage_is_told_and_costs_no_list() {
    let server = Server::new(
        [Answer::List(vec!["a"], 10, None)],
        [
            Answer::Watch(vec![event("ADDED", &namespace("b", 11))], false),
            Answer::Refusal(503),
            Answer::Refusal(503),
            Answer::Watch(vec![event("DELETED", &namespace("a", 40))], true),
        ],
    );
    let mut feed = server.feed();
    for told in ["=a", "+b", "! namespaces: Expired (503)", "! namespaces: Expired (503)", "resumed", "-a"] {
        assert_eq!(next(&mut feed).await, told);
    }
    let watches = server.asked("watch=true");
    assert!(watches[1..].iter().all(|watch| watch.contains("resourceVersion=11")), "{watches:?}");
    assert_eq!(server.lists(), 1);
}

#[tokio::test]
async fn a_watch_that_is_not_allowed_is_told_and_is_no_stream_of_requests() {
    let server = Server::new([Answer::List(vec!["a"], 10, None)], [Answer::Refusal(403)]);
    let mut feed = server.feed();
    assert_eq!(next(&mut feed).await, "=a");
    let told = async {
        loop {
            assert_eq!(next(&mut feed).await, "! not permitted: namespaces: the agent's role does not allow it (403)");
        }
    };
    assert!(timeout(Duration::from_secs(2), told).await.is_err());
    assert_eq!(server.lists(), 1);
    assert!((1..=5).contains(&server.asked("watch=true").len()), "{:?}", server.asked("watch=true"));
}

#[tokio::test]
async fn watches_that_end_at_once_are_no_stream_of_requests() {
    let server = Server::new([Answer::List(vec!["a"], 10, None)], [Answer::Watch(vec![], false)]);
    let mut feed = server.feed();
    assert_eq!(next(&mut feed).await, "=a");
    assert!(timeout(Duration::from_secs(2), feed.next()).await.is_err(), "there is nothing to tell");
    assert!((1..=5).contains(&server.asked("watch=true").len()), "{:?}", server.asked("watch=true"));
}
