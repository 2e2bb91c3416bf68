//! Text from the inventory on a terminal: names are hostile, and people read in a hurry.

use std::{env, fmt::Write as _, io::IsTerminal as _, time::Duration};

use orchestrix_common::time::Timestamp;

/// What stands where something is not known.
pub(super) const UNKNOWN: &str = "?";

/// Makes a text harmless and at most `most` characters long.
///
/// Control characters could drive the terminal, characters of direction and of no width could make one name look like
/// another; they are written as escapes.
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut safe = String::with_capacity(text.len().min(most));
    let mut length = 0;
    for letter in text.chars() {
        let before = safe.len();
        let width = match letter {
            '\n' => {
                safe.push_str("\\n");
                2
            }
            '\t' => {
                safe.push_str("\\t");
                2
            }
            _ if is_hostile(letter) => {
                let _ = write!(safe, "{}", letter.escape_unicode());
                safe.len() - before
            }
            _ => {
                safe.push(letter);
                1
            }
        };
        length += width;
        if length > most {
            safe.truncate(before);
            safe.push('…');
            break;
        }
    }
    safe
}

fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A span in its two largest units.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// How long ago something was.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    span(now.since(at))
}

/// Bytes in the largest fitting unit.
pub(super) fn bytes(count: i64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut count = u64::try_from(count).unwrap_or(0);
    let mut rest = 0;
    let mut unit = 0;
    while count >= 1_024 && unit + 1 < UNITS.len() {
        rest = count % 1_024 * 10 / 1_024;
        count /= 1_024;
        unit += 1;
    }
    if count < 10 && unit > 0 { format!("{count}.{rest} {}", UNITS[unit]) } else { format!("{count} {}", UNITS[unit]) }
}

/// Colours, when somebody looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paint {
    on: bool,
}

impl Paint {
    /// No colours.
    #[cfg(test)]
    pub(super) const OFF: Self = Self { on: false };

    /// Colours when standard output is a terminal and `NO_COLOR` is not set (no-color.org).
    pub(super) fn for_stdout() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self { on: std::io::stdout().is_terminal() && !refused && !dumb }
    }

    /// What matters.
    pub(super) fn strong(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What is of less interest.
    pub(super) fn soft(self, text: &str) -> String {
        self.with("2", text)
    }

    /// What is well.
    pub(super) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    /// What deserves a look.
    pub(super) fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What is wrong.
    pub(super) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    /// A state, in the colour of what it means.
    pub(super) fn state(self, word: &str) -> String {
        match word {
            "running" | "ACTIVE" | "healthy" | "yes" => self.good(word),
            "unknown" | "degraded" | "restarting" | "paused" | "HELD" => self.warn(word),
            "UNREACHABLE" | "failing" | "dead" | "REVOKED" | "QUARANTINED" | "no" => self.bad(word),
            _ => word.to_owned(),
        }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_cannot_drive_a_terminal() {
        for hostile in ["\u{1b}[2J", "\u{9b}31m", "a\rb", "\u{202e}gpj.exe", "\u{200b}", "\u{7f}", "\u{2066}x", "\0"] {
            let safe = plain(hostile, 80);
            assert!(!safe.chars().any(is_hostile), "{safe:?}");
            assert!(safe.contains("\\u{"), "{safe:?}");
        }
        assert_eq!(plain("line\nline\tend", 80), "line\\nline\\tend");
        assert_eq!(plain("größe 大きさ", 80), "größe 大きさ");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        assert_eq!(plain("abcdef", 6), "abcdef");
        assert_eq!(plain("abcdefg", 6), "abcdef…");
        assert_eq!(plain("abc\u{1b}def", 6), "abc…", "an escape is never cut in two");
        assert!(plain(&"x".repeat(1 << 20), 64).chars().count() <= 65);
    }

    #[test]
    fn spans_and_sizes_are_short() {
        let spans = [(0, "0s"), (59, "59s"), (60, "1m"), (3_700, "1h01m"), (90_000, "1d01h")];
        for (seconds, text) in spans {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
        for (count, text) in [(0, "0 B"), (1_023, "1023 B"), (1_536, "1.5 KiB"), (67_108_864, "64 MiB")] {
            assert_eq!(bytes(count), text);
        }
    }
}
