//! Sessions of the web UI.

use axum::http::header;

use super::*;
use crate::{query::testing::run, store::Executor as _};

/// What a browser keeps of a login.
struct Browser {
    cookie: String,
    csrf: String,
}

async fn login(served: &Served, token: &str, origin: &str) -> (StatusCode, HeaderMap, Json) {
    let request = Request::post("/api/v1/session")
        .header("content-type", "application/json")
        .header("origin", origin)
        .body(Body::from(serde_json::json!({ "token": token }).to_string()))
        .unwrap();
    let (status, headers, body) = served.send(request).await;
    (status, headers, serde_json::from_slice(&body).unwrap())
}

async fn browser(served: &Served, role: Role) -> Browser {
    let (status, headers, session) = login(served, served.token(role), "http://127.0.0.1:7480").await;
    assert_eq!(status, 201);
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    let cookie = headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    Browser { cookie, csrf: session["csrfToken"].as_str().unwrap().to_owned() }
}

async fn status(served: &Served, browser: &Browser, method: &str, path: &str, csrf: Option<&str>) -> u16 {
    let mut request = Request::builder().method(method).uri(path).header("cookie", &browser.cookie);
    if let Some(csrf) = csrf {
        request = request.header("x-csrf-token", csrf);
    }
    served.send(request.body(Body::empty()).unwrap()).await.0.as_u16()
}

async fn both(test: impl AsyncFn(Served)) {
    test(Served::sqlite().await).await;
    if let Some(mariadb) = TestDb::mariadb().await {
        test(Served::on(mariadb).await).await;
    }
}

#[tokio::test]
async fn a_cookie_stands_for_the_token_it_was_opened_with_on_sqlite_and_mariadb() {
    both(async |served| {
        let viewer = browser(&served, Role::Viewer).await;
        assert_eq!(status(&served, &viewer, "GET", "/api/v1/computes", None).await, 200);
        assert_eq!(status(&served, &viewer, "GET", "/api/v1/audit", None).await, 403);
        let request = Request::get("/api/v1/session").header("cookie", &viewer.cookie).body(Body::empty()).unwrap();
        let (_, _, body) = served.send(request).await;
        let shown: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!((&shown["name"], &shown["role"]), (&"viewer".into(), &"viewer".into()));
        assert_eq!(shown["csrfToken"], viewer.csrf.as_str());
        assert_eq!(shown["expiresAt"], "2026-03-02T00:00:00Z");
        served.test.close().await;
    })
    .await;
}

#[tokio::test]
async fn another_site_can_change_nothing() {
    let served = Served::sqlite().await;
    let operator = browser(&served, Role::Operator).await;
    let other = browser(&served, Role::Operator).await;
    let path = "/api/v1/join-tokens/none";
    assert_eq!(status(&served, &operator, "DELETE", path, None).await, 403);
    assert_eq!(status(&served, &operator, "DELETE", path, Some("")).await, 403);
    assert_eq!(status(&served, &operator, "DELETE", path, Some(&other.csrf)).await, 403, "of another session");
    assert_eq!(status(&served, &operator, "DELETE", path, Some(&operator.csrf)).await, 404, "it came through");

    let form = Request::post("/api/v1/session")
        .header("content-type", "text/plain")
        .body(Body::from(format!("{{\"token\": \"{}\"}}", served.token(Role::Admin))))
        .unwrap();
    assert_eq!(served.send(form).await.0, 415, "a form cannot sign anybody in");
}

#[tokio::test]
async fn a_session_ends_when_it_is_closed_with_time_and_with_its_token_on_sqlite_and_mariadb() {
    both(async |served| {
        let path = "/api/v1/computes";
        let closed = browser(&served, Role::Viewer).await;
        assert_eq!(status(&served, &closed, "DELETE", "/api/v1/session", Some(&closed.csrf)).await, 204);
        assert_eq!(status(&served, &closed, "GET", path, None).await, 401);

        let revoked = browser(&served, Role::Operator).await;
        run(&served.test.db, "UPDATE api_tokens SET revoked_at_us = 1 WHERE role = 'operator'", vec![]).await;
        assert_eq!(status(&served, &revoked, "GET", path, None).await, 401);

        let old = browser(&served, Role::Viewer).await;
        served.clock.advance(Duration::from_secs(12 * 3_600));
        assert_eq!(status(&served, &old, "GET", path, None).await, 401);
        browser(&served, Role::Viewer).await;
        let mut db = &served.test.db;
        let left = db.fetch("SELECT 1 AS one FROM web_sessions".to_owned(), vec![]).await.unwrap();
        assert_eq!(left.len(), 1, "those that ended are swept away");
        served.test.close().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_signs_in_without_a_token_in_force() {
    let served = Served::sqlite().await;
    for token in ["", "oat_0", "' OR 1=1 --"] {
        assert_eq!(login(&served, token, "http://127.0.0.1").await.0, 401, "{token}");
    }
    for cookie in ["orchestrix-session=ows_0", "orchestrix-session=", "__Host-orchestrix-session=%00"] {
        let made_up = Browser { cookie: cookie.to_owned(), csrf: String::new() };
        assert_eq!(status(&served, &made_up, "GET", "/api/v1/computes", None).await, 401, "{cookie}");
    }
    let (_, headers, _) = login(&served, served.token(Role::Viewer), "https://inventory.example").await;
    let cookie = headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-orchestrix-session=ows_") && cookie.ends_with("; Secure"), "{cookie}");
}
