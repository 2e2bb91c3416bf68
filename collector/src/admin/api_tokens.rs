//! API tokens, and the first one.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use orchestrix_common::time::{Clock, Timestamp};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::AdminError;
use crate::store::{
    Db,
    rows::{
        api_token::{ApiTokenRow, api_token_find, api_token_insert_in_tx, api_token_revoke_in_tx},
        audit::{AuditEntry, audit_insert_in_tx},
        cut,
        history::Actor,
    },
};

/// What a token allows. Each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads the inventory.
    Viewer,
    /// Lets hosts enrol and decides about them.
    Operator,
    /// Decides about identities and reads the audit log.
    Admin,
}

impl Role {
    /// Every role, the weakest first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// Prefix of API tokens.
const PREFIX: &str = "oat_";

/// A new API token, to be shown once.
#[derive(Debug)]
pub struct ApiTokenSecret {
    /// Names it in lists.
    pub id: String,
    /// The token itself.
    pub token: Zeroizing<String>,
}

/// SHA-256 of a token: the only form of it that is stored.
pub(crate) fn hash_token(token: &str) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}

/// Makes an API token.
///
/// # Errors
/// When the database failed.
pub async fn create_api_token(
    db: &Db,
    now: Timestamp,
    name: &str,
    role: Role,
    expires_at: Option<Timestamp>,
    actor: &Actor,
) -> Result<ApiTokenSecret, AdminError> {
    let token = generate(PREFIX)?;
    let row = row(name, &token, role, now, expires_at);
    let id = row.id.clone();
    insert(db, now, &row, actor).await?;
    Ok(ApiTokenSecret { id, token })
}

/// Withdraws an API token.
///
/// # Errors
/// When there is none that is in force, or the database failed.
pub async fn revoke_api_token(db: &Db, now: Timestamp, id: &str, actor: &Actor) -> Result<(), AdminError> {
    let revoked = crate::transaction!(db, |tx| {
        let revoked = api_token_revoke_in_tx(tx, id, now).await?;
        if revoked {
            let entry = entry(now, actor, "api-token.revoke", id, json!({}));
            audit_insert_in_tx(tx, &entry).await?;
        }
        revoked
    })?;
    if revoked { Ok(()) } else { Err(AdminError::NotFound { what: "usable API token", id: id.to_owned() }) }
}

/// Makes sure that the token in this file works: a collector's first start makes one of 256 random bits and writes it
/// there, readable by its user alone; later starts store the hash of what the file holds where it is missing.
///
/// # Errors
/// When the file cannot be read or written, when it is empty, or the database failed.
pub async fn ensure_admin_token(db: &Db, path: &Path, clock: &dyn Clock) -> Result<(), AdminError> {
    let failed = |what| move |source| AdminError::File { what, path: path.to_owned(), source };
    let token = match fs::read_to_string(path) {
        Ok(text) => Zeroizing::new(text.trim().to_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // The file first: if the process ends in between, the next start finds it and stores the hash.
            let token = generate(PREFIX)?;
            write_new(path, &token).map_err(failed("write the admin token to"))?;
            // Another process may have been faster; the file decides.
            let text = fs::read_to_string(path).map_err(failed("read the admin token from"))?;
            Zeroizing::new(text.trim().to_owned())
        }
        Err(source) => return Err(failed("read the admin token from")(source)),
    };
    if token.len() < 32 {
        let source = io::Error::new(io::ErrorKind::InvalidData, "it holds no token; remove it to get a new one");
        return Err(failed("read the admin token from")(source));
    }
    let now = clock.now();
    let row = row("admin.token", &token, Role::Admin, now, None);
    let mut executor = db;
    match api_token_find(&mut executor, &row.secret_sha256).await? {
        None => insert(db, now, &row, &Actor::collector("start")).await,
        Some(known) if known.revoked_at.is_some() => {
            tracing::warn!(path = %path.display(), "admin token in this file is revoked; remove the file to get a new one");
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

/// Makes a secret of 256 random bits that says by its prefix what it is.
pub(super) fn generate(prefix: &str) -> Result<Zeroizing<String>, AdminError> {
    use std::fmt::Write as _;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|_| AdminError::Random)?;
    let mut token = Zeroizing::new(String::with_capacity(68));
    token.push_str(prefix);
    for byte in bytes.iter() {
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

fn row(name: &str, token: &str, role: Role, created_at: Timestamp, expires_at: Option<Timestamp>) -> ApiTokenRow {
    let secret_sha256 = hash_token(token);
    // Derived from the hash, so that the same token has the same name on every collector.
    let id = secret_sha256.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let role = role.as_str().to_owned();
    ApiTokenRow { id, name: name.to_owned(), secret_sha256, role, created_at, expires_at, revoked_at: None }
}

async fn insert(db: &Db, now: Timestamp, row: &ApiTokenRow, actor: &Actor) -> Result<(), AdminError> {
    crate::transaction!(db, |tx| {
        api_token_insert_in_tx(tx, row).await?;
        let detail = json!({ "name": row.name, "role": row.role });
        audit_insert_in_tx(tx, &entry(now, actor, "api-token.create", &row.id, detail)).await?;
    })?;
    Ok(())
}

fn entry<'a>(
    at: Timestamp,
    actor: &'a Actor,
    action: &'a str,
    id: &'a str,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    let actor_id = cut(&actor.id, 64);
    AuditEntry { at, actor_kind: actor.kind, actor_id, action, resource_type: "api-token", resource_id: id, detail }
}

/// Writes a file that only its user can read, whole or not at all. One that is there already stays.
fn write_new(path: &Path, token: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("new.{}", std::process::id()));
    let _ = fs::remove_file(&draft);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{token}").and_then(|()| file.sync_all());
    // A link, because a rename would replace what another process just wrote.
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}
