//! Certificates that the database does not know because it was set back.
//!
//! After a restore, the agents that renewed since the backup show certificates that nobody can have but from this CA. Such
//! a one is taken over as if it had just been seen for the first time, when all of this holds: its chain leads to a root
//! that is trusted (TLS has seen to that), the agent it names is known and not revoked, it was issued in a time that the
//! database is noted to have lost ([`SetBack`]), and none that was issued after it has been seen in use. The last is what
//! finds out copies, as ever: whoever comes with an older certificate than the agent itself has shown is not the agent.
//! Without a note that the database was set back, a certificate that it does not know is refused.

use std::time::Duration;

use orchestrix_common::time::Timestamp;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::{
    CertificateStatus, ShownCertificate,
    ca::BACK_DATED,
    status::{JUST, use_in_tx},
    stored::ROOT,
};
use crate::store::{
    StoreError, Tx,
    rows::{
        agent_certificate::{
            AgentCertificateRow, agent_certificate_insert_in_tx, agent_certificate_list_current,
            agent_certificate_supersede_in_tx,
        },
        audit::{AuditEntry, audit_insert_in_tx},
        certificate_authority::certificate_authority_list,
        set_back::set_back_list,
    },
};

/// As [`use_in_tx`], and takes over what the database lost when it was set back. The lock on the agent is held.
pub(super) async fn use_or_recognise_in_tx(
    tx: &mut Tx,
    state: Option<&str>,
    shown: &ShownCertificate,
    now: Timestamp,
) -> Result<CertificateStatus, StoreError> {
    match use_in_tx(tx, state, shown.agent_id, shown.serial, now).await? {
        CertificateStatus::Unknown if state == Some("REVOKED") => Ok(CertificateStatus::Revoked),
        CertificateStatus::Unknown if state.is_some() => recognise_in_tx(tx, shown, now).await,
        known => Ok(known),
    }
}

/// When it was issued, by the collector's clock. The second's end, so that it is never taken for older than one that was
/// stored within the same second.
pub(super) fn issued_at(shown: &ShownCertificate) -> Timestamp {
    shown.not_before.plus(BACK_DATED).plus(Duration::from_micros(999_999))
}

async fn recognise_in_tx(
    tx: &mut Tx,
    shown: &ShownCertificate,
    now: Timestamp,
) -> Result<CertificateStatus, StoreError> {
    let issued_at = issued_at(shown);
    if !set_back_list(tx).await?.iter().any(|it| it.may_have_lost(issued_at, JUST)) {
        return Ok(CertificateStatus::Unknown);
    }
    let current = agent_certificate_list_current(tx, shown.agent_id).await?;
    let newer = current.iter().filter(|row| row.issued_at > issued_at).filter_map(|row| row.used_at).min();
    if let Some(used_at) = newer {
        let just = now.since(used_at) < JUST;
        return Ok(if just { CertificateStatus::JustSuperseded } else { CertificateStatus::Superseded });
    }
    let Some(root_generation) = root_of(tx, &shown.issuers).await? else { return Ok(CertificateStatus::Unknown) };
    let row = AgentCertificateRow {
        serial: shown.serial,
        agent_id: shown.agent_id,
        public_key_sha256: shown.public_key_sha256,
        not_before: shown.not_before,
        not_after: shown.not_after,
        issued_at,
        used_at: Some(now),
        superseded_at: None,
        root_generation,
    };
    agent_certificate_insert_in_tx(tx, &row).await?;
    for older in current.iter().filter(|row| row.issued_at <= issued_at) {
        agent_certificate_supersede_in_tx(tx, older.serial, now).await?;
    }
    let id = shown.agent_id.to_string();
    let entry = AuditEntry {
        at: now,
        actor_kind: "agent",
        actor_id: &id,
        action: "agent.certificate-recognise",
        resource_type: "agent",
        resource_id: &id,
        detail: json!({ "serial": shown.serial.to_string(), "issuedAt": issued_at }),
    };
    audit_insert_in_tx(tx, &entry).await?;
    metrics::counter!("orchestrix_pki_certificates_recognised_total").increment(1);
    tracing::info!(agent = %shown.agent_id, serial = %shown.serial, "certificate taken over that the database had lost");
    Ok(CertificateStatus::Active)
}

/// Generation of the newest root in force that signed one of these certificates.
async fn root_of(tx: &mut Tx, issuers: &[CertificateDer<'_>]) -> Result<Option<i64>, StoreError> {
    let rows = certificate_authority_list(tx).await?;
    let roots = rows.iter().rev().filter(|row| row.role == ROOT && row.retired_at.is_none());
    let signed = |root: &[u8]| issuers.iter().any(|issuer| is_signed_by(issuer, root));
    Ok(roots.into_iter().find(|row| signed(&row.certificate_der)).map(|row| row.generation))
}

fn is_signed_by(certificate: &[u8], issuer: &[u8]) -> bool {
    let (Ok((_, certificate)), Ok((_, issuer))) =
        (X509Certificate::from_der(certificate), X509Certificate::from_der(issuer))
    else {
        return false;
    };
    certificate.verify_signature(Some(issuer.public_key())).is_ok()
}
