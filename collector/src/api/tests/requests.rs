//! Requests in general: errors, tags, limits, headers.

use std::time::Instant;

use super::*;
use crate::store::Db;

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_with_the_field_and_what_would_be_right() {
    let served = Served::sqlite().await;
    let (status, problem) = served.get("/api/v1/workloads?compute_id=1").await;
    assert_eq!(status, 400);
    assert_eq!(problem["code"], "unknown-parameter");
    assert_eq!(problem["field"], "compute_id");
    assert!(problem["detail"].as_str().unwrap().contains("did you mean computeId?"), "{problem}");
    assert!(problem["expected"].as_str().unwrap().contains("workloadName, name"), "{problem}");

    for (path, status, code, field) in [
        ("/api/v1/workloads?limit=many", 400, "invalid-parameter", "limit"),
        ("/api/v1/workloads?cursor=x", 400, "invalid-cursor", "cursor"),
        ("/api/v1/workloads?computeId=%27%20OR%201", 400, "invalid-parameter", "computeId"),
        ("/api/v1/workloads/one", 400, "invalid-parameter", "id"),
        ("/api/v1/changes?from=1", 400, "unknown-parameter", "from"),
        ("/api/v1/changes?since=-1", 400, "invalid-parameter", "since"),
        ("/api/v1/workloads/99", 404, "not-found", ""),
        ("/api/v1/agents/x/y", 404, "not-found", ""),
        ("/api/v2/workloads", 404, "not-found", ""),
    ] {
        let (got, problem) = served.get(path).await;
        assert_eq!((got.as_u16(), problem["code"].as_str()), (status, Some(code)), "{path}");
        assert_eq!(problem["field"].as_str().unwrap_or_default(), field, "{path}");
        assert_eq!(problem["status"], status, "{path}");
    }
    let (status, problem) = served.json("PUT", "/api/v1/workloads", Role::Admin, "").await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (405, Some("method-not-allowed")));
}

#[tokio::test]
async fn a_cursor_is_taken_from_one_page_to_the_next() {
    let served = Served::sqlite().await;
    let (_, first) = served.get("/api/v1/workloads?limit=1&type=container&type=process").await;
    assert_eq!(first["items"][0]["id"], 1);
    let next = first["next"].as_str().unwrap();
    let (_, second) = served.get(&format!("/api/v1/workloads?limit=1&cursor={next}")).await;
    assert_eq!((&second["items"][0]["id"], &second["next"]), (&Json::from(2), &Json::Null));
    let (status, _) = served.get(&format!("/api/v1/computes?cursor={next}")).await;
    assert_eq!(status, 400, "a cursor belongs to its list");
}

#[tokio::test]
async fn what_did_not_change_is_not_sent_again() {
    let served = Served::sqlite().await;
    for path in ["/api/v1/computes/1", "/api/v1/workloads"] {
        let plain = served.request("GET", path, Some(Role::Viewer)).body(Body::empty()).unwrap();
        let (status, headers, _) = served.send(plain).await;
        assert_eq!(status, 200);
        let again = served.request("GET", path, Some(Role::Viewer)).header("if-none-match", &headers["etag"]);
        let (status, headers, body) = served.send(again.body(Body::empty()).unwrap()).await;
        assert_eq!((status.as_u16(), body.len()), (304, 0), "{path}");
        assert!(headers.contains_key("etag"));
    }
}

