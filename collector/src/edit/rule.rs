//! One value against its rule. Pure.

use std::net::IpAddr;

use serde_json::Value as Json;

use super::form::Rule;
use crate::connection;

/// Texts of a list.
const LIST_MOST: usize = 256;

/// A value breaks its rule.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) expected: String,
    /// The place within the value, for example `.password`.
    pub(super) inside: String,
}

fn broken(code: &'static str, reason: impl Into<String>, rule: Rule) -> Broken {
    Broken { code, reason: reason.into(), expected: expected(rule), inside: String::new() }
}

/// What a rule lets through, for people.
pub(crate) fn expected(rule: Rule) -> String {
    match rule {
        Rule::Line(most) => format!("a text of 1 to {most} characters on one line"),
        Rule::Exact(most) => format!("a text of at most {most} characters on one line"),
        Rule::Text(most) => format!("a text of at most {most} characters"),
        Rule::Word(words, _) => format!("one of {}, or a word that is in use already", words.join(", ")),
        Rule::Choice(words) => format!("one of {}", words.join(", ")),
        Rule::Address => "an IPv4 or IPv6 address".to_owned(),
        Rule::Mac => "a hardware address such as 52:54:00:12:34:56".to_owned(),
        Rule::Int(least, i64::MAX) => format!("a whole number from {least}"),
        Rule::Int(least, most) => format!("a whole number from {least} to {most}"),
        Rule::Real(least, most, _) => format!("a number from {least} to {most}"),
        Rule::Bool => "true or false".to_owned(),
        Rule::List(most) => format!("a list of at most {LIST_MOST} texts of 1 to {most} characters"),
        Rule::Object => "a JSON object".to_owned(),
        Rule::Connection => {
            "a JSON object without credentials; refer to them, for example {\"secretRef\": \"vault:ssh/web\"}"
                .to_owned()
        }
        Rule::Reference(kind) => format!("the id of a {}", title(kind)),
    }
}

/// What a kind is called in prose.
pub(crate) fn title(kind: &str) -> &str {
    match kind {
        "availabilityzone" => "availability zone",
        "networkdevice" => "network device",
        "resourcepool" => "resource pool",
        other => other,
    }
}

/// Whether a value says that there is none: null, and blank text where that cannot be a value.
pub(super) fn is_empty(rule: Rule, value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => !matches!(rule, Rule::Exact(_)) && text.trim().is_empty(),
        _ => false,
    }
}

/// Reads a value: as it is to be stored, or why it cannot be. Empty is `null`.
pub(super) fn read(rule: Rule, value: &Json) -> Result<Json, Broken> {
    if is_empty(rule, value) {
        return Ok(Json::Null);
    }
    match (rule, value) {
        (Rule::Line(most) | Rule::Word(_, most), Json::String(text)) => line(rule, text.trim(), most),
        (Rule::Exact(most), Json::String(text)) => line(rule, text, most),
        (Rule::Text(most), Json::String(text)) => {
            let odd = |letter: char| letter.is_control() && !matches!(letter, '\n' | '\r' | '\t');
            if text.chars().any(odd) {
                return Err(broken("malformed", "holds control characters", rule));
            }
            sized(rule, text, most)
        }
        (Rule::Choice(words), Json::String(word)) => {
            if words.contains(&word.as_str()) {
                return Ok(word.as_str().into());
            }
            let mut broken = broken("unknown-word", format!("is {}", quoted(word)), rule);
            let near = crate::catalog::nearest(word, words.iter().copied());
            broken.expected = format!("one of {}", near.join(", "));
            Err(broken)
        }
        (Rule::Address, Json::String(text)) => match text.trim().parse::<IpAddr>() {
            Ok(address) => Ok(address.to_string().into()),
            Err(_) => Err(broken("malformed", format!("is {}", quoted(text)), rule)),
        },
        (Rule::Mac, Json::String(text)) => mac(rule, text.trim()),
        (Rule::Bool, Json::Bool(_)) | (Rule::Object, Json::Object(_)) => Ok(value.clone()),
        (Rule::Int(least, most), Json::Number(number)) => whole(rule, number, least, most),
        (Rule::Reference(_), Json::Number(number)) => whole(rule, number, 1, i64::MAX),
        (Rule::Real(least, most, places), Json::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            if !(least..=most).contains(&number) {
                return Err(broken("out-of-range", format!("is {number}"), rule));
            }
            // As many places as the column has on MariaDB, so that both databases hold the same.
            let scale = 10_f64.powi(places);
            Ok(((number * scale).round() / scale).into())
        }
        (Rule::List(most), Json::Array(items)) => list(rule, items, most),
        (Rule::Connection, Json::Object(_)) => connection(rule, value),
        _ => Err(broken("wrong-type", format!("is {}", kind_of(value)), rule)),
    }
}

