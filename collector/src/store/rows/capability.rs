//! What a compute can be used for or managed with, as discovery sees it and as people say.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{cut, stored::Stored};
use crate::store::{Executor, StoreError, Tx, Value};

/// The origin of a capability that nobody but discovery speaks of.
pub const DISCOVERY: &str = "discovery";

/// A capability as discovery sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct CapabilityRow {
    /// For example `docker`.
    pub name: String,
    /// Version as the program tells it, cut to 255 characters.
    pub version: Option<String>,
    /// Facts about its set-up.
    pub configuration: Json,
}

/// A capability as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCapability {
    /// What is believed: a person's word, else what discovery sees.
    pub row: CapabilityRow,
    /// `discovery` or `person`.
    pub origin: String,
    /// What discovery sees beside a person's word.
    pub discovered: Option<Json>,
}

impl CapabilityRow {
    /// What is kept of it beside a person's word.
    #[must_use]
    pub fn beside(&self) -> Json {
        json!({ "capabilityVersion": self.version, "configuration": self.configuration })
    }
}

impl StoredCapability {
    /// The row as the history keeps it.
    pub(crate) fn stored(&self, compute: i64) -> Stored {
        let Self { row: CapabilityRow { name, version, configuration }, origin, discovered } = self;
        let mut stored = Stored::new();
        stored.insert("compute_id".to_owned(), compute.into());
        stored.insert("capability_type".to_owned(), cut(name, 64).into());
        stored.extend(version.as_deref().map(|version| ("capability_version".to_owned(), version.into())));
        stored.insert("configuration".to_owned(), configuration.to_string().into());
        stored.insert("origin".to_owned(), origin.as_str().into());
        stored.extend(discovered.as_ref().map(|seen| ("discovered".to_owned(), seen.to_string().into())));
        stored
    }

    /// Whether a person said it.
    #[must_use]
    pub fn is_a_persons(&self) -> bool {
        self.origin != DISCOVERY
    }
}

/// Reads those capabilities of a compute that have one of `names`, and keeps others from writing them until the
/// transaction ends.
///
/// # Errors
/// When a statement fails.
pub async fn capability_lock_in_tx(
    tx: &mut Tx,
    compute: i64,
    names: impl IntoIterator<Item = &str> + Send,
) -> Result<BTreeMap<String, StoredCapability>, StoreError> {
    let dialect = tx.dialect();
    let select = format!(
        "SELECT capability_type, capability_version, {} AS configuration, origin, {} AS discovered \
         FROM compute_capabilities WHERE compute_id = ? AND capability_type IN",
        dialect.json_text("configuration"),
        dialect.json_text("discovered")
    );
    let keys: Vec<Value> = names.into_iter().map(|name| Value::from(cut(name, 64))).collect();
    let mut found = BTreeMap::new();
    for chunk in keys.chunks(crate::store::Dialect::ROWS_PER_STATEMENT) {
        let marks = vec!["?"; chunk.len()].join(", ");
        let sql = format!("{select} ({marks}){}", dialect.for_update());
        for row in tx.fetch(sql, [&[Value::from(compute)], chunk].concat()).await? {
            let name: String = row.get("capability_type")?;
            let configuration = row.json("configuration")?.unwrap_or(Json::Null);
            let known = CapabilityRow { name: name.clone(), version: row.get("capability_version")?, configuration };
            let stored =
                StoredCapability { row: known, origin: row.get("origin")?, discovered: row.json("discovered")? };
            found.insert(name, stored);
        }
    }
    Ok(found)
}

/// Stores capabilities that discovery sees and of which no person said anything. The caller has locked them, and sorts
/// them by name.
///
/// # Errors
/// When a statement fails.
pub async fn capability_upsert_in_tx(
    tx: &mut Tx,
    compute: i64,
    capabilities: &[CapabilityRow],
) -> Result<(), StoreError> {
    let ending = tx.dialect().on_conflict_if(
        &["compute_id", "capability_type"],
        &["capability_version", "configuration"],
        "origin",
    );
    let rows = capabilities
        .iter()
        .map(|capability| {
            vec![
                compute.into(),
                cut(&capability.name, 64).into(),
                capability.version.as_deref().map(|version| cut(version, 255)).into(),
                (&capability.configuration).into(),
                DISCOVERY.into(),
            ]
        })
        .collect();
    let columns = ["compute_id", "capability_type", "capability_version", "configuration", "origin"];
    tx.insert_many("compute_capabilities", &columns, rows, &ending).await
}

/// Stores what discovery sees beside a person's word; `None` when it no longer sees it.
///
/// # Errors
/// When the statement fails.
pub async fn capability_beside_in_tx(
    tx: &mut Tx,
    compute: i64,
    name: &str,
    discovered: Option<&Json>,
) -> Result<(), StoreError> {
    let sql = "UPDATE compute_capabilities SET discovered = ? WHERE compute_id = ? AND capability_type = ?";
    tx.execute(sql, vec![discovered.into(), compute.into(), cut(name, 64).into()]).await.map(drop)
}

/// Takes capabilities that were discovered from a compute; the history keeps them.
///
/// # Errors
/// When a statement fails.
pub async fn capability_delete_in_tx(
    tx: &mut Tx,
    compute: i64,
    names: impl IntoIterator<Item = &str> + Send,
) -> Result<(), StoreError> {
    let keys = names.into_iter().map(|name| Value::from(cut(name, 64))).collect();
    let sql = "DELETE FROM compute_capabilities WHERE compute_id = ? AND origin = ? AND";
    tx.execute_in(sql, "capability_type", vec![compute.into(), DISCOVERY.into()], keys).await
}
