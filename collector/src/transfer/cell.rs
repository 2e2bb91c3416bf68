//! A cell of a spreadsheet and the value that it stands for. Pure.
//!
//! - An empty cell says nothing: what is stored stays.
//! - `NULL` empties a field.
//! - A text that a spreadsheet would take for a formula is written with `'` in front, as spreadsheets do it themselves, and
//!   read without. The same mark tells the text `NULL` from the word, and a text that is empty from a cell that is.

use serde_json::Value as Json;

use crate::edit::form::Rule;

/// The word that empties a field.
pub(crate) const CLEAR: &str = "NULL";
/// The mark in front of a text that is to be taken as it is.
const MARK: char = '\'';
/// Beginnings of what a spreadsheet takes for a formula, and the mark itself.
const MARKED: [char; 13] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠', '﹣', MARK];

/// What a cell says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    /// Nothing.
    Nothing,
    /// That there is none.
    Clear,
    /// This text.
    Text(String),
}

/// Reads a cell. Where blanks are a value, only a cell without any letter is empty.
pub(crate) fn said(cell: &str, rule: Rule) -> Said {
    let exact = matches!(rule, Rule::Exact(_));
    let trimmed = if exact { cell } else { cell.trim() };
    match trimmed {
        "" => return Said::Nothing,
        CLEAR => return Said::Clear,
        _ => {}
    }
    let text = match cell.strip_prefix(MARK) {
        Some(rest) if rest.is_empty() || rest.trim() == CLEAR || rest.starts_with(MARKED) => rest,
        _ => cell,
    };
    Said::Text(text.to_owned())
}

/// Writes a text as a cell that [`said`] reads back.
pub(crate) fn guarded(text: &str) -> String {
    if text.is_empty() || text.trim() == CLEAR || text.starts_with(MARKED) {
        format!("{MARK}{text}")
    } else {
        text.to_owned()
    }
}

/// Whether numbers are written with a comma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decimal {
    Point,
    /// As where semicolons part the cells.
    Comma,
}

/// The value of a cell's text under a rule; why it has none otherwise. What kind of value it is, is right then; whether it
/// keeps to its limits, the form checks.
pub(crate) fn value(rule: Rule, text: &str, decimal: Decimal) -> Result<Json, String> {
    let is = || format!("is {:?}", text.chars().take(64).collect::<String>());
    let trimmed = text.trim();
    match rule {
        Rule::Line(_)
        | Rule::Exact(_)
        | Rule::Text(_)
        | Rule::Word(..)
        | Rule::Choice(_)
        | Rule::Address
        | Rule::Mac => Ok(text.into()),
        Rule::Bool => flag(trimmed).map(Json::from).ok_or_else(is),
        Rule::Int(..) | Rule::Reference(_) => whole(trimmed).map(Json::from).ok_or_else(is),
        Rule::Real(..) => {
            let text = if decimal == Decimal::Comma { trimmed.replacen(',', ".", 1) } else { trimmed.to_owned() };
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Json::from).ok_or_else(is)
        }
        Rule::List(_) if trimmed.starts_with('[') => json(trimmed),
        Rule::List(_) => {
            let items = trimmed.split([',', ';', '\n']).map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(Json::from).collect())
        }
        Rule::Object | Rule::Connection => json(trimmed),
    }
}

fn json(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("is no JSON: {error}"))
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "1" | "x" => Some(true),
        "false" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number, also as a spreadsheet writes it that thinks it is none: `4.0`, `4,00`.
