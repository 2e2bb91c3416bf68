//! Which of an agent's certificates are current. Certificates are short; this check takes the place of revocation lists.

use std::time::Duration;

use orchestrix_common::{id::AgentId, pki::Serial, time::Timestamp};

use super::{ShownCertificate, recognise::use_or_recognise_in_tx};
use crate::{
    store::{
        Db, StoreError, Tx,
        rows::{
            agent_certificate::{
                AgentCertificateRow, agent_certificate, agent_certificate_list_current,
                agent_certificate_mark_used_in_tx, agent_certificate_supersede_in_tx, agent_state,
                agent_state_lock_in_tx,
            },
            set_back::set_back_list,
        },
    },
    transaction,
};

/// How long a connection may take from its handshake to its check, and how much the clocks of collectors may differ.
pub(super) const JUST: Duration = Duration::from_secs(120);

/// What the database says of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It is the agent's current one, or the one before and the current one was not seen in use yet.
    Active,
    /// A newer one was seen in use moments ago: the agent may have been connecting with this one just then.
    JustSuperseded,
    /// A newer one was seen in use: whoever shows this one may be a copy.
    Superseded,
    /// It is not known, or not that agent's.
    Unknown,
    /// The agent is revoked.
    Revoked,
}

/// Tells whether a certificate that TLS accepted is still good, and notes that it is in use.
///
/// The first use of a certificate supersedes the older ones of its agent; every later use only reads.
///
/// # Errors
/// When the database fails.
pub async fn certificate_check(
    db: &Db,
    agent_id: AgentId,
    serial: Serial,
    now: Timestamp,
) -> Result<CertificateStatus, StoreError> {
    let row = agent_certificate(&mut &*db, agent_id, serial).await?;
    if let Some(AgentCertificateRow { used_at: Some(_), superseded_at, .. }) = row {
        let state = agent_state(&mut &*db, agent_id).await?;
        return Ok(judge(state.as_deref(), Some(superseded_at), now));
    }
    transaction!(db, |tx| {
        let state = agent_state_lock_in_tx(tx, agent_id).await?;
        use_in_tx(tx, state.as_deref(), agent_id, serial, now).await?
    })
}

/// As [`certificate_check`], for a certificate that was just shown: what the database lost when it was set back is taken
/// over.
///
/// # Errors
/// When the database fails.
pub async fn certificate_admit(
    db: &Db,
    shown: &ShownCertificate,
    now: Timestamp,
) -> Result<CertificateStatus, StoreError> {
    let ShownCertificate { agent_id, serial, .. } = *shown;
    match certificate_check(db, agent_id, serial, now).await? {
        // Without such a note, whoever is not known costs no write.
        CertificateStatus::Unknown if !set_back_list(&mut &*db).await?.is_empty() => transaction!(db, |tx| {
            let state = agent_state_lock_in_tx(tx, agent_id).await?;
            use_or_recognise_in_tx(tx, state.as_deref(), shown, now).await?
        }),
        status => Ok(status),
    }
}

/// As [`certificate_check`], within a transaction that holds the lock on the agent.
pub(super) async fn use_in_tx(
    tx: &mut Tx,
    state: Option<&str>,
    agent_id: AgentId,
    serial: Serial,
    now: Timestamp,
) -> Result<CertificateStatus, StoreError> {
    let row = agent_certificate(tx, agent_id, serial).await?;
    let status = judge(state, row.map(|row| row.superseded_at), now);
    if let (CertificateStatus::Active, Some(AgentCertificateRow { used_at: None, issued_at, .. })) = (status, row) {
        agent_certificate_mark_used_in_tx(tx, serial, now).await?;
        for older in agent_certificate_list_current(tx, agent_id).await? {
            if older.issued_at < issued_at {
                agent_certificate_supersede_in_tx(tx, older.serial, now).await?;
            }
        }
    }
    Ok(status)
}

/// `superseded_at` is `None` when there is no such certificate.
fn judge(state: Option<&str>, superseded_at: Option<Option<Timestamp>>, now: Timestamp) -> CertificateStatus {
    match (state, superseded_at) {
        (None, _) | (_, None) => CertificateStatus::Unknown,
        (Some("REVOKED"), _) => CertificateStatus::Revoked,
        (_, Some(Some(at))) if now.since(at) < JUST => CertificateStatus::JustSuperseded,
        (_, Some(Some(_))) => CertificateStatus::Superseded,
        (_, Some(None)) => CertificateStatus::Active,
    }
}
