//! The CA as the database holds it: read, made, renewed, and its keys opened.

use orchestrix_common::{
    pki::{Pin, TrustDomain},
    time::Timestamp,
};
use rustls::pki_types::CertificateDer;

use super::{
    PkiError, SealingKey,
    ca::{Ca, uri_of},
};
use crate::{
    store::{
        Db,
        rows::certificate_authority::{
            CertificateAuthorityRow, certificate_authority_insert_in_tx, certificate_authority_list,
        },
    },
    transaction,
};

const ROOT: &str = "root";
const ISSUING: &str = "issuing";

/// The pin of the CA in the database; `None` before the first start.
pub(super) async fn stored_pin(db: &Db) -> Result<Option<Pin>, PkiError> {
    let rows = certificate_authority_list(&mut &*db).await?;
    let newest = rows.into_iter().filter(|row| row.role == ROOT).max_by_key(|row| row.generation);
    Ok(newest.and_then(|row| Pin::of(&CertificateDer::from(row.certificate_der))))
}

/// What the database holds of the CA.
pub(super) struct Stored {
    /// Oldest first.
    pub(super) roots: Vec<CertificateDer<'static>>,
    root: CertificateAuthorityRow,
    pub(super) issuing: CertificateAuthorityRow,
}

impl Stored {
    pub(super) async fn read(db: &Db, trust_domain: &TrustDomain) -> Result<Self, PkiError> {
        let rows = certificate_authority_list(&mut &*db).await?;
        let newest = |role: &str| rows.iter().filter(|row| row.role == role).max_by_key(|row| row.generation);
        let root = newest(ROOT).ok_or(PkiError::Incomplete("it has no root"))?.clone();
        let issuing = newest(ISSUING).ok_or(PkiError::Incomplete("it has no issuing CA"))?.clone();
        let roots: Vec<_> = rows
            .into_iter()
            .filter(|row| row.role == ROOT)
            .map(|row| CertificateDer::from(row.certificate_der))
            .collect();
        for root in &roots {
            let stored = uri_of(root).ok_or(PkiError::Incomplete("a root names no trust domain"))?;
            if stored != trust_domain.uri() {
                let stored = stored.trim_start_matches("spiffe://").to_owned();
                return Err(PkiError::TrustDomain { stored, configured: trust_domain.clone() });
            }
        }
        Ok(Self { roots, root, issuing })
    }

    /// Makes the next issuing CA when half of the life of this one is over. The old one needs no overlap: what is
    /// trusted is the root, and every chain brings its issuing CA along.
    pub(super) async fn renewed(
        self,
        db: &Db,
        sealing: &SealingKey,
        trust_domain: &TrustDomain,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        if !is_half_over(self.issuing.not_before, self.issuing.not_after, now) {
            return Ok(self);
        }
        let root = open_ca(sealing, &self.root)?;
        let issuing = root.new_issuing(trust_domain, self.issuing.generation + 1, now)?;
        let row = sealed_row(sealing, ISSUING, &issuing, now)?;
        let first = transaction!(db, |tx| certificate_authority_insert_in_tx(tx, &row).await?)?;
        if first {
            tracing::info!(generation = row.generation, not_after = %row.not_after, "issuing CA renewed");
        }
        Self::read(db, trust_domain).await
    }

    /// Opens the issuing CA.
    pub(super) fn open_issuing(&self, sealing: &SealingKey) -> Result<Ca, PkiError> {
        open_ca(sealing, &self.issuing)
    }
}

/// Whether there is a CA, whole or not.
pub(super) async fn exists(db: &Db) -> Result<bool, PkiError> {
    Ok(!certificate_authority_list(&mut &*db).await?.is_empty())
}

/// Makes root and issuing CA, unless somebody else was first.
pub(super) async fn create(
    db: &Db,
    sealing: &SealingKey,
    trust_domain: &TrustDomain,
    now: Timestamp,
) -> Result<(), PkiError> {
    let root = Ca::new_root(trust_domain, now)?;
    let issuing = root.new_issuing(trust_domain, 1, now)?;
    let root_row = sealed_row(sealing, ROOT, &root, now)?;
    let issuing_row = sealed_row(sealing, ISSUING, &issuing, now)?;
    let first = transaction!(db, |tx| {
        // Only whoever stored the root may store an issuing CA under it.
        let first = certificate_authority_insert_in_tx(tx, &root_row).await?;
        if first {
            certificate_authority_insert_in_tx(tx, &issuing_row).await?;
        }
        first
    })?;
    if first {
        tracing::info!(%trust_domain, not_after = %root.not_after, "made the CA");
    }
    Ok(())
}

fn sealed_row(sealing: &SealingKey, role: &str, ca: &Ca, now: Timestamp) -> Result<CertificateAuthorityRow, PkiError> {
    let id = uuid::Uuid::now_v7().as_hyphenated().to_string();
    Ok(CertificateAuthorityRow {
        sealed_key: sealing.seal(&purpose(&id, role, ca.generation), &ca.key())?,
        id,
        role: role.to_owned(),
        generation: ca.generation,
        certificate_der: ca.certificate.to_vec(),
        not_before: ca.not_before,
        not_after: ca.not_after,
        created_at: now,
    })
}

fn open_ca(sealing: &SealingKey, row: &CertificateAuthorityRow) -> Result<Ca, PkiError> {
    let key = sealing.open(&purpose(&row.id, &row.role, row.generation), &row.sealed_key)?;
    Ca::from_stored(row.certificate_der.clone(), row.generation, &key)
}

/// What a sealed key is for: it opens in its own row only.
fn purpose(id: &str, role: &str, generation: i64) -> String {
    format!("certificate_authorities {id} {role} {generation}")
}

/// Whether half of a life is over, which is when its renewal is due.
pub(super) fn is_half_over(not_before: Timestamp, not_after: Timestamp, now: Timestamp) -> bool {
    now > not_before.plus(not_after.since(not_before) / 2)
}
