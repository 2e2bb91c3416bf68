//! Loads configuration: defaults, then a TOML file, then the environment, then flags; the later wins.
//!
//! It knows nothing of what the keys mean. A program gives it a raw struct (`#[serde(default, deny_unknown_fields)]`),
//! gets that struct back together with everything that was wrong with the input, checks the values itself, and reports
//! all problems at once, each with its key and with where the value came from, to the line.
//!
//! In the environment a key is written in capitals behind [`PREFIX`], with two underscores between levels:
//! `inspect.docker.address` is `ORCHESTRIX_INSPECT__DOCKER__ADDRESS`. A value is read as TOML where the key wants a
//! number, a truth value or a list, and as plain text where it wants text. `ORCHESTRIX_LOG` is short for
//! `ORCHESTRIX_LOG__LEVEL`. Agents and collectors share the prefix, so a variable that names no key is passed over and
//! listed in [`Loaded::ignored`]; in a file an unknown key is a problem.
//!
//! Secrets are files. Under systemd they can be credentials of the unit: see [`Loaded::secret_file`].

mod document;
mod path;
mod problem;
mod reference;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use self::{
    document::Document,
    path::{Step, insert, merge, of_error, of_key, parent, remove},
};
pub use problem::{Origin, Problem, Problems};
pub use reference::{Reference, replaced};

/// What the environment variables of all programs begin with.
pub const PREFIX: &str = "ORCHESTRIX_";

/// Variables with a short name, and the keys that they set.
const SHORT_NAMES: [(&str, &str); 1] = [("LOG", "log.level")];

/// Where systemd puts the credentials of a unit (systemd.exec(5), `LoadCredential=`).
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Gathers values from the places where an operator may set them.
#[derive(Debug, Default)]
pub struct Loader {
    table: Table,
    /// Where each value came from, by key.
    origins: BTreeMap<String, Origin>,
    /// Text of the environment, by key, for keys that want text.
    texts: BTreeMap<String, String>,
    /// Lines that are no TOML, by file: what was made of them is not judged any further.
    broken: Vec<Origin>,
    credentials: Option<PathBuf>,
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
    credentials: Option<PathBuf>,
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
        match fs::read_to_string(path) {
            Ok(text) => self.toml(path, &text),
            Err(error) => {
                let origin = Origin::File(path.to_owned(), None);
                self.problems.push(Problem::general(origin, format!("cannot be read: {error}")));
                self
            }
        }
    }

    /// Adds a TOML document that came from `path`.
    #[must_use]
    pub fn toml(mut self, path: &Path, text: &str) -> Self {
        let Document { table, lines, mistakes } = Document::read(text);
        let origin = |line: usize| Origin::File(path.to_owned(), Some(line));
        for (line, message) in mistakes {
            self.broken.push(origin(line));
            self.problems.push(Problem::general(origin(line), message));
        }
        self.origins.extend(lines.into_iter().map(|(key, line)| (key, origin(line))));
        merge(&mut self.table, table);
        self
    }

    /// Adds the variables that begin with [`PREFIX`]. Names and values come in as values, as from [`std::env::vars`].
    #[must_use]
    pub fn environment(mut self, variables: impl IntoIterator<Item = (String, String)>) -> Self {
        for (variable, text) in variables {
            if variable == CREDENTIALS {
                self.credentials = Some(text.into());
                continue;
            }
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
        let mut gone = Gone::default();
        // Serde stops at the first problem; taking the offender away and reading again finds them all. Each round
        // takes at least one value away, turns one into text or fills a gap once, so this ends.
        let value = loop {
            let error = match serde_path_to_error::deserialize(Value::Table(self.table.clone())) {
                Ok(value) => break value,
                Err(error) => error,
            };
            let steps = of_error(error.path());
            let message = first_line(error.into_inner().message());
            let key = gone.shown(&steps);
            if let Some(text) = self.texts.remove(&key) {
                remove(&mut self.table, &steps);
                insert(&mut self.table, &steps, Value::String(text));
                continue;
            }
            if let Some(missing) = quoted(&message).next().filter(|_| message.starts_with("missing field")) {
                let origin = origin_of(&self.origins, &key);
                let filled = if key.is_empty() { missing.to_owned() } else { format!("{key}.{missing}") };
                if !self.problems.concern(&filled) {
                    self.blame(Problem { key: filled, origin, message: "is missing".to_owned() });
                }
                // Something in its place, so that the other gaps of the table are found too.
                let place = [&steps[..], &[Step::Key(missing.to_owned())]].concat();
                insert(&mut self.table, &place, Value::String(String::new()));
                if gone.filled(place) {
                    continue;
                }
                if !remove(&mut self.table, &steps) {
                    break T::default();
                }
                gone.note(&steps);
                continue;
            }
            let removed = remove(&mut self.table, &steps);
            if gone.is_filled(&steps) {
                // Not text: what stands around it has to go.
                continue;
            }
            match self.variables(&key) {
                Some(variables) if message.starts_with("unknown field") => ignored.extend(variables),
                _ => {
                    let origin = origin_of(&self.origins, &key);
                    self.blame(Problem { message: described(&message, &key), key, origin });
                }
            }
            gone.note(&steps);
            if !removed {
                break T::default();
            }
        };
        let Self { problems, origins, credentials, .. } = self;
        Loaded { value, problems, ignored, origins, credentials }
    }

    fn set(&mut self, key: &str, value: Value, origin: Origin) {
        // What the file said below this key no longer counts.
        let is_below = |known: &str| known.strip_prefix(key).is_some_and(|rest| rest.starts_with(['.', '[']));
        self.origins.retain(|known, _| !is_below(known));
        self.origins.insert(key.to_owned(), origin);
        insert(&mut self.table, &of_key(key), value);
    }

    /// The variables that set a key or what is below it; `None` when something else does.
    fn variables(&self, key: &str) -> Option<Vec<String>> {
        let is_at = |known: &str| known.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let origins = self.origins.iter().filter(|(known, _)| is_at(known)).map(|(_, origin)| origin);
        let variables: Option<Vec<String>> = origins
            .map(|origin| match origin {
                Origin::Environment(variable) => Some(variable.clone()),
                Origin::File(..) | Origin::Flag(_) => None,
            })
            .collect();
        variables.filter(|variables| !variables.is_empty())
    }

    /// Notes a problem, unless it follows from a line that is no TOML and was told already.
    fn blame(&mut self, problem: Problem) {
        let follows = problem.origin.as_ref().is_some_and(|origin| self.broken.contains(origin));
        if !follows {
            self.problems.push(problem);
        }
    }
}

