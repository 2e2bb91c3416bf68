//! Join tokens, as people make, list and withdraw them.

use std::{collections::BTreeMap, time::Duration};

use orchestrix_common::{
    pki::{JoinToken, Pins, TokenId},
    time::Timestamp,
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{PkiError, sealing::random, stored::stored_pins};
use crate::{
    store::{
        Db, StoreError,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            join_token::{
                JoinTokenRow, datacenter_exists, join_token_insert_in_tx, join_token_list, join_token_revoke_in_tx,
            },
        },
    },
    transaction,
};

/// A token's life unless somebody says otherwise.
pub const DEFAULT_LIFE: Duration = Duration::from_secs(15 * 60);
const LONGEST_LIFE: Duration = Duration::from_secs(366 * 24 * 60 * 60);
const MOST_USES: u32 = 100_000;
const MOST_TAGS: usize = 64;

/// What a new token is for.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// In a person's words, at most 255 characters.
    pub description: String,
    /// How many agents may enrol with it, from 1.
    pub uses: u32,
    /// How long it works, from one second to a year.
    pub life: Duration,
    /// Datacenter that its agents belong to.
    pub datacenter_id: Option<i64>,
    /// Tags that its agents' computes get: keys of at most 100 characters, values of at most 255.
    pub tags: BTreeMap<String, String>,
    /// Who makes it, at most 64 characters; it goes into the audit log.
    pub created_by: String,
}

impl NewToken {
    /// A token for one agent within a quarter of an hour, bound to nothing.
    #[must_use]
    pub fn single_use(created_by: &str) -> Self {
        Self {
            description: String::new(),
            uses: 1,
            life: DEFAULT_LIFE,
            datacenter_id: None,
            tags: BTreeMap::new(),
            created_by: created_by.to_owned(),
        }
    }

    fn check(&self) -> Result<(), TokenError> {
        let too_long = |text: &str, most: usize| text.chars().count() > most;
        if !(1..=MOST_USES).contains(&self.uses) {
            Err(TokenError::Uses(self.uses))
        } else if self.life < Duration::from_secs(1) || self.life > LONGEST_LIFE {
            Err(TokenError::Life(self.life))
        } else if too_long(&self.description, 255) {
            Err(TokenError::TooLong { field: "description", most: 255 })
        } else if too_long(&self.created_by, 64) {
            Err(TokenError::TooLong { field: "creator", most: 64 })
        } else if self.tags.keys().any(|key| key.is_empty() || too_long(key, 100)) {
            Err(TokenError::TooLong { field: "key of a tag", most: 100 })
        } else if self.tags.values().any(|value| too_long(value, 255)) {
            Err(TokenError::TooLong { field: "value of a tag", most: 255 })
        } else if self.tags.len() > MOST_TAGS {
            Err(TokenError::TooManyTags)
        } else {
            Ok(())
        }
    }
}

/// A token cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The number of uses is out of range.
    #[error("a join token has from 1 to {MOST_USES} uses, not {0}")]
    Uses(u32),
    /// The time is out of range.
    #[error("a join token works for at least a second and at most a year, not {0:?}")]
    Life(Duration),
    /// A text is too long.
    #[error("the {field} has from 1 to {most} characters")]
    TooLong {
        /// Which one.
        field: &'static str,
        /// Most characters.
        most: usize,
    },
    /// There are too many tags.
    #[error("a join token has at most {MOST_TAGS} tags")]
    TooManyTags,
    /// There is no such datacenter.
    #[error("there is no datacenter {0}")]
    UnknownDatacenter(i64),
    /// There is no CA yet.
    #[error("there is no CA in this database yet; start the collector once, it makes one")]
    NoAuthority,
    /// The CA or the database failed.
    #[error("make a join token")]
    Pki(#[from] PkiError),
}

impl From<StoreError> for TokenError {
    fn from(error: StoreError) -> Self {
        Self::Pki(error.into())
    }
}

/// The pin of the CA: by it agents without a join token recognise this installation. While the CA is followed by another
/// one that is prepared, the pins of both.
///
/// # Errors
/// When there is no CA yet, or the database fails.
pub async fn pins(db: &Db) -> Result<Pins, TokenError> {
    stored_pins(db).await?.ok_or(TokenError::NoAuthority)
}

/// Makes a token; returns its id and its text, which is not stored and cannot be shown again.
///
/// # Errors
/// When what is asked for is out of range, there is no CA yet, or the database fails.
pub async fn create(db: &Db, new: &NewToken, now: Timestamp) -> Result<(TokenId, String), TokenError> {
    new.check()?;
    let pins = stored_pins(db).await?.ok_or(TokenError::NoAuthority)?;
    if let Some(id) = new.datacenter_id
        && !datacenter_exists(&mut &*db, id).await?
    {
        return Err(TokenError::UnknownDatacenter(id));
    }
    let token = JoinToken::new(TokenId::from_random(random()?), Zeroizing::new(random()?), pins);
    let row = JoinTokenRow {
        id: token.id.to_string(),
        secret_sha256: token.secret_sha256().to_vec(),
        description: new.description.clone(),
        uses_allowed: new.uses.into(),
        uses_left: new.uses.into(),
        datacenter_id: new.datacenter_id,
        tags: new.tags.clone(),
        created_by: new.created_by.clone(),
        created_at: now,
        expires_at: now.plus(new.life),
        revoked_at: None,
    };
    transaction!(db, |tx| {
        join_token_insert_in_tx(tx, &row).await?;
        let detail = json!({
            "description": row.description, "uses": row.uses_allowed, "expiresAt": row.expires_at,
            "datacenterId": row.datacenter_id, "tags": row.tags,
        });
        audit_insert_in_tx(tx, &person(&new.created_by, "join-token.create", &row.id, now, detail)).await?;
    })?;
    Ok((token.id, token.reveal()))
}

/// Lists tokens by id, after the one with id `after`; secrets are not known.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, after: Option<TokenId>, limit: u32) -> Result<Vec<JoinTokenRow>, StoreError> {
    let after = after.map(|id| id.to_string());
    join_token_list(&mut &*db, db.dialect(), after.as_deref(), limit).await
}

/// Withdraws a token; says whether there was one to withdraw. Agents that enrolled with it stay.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &Db, id: TokenId, revoked_by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let id = id.to_string();
    transaction!(db, |tx| {
        let changed = join_token_revoke_in_tx(tx, &id, now).await?;
        if changed {
            let entry = person(revoked_by, "join-token.revoke", &id, now, json!({}));
            audit_insert_in_tx(tx, &entry).await?;
        }
        changed
    })
}

fn person<'a>(
    who: &'a str,
    action: &'a str,
    token: &'a str,
    at: Timestamp,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    let (actor_kind, resource_type) = ("person", "join-token");
    AuditEntry { at, actor_kind, actor_id: who, action, resource_type, resource_id: token, detail }
}
