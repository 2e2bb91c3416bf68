//! Certificates of agents.

use orchestrix_common::{id::AgentId, pki::Serial, time::Timestamp};

use super::agent::id_of;
use crate::store::{Executor, Row, StoreError, Tx};

/// One certificate of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentCertificateRow {
    /// Its number.
    pub serial: Serial,
    /// Whose it is.
    pub agent_id: AgentId,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key_sha256: [u8; 32],
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
    /// When it was issued; of two certificates of one agent the later one is the newer.
    pub issued_at: Timestamp,
    /// When it was first seen in use.
    pub used_at: Option<Timestamp>,
    /// When a newer one took its place.
    pub superseded_at: Option<Timestamp>,
    /// Generation of the root that it comes from.
    pub root_generation: i64,
}

const SELECT: &str = "SELECT serial, agent_id, public_key_sha256, not_before_at_us, not_after_at_us, issued_at_us, \
                      used_at_us, superseded_at_us, root_generation FROM agent_certificates";

/// The root of certificates from before roots followed each other.
const FIRST_ROOT: i64 = 1;

impl TryFrom<Row> for AgentCertificateRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let content = |column, content, expected| StoreError::Content { column, content, expected };
        let (serial, agent_id): (String, String) = (row.get("serial")?, row.get("agent_id")?);
        let key: Vec<u8> = row.get("public_key_sha256")?;
        Ok(Self {
            serial: serial.parse().map_err(|_| content("agent_certificates.serial", serial, "a serial number"))?,
            agent_id: agent_id.parse().map_err(|_| content("agent_certificates.agent_id", agent_id, "an agent id"))?,
            public_key_sha256: key
                .try_into()
                .map_err(|key| content("agent_certificates.public_key_sha256", format!("{key:?}"), "32 bytes"))?,
            not_before: row.time("not_before_at_us")?,
            not_after: row.time("not_after_at_us")?,
            issued_at: row.time("issued_at_us")?,
            used_at: row.time_opt("used_at_us")?,
            superseded_at: row.time_opt("superseded_at_us")?,
            root_generation: row.get::<Option<i64>>("root_generation")?.unwrap_or(FIRST_ROOT),
        })
    }
}

/// State of an agent, locked until the end of the transaction; `None` when there is no such agent.
///
/// # Errors
/// When the database fails.
pub async fn agent_state_lock_in_tx(tx: &mut Tx, id: AgentId) -> Result<Option<String>, StoreError> {
    let sql = format!("SELECT state FROM agents WHERE id = ?{}", tx.dialect().for_update());
    tx.fetch_optional(sql, vec![id.into()]).await?.map(|row| row.get("state")).transpose()
}

/// State of an agent; `None` when there is no such agent.
///
/// # Errors
/// When the database fails.
pub async fn agent_state(db: &mut impl Executor, id: AgentId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT state FROM agents WHERE id = ?".to_owned();
    db.fetch_optional(sql, vec![id.into()]).await?.map(|row| row.get("state")).transpose()
}

/// One certificate of an agent.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate(
    db: &mut impl Executor,
    agent_id: AgentId,
    serial: Serial,
) -> Result<Option<AgentCertificateRow>, StoreError> {
    let sql = format!("{SELECT} WHERE serial = ? AND agent_id = ?");
    let values = vec![serial.to_string().into(), agent_id.into()];
    db.fetch_optional(sql, values).await?.map(TryInto::try_into).transpose()
}

/// Certificates of an agent that are not superseded, newest first. There are a handful.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_list_current(
    db: &mut impl Executor,
    agent_id: AgentId,
) -> Result<Vec<AgentCertificateRow>, StoreError> {
    let sql = format!(
        "{SELECT} WHERE agent_id = ? AND superseded_at_us IS NULL ORDER BY issued_at_us DESC, serial LIMIT 100"
    );
    db.fetch(sql, vec![agent_id.into()]).await?.into_iter().map(TryInto::try_into).collect()
}

/// Stores a certificate.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_insert_in_tx(tx: &mut Tx, row: &AgentCertificateRow) -> Result<(), StoreError> {
    let sql = "INSERT INTO agent_certificates (serial, agent_id, public_key_sha256, not_before_at_us, \
               not_after_at_us, issued_at_us, used_at_us, superseded_at_us, root_generation) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let values = vec![
        row.serial.to_string().into(),
        row.agent_id.into(),
        row.public_key_sha256.as_slice().into(),
        row.not_before.into(),
        row.not_after.into(),
        row.issued_at.into(),
        row.used_at.into(),
        row.superseded_at.into(),
        row.root_generation.into(),
    ];
    tx.execute(sql, values).await.map(drop)
}

