//! The web UI. It is part of the program: nothing is read from disk, and nothing is loaded from elsewhere.
//!
//! `build.rs` decides whether that is the UI or a page that says how to build it. Paths of files have a content hash in
//! their names and are kept by browsers for good; every other path below `/ui/` is a view of the page.

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};

use crate::api::Problem;

/// The UI; without files where it was not built.
#[derive(Embed)]
#[folder = "ui/dist/"]
#[allow_missing = true]
struct Built;

/// The page that says how to build it.
#[derive(Embed)]
#[folder = "ui/fallback/"]
struct Fallback;

const PAGE: &str = "index.html";

/// Tells what the files were built from; it is for `build.rs` alone.
const FINGERPRINT: &str = "sources.txt";

/// What `build.rs` found: the fingerprint of the sources that the UI was built from, or `fallback`.
const STAMP: &str = env!("ORCHESTRIX_UI_STAMP");

/// Stands in the page for the number that lets it make styles.
const NONCE: &str = "__NONCE__";

/// The routes of the page. They need no token: the page asks for one and holds none of the inventory.
pub fn routes<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    axum::Router::new()
        .route("/", get(page))
        .route("/ui/", get(page))
        .route("/ui/{*path}", get(async |headers: HeaderMap, Path(path): Path<String>| below(&headers, &path).await))
}

fn find(path: &str) -> Option<EmbeddedFile> {
    if has_ui() { Built::get(path) } else { Fallback::get(path) }
}

async fn below(headers: &HeaderMap, path: &str) -> Response {
    let view = path.trim_end_matches('/').split('/').all(|part| !part.is_empty() && !part.contains('.'));
    if view && find(path).is_none() { page().await } else { file(headers, path) }
}

/// The page. It makes its styles at run time, which the policy allows to whoever knows a number that is new each time.
async fn page() -> Response {
    let Some(EmbeddedFile { data, .. }) = find(PAGE) else {
        return Problem::not_found("file", PAGE).into_response();
    };
    let mut bytes = [0_u8; 16];
    if getrandom::fill(&mut bytes).is_err() {
        tracing::error!("system gives no random numbers");
        return Problem::internal().into_response();
    }
    let nonce: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let html = String::from_utf8_lossy(&data).replace(NONCE, &nonce);
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(policy) = HeaderValue::from_str(&policy(Some(&nonce))) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What a browser may do with an answer: load from this collector alone, and make styles when it knows the number.
pub(crate) fn policy(nonce: Option<&str>) -> String {
    let nonce = nonce.map(|nonce| format!(" 'nonce-{nonce}'")).unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'self'; style-src 'self'{nonce}; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

fn file(request: &HeaderMap, path: &str) -> Response {
    let Some(EmbeddedFile { data, metadata }) = find(path).filter(|_| ![PAGE, FINGERPRINT].contains(&path)) else {
        return Problem::not_found("file", path).into_response();
    };
    let tag: String = metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{tag}\"");
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let hashed = path.starts_with("assets/");
    let headers = [
        (header::CONTENT_TYPE, content_type(path, metadata.mimetype())),
        (header::ETAG, tag.clone()),
        (header::CACHE_CONTROL, if hashed { "public, max-age=31536000, immutable" } else { "no-cache" }.to_owned()),
    ];
    if known == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, data.into_owned()).into_response()
}

fn content_type(path: &str, guessed: &str) -> String {
    match path.rsplit_once('.') {
        Some((_, "html" | "css" | "js" | "svg" | "txt")) => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_owned(),
    }
}

/// Whether the program holds the UI, and not only the page that says how to build it.
#[must_use]
pub fn has_ui() -> bool {
    STAMP != "fallback"
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_page_holds_no_inline_script_or_style() {
        let page = body(page().await).await;
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{page}");
        for script in page.split("<script").skip(1) {
            assert!(script.contains("src=\"/ui/") && script.split_once("></").is_some(), "{script}");
        }
    }

    #[tokio::test]
    async fn each_page_has_a_number_of_its_own() {
        let number = |response: &Response| {
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
        };
        let (one, other) = (page().await, page().await);
        let nonce = number(&one);
        assert_ne!(nonce, number(&other));
        let page = body(one).await;
        assert!(!page.contains(NONCE));
        assert!(!has_ui() || page.contains(&nonce), "the UI must know the number");
    }

    #[tokio::test]
    async fn a_path_cannot_leave_the_page() {
        for path in ["../Cargo.toml", "/etc/passwd", "..", "sources.txt", "assets/none.js", "index.html", "a//b"] {
            assert_eq!(below(&HeaderMap::new(), path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn a_view_is_the_page() {
        for path in ["infrastructure", "infrastructure/compute/7", "query/"] {
            let response = below(&HeaderMap::new(), path).await;
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{path}");
        }
    }

    #[test]
    fn every_file_that_the_page_names_is_there() {
        let page = String::from_utf8(find(PAGE).unwrap().data.into_owned()).unwrap();
        let named: Vec<&str> = page.split("\"/ui/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        assert!(!named.is_empty());
        for path in named {
            assert!(find(path).is_some(), "{path}");
            assert_eq!(file(&HeaderMap::new(), path).status(), StatusCode::OK, "{path}");
        }
    }
}
