//! What can be wrong with a query.

use crate::{catalog::nearest, query::as_of::AsOfError, store::StoreError};

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
    /// The inventory cannot be read as of the point that the request names.
    #[error("asOf: {0}")]
    AsOf(AsOfError),
    /// The database failed.
    #[error("read the inventory")]
    Store(#[from] StoreError),
}

impl From<AsOfError> for QueryError {
    fn from(error: AsOfError) -> Self {
        match error {
            AsOfError::Store(error) => Self::Store(error),
            error => Self::AsOf(error),
        }
    }
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
        let shown = nearest(name, valid);
        Self::invalid(code, field, format!("there is no {name:?} here; nearest: {}", shown.join(", ")))
    }
}