/// An agent that may still need a certificate of a certain root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderRow {
    /// The agent.
    pub agent_id: AgentId,
    /// Name of its host.
    pub hostname: String,
    /// When that certificate ends.
    pub not_after: Timestamp,
    /// When the agent was last heard of; `None` when it never was.
    pub last_seen: Option<Timestamp>,
}

/// Agents that may still need a certificate of the root `generation`: it is not superseded, and ends after `since`.
/// Revoked agents need none. By name of the host; at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_holders(
    db: &mut impl Executor,
    generation: i64,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<HolderRow>, StoreError> {
    let sql = format!(
        "SELECT a.id AS agent_id, a.hostname, l.seen_at_us, MAX(t.not_after_at_us) AS not_after_at_us \
         FROM agent_certificates t JOIN agents a ON a.id = t.agent_id LEFT JOIN agent_liveness l ON l.agent_id = a.id \
         WHERE a.state <> 'REVOKED' AND t.superseded_at_us IS NULL AND t.not_after_at_us > ? \
         AND COALESCE(t.root_generation, {FIRST_ROOT}) = ? \
         GROUP BY a.id, a.hostname, l.seen_at_us ORDER BY a.hostname, a.id LIMIT {limit}"
    );
    let rows = db.fetch(sql, vec![since.into(), generation.into()]).await?;
    rows.into_iter()
        .map(|row| {
            Ok(HolderRow {
                agent_id: id_of(&row, "agent_id")?,
                hostname: row.get("hostname")?,
                not_after: row.time("not_after_at_us")?,
                last_seen: row.time_opt("seen_at_us")?,
            })
        })
        .collect()
}

/// How many agents may still need a certificate of each root, by its generation. As [`agent_certificate_holders`].
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_count_by_root(
    db: &mut impl Executor,
    since: Timestamp,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let sql = format!(
        "SELECT CAST(COALESCE(t.root_generation, {FIRST_ROOT}) AS SIGNED) AS generation, \
         COUNT(DISTINCT t.agent_id) AS agents FROM agent_certificates t JOIN agents a ON a.id = t.agent_id \
         WHERE a.state <> 'REVOKED' AND t.superseded_at_us IS NULL AND t.not_after_at_us > ? \
         GROUP BY COALESCE(t.root_generation, {FIRST_ROOT}) ORDER BY 1"
    );
    let rows = db.fetch(sql, vec![since.into()]).await?;
    rows.iter().map(|row| Ok((row.get("generation")?, row.get("agents")?))).collect()
}

/// Agents that have certificates, but none of a root that is still trusted. There are none but after a root was retired
/// by force.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_list_untrusted(db: &mut impl Executor) -> Result<Vec<AgentId>, StoreError> {
    let trusted = "SELECT 1 FROM certificate_authorities r WHERE r.role = 'root' AND r.retired_at_us IS NULL \
                   AND r.generation = COALESCE(t.root_generation, 1)";
    let sql = format!(
        "SELECT a.id FROM agents a WHERE EXISTS (SELECT 1 FROM agent_certificates t WHERE t.agent_id = a.id) \
         AND NOT EXISTS (SELECT 1 FROM agent_certificates t WHERE t.agent_id = a.id AND t.superseded_at_us IS NULL \
         AND EXISTS ({trusted})) ORDER BY a.id LIMIT 100000"
    );
    let rows = db.fetch(sql, vec![]).await?;
    rows.iter().map(|row| id_of(row, "id")).collect()
}

/// Notes that a certificate was seen in use.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_mark_used_in_tx(tx: &mut Tx, serial: Serial, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE agent_certificates SET used_at_us = ? WHERE serial = ? AND used_at_us IS NULL";
    tx.execute(sql, vec![now.into(), serial.to_string().into()]).await.map(drop)
}

/// Notes that a certificate is no longer the agent's.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_supersede_in_tx(tx: &mut Tx, serial: Serial, now: Timestamp) -> Result<(), StoreError> {
    let sql = "UPDATE agent_certificates SET superseded_at_us = ? WHERE serial = ? AND superseded_at_us IS NULL";
    tx.execute(sql, vec![now.into(), serial.to_string().into()]).await.map(drop)
}

/// Forgets certificates that ended before `before`; says how many. At most 1,000 at a time, so that no lock is long.
///
/// # Errors
/// When the database fails.
pub async fn agent_certificate_prune_in_tx(tx: &mut Tx, before: Timestamp) -> Result<usize, StoreError> {
    let sql = "SELECT serial FROM agent_certificates WHERE not_after_at_us < ? ORDER BY serial LIMIT 1000".to_owned();
    let ended = tx.fetch(sql, vec![before.into()]).await?;
    for row in &ended {
        let serial: String = row.get("serial")?;
        tx.execute("DELETE FROM agent_certificates WHERE serial = ?", vec![serial.into()]).await?;
    }
    Ok(ended.len())
}