fn line(rule: Rule, text: &str, most: usize) -> Result<Json, Broken> {
    if text.chars().any(char::is_control) {
        return Err(broken("malformed", "holds control characters", rule));
    }
    sized(rule, text, most)
}

fn sized(rule: Rule, text: &str, most: usize) -> Result<Json, Broken> {
    match text.chars().count() {
        count if count > most => {
            let mut broken = broken("too-long", format!("has {count} characters"), rule);
            if matches!(rule, Rule::Word(..)) {
                broken.expected = format!("at most {most} characters");
            }
            Err(broken)
        }
        _ => Ok(text.into()),
    }
}

fn mac(rule: Rule, text: &str) -> Result<Json, Broken> {
    let parts: Vec<&str> = text.split([':', '-']).collect();
    let sound = |part: &&str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    if parts.len() == 6 && parts.iter().all(sound) {
        return Ok(parts.join(":").to_lowercase().into());
    }
    Err(broken("malformed", format!("is {}", quoted(text)), rule))
}

fn whole(rule: Rule, number: &serde_json::Number, least: i64, most: i64) -> Result<Json, Broken> {
    // 4.0 is a whole number, too: JSON has but one kind.
    #[allow(clippy::cast_possible_truncation, reason = "checked to be whole and far below 2^63")]
    let truncated = |number: f64| (number.fract() == 0.0 && number.abs() < 9e15).then_some(number as i64);
    let value = number.as_i64().or_else(|| number.as_f64().and_then(truncated));
    match value {
        Some(value) if (least..=most).contains(&value) => Ok(value.into()),
        None if number.as_f64().is_some_and(|number| number.fract() != 0.0) => {
            Err(broken("wrong-type", format!("is {number}"), rule))
        }
        _ => Err(broken("out-of-range", format!("is {number}"), rule)),
    }
}

fn list(rule: Rule, items: &[Json], most: usize) -> Result<Json, Broken> {
    if items.len() > LIST_MOST {
        return Err(broken("too-long", format!("has {} items", items.len()), rule));
    }
    for (index, item) in items.iter().enumerate() {
        let checked = match item {
            Json::String(text) if text.trim().is_empty() => Err(broken("wrong-type", "is blank", rule)),
            Json::String(text) => line(rule, text, most),
            other => Err(broken("wrong-type", format!("is {}", kind_of(other)), rule)),
        };
        checked.map_err(|broken| Broken {
            inside: format!("[{index}]"),
            expected: format!("a text of 1 to {most} characters"),
            ..broken
        })?;
    }
    Ok(items.to_vec().into())
}

/// A connection may say where and how, and where the secrets are, but not what they are.
fn connection(rule: Rule, value: &Json) -> Result<Json, Broken> {
    match connection::secret(value) {
        None => Ok(value.clone()),
        Some(inside) => {
            let mut broken = broken("credential", "holds a credential in clear", rule);
            broken.inside = inside;
            Err(broken)
        }
    }
}

/// Puts back what is masked in a value that is written over a stored one.
pub(super) fn unmasked(rule: Rule, value: Json, stored: Option<&Json>) -> Result<Json, Broken> {
    if rule != Rule::Connection {
        return Ok(value);
    }
    connection::unmasked(&value, stored.unwrap_or(&Json::Null)).map_err(|inside| {
        let reason = "holds a mask, and nothing is stored that it could stand for";
        Broken { inside, ..broken("masked", reason, rule) }
    })
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    }
}

