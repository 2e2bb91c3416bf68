//! The CA as the database holds it: read, made, renewed, and its keys opened.

use std::time::Duration;

use orchestrix_common::{
    pki::{Pin, Pins, TrustDomain},
    time::Timestamp,
};
use rustls::pki_types::CertificateDer;

use super::{
    PkiError, SealingKey,
    ca::{Ca, is_issued_by, uri_of},
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

pub(super) const ROOT: &str = "root";
pub(super) const ISSUING: &str = "issuing";
/// A root, certified by the one before it.
pub(super) const CROSS: &str = "cross";

/// How much time agents have to renew after a root was activated, unless somebody says otherwise.
pub(super) const RENEW_WITHIN: Duration = Duration::from_secs(300);

/// The pins of the CAs that the next agents may meet; `None` before the first start.
pub(super) async fn stored_pins(db: &Db) -> Result<Option<Pins>, PkiError> {
    let rows = certificate_authority_list(&mut &*db).await?;
    let roots = Roots::of(&rows)?;
    // The one in force first, so that a token of a quiet time reads as ever.
    Ok(Pins::new(roots.active.iter().chain(&roots.prepared).map(|root| root.pin)))
}

/// A root that is trusted.
#[derive(Clone, Debug)]
pub(super) struct Root {
    pub(super) row: CertificateAuthorityRow,
    pub(super) pin: Pin,
}

impl Root {
    fn of(row: &CertificateAuthorityRow) -> Result<Self, PkiError> {
        let pin = Pin::of(&CertificateDer::from(row.certificate_der.as_slice()));
        Ok(Self { row: row.clone(), pin: pin.ok_or(PkiError::Incomplete("a root cannot be read"))? })
    }

    pub(super) fn certificate(&self) -> CertificateDer<'static> {
        CertificateDer::from(self.row.certificate_der.clone())
    }
}

/// The roots that are trusted, by the step that each is at.
#[derive(Clone, Debug, Default)]
pub(super) struct Roots {
    /// Certificates came from them before, oldest first.
    pub(super) outgoing: Vec<Root>,
    /// Certificates come from it.
    pub(super) active: Option<Root>,
    /// Certificates will come from it.
    pub(super) prepared: Option<Root>,
}

impl Roots {
    pub(super) fn of(rows: &[CertificateAuthorityRow]) -> Result<Self, PkiError> {
        let mut roots = Self::default();
        // Rows come by generation.
        for row in rows.iter().filter(|row| row.role == ROOT && row.retired_at.is_none()) {
            let root = Root::of(row)?;
            if row.activated_at.is_none() {
                roots.prepared = Some(root);
            } else if let Some(before) = roots.active.replace(root) {
                roots.outgoing.push(before);
            }
        }
        Ok(roots)
    }

    /// All of them, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Root> {
        self.outgoing.iter().chain(&self.active).chain(&self.prepared)
    }
}

/// What the database holds of the CA.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) roots: Roots,
    /// The root that certificates come from.
    pub(super) active: Root,
    /// The CA under it that issues them.
    pub(super) issuing: CertificateAuthorityRow,
    /// The active root, certified by others that are still trusted.
    pub(super) crosses: Vec<CertificateDer<'static>>,
    /// Newest generation of an issuing CA under any root.
    pub(super) last_issuing: i64,
}

impl Stored {
    pub(super) async fn read(db: &Db, trust_domain: &TrustDomain) -> Result<Self, PkiError> {
        Self::of(&certificate_authority_list(&mut &*db).await?, trust_domain)
    }

    pub(super) fn of(rows: &[CertificateAuthorityRow], trust_domain: &TrustDomain) -> Result<Self, PkiError> {
        let roots = Roots::of(rows)?;
        for root in roots.all() {
            let stored = uri_of(&root.certificate()).ok_or(PkiError::Incomplete("a root names no trust domain"))?;
            if stored != trust_domain.uri() {
                let stored = stored.trim_start_matches("spiffe://").to_owned();
                return Err(PkiError::TrustDomain { stored, configured: trust_domain.clone() });
            }
        }
        let active = roots.active.clone().ok_or(PkiError::Incomplete("it has no root"))?;
        let certificate = |row: &CertificateAuthorityRow| CertificateDer::from(row.certificate_der.clone());
        let of_role = |role: &'static str| rows.iter().filter(move |row| row.role == role);
        let issuing = of_role(ISSUING)
            .filter(|row| row.retired_at.is_none() && is_issued_by(&certificate(row), &active.certificate()))
            .max_by_key(|row| row.generation)
            .ok_or(PkiError::Incomplete("it has no issuing CA"))?
            .clone();
        let by_outgoing = |cross: &CertificateDer<'_>| {
            roots.outgoing.iter().any(|outgoing| is_issued_by(cross, &outgoing.certificate()))
        };
        let crosses = of_role(CROSS).filter(|row| row.generation == active.row.generation).map(certificate);
        Ok(Self {
            crosses: crosses.filter(by_outgoing).collect(),
            last_issuing: of_role(ISSUING).map(|row| row.generation).max().unwrap_or(0),
            roots,
            active,
            issuing,
        })
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
        // One that ends with its root cannot be followed by a longer one.
        let ends_with_root = self.issuing.not_after >= self.active.row.not_after;
        if ends_with_root || !is_half_over(self.issuing.not_before, self.issuing.not_after, now) {
            return Ok(self);
        }
        let root = open_ca(sealing, &self.active.row)?;
        let issuing = root.new_issuing(trust_domain, self.last_issuing + 1, now)?;
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

    /// How much time agents have to renew when their certificate does not come from the active root.
    pub(super) fn renew_within(&self) -> Duration {
        let given = self.active.row.renew_within_secs.and_then(|secs| u64::try_from(secs).ok());
        given.map_or(RENEW_WITHIN, Duration::from_secs)
    }

    /// Changes with everything that a collector has to take over.
    pub(super) fn mark(&self) -> Vec<(String, i64)> {
        let roots = self.roots.all().map(|root| (root.row.id.clone(), i64::from(root.row.activated_at.is_some())));
        roots.chain([(self.issuing.id.clone(), 0)]).collect()
    }
}

/// The pin of the root that certificates come from; `None` when there is no CA.
///
/// # Errors
/// When the database fails, or what it holds is not a whole CA.
pub async fn issuing_pin(db: &Db) -> Result<Option<Pin>, PkiError> {
    let roots = Roots::of(&certificate_authority_list(&mut &*db).await?)?;
    Ok(roots.active.map(|root| root.pin))
}

/// Tells whether a sealing key opens every key of the CA that is in use.
///
/// # Errors
/// When the database fails, or the key is another one ([`PkiError::Sealed`]).
pub async fn opens(db: &Db, sealing: &SealingKey) -> Result<(), PkiError> {
    let rows = certificate_authority_list(&mut &*db).await?;
    // A certificate that links two roots has no key of its own, and a retired root has lost its.
    for row in rows.iter().filter(|row| !row.sealed_key.is_empty()) {
        open_ca(sealing, row)?;
    }
    Ok(())
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
    let root = Ca::new_root(trust_domain, 1, now)?;
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

/// A row for a CA that is in force from now on.
pub(super) fn sealed_row(
    sealing: &SealingKey,
    role: &str,
    ca: &Ca,
    now: Timestamp,
) -> Result<CertificateAuthorityRow, PkiError> {
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
        activated_at: Some(now),
        retired_at: None,
        renew_within_secs: None,
    })
}

pub(super) fn open_ca(sealing: &SealingKey, row: &CertificateAuthorityRow) -> Result<Ca, PkiError> {
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
