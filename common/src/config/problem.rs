//! What can be wrong with a configuration, in lines that an operator can act on.

use std::{fmt, path::PathBuf};

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, and the line in it, counted from 1; `None` when the file as a whole is meant.
    File(PathBuf, Option<usize>),
    /// An environment variable, by its whole name.
    Environment(String),
    /// A command line flag, by its name with dashes.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, None) => write!(f, "{}", path.display()),
            Self::File(path, Some(line)) => write!(f, "{}, line {line}", path.display()),
            Self::Environment(variable) => write!(f, "${variable}"),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The key, with dots between levels; empty when the whole file is concerned.
    pub key: String,
    /// Where its value came from; `None` when nobody set it.
    pub origin: Option<Origin>,
    /// What is wrong and what is expected.
    pub message: String,
}

impl Problem {
    /// Makes a problem that concerns no single key.
    #[must_use]
    pub fn general(origin: Origin, message: String) -> Self {
        Self { key: String::new(), origin: Some(origin), message }
    }

    /// Files from top to bottom, then the rest in the order in which it was found.
    fn place(&self) -> usize {
        match self.origin {
            Some(Origin::File(_, line)) => line.unwrap_or(0),
            _ => usize::MAX,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.origin, self.key.as_str()) {
            (Some(origin), "") => write!(f, "{origin}: {}", self.message),
            (Some(origin), key) => write!(f, "{key} (from {origin}): {}", self.message),
            (None, key) => write!(f, "{key}: {}", self.message),
        }
    }
}

/// Everything that is wrong: what stands in the file from top to bottom, then the rest. Displayed as one line each.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.0))]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds one.
    pub fn push(&mut self, problem: Problem) {
        let at = self.0.partition_point(|known| known.place() <= problem.place());
        self.0.insert(at, problem);
    }

    /// Nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The problems one by one.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.0.iter()
    }

    /// Something is wrong with this very key.
    pub(super) fn concern(&self, key: &str) -> bool {
        self.0.iter().any(|problem| !key.is_empty() && problem.key == key)
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}
