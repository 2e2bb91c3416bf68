//! The audit log: who did what, written in the transaction that did it.

use orchestrix_common::time::Timestamp;

use crate::store::{StoreError, Tx};

/// One entry.
#[derive(Clone, Debug)]
pub struct AuditEntry<'a> {
    /// When.
    pub at: Timestamp,
    /// `person`, `agent`, `peer` (an unknown client) or `collector`.
    pub actor_kind: &'a str,
    /// Who, at most 64 characters.
    pub actor_id: &'a str,
    /// What, for example `join-token.create`.
    pub action: &'a str,
    /// Kind of thing that it was done to.
    pub resource_type: &'a str,
    /// Which one, at most 64 characters.
    pub resource_id: &'a str,
    /// More, without secrets.
    pub detail: serde_json::Value,
}

/// Adds an entry.
///
/// # Errors
/// When the database fails.
pub async fn audit_insert_in_tx(tx: &mut Tx, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    let sql = "INSERT INTO audit_log (at_us, actor_kind, actor_id, action, resource_type, resource_id, detail) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        entry.at.into(),
        entry.actor_kind.into(),
        entry.actor_id.into(),
        entry.action.into(),
        entry.resource_type.into(),
        entry.resource_id.into(),
        (&entry.detail).into(),
    ];
    tx.execute(sql, values).await.map(drop)
}
