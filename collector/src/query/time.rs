//! Points in time as views show them.

use orchestrix_common::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{Row, StoreError};

/// RFC 3339 in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime)]
pub struct Time(pub Timestamp);

/// Reads a column of microseconds.
pub(super) fn read(row: &Row, column: &str) -> Result<Time, StoreError> {
    row.time(column).map(Time)
}

/// Reads a column of microseconds that may be NULL.
pub(super) fn read_opt(row: &Row, column: &str) -> Result<Option<Time>, StoreError> {
    Ok(row.time_opt(column)?.map(Time))
}

/// Reads a DATETIME of the existing tables, selected as text. What is no time, such as 0000-00-00, is not known.
pub(super) fn read_datetime(row: &Row, column: &str) -> Result<Option<Time>, StoreError> {
    let text = row.get::<Option<String>>(column)?;
    Ok(text.and_then(|text| Timestamp::parse_rfc3339(&format!("{}Z", text.replacen(' ', "T", 1)))).map(Time))
}
