//! Inferred associations that a person refused.

use std::collections::BTreeMap;

use orchestrix_common::time::Timestamp;

use super::cut;
use crate::store::{Executor, StoreError, Tx, Value};

/// A refusal; it holds while the evidence is the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusalRow {
    /// Type of the resource.
    pub resource_type: &'static str,
    /// The resource.
    pub resource_id: i64,
    /// The environment that it does not belong to.
    pub environment_id: i64,
    /// Names the evidence that had decided otherwise.
    pub evidence_hash: String,
}

/// Stores a refusal over an earlier one of the same association.
///
/// # Errors
/// When the statement fails.
pub async fn refusal_set_in_tx(tx: &mut Tx, row: &RefusalRow, by: &str, at: Timestamp) -> Result<(), StoreError> {
    let RefusalRow { resource_type, resource_id, environment_id, evidence_hash } = row;
    let keys = ["resource_type", "resource_id", "environment_id"];
    let ending = tx.dialect().on_conflict(&keys, &["evidence_hash", "refused_by", "refused_at_us"]);
    let values = vec![
        (*resource_type).into(),
        (*resource_id).into(),
        (*environment_id).into(),
        evidence_hash.into(),
        cut(by, 64).into(),
        at.into(),
    ];
    let columns = ["resource_type", "resource_id", "environment_id", "evidence_hash", "refused_by", "refused_at_us"];
    tx.insert_many("environment_refusals", &columns, vec![values], &ending).await
}

/// Reads what was refused on some resources of a type: names of evidence, by resource and environment.
///
/// # Errors
/// When a statement fails.
pub async fn refusal_list(
    from: &mut impl Executor,
    resource_type: &str,
    resources: impl IntoIterator<Item = i64> + Send,
) -> Result<BTreeMap<(i64, i64), String>, StoreError> {
    let keys = resources.into_iter().map(Value::from).collect();
    let select =
        "SELECT resource_id, environment_id, evidence_hash FROM environment_refusals WHERE resource_type = ? AND";
    let rows = from.fetch_in(select, "resource_id", vec![resource_type.into()], keys).await?;
    rows.iter()
        .map(|row| Ok(((row.get("resource_id")?, row.get("environment_id")?), row.get("evidence_hash")?)))
        .collect()
}
