//! The list of values that identify nothing.

use orchestrix_common::time::Timestamp;
use serde_json::json;

use super::AdminError;
use crate::{
    reconcile::identity::Evidence,
    store::{
        Db,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            cut,
            history::Actor,
            junk::{junk_delete_in_tx, junk_insert_in_tx},
        },
    },
};

/// Characters of the longest value that can be compared.
const CONTENT: usize = 255;

/// Has matching leave out a value. Returns the entry's id.
///
/// # Errors
/// When the value is empty or too long, when it is on the list already, or the database failed.
pub async fn add_junk(
    db: &Db,
    now: Timestamp,
    evidence: Evidence,
    content: &str,
    note: &str,
    actor: &Actor,
) -> Result<i64, AdminError> {
    let content = compared(evidence, content);
    if content.is_empty() || content.chars().count() > CONTENT {
        let expected = format!("1 to {CONTENT} characters");
        return Err(AdminError::Invalid { field: "content", problem: "cannot be compared".to_owned(), expected });
    }
    crate::transaction!(db, |tx| {
        match junk_insert_in_tx(tx, (evidence.word(), &content), note, &actor.id, now).await? {
            None => Err(AdminError::Conflict(format!("{} {content:?} is on the list already", evidence.prose()))),
            Some(id) => {
                let detail = json!({ "evidence": evidence.word(), "content": content, "note": note });
                audit_insert_in_tx(tx, &entry(now, actor, "identity-junk.add", &id.to_string(), detail)).await?;
                Ok(id)
            }
        }
    })?
}

/// Has matching believe a value again.
///
/// # Errors
/// When there is no such entry or the database failed.
pub async fn remove_junk(db: &Db, now: Timestamp, id: i64, actor: &Actor) -> Result<(), AdminError> {
    crate::transaction!(db, |tx| {
        match junk_delete_in_tx(tx, id).await? {
            None => Err(AdminError::NotFound { what: "junk value", id: id.to_string() }),
            Some((evidence, content)) => {
                let detail = json!({ "evidence": evidence, "content": content });
                audit_insert_in_tx(tx, &entry(now, actor, "identity-junk.remove", &id.to_string(), detail)).await?;
                Ok(())
            }
        }
    })?
}

/// A value in the form in which it is compared.
fn compared(evidence: Evidence, content: &str) -> String {
    let content = content.trim().to_lowercase();
    match uuid::Uuid::parse_str(&content) {
        Ok(uuid) if evidence == Evidence::ProductUuid => uuid.as_hyphenated().to_string(),
        _ => content,
    }
}

fn entry<'a>(
    at: Timestamp,
    actor: &'a Actor,
    action: &'a str,
    id: &'a str,
    detail: serde_json::Value,
) -> AuditEntry<'a> {
    let actor_id = cut(&actor.id, 64);
    AuditEntry { at, actor_kind: actor.kind, actor_id, action, resource_type: "identity-junk", resource_id: id, detail }
}
