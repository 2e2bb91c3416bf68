//! What can be wrong with a query.

use crate::store::StoreError;

/// A query that cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The request does not say what to do.
    #[error("{field}: {message}")]
    Invalid {
        /// Stable word, for example `unknown-field`.
        code: &'static str,
        /// Path of the offending value in the request, for example `include[0].criteria.status`.
        field: String,
        /// What is wrong and what was expected.
        message: String,
    },
    /// The answer would be larger than a query may be.
    #[error("the answer has more than {0} rows: narrow the criteria, or page the levels")]
    TooManyRows(usize),
    /// The database took too long.
    #[error("no answer within {0} s: narrow the criteria, or include fewer levels")]
    TooSlow(u64),
    /// The database failed.
    #[error("read the inventory")]
    Store(#[from] StoreError),
}

impl QueryError {
    pub(super) fn invalid(code: &'static str, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { code, field: field.into(), message: message.into() }
    }

    /// Refuses a name and tells the nearest valid ones.
    pub(super) fn unknown<'a>(
        code: &'static str,
        field: impl Into<String>,
        name: &str,
        valid: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut near: Vec<(usize, &str)> =
            valid.into_iter().map(|word| (strsim::damerau_levenshtein(&fold(name), &fold(word)), word)).collect();
        near.sort_unstable();
        near.dedup();
        let close = near.iter().filter(|(distance, word)| *distance * 2 <= word.len().max(name.len())).count();
        let shown: Vec<&str> = near.iter().take(close.clamp(3, 5)).map(|(_, word)| *word).collect();
        Self::invalid(code, field, format!("there is no {name:?} here; nearest: {}", shown.join(", ")))
    }
}

/// Names compare without case and underscores, so that `displayName` and `display_name` are one.
pub(super) fn fold(name: &str) -> String {
    name.chars().filter(|letter| *letter != '_').flat_map(char::to_lowercase).collect()
}
