//! Loads configuration: defaults, then a TOML file, then the environment, then flags; the later wins.
//!
//! It knows nothing of what the keys mean. A program gives it a raw struct (`#[serde(default, deny_unknown_fields)]`),
//! gets that struct back together with everything that was wrong with the input, checks the values itself, and reports
//! all problems at once, each with its key and with where the value came from.
//!
//! In the environment a key is written in capitals behind [`PREFIX`], with two underscores between levels:
//! `inspect.docker.address` is `ORCHESTRIX_INSPECT__DOCKER__ADDRESS`. A value is read as TOML where the key wants a
//! number, a truth value or a list, and as plain text where it wants text. `ORCHESTRIX_LOG` is short for
//! `ORCHESTRIX_LOG__LEVEL`. Agents and collectors share the prefix, so a variable that names no key is passed over and
//! listed in [`Loaded::ignored`]; in a file an unknown key is a problem.

mod problem;

use std::{collections::BTreeMap, fs, path::Path};

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use toml::{Table, Value};

pub use problem::{Origin, Problem, Problems};

/// What the environment variables of all programs begin with.
pub const PREFIX: &str = "ORCHESTRIX_";

/// Variables with a short name, and the keys that they set.
const SHORT_NAMES: [(&str, &str); 1] = [("LOG", "log.level")];

/// Gathers values from the places where an operator may set them.
#[derive(Debug, Default)]
pub struct Loader {
    table: Table,
    /// Where each value came from, by dotted key.
    origins: BTreeMap<String, Origin>,
    /// Text of the environment, by dotted key, for keys that want text.
    texts: BTreeMap<String, String>,
    problems: Problems,
}

/// A configuration whose values have the right types but were not checked otherwise.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The values; a key with a problem has its default.
    pub value: T,
    /// Everything that is wrong so far.
    pub problems: Problems,
    /// Environment variables that name no key, so that a typing error can be found.
    pub ignored: Vec<String>,
    origins: BTreeMap<String, Origin>,
}

impl Loader {
    /// Starts with nothing but defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. That it cannot be read is a problem like any other.
    #[must_use]
    pub fn file(mut self, path: &Path) -> Self {
        let origin = Origin::File(path.to_owned());
        match fs::read_to_string(path) {
            Ok(text) => self.toml(origin, &text),
            Err(error) => {
                self.problems.push(Problem::general(origin, format!("cannot be read: {error}")));
                self
            }
        }
    }

    /// Adds a TOML document.
    #[must_use]
    pub fn toml(mut self, origin: Origin, text: &str) -> Self {
        match text.parse::<Table>() {
            Ok(table) => {
                note_origins(&mut self.origins, "", &table, &origin);
                merge(&mut self.table, table);
            }
            Err(error) => {
                let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
                self.problems.push(Problem::general(origin, format!("line {line}: {}", error.message())));
            }
        }
        self
    }

    /// Adds the variables that begin with [`PREFIX`]. Names and values come in as values, as from [`std::env::vars`].
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (variable, text) in variables {
            let Some(name) = variable.strip_prefix(PREFIX).filter(|name| !name.is_empty()) else { continue };
            let key = SHORT_NAMES
                .iter()
                .find(|(short, _)| *short == name)
                .map_or_else(|| name.to_lowercase().replace("__", "."), |(_, key)| (*key).to_owned());
            self.texts.insert(key.clone(), text.clone());
            self.set(&key, as_toml(&text), Origin::Environment(variable));
        }
        self
    }

    /// Adds the value of a command line flag, if it was given.
    #[must_use]
    pub fn flag<V: Into<Value>>(mut self, name: &'static str, key: &str, value: Option<V>) -> Self {
        if let Some(value) = value {
            self.texts.remove(key);
            self.set(key, value.into(), Origin::Flag(name));
        }
        self
    }

    /// Reads everything into the raw struct. Every field of `T` must have a default.
    #[must_use]
    pub fn load<T: DeserializeOwned + Default>(mut self) -> Loaded<T> {
        let mut ignored = Vec::new();
        // Serde stops at the first problem; taking the offender away and reading again finds them all. Each round
        // takes at least one key away or turns one into text, so this ends.
        let value = loop {
            let error = match serde_path_to_error::deserialize(Value::Table(self.table.clone())) {
                Ok(value) => break value,
                Err(error) => error,
            };
            let path = error.path().clone();
            let key = dotted(&path);
            let origin = origin_of(&self.origins, &key);
            let message = error.into_inner().message().to_owned();
            if let Some(text) = self.texts.remove(&key) {
                remove(&mut self.table, &key);
                insert(&mut self.table, &key, Value::String(text));
                continue;
            }
            let removed = remove(&mut self.table, &key);
            match origin {
                Some(Origin::Environment(variable)) if message.starts_with("unknown field") => ignored.push(variable),
                origin => self.problems.push(Problem { key: path.to_string(), origin, message: first_line(&message) }),
            }
            if !removed {
                break T::default();
            }
        };
        Loaded { value, problems: self.problems, ignored, origins: self.origins }
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) {
        self.origins.insert(key.to_owned(), origin);
        insert(&mut self.table, key, value);
    }
}

impl<T> Loaded<T> {
    /// Notes that the value of `key` will not do.
    pub fn problem(&mut self, key: &str, message: impl Into<String>) {
        let origin = origin_of(&self.origins, key);
        self.problems.push(Problem { key: key.to_owned(), origin, message: message.into() });
    }

    /// Gives the values if nothing is wrong.
    ///
    /// # Errors
    /// All problems found so far.
    pub fn into_result(self) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(self.value) } else { Err(self.problems) }
    }
}

/// Reads a text as a TOML value where it is one: `true`, `3`, `["a", "b"]`.
fn as_toml(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

fn merge(into: &mut Table, from: Table) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn note_origins(origins: &mut BTreeMap<String, Origin>, prefix: &str, table: &Table, origin: &Origin) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        if let Value::Table(table) = value {
            note_origins(origins, &key, table, origin);
        }
        origins.insert(key, origin.clone());
    }
}

/// The nearest origin that is known for a key or for a table above it.
fn origin_of(origins: &BTreeMap<String, Origin>, key: &str) -> Option<Origin> {
    let mut key = key;
    loop {
        if let Some(origin) = origins.get(key) {
            return Some(origin.clone());
        }
        key = key.rsplit_once('.')?.0;
    }
}

/// The part of a path that names keys: an element of a list stands for the list.
fn dotted(path: &serde_path_to_error::Path) -> String {
    let keys = path.iter().map_while(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    });
    keys.collect::<Vec<_>>().join(".")
}

fn insert(table: &mut Table, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
        }
        Some((head, rest)) => {
            let slot = table.entry(head).or_insert_with(|| Value::Table(Table::new()));
            if !slot.is_table() {
                *slot = Value::Table(Table::new());
            }
            if let Value::Table(table) = slot {
                insert(table, rest, value);
            }
        }
    }
}

fn remove(table: &mut Table, key: &str) -> bool {
    match key.split_once('.') {
        None => table.remove(key).is_some(),
        Some((head, rest)) => match table.get_mut(head) {
            Some(Value::Table(table)) => remove(table, rest),
            _ => false,
        },
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
