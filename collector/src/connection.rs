//! How to connect to something, without its secrets: what is shown of it, and what is stored when that comes back.
//!
//! People may write where the secrets are and not what they are; rows from elsewhere may hold them all the same. So
//! secrets are masked whenever a connection is shown, and a mask that comes back stands for what is stored in its place.
//! Pure.

use orchestrix_common::redact::{self, MARKER};
use serde_json::Value as Json;

/// A connection as it may be shown: in the place of each secret stands [`MARKER`].
#[must_use]
pub(crate) fn masked(connection: &Json) -> Json {
    masked_under("", connection)
}

fn masked_under(key: &str, value: &Json) -> Json {
    match value {
        Json::Object(members) => {
            let shown = members.iter().map(|(name, value)| {
                let kept = is_reference(name, value);
                (name.clone(), if kept { value.clone() } else { masked_under(name, value) })
            });
            Json::Object(shown.collect())
        }
        Json::Array(items) => items.iter().map(|item| masked_under(key, item)).collect(),
        Json::String(text) => redact::label(key, text).into_owned().into(),
        Json::Number(number) => {
            let text = number.to_string();
            if redact::label(key, &text) == text { value.clone() } else { MARKER.into() }
        }
        Json::Null | Json::Bool(_) => value.clone(),
    }
}

/// The place of the first secret in clear, for example `.auth.token`; `None` when there is none.
#[must_use]
pub(crate) fn secret(connection: &Json) -> Option<String> {
    differing(connection, &masked(connection), |text| text != MARKER)
}

/// What is to be stored of a connection in which secrets may be masked: where a text is what is shown of the stored one,
/// the stored one stays.
///
/// # Errors
/// With the place of a mask that stands for nothing.
pub(crate) fn unmasked(given: &Json, stored: &Json) -> Result<Json, String> {
    let whole = restored(given, stored, &masked(stored));
    match differing(&whole, &Json::Null, |text| text.contains(MARKER)) {
        Some(place) if differing(stored, &Json::Null, |text| text.contains(MARKER)).is_none() => Err(place),
        _ => Ok(whole),
    }
}

fn restored(given: &Json, stored: &Json, shown: &Json) -> Json {
    if given == shown {
        return stored.clone();
    }
    match (given, stored, shown) {
        (Json::Object(given), Json::Object(stored), Json::Object(shown)) => {
            let members = given.iter().map(|(name, value)| {
                let whole = match (stored.get(name), shown.get(name)) {
                    (Some(stored), Some(shown)) => restored(value, stored, shown),
                    _ => value.clone(),
                };
                (name.clone(), whole)
            });
            Json::Object(members.collect())
        }
        (Json::Array(given), Json::Array(stored), Json::Array(shown)) => {
            let items = given.iter().enumerate().map(|(index, value)| match (stored.get(index), shown.get(index)) {
                (Some(stored), Some(shown)) => restored(value, stored, shown),
                _ => value.clone(),
            });
            items.collect()
        }
        _ => given.clone(),
    }
}

/// The place of the first text or number that is not the other's and fits.
fn differing(value: &Json, other: &Json, fits: impl Fn(&str) -> bool + Copy) -> Option<String> {
    match value {
        Json::Object(members) => members.iter().find_map(|(name, value)| {
            differing(value, other.get(name).unwrap_or(&Json::Null), fits).map(|inside| format!(".{name}{inside}"))
        }),
        Json::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
            differing(item, other.get(index).unwrap_or(&Json::Null), fits).map(|inside| format!("[{index}]{inside}"))
        }),
        Json::String(text) => (value != other && fits(text)).then(String::new),
        Json::Number(number) => (value != other && fits(&number.to_string())).then(String::new),
        Json::Null | Json::Bool(_) => None,
    }
}

/// `…Ref` and `…File` name the place of a secret: an address in a vault, a path.
fn is_reference(name: &str, value: &Json) -> bool {
    let name = name.to_lowercase();
    let names = ["ref", "file", "path"].iter().any(|ending| name.ends_with(ending));
    names && value.as_str().is_some_and(|text| redact::text(text) == text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_masked_and_references_to_them_are_not() {
        let stored = json!({
            "host": "10.0.0.1", "port": 22, "password": "hunter2", "pin": { "token": 123_456 }, "secretRef": "vault:ssh/web",
            "url": "https://user:hunter2@example.org/", "keys": [{ "apiKey": "k-123456" }],
        });
        let shown = masked(&stored);
        assert!(!shown.to_string().contains("hunter2") && !shown.to_string().contains("123456"), "{shown}");
        assert_eq!((&shown["password"], &shown["pin"]["token"]), (&json!(MARKER), &json!(MARKER)));
        assert_eq!((&shown["port"], &shown["secretRef"]), (&json!(22), &json!("vault:ssh/web")));
        assert_eq!(masked(&shown), shown);
        assert_eq!(secret(&shown), None);
        assert_eq!(secret(&json!({ "auth": { "token": "abcdef0123" } })).as_deref(), Some(".auth.token"));
    }

    #[test]
    fn a_mask_that_comes_back_stands_for_what_is_stored() {
        let stored = json!({ "host": "a", "auth": { "password": "hunter2" }, "urls": ["https://u:p4ss@example.org/"] });
        let mut shown = masked(&stored);
        assert_eq!(unmasked(&shown, &stored), Ok(stored.clone()));
        shown["host"] = json!("b");
        let mut expected = stored.clone();
        expected["host"] = json!("b");
        assert_eq!(unmasked(&shown, &stored), Ok(expected));
        assert_eq!(unmasked(&json!({ "host": "a" }), &stored), Ok(json!({ "host": "a" })), "it is taken out");
        assert_eq!(unmasked(&json!({ "other": MARKER }), &stored), Err(".other".to_owned()));
        assert_eq!(unmasked(&shown, &Json::Null), Err(".auth.password".to_owned()));
    }
}
