//! The change feed, over a real connection.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::*;
use crate::query::testing::{ago, change};

const LIMIT: Duration = Duration::from_secs(10);

async fn listen(served: &Served) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = served.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// A reader of the feed.
struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    async fn open(address: SocketAddr, token: &str, path: &str, header: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n{header}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads until the text is there; the end of the stream counts as an empty text.
    async fn until(&mut self, wanted: &str) {
        let read = async {
            // Only what is new is searched: a feed can be long.
            let mut searched = 0;
            while !self.text[self.text.floor_char_boundary(searched)..].contains(wanted) {
                searched = self.text.len().saturating_sub(wanted.len());
                let mut bytes = [0; 8_192];
                let count = self.stream.read(&mut bytes).await.unwrap();
                assert!(count > 0, "the feed ended without {wanted:?}: {}", self.text);
                self.text.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        };
        let waited = timeout(LIMIT, read).await.is_ok();
        let tail = &self.text[self.text.floor_char_boundary(self.text.len().saturating_sub(500))..];
        assert!(waited, "no {wanted:?} in …{tail}");
    }

    async fn ends(mut self) -> String {
        timeout(LIMIT, self.stream.read_to_string(&mut self.text)).await.unwrap().unwrap();
        self.text
    }

    fn ids(&self) -> Vec<i64> {
        self.text.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
    }
}

async fn a_feed_goes_on_where_its_reader_left_it(served: Served) {
    let db = &served.test.db;
    let token = served.token(Role::Viewer).to_owned();
    let address = listen(&served).await;
    for sequence in 1..=3 {
        change(db, sequence, 1, ago(60)).await;
    }
    let mut reader = Reader::open(address, &token, "/api/v1/changes?since=1", "Accept-Encoding: gzip\r\n").await;
    reader.until("id: 3").await;
    assert!(reader.text.contains("content-type: text/event-stream"), "{}", reader.text);
    assert!(!reader.text.contains("content-encoding"), "an event that waits in a compressor is late");
    assert!(reader.text.contains("event: ready") && reader.text.contains("data: {\"sequence\":1}"), "{}", reader.text);
    assert!(reader.text.contains("\"resourceName\":\"web\""), "{}", reader.text);
    // This collector commits: the feed wakes.
    change(db, 4, 1, ago(60)).await;
    served.commits.announce();
    reader.until("id: 4").await;
    // Another collector commits: the feed looks.
    change(db, 5, 1, ago(60)).await;
    reader.until("id: 5").await;
    reader.until(": alive").await;
    assert_eq!(reader.ids(), [1, 2, 3, 4, 5]);
    drop(reader);

    change(db, 6, 1, ago(60)).await;
    let mut reader = Reader::open(address, &token, "/api/v1/changes?since=1", "Last-Event-ID: 5\r\n").await;
    reader.until("id: 6").await;
    assert_eq!(reader.ids(), [5, 6], "Last-Event-ID wins, and nothing is told twice");
    drop(reader);

    let mut reader = Reader::open(address, &token, "/api/v1/changes", "").await;
    reader.until("event: ready").await;
    change(db, 7, 1, ago(60)).await;
    reader.until("id: 7").await;
    assert_eq!(reader.ids(), [6, 7], "without a number it begins with what comes");

    let mut reset = Reader::open(address, &token, "/api/v1/changes?since=900", "").await;
    reset.until("event: reset\nid: 7\n").await;
    served.stop.cancel();
    reader.ends().await;
    served.test.close().await;
}

#[tokio::test]
async fn a_feed_goes_on_where_its_reader_left_it_on_sqlite() {
    a_feed_goes_on_where_its_reader_left_it(Served::sqlite().await).await;
}

#[tokio::test]
async fn a_feed_goes_on_where_its_reader_left_it_on_mariadb() {
    let Some(test) = TestDb::mariadb().await else { return };
    a_feed_goes_on_where_its_reader_left_it(Served::on(test).await).await;
}

#[tokio::test]
async fn a_feed_ends_when_its_token_is_revoked() {
    let served = Served::sqlite().await;
    let address = listen(&served).await;
    let mut reader = Reader::open(address, served.token(Role::Viewer), "/api/v1/changes", "").await;
    reader.until(": alive").await;
    let sql = "UPDATE api_tokens SET revoked_at_us = 1 WHERE role = 'viewer'";
    crate::query::testing::run(&served.test.db, sql, vec![]).await;
    reader.ends().await;
}

#[tokio::test]
async fn only_so_many_feeds_are_open_and_a_closed_one_makes_room() {
    let served = Served::sqlite().await;
    let address = listen(&served).await;
    let token = served.token(Role::Viewer).to_owned();
    let mut readers = Vec::new();
    for _ in 0..2 {
        let mut reader = Reader::open(address, &token, "/api/v1/changes", "").await;
        reader.until("event: ready").await;
        readers.push(reader);
    }
    let mut third = Reader::open(address, &token, "/api/v1/changes", "").await;
    third.until("too-many-feeds").await;
    readers.clear();
    let again = async {
        loop {
            let request = served.request("GET", "/api/v1/changes", Some(Role::Viewer)).body(Body::empty()).unwrap();
            if served.router.clone().oneshot(request).await.unwrap().status() == StatusCode::OK {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(LIMIT, again).await.expect("a closed feed gives its place back");
}

#[tokio::test]
async fn a_reader_that_does_not_read_holds_up_nobody() {
    let served = Served::sqlite().await;
    let db = &served.test.db;
    let address = listen(&served).await;
    let token = served.token(Role::Viewer).to_owned();
    // More than the buffers of both ends hold.
    let mut tx = db.begin().await.unwrap();
    let filler = "x".repeat(8_000);
    for _ in 0..2_000 {
        let sql = "INSERT INTO history (recorded_at_us, happened_at_us, actor_kind, actor_id, change_kind, resource_type, \
                   resource_id, resource_name, after_state) VALUES (1, 1, 'agent', 'a', 'altered', 'workload', 1, 'w', ?)";
        tx.execute(sql, vec![format!("\"{filler}\"").into()]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut slow = Reader::open(address, &token, "/api/v1/changes?since=0", "").await;
    slow.until("event: ready").await;
    let mut quick = Reader::open(address, &token, "/api/v1/changes?since=1990", "").await;
    quick.until("id: 2000").await;
    // Later it gets everything all the same.
    slow.until("id: 2000").await;
    let ids = slow.ids();
    assert_eq!(ids, (0..=2_000).collect::<Vec<_>>());
}