#[tokio::test]
async fn every_answer_is_protected() {
    let served = Served::sqlite().await;
    for path in ["/", "/ui/icon.svg", "/ui/computes", "/healthz", "/api/v1/computes", "/nowhere"] {
        let (_, headers, _) = served.send(served.request("GET", path, None).body(Body::empty()).unwrap()).await;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn the_page_and_its_parts_are_served() {
    let served = Served::sqlite().await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/ui/", "text/html; charset=utf-8"),
        ("/ui/infrastructure/compute/1", "text/html; charset=utf-8"),
        ("/ui/icon.svg", "image/svg+xml; charset=utf-8"),
    ] {
        let (status, headers, body) = served.send(served.request("GET", path, None).body(Body::empty()).unwrap()).await;
        assert_eq!((status.as_u16(), headers["content-type"].to_str().unwrap()), (200, kind), "{path}");
        assert!(!body.is_empty());
    }
    for path in ["/ui/../Cargo.toml", "/ui/%2e%2e/%2e%2e/Cargo.toml", "/ui//etc/passwd", "/ui/none.js"] {
        let (status, ..) = served.send(served.request("GET", path, None).body(Body::empty()).unwrap()).await;
        assert_eq!(status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_long_answer_travels_compressed() {
    let served = Served::sqlite().await;
    let request = served.request("GET", "/api/v1/workloads", Some(Role::Viewer)).header("accept-encoding", "gzip");
    let (_, headers, body) = served.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(body[..2], [0x1f, 0x8b]);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let served = Served::sqlite().await;
    let body = format!("{{\"description\": \"{}\"}}", "x".repeat(70_000));
    let (status, problem) = served.json("POST", "/api/v1/join-tokens", Role::Operator, &body).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (413, Some("body-too-large")));
    let request = served
        .request("POST", "/api/v1/join-tokens", Some(Role::Operator))
        .header("content-length", "99999999")
        .body(Body::empty())
        .unwrap();
    assert_eq!(served.send(request).await.0, 413);
}

#[tokio::test]
async fn readiness_needs_a_database_that_answers() {
    let served = Served::sqlite().await;
    let ready = async || served.send(served.request("GET", "/readyz", None).body(Body::empty()).unwrap()).await;
    assert_eq!(ready().await.0, 200);
    served.test.db.close().await;
    let (status, headers, body) = ready().await;
    assert_eq!(status, 503);
    assert_eq!(headers["content-type"], "application/problem+json");
    assert!(String::from_utf8(body).unwrap().contains("not-ready"));
    let (status, ..) = served.send(served.request("GET", "/healthz", None).body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "the process lives all the same");
}

/// Asks whether a collector on this database is ready; returns the detail of the refusal, and how long it took.
async fn unready_on(db: Db) -> (String, Duration) {
    let (parts, commits) = (Arc::new(Parts::default()), Commits::default());
    let clock: SharedClock = Arc::new(ManualClock::at(now()));
    let state = ApiState::new(db, clock, &commits, parts.clone(), parts, CancellationToken::new());
    let (request, begun) = (Request::get("/readyz").body(Body::empty()).unwrap(), Instant::now());
    let response = router(state).oneshot(request).await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let body: Json = serde_json::from_slice(&to_bytes(response.into_body(), 64 << 10).await.unwrap()).unwrap();
    assert_eq!(body["code"], "not-ready");
    (body["detail"].as_str().unwrap().to_owned(), begun.elapsed())
}

/// Well above the limit of the answer, well below that of a pool.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test]
async fn readiness_does_not_wait_for_a_server_that_hangs() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("mysql://somebody@{}/inventory", silent.local_addr().unwrap());
    let pool = sqlx::mysql::MySqlPoolOptions::new().acquire_timeout(Duration::from_secs(15));
    let (detail, took) = unready_on(Db::MySql(pool.connect_lazy(&address).unwrap())).await;
    assert!(detail.contains("database") && took < SOON, "{detail} after {took:?}");
}

#[tokio::test]
async fn readiness_does_not_wait_for_connections_that_others_hold() {
    let test = TestDb::sqlite().await;
    let Db::Sqlite { writer, readers } = test.db.clone() else { panic!("it is SQLite") };
    let mut held = vec![writer.acquire().await.unwrap()];
    for _ in 0..readers.options().get_max_connections() {
        held.push(readers.acquire().await.unwrap());
    }
    let (detail, took) = unready_on(test.db.clone()).await;
    assert!(detail.contains("database") && took < SOON, "{detail} after {took:?}");
    drop(held);
}

#[tokio::test]
async fn hostile_requests_are_answered_without_a_server_error() {
    let served = Served::sqlite().await;
    let texts =
        ["%27%3B--", "%00", "%FF%FE", "..%2F..%2F", "%F0%9F%92%A9", "a=b=c", "%5C%22", "9223372036854775808", "-1"];
    for text in texts {
        for path in [
            "workloads?name=",
            "workloads?label=",
            "computes/",
            "tags/compute/1/",
            "workloads?cursor=",
            "agents/",
            "changes?since=",
        ] {
            let request = served.request("GET", &format!("/api/v1/{path}{text}"), Some(Role::Viewer));
            let response = served.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert!(response.status().as_u16() < 500, "{path}{text}: {}", response.status());
        }
    }
}