impl<T> Loaded<T> {
    /// Notes that the value of `key` will not do. What is wrong with it already is enough.
    pub fn problem(&mut self, key: &str, message: impl Into<String>) {
        if !self.problems.concern(key) {
            let origin = origin_of(&self.origins, key);
            self.problems.push(Problem { key: key.to_owned(), origin, message: message.into() });
        }
    }

    /// Resolves the path of a file with a secret: `%d/NAME` is the credential of that name, and where `key` is not set,
    /// the credential `credential` counts if the unit has it and it is not empty.
    pub fn secret_file(&mut self, key: &str, given: Option<PathBuf>, credential: &str) -> Option<PathBuf> {
        let Some(path) = given else {
            let file = self.credentials.as_ref()?.join(credential);
            return fs::read(&file).is_ok_and(|bytes| !bytes.trim_ascii().is_empty()).then_some(file);
        };
        match (path.strip_prefix("%d"), &self.credentials) {
            (Err(_), _) => Some(path),
            (Ok(name), Some(folder)) => Some(folder.join(name)),
            (Ok(_), None) => {
                self.problem(key, "%d stands for the credentials of a systemd unit, and there are none");
                None
            }
        }
    }

    /// Gives the values if nothing is wrong.
    ///
    /// # Errors
    /// All problems found so far.
    pub fn into_result(self) -> Result<T, Problems> {
        if self.problems.is_empty() { Ok(self.value) } else { Err(self.problems) }
    }
}

/// What was taken out of lists and put into gaps, so that places are shown as the operator wrote them.
#[derive(Debug, Default)]
struct Gone {
    /// A list as it is shown, and the element that is gone.
    elements: Vec<(String, usize)>,
    filled: Vec<Vec<Step>>,
}

impl Gone {
    /// The way as text, with the numbers that elements had at first.
    fn shown(&self, steps: &[Step]) -> String {
        let mut text = String::new();
        for step in steps {
            match step {
                Step::Key(key) if text.is_empty() => text.push_str(key),
                Step::Key(key) => text.push_str(&format!(".{key}")),
                Step::Index(index) => {
                    let index = self.original(&text, *index);
                    text.push_str(&format!("[{index}]"));
                }
            }
        }
        text
    }

    /// Notes that what stood there is gone: the elements behind it move up.
    fn note(&mut self, steps: &[Step]) {
        let Some((Step::Index(index), list)) = steps.split_last() else { return };
        let list = self.shown(list);
        let index = self.original(&list, *index);
        self.elements.push((list, index));
    }

    /// The number that an element of a list had at first.
    fn original(&self, list: &str, index: usize) -> usize {
        let mut gone: Vec<usize> = self.elements.iter().filter(|(of, _)| of == list).map(|(_, index)| *index).collect();
        gone.sort_unstable();
        gone.into_iter().fold(index, |index, gone| if gone <= index { index + 1 } else { index })
    }

    /// Notes that a gap was filled; false when it was before.
    fn filled(&mut self, place: Vec<Step>) -> bool {
        let is_new = !self.is_filled(&place);
        self.filled.push(place);
        is_new
    }

    fn is_filled(&self, steps: &[Step]) -> bool {
        self.filled.iter().any(|filled| filled == steps)
    }
}

/// Says what is wrong in words for people: serde's are for programmers where a key is not known.
fn described(message: &str, key: &str) -> String {
    if !message.starts_with("unknown field") {
        return message.to_owned();
    }
    let known: Vec<&str> = quoted(message).skip(1).collect();
    let name = key.rsplit(['.', ']']).next().unwrap_or(key);
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), *known)).min();
    match nearest {
        Some((distance, nearest)) if distance <= nearest.len().div_ceil(3) => {
            format!("there is no such key; did you mean {nearest:?}?")
        }
        _ => format!("there is no such key; expected one of {}", known.join(", ")),
    }
}

/// The words of a message that stand in backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// Reads a text as a TOML value where it is one: `true`, `3`, `["a", "b"]`.
fn as_toml(text: &str) -> Value {
    let parsed = format!("value = {text}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The nearest origin that is known for a key or for what it stands in.
fn origin_of(origins: &BTreeMap<String, Origin>, key: &str) -> Option<Origin> {
    let mut key = key;
    loop {
        if let Some(origin) = origins.get(key) {
            return Some(origin.clone());
        }
        key = parent(key)?;
    }
}

fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
