//! Bounding and redacting the texts of what was seen.

use std::collections::BTreeMap;

use orchestrix_common::{model::Limits, redact};

/// What stands at the end of a text that was cut.
const CUT: &str = "…[cut]";

/// The text, unless there is none or it is empty: engines write "not set" as an empty text.
pub(in crate::inspect) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Shortens a text to `limit` bytes, marker included.
pub(in crate::inspect) fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit.saturating_sub(CUT.len())));
        text.push_str(CUT);
    }
    text
}

/// Labels within the limits, in the order of their keys, and how many were left out.
///
/// A key is never cut, because two keys could become one; a label whose key is too long is left out.
pub(in crate::inspect) fn labels(all: BTreeMap<String, String>, limits: &Limits) -> (BTreeMap<String, String>, u32) {
    let limit = limits.string_bytes as usize;
    let count = all.len();
    let kept: BTreeMap<_, _> = all
        .into_iter()
        .filter(|(key, _)| !key.is_empty() && key.len() <= limit)
        .take(limits.labels as usize)
        .map(|(key, value)| {
            let value = redact::label(&key, &value).into_owned();
            (key, cut(value, limit))
        })
        .collect();
    let truncated = u32::try_from(count - kept.len()).unwrap_or(u32::MAX);
    (kept, truncated)
}

/// At most `most` arguments of a command, scrubbed as a whole (a secret may follow its option) and then cut.
pub(in crate::inspect) fn arguments(program: &str, all: &[String], most: usize, limit: usize) -> Vec<String> {
    redact::arguments_of(program, all).into_iter().take(most).map(|argument| cut(argument, limit)).collect()
}

#[cfg(test)]
mod tests {
    use orchestrix_common::model::DEFAULT_LIMITS;

    use super::*;

    #[test]
    fn a_text_is_cut_at_a_character_and_says_so() {
        assert_eq!(cut("short".to_owned(), 12), "short");
        assert_eq!(cut("ééééééé".to_owned(), 12), "éé…[cut]");
        for limit in 8..32 {
            assert!(cut("日本語".repeat(50), limit).len() <= limit);
        }
    }

    #[test]
    fn labels_beyond_the_limit_are_counted() {
        let mut all: BTreeMap<_, _> = (0..200).map(|n| (format!("label-{n:03}"), "x".repeat(5_000))).collect();
        all.insert("k".repeat(5_000), "value".to_owned());
        let (kept, truncated) = labels(all, &DEFAULT_LIMITS);
        assert_eq!((kept.len(), truncated), (128, 73));
        assert!(kept.values().all(|value| value.len() <= 4_096 && value.ends_with(CUT)));
        assert!(kept.contains_key("label-000") && !kept.contains_key("label-199"));
    }

    #[test]
    fn a_secret_in_a_label_is_redacted_before_it_is_cut() {
        let all = [("db.password".to_owned(), format!("planted{}", "x".repeat(9_000)))].into_iter().collect();
        let (kept, _) = labels(all, &DEFAULT_LIMITS);
        assert!(!kept["db.password"].contains("planted"), "{kept:?}");
    }
}
