//! Columns that hold JSON or something that should be.

use serde_json::Value as Json;

use crate::store::{Row, StoreError};

/// Reads a JSON column. Text that is no JSON, which the existing tables may hold, is shown as text.
pub(super) fn read(row: &Row, column: &str) -> Result<Option<Json>, StoreError> {
    let text = row.get::<Option<String>>(column)?;
    Ok(text.map(|text| serde_json::from_str(&text).unwrap_or(Json::String(text))))
}

/// Reads a JSON column that this program writes. Content of another form counts as empty and is logged: one damaged
/// row must not hide the list that it stands in; `check` names such rows.
pub(super) fn read_ours<T: serde::de::DeserializeOwned + Default>(row: &Row, column: &str) -> Result<T, StoreError> {
    // JSON's null and SQL's NULL are both empty.
    match row.json::<Option<T>>(column) {
        Ok(content) => Ok(content.flatten().unwrap_or_default()),
        Err(StoreError::Json { column, source }) => {
            tracing::warn!(column, error = %source, "column holds other JSON than expected");
            Ok(T::default())
        }
        Err(error) => Err(error),
    }
}