fn whole(text: &str) -> Option<i64> {
    let (number, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    part.bytes().all(|digit| digit == b'0').then(|| number.parse().ok())?
}

/// Writes a value as the text of a cell.
pub(crate) fn written(rule: Rule, value: &Json) -> String {
    match (rule, value) {
        (_, Json::Null) => String::new(),
        (Rule::List(_), Json::Array(items)) => list(items).unwrap_or_else(|| value.to_string()),
        (_, Json::String(text)) => guarded(text),
        // Numbers may begin with a minus; no spreadsheet takes them for formulas.
        (_, other) => other.to_string(),
    }
}

/// A list as people write one; `None` when an item would be read as something else.
fn list(items: &[Json]) -> Option<String> {
    let plain = |item: &Json| {
        let text = item.as_str()?;
        let odd = text.is_empty() || text.trim() != text || text.contains([',', ';', '\n', '\r', '"']);
        (!odd && !text.starts_with('[')).then(|| text.to_owned())
    };
    let texts: Option<Vec<String>> = items.iter().map(plain).collect();
    let text = texts.filter(|texts| !texts.is_empty())?.join(", ");
    (guarded(&text) == text).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const LINE: Rule = Rule::Line(255);

    #[test]
    fn empty_is_nothing_and_null_empties() {
        for (cell, expected) in [
            ("", Said::Nothing),
            ("  ", Said::Nothing),
            ("NULL", Said::Clear),
            (" NULL ", Said::Clear),
            ("null", Said::Text("null".into())),
            ("'NULL", Said::Text("NULL".into())),
            ("'", Said::Text(String::new())),
            ("'=1+1", Said::Text("=1+1".into())),
            ("'quoted'", Said::Text("'quoted'".into())),
        ] {
            assert_eq!(said(cell, LINE), expected, "{cell:?}");
        }
        assert_eq!(said(" ", Rule::Exact(9)), Said::Text(" ".into()));
    }

    #[test]
    fn values_are_read_as_people_type_them() {
        let of = |rule, text| value(rule, text, Decimal::Point);
        assert_eq!(of(Rule::Bool, " Yes"), Ok(json!(true)));
        assert_eq!(of(Rule::Bool, "FALSE"), Ok(json!(false)));
        assert_eq!(of(Rule::Bool, "perhaps"), Err("is \"perhaps\"".into()));
        assert_eq!(of(Rule::Int(0, 9), "4.0"), Ok(json!(4)));
        assert_eq!(of(Rule::Int(0, 9), "4.5"), Err("is \"4.5\"".into()));
        assert_eq!(of(Rule::Int(0, 9), "-4"), Ok(json!(-4)));
        assert_eq!(value(Rule::Real(0.0, 90.0, 8), "52,5", Decimal::Comma), Ok(json!(52.5)));
        assert!(of(Rule::Real(0.0, 90.0, 8), "52,5").is_err());
        assert!(of(Rule::Real(0.0, 90.0, 8), "NaN").is_err());
        assert_eq!(of(Rule::List(9), "a, b;c"), Ok(json!(["a", "b", "c"])));
        assert_eq!(of(Rule::List(9), "[\"a, b\"]"), Ok(json!(["a, b"])));
        assert_eq!(of(Rule::Object, "{\"a\": 1}"), Ok(json!({ "a": 1 })));
        assert!(of(Rule::Object, "{a}").unwrap_err().starts_with("is no JSON"));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(text in "[=+@\t '\\-NULa-c\u{ff1d}\n]{0,6}") {
            for rule in [Rule::Exact(99), LINE, Rule::Text(99)] {
                // The form drops blanks at the ends of a line, so none is ever stored.
                let stored = if matches!(rule, Rule::Exact(_)) { text.clone() } else { text.trim().to_owned() };
                let cell = written(rule, &json!(stored));
                prop_assert!(!cell.starts_with(&MARKED[..12]), "{cell:?}");
                prop_assert_eq!(said(&cell, rule), Said::Text(stored));
            }
        }

        #[test]
        fn lists_are_read_back(items in proptest::collection::vec("[a=\\-,;\n\" \\[]{1,4}", 0..4)) {
            let list = json!(items);
            let cell = written(Rule::List(9), &list);
            let Said::Text(text) = said(&cell, Rule::List(9)) else { panic!("{cell:?}") };
            prop_assert_eq!(value(Rule::List(9), &text, Decimal::Point), Ok(list));
        }
    }
}
