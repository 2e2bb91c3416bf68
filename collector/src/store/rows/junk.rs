//! Values that people found to identify nothing.

use orchestrix_common::time::Timestamp;

use super::{cut, identity::Fact};
use crate::store::{Executor, StoreError, Tx};

/// Most entries of the list: it is read whole whenever a host is matched.
pub const MOST: u32 = 10_000;

/// Reads the whole list: facts with their notes.
///
/// # Errors
/// When the statement fails.
pub async fn junk_list(from: &mut impl Executor) -> Result<Vec<(Fact, String)>, StoreError> {
    let sql = "SELECT fact, content, note FROM identity_junk ORDER BY id LIMIT ?".to_owned();
    let rows = from.fetch(sql, vec![MOST.into()]).await?;
    rows.iter().map(|row| Ok(((row.get("fact")?, row.get("content")?), row.get("note")?))).collect()
}

/// Adds an entry; returns its key, or `None` when the value is on the list already or the list is full.
///
/// # Errors
/// When a statement fails.
pub async fn junk_insert_in_tx(
    tx: &mut Tx,
    (fact, content): (&str, &str),
    note: &str,
    by: &str,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT id FROM identity_junk WHERE fact = ? AND content = ?".to_owned();
    if tx.fetch_optional(sql, vec![fact.into(), content.into()]).await?.is_some() {
        return Ok(None);
    }
    let sql = "INSERT INTO identity_junk (fact, content, note, created_by, created_at_us) VALUES (?, ?, ?, ?, ?)";
    let values = vec![fact.into(), content.into(), cut(note, 255).into(), cut(by, 64).into(), at.into()];
    tx.insert(sql, values).await.map(Some)
}

/// Takes an entry from the list; returns what it was, or `None` when there is none.
///
/// # Errors
/// When a statement fails.
pub async fn junk_delete_in_tx(tx: &mut Tx, id: i64) -> Result<Option<Fact>, StoreError> {
    let sql = format!("SELECT fact, content FROM identity_junk WHERE id = ?{}", tx.dialect().for_update());
    let Some(row) = tx.fetch_optional(sql, vec![id.into()]).await? else { return Ok(None) };
    tx.execute("DELETE FROM identity_junk WHERE id = ?", vec![id.into()]).await?;
    Ok(Some((row.get("fact")?, row.get("content")?)))
}
