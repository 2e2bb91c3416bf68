//! Writes the reference of all keys from the code: names, types, defaults and doc comments of the raw structs.

use std::fmt::Write as _;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value;

use super::PREFIX;

/// What a reference says besides the keys.
#[derive(Clone, Copy, Debug)]
pub struct Reference<'a> {
    /// The program, which is the heading.
    pub program: &'a str,
    /// What stands below it.
    pub introduction: &'a str,
    /// Keys, and tables of keys, that a reload takes over.
    pub reloaded: &'a [&'a str],
}

impl Reference<'_> {
    /// Writes the keys of `T` as Markdown, a section for each table. Each field's doc comment says what it means.
    #[must_use]
    pub fn of<T: JsonSchema>(&self) -> String {
        let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
        let schema = settings.into_generator().into_root_schema_for::<T>();
        let mut text = format!("## {}\n\n{}\n", self.program, self.introduction);
        self.table(&mut text, "", schema.as_value());
        text
    }

    fn table(&self, text: &mut String, prefix: &str, schema: &Value) {
        let Some(properties) = schema["properties"].as_object() else { return };
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let (tables, keys): (Vec<_>, Vec<_>) = properties.iter().partition(|(_, schema)| inner(schema).is_some());
        if !keys.is_empty() {
            text.push_str("\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n");
        }
        for (name, schema) in keys {
            let key = format!("{prefix}{name}");
            let default = match &schema["default"] {
                Value::Null if required.contains(&name.as_str()) => "required".to_owned(),
                Value::Null => "none".to_owned(),
                Value::Array(items) if items.is_empty() => "`[]`".to_owned(),
                value => format!("`{value}`"),
            };
            // A list of tables has no variables of its own: the whole list is one value.
            let variable = (!prefix.contains("[]")).then(|| format!("<br>`{}`", variable(&key)));
            let reloaded = if self.is_reloaded(&key) { " *Reloaded.*" } else { "" };
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "| `{name}`{} | {} | {default} | {}{reloaded} |",
                variable.unwrap_or_default(),
                value_of(schema),
                meaning(schema).replace('|', "\\|"),
            );
        }
        for (name, schema) in tables {
            let Some((inner, is_list)) = inner(schema) else { continue };
            let key = format!("{prefix}{name}");
            let heading = if is_list { format!("[[{key}]]") } else { format!("[{key}]") };
            let _ = write!(text, "\n### {} `{heading}`\n\n{}\n", self.program, meaning(schema));
            self.table(text, &format!("{key}{}.", if is_list { "[]" } else { "" }), inner);
        }
    }

    fn is_reloaded(&self, key: &str) -> bool {
        let key = key.replace("[]", "");
        let is_of = |table: &str| key.strip_prefix(table).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        self.reloaded.iter().any(|table| is_of(table))
    }
}

/// Puts the part of a program into a document, between the lines that mark it; unchanged where it has no such lines.
#[must_use]
pub fn replaced(document: &str, program: &str, part: &str) -> String {
    let (begin, end) = (format!("<!-- {program}: begin -->\n"), format!("<!-- {program}: end -->\n"));
    let parts = document.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    parts.map_or_else(|| document.to_owned(), |(before, after)| format!("{before}{begin}\n{part}\n{end}{after}"))
}

/// The schema of a table, and whether there is a list of them; `None` for a plain value.
fn inner(schema: &Value) -> Option<(&Value, bool)> {
    let is_table = |schema: &Value| schema["properties"].is_object();
    if is_table(schema) {
        Some((schema, false))
    } else {
        Some((&schema["items"], true)).filter(|(items, _)| is_table(items))
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_uppercase().replace('.', "__"))
}

/// The doc comment as one line.
fn meaning(schema: &Value) -> String {
    schema["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What may stand behind the equals sign.
fn value_of(schema: &Value) -> String {
    let words = schema["enum"].as_array().or_else(|| schema["oneOf"].as_array()).or_else(|| schema["anyOf"].as_array());
    if let Some(words) = words {
        // Variants with a comment stand alone, those without one together.
        let plain =
            |value: &Value| value["const"].as_str().or_else(|| value.as_str()).map(|word| format!("`{word:?}`"));
        let several = |value: &Value| value["enum"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        let words: Vec<Value> = words.iter().flat_map(several).collect();
        return words.iter().filter_map(plain).collect::<Vec<_>>().join(" or ");
    }
    // An optional value has "null" beside its type.
    let types = schema["type"].as_array().map_or_else(|| vec![&schema["type"]], |types| types.iter().collect());
    match types.iter().find_map(|name| name.as_str().filter(|name| *name != "null")) {
        Some("string") => "text".to_owned(),
        Some("integer") => "whole number".to_owned(),
        Some("number") => "number".to_owned(),
        Some("boolean") => "`true` or `false`".to_owned(),
        Some("array") => format!("list of {}s", value_of(&schema["items"])),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Raw {
        /// Where it is,
        /// HOST:PORT.
        place: Option<String>,
        /// How much.
        size: u64,
        /// Names.
        names: Vec<String>,
        /// Whether a|b.
        on: bool,
        /// What is told.
        log: Log,
        /// One each.
        #[serde(skip_serializing)]
        items: Vec<Item>,
    }

    impl Default for Raw {
        fn default() -> Self {
            Self { place: None, size: 3, names: Vec::new(), on: true, log: Log::default(), items: Vec::new() }
        }
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    struct Log {
        /// How.
        form: Form,
    }

    #[derive(Default, Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Form {
        #[default]
        Plain,
        /// Said at length.
        Long,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Item {
        /// Its name.
        name: String,
        /// Its colour.
        #[serde(default = "red")]
        colour: String,
    }

    fn red() -> String {
        "red".to_owned()
    }

    #[test]
    fn every_key_is_written_with_its_type_default_variable_and_meaning() {
        let reference = Reference { program: "prog", introduction: "Words.", reloaded: &["log", "size"] };
        let expected = r#"## prog

Words.

| key | value | default | meaning |
| --- | --- | --- | --- |
| `names`<br>`ORCHESTRIX_NAMES` | list of texts | `[]` | Names. |
| `on`<br>`ORCHESTRIX_ON` | `true` or `false` | `true` | Whether a\|b. |
| `place`<br>`ORCHESTRIX_PLACE` | text | none | Where it is, HOST:PORT. |
| `size`<br>`ORCHESTRIX_SIZE` | whole number | `3` | How much. *Reloaded.* |

### prog `[[items]]`

One each.

| key | value | default | meaning |
| --- | --- | --- | --- |
| `colour` | text | `"red"` | Its colour. |
| `name` | text | required | Its name. |

### prog `[log]`

What is told.

| key | value | default | meaning |
| --- | --- | --- | --- |
| `form`<br>`ORCHESTRIX_LOG__FORM` | `"plain"` or `"long"` | `"plain"` | How. *Reloaded.* |
"#;
        assert_eq!(reference.of::<Raw>(), expected);
    }

    #[test]
    fn a_part_is_replaced_between_its_marks() {
        let document = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nz\n";
        assert_eq!(replaced(document, "x", "new"), "a\n<!-- x: begin -->\n\nnew\n<!-- x: end -->\nz\n");
        assert_eq!(replaced(document, "y", "new"), document);
    }
}
