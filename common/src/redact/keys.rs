//! Secrets that stand beside their name: `password=…`, `"token": "…"`, `X-Api-Key: …`.

use std::ops::Range;

/// A name that contains one of these, without its separators, names a secret.
const PARTS: [&str; 18] = [
    "password",
    "passwd",
    "passphrase",
    "requirepass",
    "masterauth",
    "secret",
    "credential",
    "apikey",
    "privatekey",
    "accesskey",
    "accountkey",
    "signingkey",
    "encryptionkey",
    "sessionkey",
    "authkey",
    "basicauth",
    "authorization",
    "connectionstring",
];
/// A name with a word that is one of these, or ends with one of [`ENDINGS`], names a secret.
const WORDS: [&str; 9] = ["pass", "dbpass", "userpass", "sig", "signature", "bearer", "cookie", "jwt", "pat"];
const ENDINGS: [&str; 3] = ["token", "tokens", "pwd"];
/// Names whose value goes on to the end of the line.
const LINES: [&str; 3] = ["authorization", "cookie", "setcookie"];
/// A longer name is cut: no program has one, and the cost stays linear.
const LONGEST_NAME: usize = 96;

/// True when `value` must not be seen under the name `key`.
pub(super) fn hides(key: &str, value: &str) -> bool {
    !value.is_empty() && is_secret(key) && !(names_path(key) && value.starts_with('/'))
}

/// True for a name that secrets go by.
pub(super) fn is_secret(key: &str) -> bool {
    let joined = joined(key);
    PARTS.iter().any(|part| joined.contains(part))
        || words(key).any(|word| WORDS.contains(&word.as_str()) || ENDINGS.iter().any(|end| word.ends_with(end)))
}

/// True for names such as `password-file`, whose value says where a secret is and not what it is.
fn names_path(key: &str) -> bool {
    words(key).last().is_some_and(|word| matches!(word.as_str(), "file" | "path" | "dir"))
}

/// The words of `a-name`, `a_name` or `aName`, in lower case.
fn words(key: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        if !c.is_ascii_alphanumeric() || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        was_lower = c.is_ascii_lowercase();
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.into_iter().filter(|word| !word.is_empty())
}

/// The value in an argument that is as a whole `--name=value`, `-name=value` or `name=value`: it may hold anything.
pub(super) fn leading_value(argument: &str) -> Option<Range<usize>> {
    let (name, value) = argument.split_once('=')?;
    let plain = name.chars().all(is_name);
    (plain && hides(name, value)).then_some(name.len() + 1..argument.len())
}

const fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// Finds the values of all names in a text.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let mut done = 0;
    for (at, separator) in text.char_indices().filter(|(_, c)| matches!(c, '=' | ':')) {
        if at < done {
            continue;
        }
        let key = key_before(&text[done..at]);
        if key.is_empty() || !is_secret(key) {
            continue;
        }
        // `pass://` is a scheme and `token::` a path of a language, not a name with a value.
        let follows = &text[at + 1..];
        let is_no_value = separator == ':' && (follows.starts_with("//") || follows.starts_with(':'));
        if is_no_value || !hides(key, follows) {
            continue;
        }
        let value = value_after(text, at + 1, LINES.contains(&joined(key).as_str()));
        done = value.end;
        found.push(value);
    }
}

fn joined(key: &str) -> String {
    key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The name that ends a text, without quotes and blanks after it.
fn key_before(text: &str) -> &str {
    let text = text.trim_end_matches(['"', '\'', '`', '\\', ' ', ']']);
    let start = text.char_indices().rev().take_while(|(_, c)| is_name(*c)).take(LONGEST_NAME).last();
    start.map_or("", |(at, _)| &text[at..])
}

/// The value that starts at `from`: what is quoted, else up to a blank or a closing quote, else the line.
fn value_after(text: &str, from: usize, whole_line: bool) -> Range<usize> {
    let rest = &text[from..];
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let opening = &rest[blanks..];
    let escapes = opening.len() - opening.trim_start_matches('\\').len();
    let start = from + blanks + escapes;
    if let Some(quote) = text[start..].chars().next().filter(|c| matches!(c, '"' | '\'' | '`')) {
        let inner = start + quote.len_utf8();
        return inner..inner + quoted_len(&text[inner..], quote, escapes);
    }
    let start = from + blanks;
    let end = text[start..].find(|c: char| {
        if whole_line {
            matches!(c, '\n' | '\r' | '"' | '\'' | '`')
        } else {
            c.is_whitespace() || matches!(c, '"' | '`')
        }
    });
    start..end.map_or(text.len(), |end| start + end)
}

/// Length up to the closing quote, which is preceded by as many backslashes as the opening one was.
fn quoted_len(text: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in text.char_indices() {
        if c == quote && backslashes <= escapes {
            return at - backslashes.min(escapes);
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    text.len()
}
