//! Sessions of the web UI. Only hashes are stored.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, StoreError, Tx};

/// A session; the secret that the browser holds is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSessionRow {
    /// SHA-256 of the secret.
    pub secret_sha256: Vec<u8>,
    /// SHA-256 of the API token that it was opened with, which says what it allows.
    pub token_sha256: Vec<u8>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Finds a session by the hash of its secret.
///
/// # Errors
/// When the statement fails.
pub async fn web_session_find(from: &mut impl Executor, sha256: &[u8]) -> Result<Option<WebSessionRow>, StoreError> {
    let sql = "SELECT secret_sha256, token_sha256, created_at_us, expires_at_us FROM web_sessions \
               WHERE secret_sha256 = ?";
    let Some(row) = from.fetch_optional(sql.to_owned(), vec![sha256.to_vec().into()]).await? else { return Ok(None) };
    Ok(Some(WebSessionRow {
        secret_sha256: row.get("secret_sha256")?,
        token_sha256: row.get("token_sha256")?,
        created_at: row.time("created_at_us")?,
        expires_at: row.time("expires_at_us")?,
    }))
}

/// Stores a session.
///
/// # Errors
/// When the statement fails.
pub async fn web_session_insert_in_tx(tx: &mut Tx, session: &WebSessionRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO web_sessions (secret_sha256, token_sha256, created_at_us, expires_at_us) \
               VALUES (?, ?, ?, ?)";
    let values = vec![
        session.secret_sha256.clone().into(),
        session.token_sha256.clone().into(),
        session.created_at.into(),
        session.expires_at.into(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Removes a session; says whether there was one.
///
/// # Errors
/// When the statement fails.
pub async fn web_session_delete_in_tx(tx: &mut Tx, sha256: &[u8]) -> Result<bool, StoreError> {
    let sql = "DELETE FROM web_sessions WHERE secret_sha256 = ?";
    Ok(tx.execute(sql, vec![sha256.to_vec().into()]).await? == 1)
}

/// Removes the sessions that ended before `now`.
///
/// # Errors
/// When the statement fails.
pub async fn web_session_sweep_in_tx(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM web_sessions WHERE expires_at_us <= ?", vec![now.into()]).await
}