/// Quotes what somebody sent, cut short: it is shown in errors and logs.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(64).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::form::INT_MAX;

    #[allow(clippy::needless_pass_by_value, reason = "values are made where they are judged")]
    fn code(rule: Rule, value: Json) -> &'static str {
        read(rule, &value).map_or_else(|broken| broken.code, |_| "")
    }

    #[test]
    fn a_line_is_trimmed_counted_in_characters_and_has_no_control_characters() {
        assert_eq!(read(Rule::Line(4), &json!(" grün ")), Ok(json!("grün")));
        assert_eq!(read(Rule::Line(4), &json!(" \t ")), Ok(Json::Null));
        assert_eq!(code(Rule::Line(3), json!("grün")), "too-long");
        for text in ["a\nb", "a\u{0}", "\u{1b}[31m", "a\u{85}b"] {
            assert_eq!(code(Rule::Line(9), json!(text)), "malformed", "{text:?}");
        }
        assert_eq!(read(Rule::Exact(3), &json!(" a ")), Ok(json!(" a ")));
        assert_eq!(read(Rule::Text(9), &json!("a\n\tb")), Ok(json!("a\n\tb")));
        assert_eq!(code(Rule::Line(3), json!(5)), "wrong-type");
    }

    #[test]
    fn numbers_keep_to_their_columns() {
        let int = Rule::Int(0, INT_MAX);
        assert_eq!(read(int, &json!(4.0)), Ok(json!(4)));
        assert_eq!(code(int, json!(4.5)), "wrong-type");
        for value in [json!(-1), json!(2_147_483_648_i64), json!(1e300), json!(u64::MAX)] {
            assert_eq!(code(int, value.clone()), "out-of-range", "{value}");
        }
        let latitude = Rule::Real(-90.0, 90.0, 8);
        assert_eq!(read(latitude, &json!(52.123_456_789)), Ok(json!(52.123_456_79)));
        assert_eq!(read(latitude, &json!(52)), Ok(json!(52.0)));
        assert_eq!(code(latitude, json!(90.1)), "out-of-range");
        assert_eq!(code(Rule::Reference("cloud"), json!(0)), "out-of-range");
    }

    #[test]
    fn addresses_are_written_in_one_way() {
        assert_eq!(read(Rule::Address, &json!("2001:DB8::0:1")), Ok(json!("2001:db8::1")));
        assert_eq!(code(Rule::Address, json!("web-1")), "malformed");
        assert_eq!(read(Rule::Mac, &json!("52-54-00-AB-cd-ef")), Ok(json!("52:54:00:ab:cd:ef")));
        assert_eq!(code(Rule::Mac, json!("52:54:00:ab:cd")), "malformed");
    }

    #[test]
    fn a_connection_refers_to_its_secrets() {
        let rule = Rule::Connection;
        for sound in [
            json!({ "host": "10.0.0.1", "port": 22, "user": "deploy", "secretRef": "vault:ssh/web" }),
            json!({ "ssh": { "privateKeyFile": "/etc/orchestrix/keys/web", "options": ["StrictHostKeyChecking=yes"] } }),
        ] {
            assert_eq!(code(rule, sound.clone()), "", "{sound}");
        }
        for (clear, place) in [
            (json!({ "password": "hunter2" }), ".password"),
            (json!({ "auth": { "token": "abcdef0123" } }), ".auth.token"),
            (json!({ "url": "https://user:hunter2@example.org/" }), ".url"),
            (json!({ "keys": [{ "apiKey": "k-123456" }] }), ".keys[0].apiKey"),
        ] {
            let broken = read(rule, &clear).unwrap_err();
            assert_eq!((broken.code, broken.inside.as_str()), ("credential", place), "{clear}");
        }
    }

    #[test]
    fn a_list_names_the_item_that_is_wrong() {
        assert_eq!(read(Rule::List(9), &json!(["a", "b"])), Ok(json!(["a", "b"])));
        let broken = read(Rule::List(2), &json!(["a", "abc"])).unwrap_err();
        assert_eq!((broken.inside.as_str(), broken.code), ("[1]", "too-long"));
        assert_eq!(code(Rule::List(2), json!(["a", 1])), "wrong-type");
    }
}
