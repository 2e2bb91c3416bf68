//! The embedded page. It is part of the program: nothing is read from disk, and nothing is loaded from elsewhere.

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use rust_embed::{Embed, EmbeddedFile};

use crate::api::Problem;

#[derive(Embed)]
#[folder = "ui/static/"]
struct Files;

/// The routes of the page. They need no token: the page asks for one and holds none of the inventory.
pub fn routes<S: Clone + Send + Sync + 'static>() -> axum::Router<S> {
    axum::Router::new()
        .route("/", get(async |headers: HeaderMap| file(&headers, "index.html")))
        .route("/ui/{*path}", get(async |headers: HeaderMap, Path(path): Path<String>| file(&headers, &path)))
}

fn file(request: &HeaderMap, path: &str) -> Response {
    let Some(EmbeddedFile { data, metadata }) = Files::get(path) else {
        return Problem::not_found("file", path).into_response();
    };
    let tag: String = metadata.sha256_hash().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("W/\"{tag}\"");
    let known = request.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let headers = [
        (header::CONTENT_TYPE, content_type(path, metadata.mimetype())),
        (header::ETAG, tag.clone()),
        // Asked about each time, so that an upgraded collector shows its own page at once.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
    ];
    if known == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (headers, data.into_owned()).into_response()
}

fn content_type(path: &str, guessed: &str) -> String {
    match path.rsplit_once('.') {
        Some((_, "html" | "css" | "js" | "svg")) => format!("{guessed}; charset=utf-8"),
        _ => guessed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_no_inline_script_or_style() {
        let page = String::from_utf8(Files::get("index.html").unwrap().data.into_owned()).unwrap();
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{page}");
        for script in page.split("<script").skip(1) {
            assert!(script.trim_start().starts_with("type=\"module\" src=\"/ui/"), "{script}");
        }
    }

    #[test]
    fn names_reach_the_page_as_text_only() {
        for path in Files::iter().filter(|path| path.ends_with(".js")) {
            let script = String::from_utf8(Files::get(&path).unwrap().data.into_owned()).unwrap();
            for unsafe_way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"] {
                assert!(!script.contains(unsafe_way), "{unsafe_way} in {path}");
            }
        }
    }

    #[test]
    fn a_path_cannot_leave_the_page() {
        for path in ["../Cargo.toml", "/etc/passwd", "..", ""] {
            assert_eq!(file(&HeaderMap::new(), path).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }
}
