//! Secrets that are known by their form: user info in URLs, tokens of well-known services, JWT, PEM, `Bearer …`.

use std::ops::Range;

/// Beginnings of credentials, each with the fewest characters that follow in a real one.
const PREFIXES: [(&str, usize); 37] = [
    ("AKIA", 12),
    ("ASIA", 12),
    ("AIza", 20),
    ("ya29.", 10),
    ("GOCSPX-", 10),
    ("ghp_", 10),
    ("gho_", 10),
    ("ghu_", 10),
    ("ghs_", 10),
    ("ghr_", 10),
    ("github_pat_", 10),
    ("glpat-", 10),
    ("glrt-", 10),
    ("gldt-", 10),
    ("xoxa-", 8),
    ("xoxb-", 8),
    ("xoxe-", 8),
    ("xoxp-", 8),
    ("xoxr-", 8),
    ("xoxs-", 8),
    ("xapp-", 8),
    ("sk_live_", 8),
    ("sk_test_", 8),
    ("rk_live_", 8),
    ("rk_test_", 8),
    ("whsec_", 8),
    ("sk-", 20),
    ("hf_", 20),
    ("npm_", 20),
    ("pypi-", 20),
    ("dop_v1_", 16),
    ("SG.", 20),
    ("hvs.", 16),
    ("hvb.", 16),
    ("dckr_pat_", 10),
    ("AGE-SECRET-KEY-", 10),
    ("shpat_", 16),
];
/// Schemes where a name alone before the `@` is a user, not a token.
const USER_SCHEMES: [&str; 6] = ["ssh", "git+ssh", "sftp", "rsync", "svn+ssh", "qemu+ssh"];
/// How far user info is searched for, in bytes: keeps the cost linear.
const LONGEST_URL: usize = 1024;

/// Finds everything that has such a form.
pub(super) fn find(text: &str, found: &mut Vec<Range<usize>>) {
    pem(text, found);
    url_user_info(text, found);
    bare_user_info(text, found);
    tokens(text, found);
    bearer(text, found);
}

fn pem(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(begin) = text[from..].find("-----BEGIN ").map(|at| from + at) {
        let end = text[begin..].find("-----END ").map_or(text.len(), |at| {
            let label = begin + at + "-----END ".len();
            text[label..].find("-----").map_or(text.len(), |dashes| label + dashes + "-----".len())
        });
        found.push(begin..end);
        from = end;
    }
}

/// `scheme://user:password@host`.
fn url_user_info(text: &str, found: &mut Vec<Range<usize>>) {
    for (at, separator) in text.match_indices("://") {
        let start = at + separator.len();
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>');
        let rest = &text[start..];
        let word = rest[..rest.floor_char_boundary(LONGEST_URL)].split(is_end).next().unwrap_or_default();
        let authority = &word[..word.find(['/', '?', '#']).unwrap_or(word.len())];
        // A password may hold an unescaped slash; what looks like `user:…@host` is then taken as a whole.
        let (info, has_password) = match authority.rfind('@') {
            Some(end) => (&authority[..end], authority[..end].contains(':')),
            None => match (authority.find(':'), word.rfind('@')) {
                (Some(colon), Some(end)) if !is_port(&authority[colon + 1..]) => (&word[..end], true),
                _ => continue,
            },
        };
        let scheme = last_run(&text[..at], |c| matches!(c, '+' | '-' | '.'));
        if has_password || !USER_SCHEMES.contains(&scheme) {
            found.push(start..start + info.len());
        }
    }
}

/// The letters, digits and `further` characters that end a text.
fn last_run(text: &str, further: fn(char) -> bool) -> &str {
    text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || further(c))).next().unwrap_or_default()
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `user:password@host` without a scheme, as in the data source names of some drivers. Image references with a digest
/// (`name:tag@sha256:…`) and package references (`npm:name@1`) look alike and stay.
fn bare_user_info(text: &str, found: &mut Vec<Range<usize>>) {
    let mut from = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let base = from;
        from += word.len();
        let (Some(colon), Some(at)) = (word.find(':'), word.rfind('@')) else { continue };
        if at <= colon + 1 || word[colon..].starts_with("://") {
            continue;
        }
        let user = last_run(&word[..colon], |c| matches!(c, '-' | '_' | '.' | '%'));
        let after = &word[at + 1..];
        let is_digest = after.starts_with("sha256:") || after.starts_with("sha512:");
        let is_host = after.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '[' | '(' | '/'));
        if !user.is_empty() && !is_digest && is_host && !matches!(user, "pkg" | "npm" | "file" | "link" | "git") {
            found.push(base + colon + 1..base + at);
        }
    }
}

/// Tokens with a well-known beginning, and JWT.
fn tokens(text: &str, found: &mut Vec<Range<usize>>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if !is_token(bytes[at]) {
            at += 1;
            continue;
        }
        // A run starts here; a token may begin wherever a letter follows something else than a letter or digit.
        let end = at + bytes[at..].iter().take_while(|byte| is_token(**byte)).count();
        let last_dot = bytes[at..end].iter().rposition(|byte| *byte == b'.').map_or(0, |dot| at + dot);
        let mut starts = (at..end).filter(|start| *start == at || !bytes[start - 1].is_ascii_alphanumeric());
        if let Some(start) = starts.find(|start| is_credential(&bytes[*start..end], last_dot > *start)) {
            found.push(start..end);
        }
        at = end;
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/')
}

fn is_credential(run: &[u8], has_dot: bool) -> bool {
    let is_jwt = run.starts_with(b"eyJ") && run.len() >= 20 && has_dot;
    is_jwt
        || PREFIXES.iter().any(|(prefix, fewest)| {
            run.strip_prefix(prefix.as_bytes()).is_some_and(|rest| {
                rest.len() >= *fewest
                    && rest[..*fewest].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
            })
        })
}

/// `Bearer …` and `Basic …`, wherever a header was cut out of its line.
fn bearer(text: &str, found: &mut Vec<Range<usize>>) {
    let mut words = text.split_inclusive(char::is_whitespace).scan(0, |from, word| {
        let start = *from;
        *from += word.len();
        Some((start, word.trim_end()))
    });
    while let Some((_, word)) = words.next() {
        let scheme = word.rsplit(['"', '\'', '=', ':', ',']).next().unwrap_or(word);
        let (is_bearer, is_basic) = (scheme.eq_ignore_ascii_case("bearer"), scheme.eq_ignore_ascii_case("basic"));
        if !is_bearer && !is_basic {
            continue;
        }
        if let Some((start, value)) = words.by_ref().find(|(_, word)| !word.is_empty()) {
            let value = value.trim_end_matches(['"', '\'']);
            // "basic" is also a plain word: what follows must look encoded.
            if is_bearer || (value.len() >= 8 && value.bytes().any(|byte| !byte.is_ascii_lowercase())) {
                found.push(start..start + value.len());
            }
        }
    }
}
