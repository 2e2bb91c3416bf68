//! A body against its form. Pure: what depends on the database is left over as questions.

use serde_json::{Map, Value as Json};

use super::{
    FieldProblem,
    form::{Form, Input, Need, Rule},
    rule,
};
use crate::{
    catalog::{Field, alike, nearest},
    store::rows::record::Shown,
};

/// What a body says, field by field.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// Columns with the values that are to be written, as they are shown.
    pub(super) columns: Shown,
    /// What only the database can tell.
    pub(super) questions: Vec<Question>,
    /// What is wrong.
    pub(super) problems: Vec<FieldProblem>,
}

/// Something that only the database can tell.
#[derive(Debug)]
pub(super) enum Question {
    /// Is there a row of this kind with this key?
    Exists { field: &'static Field, kind: &'static str, id: i64 },
    /// Does the column hold this word somewhere already?
    InUse { field: &'static Field, word: String, words: &'static [&'static str] },
    /// What does discovery know for this column, which a person emptied and which must not be empty?
    Discovered { field: &'static Field },
}

/// Reads a body. With `current`, what is equal to it is no change and left out; without, what is needed must be there.
pub(super) fn read(form: &'static Form, data: &Json, current: Option<&Shown>) -> Given {
    let mut given = Given::default();
    let Json::Object(members) = data else {
        given.problems.push(FieldProblem::new("body", "wrong-type", "is no object", "a JSON object"));
        return given;
    };
    let mut seen: Vec<&'static str> = Vec::new();
    for (name, value) in members {
        let Some((input, field)) = find(form, name, &mut given.problems) else { continue };
        if seen.contains(&field.name) {
            given.problems.push(FieldProblem::new(name, "given-twice", "is given twice", "one value"));
            continue;
        }
        seen.push(field.name);
        member(input, field, value, current, &mut given);
    }
    if current.is_none() {
        missing(form, members, &seen, &mut given.problems);
    }
    given
}

fn find(form: &'static Form, name: &str, problems: &mut Vec<FieldProblem>) -> Option<(&'static Input, &'static Field)> {
    if let Some(found) = form.input(name) {
        return Some(found);
    }
    let shown: String = name.chars().take(64).collect();
    problems.push(if form.kind.field(name).is_some() {
        FieldProblem::new(shown, "read-only", "cannot be written", "nothing: leave it out")
    } else {
        let near = nearest(&shown, form.inputs.iter().map(|input| input.name));
        FieldProblem::new(shown, "unknown-field", "is not known here", format!("one of {}", near.join(", ")))
    });
    None
}

fn member(input: &'static Input, field: &'static Field, value: &Json, current: Option<&Shown>, given: &mut Given) {
    let stored = current.map(|current| current.get(field.column).unwrap_or(&Json::Null));
    // What is stored already is no change, so that values from older days stay as they are.
    if stored == Some(value) {
        return;
    }
    let read = rule::read(input.rule, value).and_then(|value| rule::unmasked(input.rule, value, stored));
    let value = match read {
        Ok(value) => value,
        Err(rule::Broken { code, reason, expected, inside }) => {
            let place = format!("{}{inside}", input.name);
            given.problems.push(FieldProblem::new(place, code, reason, expected));
            return;
        }
    };
    if stored == Some(&value) {
        return;
    }
    if input.fixed && current.is_some() {
        let reason = "cannot be changed";
        given.problems.push(FieldProblem::new(input.name, "fixed", reason, "the value that it has; or make a new one"));
        return;
    }
    if value.is_null() && input.need != Need::Optional {
        match current {
            // The default is had by leaving it out.
            None if input.need == Need::Defaulted => return,
            None => {}
            Some(_) => given.questions.push(Question::Discovered { field }),
        }
        given.columns.insert(field.column, value);
        return;
    }
    match (input.rule, &value) {
        (Rule::Reference(kind), Json::Number(number)) => {
            given.questions.push(Question::Exists { field, kind, id: number.as_i64().unwrap_or(0) });
        }
        (Rule::Word(words, _), Json::String(word)) if !words.contains(&word.as_str()) => {
            given.questions.push(Question::InUse { field, word: word.clone(), words });
        }
        _ => {}
    }
    given.columns.insert(field.column, value);
}

fn missing(form: &'static Form, members: &Map<String, Json>, seen: &[&str], problems: &mut Vec<FieldProblem>) {
    for (input, _) in form.fields().filter(|(input, _)| input.need == Need::Needed) {
        let empty = members.iter().any(|(name, value)| alike(name, input.name) && rule::is_empty(input.rule, value));
        if empty {
            problems.push(FieldProblem::new(input.name, "required", "is empty", rule::expected(input.rule)));
        } else if !seen.contains(&input.name) {
            problems.push(FieldProblem::new(input.name, "required", "is missing", rule::expected(input.rule)));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::edit::forms;

    fn problems(form: &'static Form, data: &Json) -> Vec<(String, &'static str)> {
        read(form, data, None).problems.into_iter().map(|problem| (problem.field, problem.code)).collect()
    }

    #[test]
    fn all_problems_of_a_body_are_told_together() {
        let data = json!({ "nam": "x", "cpuCores": "many", "memory_gb": -1, "id": 7, "ipAddress": "10.0.0.300" });
        let expected = [
            ("cpuCores", "wrong-type"),
            ("id", "read-only"),
            ("ipAddress", "malformed"),
            ("memoryGb", "out-of-range"),
            ("nam", "unknown-field"),
            ("name", "required"),
        ];
        let mut found = problems(&forms::COMPUTE, &data);
        found.sort();
        assert_eq!(found, expected.map(|(field, code)| (field.to_owned(), code)));
        let unknown = read(&forms::COMPUTE, &data, None).problems.into_iter().find(|problem| problem.field == "nam");
        assert!(unknown.unwrap().expected.starts_with("one of name, "));
    }

    #[test]
    fn names_are_taken_in_every_spelling_but_once() {
        let given = read(&forms::PARTNER, &json!({ "name": "a", "display_name": "A", "type": "both" }), None);
        assert!(given.problems.is_empty(), "{:?}", given.problems);
        assert_eq!(given.columns["display_name"], "A");
        let twice = json!({ "name": "a", "displayName": "A", "display_name": "B", "type": "both" });
        assert_eq!(problems(&forms::PARTNER, &twice), [("display_name".to_owned(), "given-twice")]);
    }

    #[test]
    fn what_is_stored_already_is_no_change_whatever_it_is() {
        let current: Shown = [("name", json!("x")), ("status", json!("LEASED")), ("ip_address", json!("none"))].into();
        let same = json!({ "name": " x ", "status": "LEASED", "ipAddress": "none", "notes": null });
        let given = read(&forms::COMPUTE, &same, Some(&current));
        assert!(given.columns.is_empty() && given.problems.is_empty() && given.questions.is_empty(), "{given:?}");
    }

    #[test]
    fn what_is_needed_cannot_be_left_out_and_not_be_empty() {
        let code = |data: Json| problems(&forms::REGION, &data);
        let three = ["name", "code", "cloudId"].map(|name| (name.to_owned(), "required"));
        assert_eq!(code(json!({})), three);
        assert_eq!(code(json!({ "name": " ", "code": null, "cloudId": null })), three);
        assert_eq!(problems(&forms::REGION, &json!([])), [("body".to_owned(), "wrong-type")]);
    }

    #[test]
    fn a_key_cannot_be_changed() {
        let current: Shown = [
            ("resource_type", json!("compute")),
            ("resource_id", json!(1)),
            ("tag_key", json!("team")),
            ("tag_value", json!("red")),
        ]
        .into();
        let given = read(&forms::TAG, &json!({ "tagKey": "group", "tagValue": "" }), Some(&current));
        assert_eq!(given.problems[0].code, "fixed");
        assert_eq!(given.columns["tag_value"], "");
    }
}
