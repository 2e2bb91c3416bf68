//! Join tokens and who used them.

use std::collections::BTreeMap;

use orchestrix_common::{id::AgentId, time::Timestamp};

use crate::store::{Dialect, Executor, Row, StoreError, Tx, Value};

/// A join token; its secret is not in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinTokenRow {
    /// 16 hexadecimal digits.
    pub id: String,
    /// SHA-256 of the secret.
    pub secret_sha256: Vec<u8>,
    /// What it is for, in a person's words.
    pub description: String,
    /// How many agents it was made for.
    pub uses_allowed: i64,
    /// How many may still enrol.
    pub uses_left: i64,
    /// Datacenter that its agents belong to.
    pub datacenter_id: Option<i64>,
    /// Tags that its agents' computes get.
    pub tags: BTreeMap<String, String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

impl TryFrom<Row> for JoinTokenRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get("id")?,
            secret_sha256: row.get("secret_sha256")?,
            description: row.get("description")?,
            uses_allowed: row.get("uses_allowed")?,
            uses_left: row.get("uses_left")?,
            datacenter_id: row.get("datacenter_id")?,
            tags: row.json("tags_text")?.unwrap_or_default(),
            created_by: row.get("created_by")?,
            created_at: row.time("created_at_us")?,
            expires_at: row.time("expires_at_us")?,
            revoked_at: row.time_opt("revoked_at_us")?,
        })
    }
}

/// The agent that a key enrolled with a token.
#[derive(Clone, Copy, Debug)]
pub struct JoinTokenUse {
    /// The agent.
    pub agent_id: AgentId,
    /// When it enrolled.
    pub used_at: Timestamp,
}

fn select(dialect: Dialect) -> String {
    format!(
        "SELECT id, secret_sha256, description, uses_allowed, uses_left, datacenter_id, {} AS tags_text, created_by, \
         created_at_us, expires_at_us, revoked_at_us FROM join_tokens",
        dialect.json_text("tags")
    )
}

/// Stores tags as JSON; none as NULL.
pub(crate) fn tags_value(tags: &BTreeMap<String, String>) -> Result<Value, StoreError> {
    if tags.is_empty() {
        return Ok(Value::Null);
    }
    let text = serde_json::to_string(tags).map_err(|source| StoreError::Json { column: "tags".to_owned(), source })?;
    Ok(text.into())
}

/// Ids of tokens that were made before `made_before` and may still be used at `now`; at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn join_token_list_open_before(
    db: &mut impl Executor,
    made_before: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    let sql = format!(
        "SELECT id FROM join_tokens WHERE created_at_us < ? AND expires_at_us > ? AND uses_left > 0 \
         AND revoked_at_us IS NULL ORDER BY id LIMIT {limit}"
    );
    let rows = db.fetch(sql, vec![made_before.into(), now.into()]).await?;
    rows.iter().map(|row| row.get("id")).collect()
}

/// Stores a new token.
///
/// # Errors
/// When the database fails.
pub async fn join_token_insert_in_tx(tx: &mut Tx, row: &JoinTokenRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO join_tokens (id, secret_sha256, description, uses_allowed, uses_left, datacenter_id, tags, \
               created_by, created_at_us, expires_at_us, revoked_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        row.id.as_str().into(),
        row.secret_sha256.clone().into(),
        row.description.as_str().into(),
        row.uses_allowed.into(),
        row.uses_left.into(),
        row.datacenter_id.into(),
        tags_value(&row.tags)?,
        row.created_by.as_str().into(),
        row.created_at.into(),
        row.expires_at.into(),
        row.revoked_at.into(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// Reads one token and locks it until the end of the transaction.
///
/// # Errors
/// When the database fails.
pub async fn join_token_lock_in_tx(tx: &mut Tx, id: &str) -> Result<Option<JoinTokenRow>, StoreError> {
    let sql = format!("{} WHERE id = ?{}", select(tx.dialect()), tx.dialect().for_update());
    tx.fetch_optional(sql, vec![id.into()]).await?.map(TryInto::try_into).transpose()
}

/// Takes one use of a token in one statement; says whether there was one to take.
///
/// # Errors
/// When the database fails.
pub async fn join_token_claim_in_tx(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE join_tokens SET uses_left = uses_left - 1 \
               WHERE id = ? AND uses_left > 0 AND revoked_at_us IS NULL AND expires_at_us > ?";
    Ok(tx.execute(sql, vec![id.into(), now.into()]).await? == 1)
}

/// Withdraws a token; says whether that changed anything.
///
/// # Errors
/// When the database fails.
pub async fn join_token_revoke_in_tx(tx: &mut Tx, id: &str, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "UPDATE join_tokens SET revoked_at_us = ? WHERE id = ? AND revoked_at_us IS NULL";
    Ok(tx.execute(sql, vec![now.into(), id.into()]).await? == 1)
}

/// Lists tokens by id, after the one with id `after`.
///
/// # Errors
/// When the database fails.
pub async fn join_token_list(
    db: &mut impl Executor,
    dialect: Dialect,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<JoinTokenRow>, StoreError> {
    let sql = format!("{} WHERE id > ? ORDER BY id LIMIT ?", select(dialect));
    let values = vec![after.unwrap_or_default().into(), limit.into()];
    db.fetch(sql, values).await?.into_iter().map(TryInto::try_into).collect()
}

/// The agent that this key enrolled with this token, if it did.
///
/// # Errors
/// When the database fails.
pub async fn join_token_use(
    db: &mut impl Executor,
    token_id: &str,
    public_key_sha256: &[u8],
) -> Result<Option<JoinTokenUse>, StoreError> {
    let sql = "SELECT agent_id, used_at_us FROM join_token_uses WHERE token_id = ? AND public_key_sha256 = ?";
    let Some(row) = db.fetch_optional(sql.to_owned(), vec![token_id.into(), public_key_sha256.into()]).await? else {
        return Ok(None);
    };
    let id: String = row.get("agent_id")?;
    let agent_id = id.parse().map_err(|_| StoreError::Content {
        column: "join_token_uses.agent_id",
        content: id,
        expected: "an agent id",
    })?;
    Ok(Some(JoinTokenUse { agent_id, used_at: row.time("used_at_us")? }))
}

/// Remembers which key used a token.
///
/// # Errors
/// When the database fails.
pub async fn join_token_use_insert_in_tx(
    tx: &mut Tx,
    token_id: &str,
    public_key_sha256: &[u8],
    agent_id: AgentId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO join_token_uses (token_id, public_key_sha256, agent_id, used_at_us) VALUES (?, ?, ?, ?)";
    let values = vec![token_id.into(), public_key_sha256.into(), agent_id.into(), now.into()];
    tx.execute(sql, values).await.map(drop)
}

/// Whether there is such a datacenter.
///
/// # Errors
/// When the database fails.
pub async fn datacenter_exists(db: &mut impl Executor, id: i64) -> Result<bool, StoreError> {
    let found = db.fetch_optional("SELECT id FROM datacenters WHERE id = ?".to_owned(), vec![id.into()]).await?;
    Ok(found.is_some())
}
