//! API tokens. Only hashes are stored.

use orchestrix_common::time::Timestamp;

use crate::store::{Executor, Row, StoreError, Tx};

/// An API token; its secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// 16 hexadecimal digits.
    pub id: String,
    /// Who or what it is for.
    pub name: String,
    /// SHA-256 of the whole token.
    pub secret_sha256: Vec<u8>,
    /// `viewer`, `operator` or `admin`.
    pub role: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; `None` when it does not.
    pub expires_at: Option<Timestamp>,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, secret_sha256, role, created_at_us, expires_at_us, revoked_at_us";

fn read(row: &Row) -> Result<ApiTokenRow, StoreError> {
    Ok(ApiTokenRow {
        id: row.get("id")?,
        name: row.get("name")?,
        secret_sha256: row.get("secret_sha256")?,
        role: row.get("role")?,
        created_at: row.time("created_at_us")?,
        expires_at: row.time_opt("expires_at_us")?,
        revoked_at: row.time_opt("revoked_at_us")?,
    })
}

/// Finds a token by its hash.
///
/// # Errors
/// When the statement fails.
pub async fn api_token_find(from: &mut impl Executor, sha256: &[u8]) -> Result<Option<ApiTokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_tokens WHERE secret_sha256 = ?");
    from.fetch_optional(sql, vec![sha256.into()]).await?.as_ref().map(read).transpose()
}

/// Lists tokens by id, after the one with id `after`.
///
/// # Errors
/// When the statement fails.
pub async fn api_token_list(from: &mut impl Executor, after: &str, limit: u32) -> Result<Vec<ApiTokenRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM api_tokens WHERE id > ? ORDER BY id LIMIT ?");
    from.fetch(sql, vec![after.into(), limit.into()]).await?.iter().map(read).collect()
}

/// Stores a token. One with the same hash stays as it is.
///
/// # Errors
/// When the statement fails.
pub async fn api_token_insert_in_tx(tx: &mut Tx, token: &ApiTokenRow) -> Result<(), StoreError> {
    let columns = ["id", "name", "secret_sha256", "role", "created_at_us", "expires_at_us", "revoked_at_us"];
    let row = vec![
        token.id.as_str().into(),
        super::cut(&token.name, 64).into(),
        token.secret_sha256.clone().into(),
        token.role.as_str().into(),
        token.created_at.into(),
        token.expires_at.into(),
        token.revoked_at.into(),
    ];
    let ending = tx.dialect().on_conflict(&["secret_sha256"], &[]);
    tx.insert_many("api_tokens", &columns, vec![row], &ending).await
}

/// Withdraws a token; says whether that changed anything.
///
/// # Errors
/// When the statement fails.
pub async fn api_token_revoke_in_tx(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE api_tokens SET revoked_at_us = ? WHERE id = ? AND revoked_at_us IS NULL";
    Ok(tx.execute(sql, vec![now.into(), id.into()]).await? == 1)
}
