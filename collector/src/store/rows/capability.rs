//! What a compute can be used for or managed with.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{cut, stored::Stored};
use crate::store::{Executor, StoreError, Tx, Value};

/// A capability as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct CapabilityRow {
    /// For example `docker`.
    pub name: String,
    /// Version as the program tells it, cut to 255 characters.
    pub version: Option<String>,
    /// Facts about its set-up.
    pub configuration: Json,
}

impl CapabilityRow {
    /// The row as the history keeps it.
    pub(crate) fn stored(&self, compute: i64) -> Stored {
        let mut stored = Stored::new();
        stored.insert("compute_id".to_owned(), compute.into());
        stored.insert("capability_type".to_owned(), cut(&self.name, 64).into());
        stored.extend(self.version.as_deref().map(|version| ("capability_version".to_owned(), version.into())));
        stored.insert("configuration".to_owned(), self.configuration.to_string().into());
        stored
    }
}

/// Reads those capabilities of a compute that have one of `names`.
///
/// # Errors
/// When a statement fails.
pub async fn capability_find_in_tx(
    tx: &mut Tx,
    compute: i64,
    names: impl IntoIterator<Item = &str> + Send,
) -> Result<BTreeMap<String, CapabilityRow>, StoreError> {
    let select = format!(
        "SELECT capability_type, capability_version, {} AS configuration FROM compute_capabilities \
         WHERE compute_id = ? AND",
        tx.dialect().json_text("configuration")
    );
    let keys = names.into_iter().map(|name| Value::from(cut(name, 64))).collect();
    let rows = tx.fetch_in(&select, "capability_type", vec![compute.into()], keys).await?;
    rows.iter()
        .map(|row| {
            let name: String = row.get("capability_type")?;
            let configuration = row.json("configuration")?.unwrap_or(Json::Null);
            Ok((name.clone(), CapabilityRow { name, version: row.get("capability_version")?, configuration }))
        })
        .collect()
}

/// Stores capabilities. The caller sorts them by name.
///
/// # Errors
/// When a statement fails.
pub async fn capability_upsert_in_tx(
    tx: &mut Tx,
    compute: i64,
    capabilities: &[CapabilityRow],
) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict(&["compute_id", "capability_type"], &["capability_version", "configuration"]);
    let rows = capabilities
        .iter()
        .map(|capability| {
            vec![
                compute.into(),
                cut(&capability.name, 64).into(),
                capability.version.as_deref().map(|version| cut(version, 255)).into(),
                (&capability.configuration).into(),
            ]
        })
        .collect();
    let columns = ["compute_id", "capability_type", "capability_version", "configuration"];
    tx.insert_many("compute_capabilities", &columns, rows, &ending).await
}

/// Takes capabilities from a compute; the history keeps them.
///
/// # Errors
/// When a statement fails.
pub async fn capability_delete_in_tx(
    tx: &mut Tx,
    compute: i64,
    names: impl IntoIterator<Item = &str> + Send,
) -> Result<(), StoreError> {
    let keys = names.into_iter().map(|name| Value::from(cut(name, 64))).collect();
    let sql = "DELETE FROM compute_capabilities WHERE compute_id = ? AND";
    tx.execute_in(sql, "capability_type", vec![compute.into()], keys).await
}
