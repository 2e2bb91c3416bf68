//! Keeps secrets on the host: labels, command lines and free text pass through here before they are sent, spooled or
//! logged.
//!
//! A scrubber sees shapes, not meanings: it knows names that secrets go by (`password`, `token`, …), options of known
//! programs that take one, user info in URLs, authorization headers, and the forms of well-known credentials. It does
//! not know a secret that stands alone under a harmless name; that is why arguments are collected on request only.
//! When in doubt it hides. Invariants: total, linear in the input, idempotent, and text without a finding is
//! returned as it came.

mod keys;
mod options;
mod shapes;

use std::{borrow::Cow, ops::Range};

/// What stands in the place of a secret.
pub const MARKER: &str = "[redacted]";

/// Hides the value of a label, or the secrets in it.
#[must_use]
pub fn label<'a>(key: &str, value: &'a str) -> Cow<'a, str> {
    if keys::hides(key, value) { Cow::Borrowed(MARKER) } else { text(value) }
}

/// Hides the secrets in the arguments of a program that is not known. See [`arguments_of`].
#[must_use]
pub fn arguments(arguments: &[String]) -> Vec<String> {
    arguments_of("", arguments)
}

/// Hides the secrets in the arguments of `program`: `--k=v`, `--k v`, `k=v`, `-pV`, and whatever [`text`] finds.
///
/// An argument that follows a secret's option and itself starts with `--` is taken for the next option.
#[must_use]
pub fn arguments_of(program: &str, arguments: &[String]) -> Vec<String> {
    let mut options = options::Options::of(program);
    arguments
        .iter()
        .map(|argument| {
            let mut found = Vec::new();
            options.next(argument, &mut found);
            if let Some(value) = keys::leading_value(argument) {
                found.push(value);
            }
            all(argument, &mut found);
            replaced(argument, found).into_owned()
        })
        .collect()
}

/// Hides the secrets in free text such as the reason of an error, or a command line in one piece.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    let mut found = Vec::new();
    all(text, &mut found);
    replaced(text, found)
}

fn all(text: &str, found: &mut Vec<Range<usize>>) {
    keys::find(text, found);
    shapes::find(text, found);
    if text.contains(char::is_whitespace) {
        options::find(text, found);
    }
}

/// Puts the marker in the place of every range; those that overlap become one.
fn replaced(text: &str, mut found: Vec<Range<usize>>) -> Cow<'_, str> {
    found.retain(|range| range.start < range.end && text.get(range.clone()).is_some_and(|part| part != MARKER));
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_unstable_by_key(|range| (range.start, range.end));
    let mut clean = String::with_capacity(text.len());
    let mut done = 0;
    for range in found {
        if range.start >= done {
            clean.push_str(&text[done..range.start]);
            clean.push_str(MARKER);
        }
        done = done.max(range.end);
    }
    clean.push_str(&text[done..]);
    Cow::Owned(clean)
}

#[cfg(test)]
mod tests;
