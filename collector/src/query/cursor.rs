//! Where the next page begins: the key of the last row, opaque to whoever carries it.
//!
//! A key instead of a count: rows that come or go between two pages neither hide others nor show them twice.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::{Key, KeyKind};
use crate::store::Value;

/// Writes the cursor of a list whose last row has this key.
pub(super) fn write(list: &str, key: &[Value]) -> String {
    let mut parts = vec![Json::from(list)];
    parts.extend(key.iter().map(|value| match value {
        Value::Int(number) => Json::from(*number),
        Value::Text(text) => Json::from(text.as_str()),
        // Keys are numbers and texts.
        Value::Null | Value::Real(_) | Value::Bytes(_) => Json::Null,
    }));
    URL_SAFE_NO_PAD.encode(Json::from(parts).to_string())
}

/// Reads a cursor; `None` when it is not one of this list.
pub(super) fn read(list: &str, keys: &[Key], text: &str) -> Option<Vec<Value>> {
    let parts: Vec<Json> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (name, parts) = parts.split_first()?;
    if name.as_str() != Some(list) || parts.len() != keys.len() {
        return None;
    }
    let values = keys.iter().zip(parts).map(|(key, part)| match key.kind {
        KeyKind::Int => part.as_i64().map(Value::Int),
        KeyKind::Text => part.as_str().map(Value::from),
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[Key] = &[Key::text("resourceType", "resource_type"), Key::int("id", "id")];

    #[test]
    fn a_cursor_survives_its_text_form() {
        let key = vec![Value::from("it's \"quoted\""), Value::Int(-7)];
        assert_eq!(read("tags", KEYS, &write("tags", &key)), Some(key));
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nothing_is_refused() {
        let cursor = write("tags", &[Value::from("a"), Value::Int(1)]);
        assert_eq!(read("computes", KEYS, &cursor), None);
        assert_eq!(read("tags", &KEYS[..1], &cursor), None);
        for text in ["", "!", "bnVsbA", "W10", "W1sxXV0"] {
            assert_eq!(read("tags", KEYS, text), None, "{text}");
        }
        let swapped = write("tags", &[Value::Int(1), Value::from("a")]);
        assert_eq!(read("tags", KEYS, &swapped), None);
    }
}
