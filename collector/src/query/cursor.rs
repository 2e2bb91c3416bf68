//! Where the next page begins: the key of the last row, opaque to whoever carries it.
//!
//! A key instead of a count: rows that come or go between two pages neither hide others nor show them twice.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value as Json;

use super::{Key, KeyKind, resource::After};
use crate::store::Value;

/// Writes the cursor of a list in an order (empty: that of the key) behind a row.
pub(super) fn write(list: &str, order: &str, after: &After) -> String {
    let part = |value: &Value| match value {
        Value::Int(number) => Json::from(*number),
        Value::Real(number) => Json::from(*number),
        Value::Text(text) => Json::from(text.as_str()),
        // Neither is compared nor a key.
        Value::Null | Value::Bytes(_) => Json::Null,
    };
    let mut parts = vec![Json::from(list)];
    if !order.is_empty() {
        parts.push(order.into());
        parts.push(after.compared.iter().map(part).collect());
    }
    parts.extend(after.key.iter().map(part));
    URL_SAFE_NO_PAD.encode(Json::from(parts).to_string())
}

/// Reads a cursor; `None` when it is not one of this list in this order, which compares so many fields.
pub(super) fn read(list: &str, keys: &[Key], (order, fields): (&str, usize), text: &str) -> Option<After> {
    let parts: Vec<Json> = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (name, mut parts) = parts.split_first()?;
    let mut compared = Vec::new();
    if !order.is_empty() {
        let [spelled, values, rest @ ..] = parts else { return None };
        let values = values.as_array().filter(|values| values.len() == fields && spelled.as_str() == Some(order))?;
        compared = values.iter().map(value).collect::<Option<_>>()?;
        parts = rest;
    }
    if name.as_str() != Some(list) || parts.len() != keys.len() {
        return None;
    }
    let values = keys.iter().zip(parts).map(|(key, part)| match key.kind {
        KeyKind::Int => part.as_i64().map(Value::Int),
        KeyKind::Text => part.as_str().map(Value::from),
    });
    Some(After { compared, key: values.collect::<Option<_>>()? })
}

fn value(part: &Json) -> Option<Value> {
    match part {
        Json::Null => Some(Value::Null),
        Json::Number(number) => number.as_i64().map(Value::Int).or_else(|| number.as_f64().map(Value::Real)),
        Json::String(text) => Some(Value::from(text)),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &[Key] = &[Key::text("resourceType", "resource_type"), Key::int("id", "id")];

    fn after(key: Vec<Value>) -> After {
        After { compared: Vec::new(), key }
    }

    #[test]
    fn a_cursor_survives_its_text_form() {
        let mut last = after(vec![Value::from("it's \"quoted\""), Value::Int(-7)]);
        assert_eq!(read("tags", KEYS, ("", 0), &write("tags", "", &last)), Some(last.clone()));
        last.compared = vec![Value::Null, Value::Real(0.5), Value::from("x")];
        let cursor = write("tags", "a,-b,c", &last);
        assert_eq!(read("tags", KEYS, ("a,-b,c", 3), &cursor), Some(last));
        assert_eq!(read("tags", KEYS, ("a,b,c", 3), &cursor), None, "another order");
        assert_eq!(read("tags", KEYS, ("", 0), &cursor), None, "no order");
    }

    #[test]
    fn a_cursor_of_another_list_or_of_nothing_is_refused() {
        let cursor = write("tags", "", &after(vec![Value::from("a"), Value::Int(1)]));
        assert_eq!(read("computes", KEYS, ("", 0), &cursor), None);
        assert_eq!(read("tags", &KEYS[..1], ("", 0), &cursor), None);
        for text in ["", "!", "bnVsbA", "W10", "W1sxXV0"] {
            assert_eq!(read("tags", KEYS, ("", 0), text), None, "{text}");
        }
        let swapped = write("tags", "", &after(vec![Value::Int(1), Value::from("a")]));
        assert_eq!(read("tags", KEYS, ("", 0), &swapped), None);
    }
}
