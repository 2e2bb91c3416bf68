//! The audit log: who did what, written in the transaction that did it.
//!
//! The entries of a collector form a chain: each holds a hash over its content and the hash of the one before it. An
//! entry that is changed or taken away later breaks the chain, which `check` finds.

use std::sync::LazyLock;

use orchestrix_common::time::Timestamp;
use serde_json::Value as Json;

use super::cut;
use crate::store::{Executor, Row, StoreError, Tx};

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
    pub detail: Json,
}

const COLUMNS: [&str; 9] =
    ["at_us", "actor_kind", "actor_id", "action", "resource_type", "resource_id", "detail", "chain", "chain_hash"];

/// The chain of this collector: the name of its host, so that it goes on after a restart.
static CHAIN: LazyLock<String> = LazyLock::new(|| {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if name.is_empty() { "collector".to_owned() } else { cut(&name, 64).to_owned() }
});

/// Adds an entry to the chain of this collector.
///
/// # Errors
/// When the database fails.
pub async fn audit_insert_in_tx(tx: &mut Tx, entry: &AuditEntry<'_>) -> Result<(), StoreError> {
    audit_insert_many_in_tx(tx, std::slice::from_ref(entry)).await
}

/// Adds entries to the chain of this collector, in their order.
///
/// # Errors
/// When the database fails.
pub async fn audit_insert_many_in_tx(tx: &mut Tx, entries: &[AuditEntry<'_>]) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let chain = CHAIN.as_str();
    let mut head = head_in_tx(tx, chain).await?;
    let mut rows = Vec::with_capacity(entries.len());
    for entry in entries {
        head = hash(&head, entry);
        rows.push(vec![
            entry.at.into(),
            entry.actor_kind.into(),
            entry.actor_id.into(),
            entry.action.into(),
            entry.resource_type.into(),
            entry.resource_id.into(),
            (&entry.detail).into(),
            chain.into(),
            head.as_str().into(),
        ]);
    }
    tx.insert_many("audit_log", &COLUMNS, rows, "").await?;
    let sql = "UPDATE audit_chains SET entries = entries + ?, head = ? WHERE chain = ?";
    let added = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    tx.execute(sql, vec![added.into(), head.into(), chain.into()]).await.map(drop)
}

/// Where a chain ends. Keeps others from adding to it until the transaction ends.
async fn head_in_tx(tx: &mut Tx, chain: &str) -> Result<String, StoreError> {
    let sql = format!("SELECT head FROM audit_chains WHERE chain = ?{}", tx.dialect().for_update());
    if let Some(row) = tx.fetch_optional(sql.clone(), vec![chain.into()]).await? {
        return row.get("head");
    }
    let ending = tx.dialect().on_conflict(&["chain"], &[]);
    let row = vec![chain.into(), 0_i64.into(), "".into()];
    tx.insert_many("audit_chains", &["chain", "entries", "head"], vec![row], &ending).await?;
    tx.fetch_optional(sql, vec![chain.into()]).await?.map_or(Ok(String::new()), |row| row.get("head"))
}

/// Hash over an entry and the hash of the one before it.
fn hash(before: &str, entry: &AuditEntry<'_>) -> String {
    let AuditEntry { at, actor_kind, actor_id, action, resource_type, resource_id, detail } = entry;
    let mut text = String::new();
    for part in [before, &at.as_micros().to_string(), actor_kind, actor_id, action, resource_type, resource_id] {
        // With its length in front, so that no two entries are written alike.
        text.push_str(&format!("{}:{part}", part.len()));
    }
    canonical(detail, &mut text);
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Writes JSON in one way, whatever order a database keeps its members in.
fn canonical(value: &Json, text: &mut String) {
    match value {
        Json::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            for name in names {
                text.push_str(&format!("{}:{name}", name.len()));
                canonical(&members[name], text);
            }
            text.push('}');
        }
        Json::Array(items) => {
            text.push('[');
            items.iter().for_each(|item| canonical(item, text));
            text.push(']');
        }
        other => text.push_str(&format!("{other};")),
    }
}

/// A break in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditBreak {
    /// The chain.
    pub chain: String,
    /// The entry at which it breaks; `None` when its newest entries are missing.
    pub entry: Option<i64>,
}

/// Follows every chain and tells where each breaks first.
///
/// # Errors
/// When a statement fails.
pub async fn audit_breaks(from: &mut impl Executor, json_detail: &str) -> Result<Vec<AuditBreak>, StoreError> {
    let mut breaks = Vec::new();
    let sql = "SELECT chain, entries, head FROM audit_chains ORDER BY chain LIMIT 1000".to_owned();
    for chain in from.fetch(sql, vec![]).await? {
        let (name, entries): (String, i64) = (chain.get("chain")?, chain.get("entries")?);
        let (mut head, mut seen, mut last, mut broken) = (String::new(), 0, 0, None);
        loop {
            let sql = format!(
                "SELECT id, at_us, actor_kind, actor_id, action, resource_type, resource_id, {json_detail} AS detail, \
                 chain_hash FROM audit_log WHERE chain = ? AND id > ? ORDER BY id LIMIT 1000"
            );
            let rows = from.fetch(sql, vec![name.as_str().into(), last.into()]).await?;
            for row in &rows {
                (last, seen) = (row.get("id")?, seen + 1);
                let stored: String = row.get("chain_hash")?;
                if broken.is_none() && follow(&head, row)? != stored {
                    broken = Some(last);
                }
                head = stored;
            }
            if rows.len() < 1000 {
                break;
            }
        }
        if broken.is_some() || seen != entries || head != chain.get::<String>("head")? {
            breaks.push(AuditBreak { chain: name, entry: broken });
        }
    }
    Ok(breaks)
}

fn follow(before: &str, row: &Row) -> Result<String, StoreError> {
    let texts =
        ["actor_kind", "actor_id", "action", "resource_type", "resource_id"].map(|name| row.get::<String>(name));
    let [actor_kind, actor_id, action, resource_type, resource_id] = texts;
    let entry = AuditEntry {
        at: row.time("at_us")?,
        actor_kind: &actor_kind?,
        actor_id: &actor_id?,
        action: &action?,
        resource_type: &resource_type?,
        resource_id: &resource_id?,
        detail: row.json("detail")?.unwrap_or(Json::Null),
    };
    Ok(hash(before, &entry))
}
