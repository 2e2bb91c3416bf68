//! JSON in and out: bodies with the place of an error, answers with an ETag.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Problem;

/// Answers with JSON, or with 304 when the caller has it already.
///
/// The tag is weak: the same content may travel compressed or not.
pub(super) fn json(request: &HeaderMap, content: &impl Serialize) -> Result<Response, Problem> {
    tagged(request, None, content)
}

/// The same for one resource that people may change. The tag is `"ROW-BODY"`: ROW names what is stored, BODY all that
/// is shown. Who wants to know whether anything changed compares the whole; who wants to change it only ROW ([`row_tags`]),
/// so that a heartbeat does not stand in the way.
pub(super) fn one(request: &HeaderMap, row_tag: &str, content: &impl Serialize) -> Result<Response, Problem> {
    tagged(request, Some(row_tag), content)
}

/// The rows that a request may change, by the ROW part of their tags; `None` when it does not say.
pub(super) fn row_tags(request: &HeaderMap) -> Option<Vec<String>> {
    let mut given = request.get_all(header::IF_MATCH).iter().filter_map(|value| value.to_str().ok()).peekable();
    given.peek()?;
    let tags: Vec<&str> = given.flat_map(|list| list.split(',')).map(str::trim).collect();
    if tags.contains(&"*") {
        return None;
    }
    let row = |tag: &str| {
        let tag = tag.trim_start_matches("W/").trim_matches('"');
        tag.split('-').next().unwrap_or_default().to_owned()
    };
    Some(tags.into_iter().map(row).collect())
}

fn tagged(request: &HeaderMap, row_tag: Option<&str>, content: &impl Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(content).map_err(|error| {
        tracing::error!(%error, "answer cannot be written as JSON");
        Problem::internal()
    })?;
    let hash = blake3::hash(&body).to_hex();
    let hash = hash.get(..32).unwrap_or_default();
    let tag = row_tag.map_or_else(|| format!("W/\"{hash}\""), |row| format!("\"{row}-{hash}\""));
    let known = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let unchanged = known.flat_map(|list| list.split(',')).any(|known| known.trim() == tag);
    let mut response = if unchanged {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization, cookie"));
    Ok(response)
}

/// Reads a JSON body; an empty one counts as `{}`.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let text = if bytes.iter().all(u8::is_ascii_whitespace) { b"{}" } else { bytes };
    let mut content: Value = serde_json::from_slice(text).map_err(|error| invalid("body", &error.to_string()))?;
    whole(&mut content);
    serde_path_to_error::deserialize(content).map_err(|error| {
        let field = match error.path().to_string() {
            path if path == "." || path == "?" => "body".to_owned(),
            path => path,
        };
        invalid(&field, &error.into_inner().to_string())
    })
}

/// Makes whole numbers of those that are written as `4.0`: JSON has but one kind.
fn whole(content: &mut Value) {
    match content {
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(members) => members.values_mut().for_each(whole),
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
            #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and far below 2^63")]
            let exact = exact.map(|number| number as i64);
            *content = exact.map_or_else(|| content.take(), Value::from);
        }
        _ => {}
    }
}

fn invalid(field: &str, message: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid-body", format!("{field}: {message}"))
        .at(field, "the form that /api/v1/openapi.json describes")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Form {
        uses: u32,
        tags: std::collections::BTreeMap<String, String>,
    }

    #[test]
    fn an_error_in_a_body_names_its_place() {
        let field = |text: &str| body::<Form>(text.as_bytes()).unwrap_err().field;
        assert_eq!(field(r#"{"uses": "many"}"#).as_deref(), Some("uses"));
        assert_eq!(field(r#"{"tags": {"a": 1}}"#).as_deref(), Some("tags.a"));
        assert_eq!(field(r#"{"use": 1}"#).as_deref(), Some("use"));
        assert_eq!(field("[").as_deref(), Some("body"));
        assert_eq!(field("{} {}").as_deref(), Some("body"));
        assert_eq!(body::<Form>(b" ").unwrap().uses, 0);
        assert_eq!(body::<Form>(br#"{"uses": 4.0}"#).unwrap().uses, 4);
        assert_eq!(field(r#"{"uses": 4.5}"#).as_deref(), Some("uses"));
    }

    #[test]
    fn who_has_the_content_already_is_not_sent_it_again() {
        let first = json(&HeaderMap::new(), &[1, 2]).unwrap();
        let tag = first.headers()[header::ETAG].clone();
        let mut request = HeaderMap::new();
        request.insert(
            header::IF_NONE_MATCH,
            HeaderValue::from_str(&format!("\"x\", {}", tag.to_str().unwrap())).unwrap(),
        );
        assert_eq!(json(&request, &[1, 2]).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(json(&request, &[1, 3]).unwrap().status(), StatusCode::OK);
    }
}
