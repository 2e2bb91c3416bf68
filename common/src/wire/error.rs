//! What can be wrong with a message, and the small checks that find it.

use crate::model::{DEFAULT_LIMITS, NATIVE_ID_BYTES};

/// A message that does not fit the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct WireError {
    /// Path of the field in the message, for example `changes[3].upsert.container.name`.
    pub field: String,
    /// Stable word for the kind of problem, for example `missing`.
    pub code: &'static str,
    /// What was expected.
    pub problem: String,
}

impl WireError {
    /// Makes a refusal of `field`.
    pub fn new(field: impl Into<String>, code: &'static str, problem: impl Into<String>) -> Self {
        Self { field: field.into(), code, problem: problem.into() }
    }
}

/// Puts the place of a nested message in front of the path.
pub(super) trait At {
    fn at(self, place: &str) -> Self;
    fn at_index(self, place: &str, index: usize) -> Self;
}

impl<T> At for Result<T, WireError> {
    fn at(self, place: &str) -> Self {
        self.map_err(|error| WireError { field: format!("{place}.{}", error.field), ..error })
    }

    fn at_index(self, place: &str, index: usize) -> Self {
        self.map_err(|error| WireError { field: format!("{place}[{index}].{}", error.field), ..error })
    }
}

/// A message field that must be there.
pub(super) fn required<T>(field: &str, value: Option<T>) -> Result<T, WireError> {
    value.ok_or_else(|| WireError::new(field, "missing", "is required"))
}

/// A text that must not be empty nor longer than a string may be.
pub(super) fn text(field: &str, value: String) -> Result<String, WireError> {
    bounded(field, value, DEFAULT_LIMITS.string_bytes as usize)
}

/// An identifier of a source, which is a key in the inventory.
pub(super) fn native_id(field: &str, value: String) -> Result<String, WireError> {
    bounded(field, value, NATIVE_ID_BYTES)
}

fn bounded(field: &str, value: String, limit: usize) -> Result<String, WireError> {
    if value.is_empty() {
        Err(WireError::new(field, "missing", "must not be empty"))
    } else if value.len() > limit {
        let problem = format!("has {} bytes, at most {limit} are accepted", value.len());
        Err(WireError::new(field, "string-too-long", problem))
    } else {
        Ok(value)
    }
}

/// A port number.
pub(super) fn port(field: &str, value: u32) -> Result<u16, WireError> {
    u16::try_from(value)
        .map_err(|_| WireError::new(field, "out-of-range", format!("is {value}, expected a port from 0 to 65535")))
}
