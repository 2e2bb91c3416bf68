//! Secrets that follow an option of a command line: `--password V`, `-pV`.

use std::ops::Range;

use super::keys;

/// Whether a one-letter option's value is attached (`-pV`), separate (`-p V`) or either.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Attached,
    Either,
}

/// Programs with one-letter options that take a secret. A name stands for all that start with it.
const PROGRAMS: [(&str, &str, Form); 22] = [
    ("mysql", "p", Form::Attached),
    ("mariadb", "p", Form::Attached),
    ("7z", "p", Form::Attached),
    ("rar", "p", Form::Attached),
    ("unrar", "p", Form::Attached),
    ("sshpass", "p", Form::Either),
    ("mongo", "p", Form::Either),
    ("docker", "p", Form::Either),
    ("podman", "p", Form::Either),
    ("nerdctl", "p", Form::Either),
    ("redis-cli", "a", Form::Either),
    ("valkey-cli", "a", Form::Either),
    ("ldap", "w", Form::Either),
    ("curl", "uU", Form::Either),
    ("sqlcmd", "P", Form::Either),
    ("bcp", "P", Form::Either),
    ("zip", "P", Form::Either),
    ("unzip", "P", Form::Either),
    ("ipmitool", "P", Form::Either),
    ("smbclient", "U", Form::Either),
    ("snmp", "AXc", Form::Either),
    ("clickhouse", "p", Form::Either),
];
/// First words of options that only tell whether there is a secret.
const SWITCHES: [&str; 6] = ["no", "ask", "prompt", "without", "hide", "generate"];

/// Reads a command line one argument at a time.
pub(super) struct Options {
    letters: &'static str,
    form: Form,
    /// `docker` takes a password only for `login`.
    needs_login: bool,
    /// The argument before asked for a secret.
    awaits_value: bool,
}

impl Options {
    /// Starts the command line of a program; it may be a path, or empty when unknown.
    pub(super) fn of(program: &str) -> Self {
        let mut options = Self { letters: "", form: Form::Attached, needs_login: false, awaits_value: false };
        options.enter(program);
        options
    }

    /// Takes note of a word that is the name of a known program.
    fn enter(&mut self, word: &str) {
        let name = word.rsplit('/').next().unwrap_or(word);
        if let Some((program, letters, form)) = PROGRAMS.iter().find(|(program, ..)| name.starts_with(program)) {
            self.letters = letters;
            self.form = *form;
            self.needs_login = matches!(*program, "docker" | "podman" | "nerdctl");
        }
        if name == "login" {
            self.needs_login = false;
        }
    }

    /// Judges the next argument and adds what must be hidden in it.
    pub(super) fn next(&mut self, argument: &str, found: &mut Vec<Range<usize>>) {
        if std::mem::take(&mut self.awaits_value) && !argument.starts_with("--") {
            found.push(0..argument.len());
            return;
        }
        if let Some(secret) = argument.strip_prefix("pass:") {
            // openssl(1): a pass phrase given in the open.
            found.push(argument.len() - secret.len()..argument.len());
        }
        let Some(option) = argument.strip_prefix('-') else {
            self.enter(argument);
            return;
        };
        let long = option.strip_prefix('-').unwrap_or(option);
        if !long.contains(['=', ':', ' ']) && keys::is_secret(long) && !is_switch(long) && !is_path_option(long) {
            self.awaits_value = true;
        } else if !option.starts_with('-') {
            self.one_letter(argument, option, found);
        }
    }

    fn one_letter(&mut self, argument: &str, option: &str, found: &mut Vec<Range<usize>>) {
        let mut rest = option.chars();
        let Some(letter) = rest.next() else { return };
        let value = rest.as_str();
        let start = argument.len() - value.len();
        if !self.needs_login && self.letters.contains(letter) {
            if !value.is_empty() {
                found.push(start..argument.len());
            } else if self.form == Form::Either {
                self.awaits_value = true;
            }
        } else if letter == 'p' && looks_secret(value) {
            found.push(start..argument.len());
        }
    }
}

fn is_switch(option: &str) -> bool {
    option.split(['-', '_']).next().is_some_and(|word| SWITCHES.contains(&word))
}

fn is_path_option(option: &str) -> bool {
    option.rsplit(['-', '_']).next().is_some_and(|word| matches!(word, "file" | "path" | "dir"))
}

/// For `-pV` of an unknown program: V is hidden unless it is a word (`-path`), a port (`-p8080:80/tcp`) or a path.
fn looks_secret(value: &str) -> bool {
    let (ports, protocol) = value.split_once('/').unwrap_or((value, "tcp"));
    let is_ports = matches!(protocol, "tcp" | "udp" | "sctp")
        && ports.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-' | b','));
    let name = value.split('=').next().unwrap_or(value);
    let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    !(value.is_empty() || is_ports || is_word || value.starts_with(['/', '.']))
}

/// Finds them in a command line that stands in one piece.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    let mut options = Options::of("");
    let mut from = 0;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        let quotes = word.len() - word.trim_start_matches(['"', '\'', '(']).len();
        let inner = word[quotes..].trim_end_matches(['"', '\'', ')', ';', ',']);
        if !inner.is_empty() {
            let mut within = Vec::new();
            options.next(inner, &mut within);
            found.extend(within.into_iter().map(|range| from + quotes + range.start..from + quotes + range.end));
        }
        from += piece.len();
    }
}
