//! One root follows another, in three steps that each collector takes over within seconds.
//!
//! - *prepare* makes the next root. Agents are told to trust it; nothing comes from it yet. The root in force certifies
//!   it, so that an agent that was away all the time still accepts what comes from it.
//! - *activate* makes certificates come from it. Agents renew, each at another time, without ending their session, and
//!   confirm that they have the new certificate.
//! - *retire* ends the trust in the old one and forgets its key. Whoever still shows a certificate of it must enrol anew,
//!   so it waits until nobody needs one, unless a person insists.
//!
//! A person takes these steps, or time does ([`by_age`]). Each is one transaction that looks again at what there is, so
//! that two who take it at once take it once.

use std::time::Duration;

use orchestrix_common::{pki::TrustDomain, time::Timestamp};
use serde_json::json;

use super::{
    PkiError, RENEWAL_GRACE, SealingKey,
    ca::{Ca, LEAF_LIFE, is_issued_by},
    stored::{CROSS, ISSUING, ROOT, Root, Roots, Stored, is_half_over, open_ca, sealed_row},
};
use crate::{
    store::{
        Db, StoreError, Tx,
        rows::{
            agent_certificate::{HolderRow, agent_certificate_holders},
            audit::{AuditEntry, audit_insert_in_tx},
            certificate_authority::{
                CertificateAuthorityRow, certificate_authority_activate_in_tx, certificate_authority_insert_in_tx,
                certificate_authority_list, certificate_authority_lock_in_tx, certificate_authority_retire_in_tx,
            },
            history::Actor,
            join_token::join_token_list_open_before,
        },
    },
    transaction,
};
use rustls::pki_types::CertificateDer;

/// After an activation, how long a collector may still issue from the root before.
const TAKE_OVER: Duration = Duration::from_secs(10);
/// How long after an activation time retires the root before: whoever was away longer cannot renew any more.
const OVERLAP: Duration = Duration::from_secs(RENEWAL_GRACE.as_secs() + 2 * LEAF_LIFE.as_secs());
/// How long a root that time prepared is at least known before time activates it.
const KNOWN: Duration = Duration::from_secs(60 * 60);
/// Agents and tokens that are named when they are in the way.
pub(super) const NAMED: u32 = 1_000;

/// A step was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The CA or the database failed.
    #[error("rotate the CA")]
    Pki(#[from] PkiError),
    /// There is no CA yet.
    #[error("there is no CA in this database yet; start the collector once, it makes one")]
    NoAuthority,
    /// The next root is there.
    #[error("root {0} is prepared already; activate it")]
    AlreadyPrepared(i64),
    /// The rotation before is not over.
    #[error("root {0} is still trusted from the rotation before; retire it first")]
    StillTrusted(i64),
    /// There is no next root.
    #[error("no root is prepared; run `ca prepare` first")]
    NotPrepared,
    /// There is no old root.
    #[error("one root is trusted, there is none to retire")]
    NothingToRetire,
    /// Some collector may still issue from the old root.
    #[error("root {0} was activated just now; wait {secs} s until every collector uses it", secs = TAKE_OVER.as_secs())]
    TooSoon(i64),
    /// Somebody needs the old root.
    #[error("{}", still_needed(*generation, agents, tokens))]
    StillNeeded {
        /// The root.
        generation: i64,
        /// Agents that hold a certificate of it and did not confirm a newer one; a thousand at most.
        agents: Vec<HolderRow>,
        /// Join tokens from before the next root was made.
        tokens: Vec<String>,
    },
    /// Two took a step at once.
    #[error("somebody else rotated the CA at the same time; look at `ca status`")]
    Overtaken,
}

impl From<StoreError> for RotationError {
    fn from(error: StoreError) -> Self {
        Self::Pki(error.into())
    }
}

fn still_needed(generation: i64, agents: &[HolderRow], tokens: &[String]) -> String {
    let mut parts = Vec::new();
    if !agents.is_empty() {
        let hosts: Vec<String> =
            agents.iter().map(|agent| format!("{} ({})", agent.hostname, agent.agent_id)).collect();
        parts.push(format!("{} agents hold certificates of it: {}", agents.len(), hosts.join(", ")));
    }
    if !tokens.is_empty() {
        parts.push(format!("join tokens that know only it are still in force: {}", tokens.join(", ")));
    }
    format!("root {generation} is still needed; {}; --force retires it all the same", parts.join("; "))
}

/// Who rotates, and on which installation.
#[derive(Clone, Debug)]
pub struct Rotation<'a> {
    /// The database.
    pub db: &'a Db,
    /// Trust domain of the installation.
    pub trust_domain: &'a TrustDomain,
    /// Who takes the step.
    pub actor: &'a Actor,
    /// When.
    pub now: Timestamp,
}

impl Rotation<'_> {
    async fn rows(&self) -> Result<Vec<CertificateAuthorityRow>, RotationError> {
        let rows = certificate_authority_list(&mut &*self.db).await?;
        if rows.is_empty() { Err(RotationError::NoAuthority) } else { Ok(rows) }
    }

    /// Makes the next root; returns its generation.
    ///
    /// # Errors
    /// When there is one already, when the rotation before is not over, or when the database or the CA's key fails.
    pub async fn prepare(&self, sealing: &SealingKey) -> Result<i64, RotationError> {
        let rows = self.rows().await?;
        let stored = Stored::of(&rows, self.trust_domain)?;
        may_prepare(&stored.roots)?;
        let last = rows.iter().filter(|row| row.role == ROOT).map(|row| row.generation).max().unwrap_or(0);
        let generation = last + 1;
        let root = Ca::new_root(self.trust_domain, generation, self.now)?;
        let active = open_ca(sealing, &stored.active.row)?;
        let cross = active.certify_root(&root, self.trust_domain, self.now)?;
        let root_row = CertificateAuthorityRow { activated_at: None, ..sealed_row(sealing, ROOT, &root, self.now)? };
        let cross_row = CertificateAuthorityRow {
            id: uuid::Uuid::now_v7().as_hyphenated().to_string(),
            role: CROSS.to_owned(),
            certificate_der: cross.to_vec(),
            sealed_key: Vec::new(),
            not_after: root_row.not_after.min(stored.active.row.not_after),
            ..root_row.clone()
        };
        let taken = transaction!(self.db, |tx| {
            let same = self.is_unchanged(&rows, tx).await?;
            if same {
                certificate_authority_insert_in_tx(tx, &root_row).await?;
                certificate_authority_insert_in_tx(tx, &cross_row).await?;
                self.audit(tx, "ca.prepare", generation).await?;
            }
            same
        })?;
        self.taken(taken, "root CA prepared", generation)
    }

    /// Makes certificates come from the root that is prepared; agents renew within `renew_within`. Returns its generation.
    ///
    /// # Errors
    /// When none is prepared, or when the database or the CA's key fails.
    pub async fn activate(&self, sealing: &SealingKey, renew_within: Duration) -> Result<i64, RotationError> {
        let rows = self.rows().await?;
        let stored = Stored::of(&rows, self.trust_domain)?;
        let prepared = stored.roots.prepared.as_ref().ok_or(RotationError::NotPrepared)?;
        let generation = prepared.row.generation;
        let root = open_ca(sealing, &prepared.row)?;
        let issuing = root.new_issuing(self.trust_domain, stored.last_issuing + 1, self.now)?;
        let issuing_row = sealed_row(sealing, ISSUING, &issuing, self.now)?;
        let within = i64::try_from(renew_within.as_secs()).unwrap_or(i64::MAX);
        let taken = transaction!(self.db, |tx| {
            let same = self.is_unchanged(&rows, tx).await?;
            if same {
                certificate_authority_insert_in_tx(tx, &issuing_row).await?;
                certificate_authority_activate_in_tx(tx, &prepared.row.id, within, self.now).await?;
                self.audit(tx, "ca.activate", generation).await?;
            }
            same
        })?;
        self.taken(taken, "root CA activated", generation)
    }

    /// Ends the trust in the oldest root that certificates came from before; returns its generation.
    ///
    /// # Errors
    /// When there is none, when somebody still needs it unless `force` is set, or when the database fails.
    pub async fn retire(&self, force: bool) -> Result<i64, RotationError> {
        let rows = self.rows().await?;
        let roots = Roots::of(&rows)?;
        let active = roots.active.as_ref().ok_or(PkiError::Incomplete("it has no root"))?;
        let old = roots.outgoing.first().ok_or(RotationError::NothingToRetire)?;
        let generation = old.row.generation;
        if active.row.activated_at.is_none_or(|at| self.now.since(at) < TAKE_OVER) {
            return Err(RotationError::TooSoon(active.row.generation));
        }
        let ids = with_what_comes_from(old, &rows);
        let next = rows.iter().find(|row| row.role == ROOT && row.generation > generation);
        let next_made = next.map_or(self.now, |row| row.created_at);
        let outcome = transaction!(self.db, |tx| {
            if self.is_unchanged(&rows, tx).await? {
                let agents = agent_certificate_holders(tx, generation, self.now.minus(RENEWAL_GRACE), NAMED).await?;
                let tokens = join_token_list_open_before(tx, next_made, self.now, NAMED).await?;
                if force || (agents.is_empty() && tokens.is_empty()) {
                    certificate_authority_retire_in_tx(tx, &ids, self.now).await?;
                    self.audit(tx, "ca.retire", generation).await?;
                    Ok(true)
                } else {
                    Err(RotationError::StillNeeded { generation, agents, tokens })
                }
            } else {
                Ok(false)
            }
        })?;
        self.taken(outcome?, "root CA retired", generation)
    }

    /// Locks the CAs and tells whether they are as they were read.
    async fn is_unchanged(&self, read: &[CertificateAuthorityRow], tx: &mut Tx) -> Result<bool, StoreError> {
        let steps = |rows: &[CertificateAuthorityRow]| -> Vec<_> {
            rows.iter().map(|row| (row.id.clone(), row.activated_at, row.retired_at)).collect()
        };
        Ok(steps(&certificate_authority_lock_in_tx(tx).await?) == steps(read))
    }

    async fn audit(&self, tx: &mut Tx, action: &str, generation: i64) -> Result<(), StoreError> {
        let id = generation.to_string();
        let entry = AuditEntry {
            at: self.now,
            actor_kind: self.actor.kind,
            actor_id: &self.actor.id,
            action,
            resource_type: "certificate-authority",
            resource_id: &id,
            detail: json!({ "root": generation }),
        };
        audit_insert_in_tx(tx, &entry).await
    }

    #[allow(clippy::unused_self, reason = "ends each step alike")]
    fn taken(&self, taken: bool, step: &'static str, generation: i64) -> Result<i64, RotationError> {
        if !taken {
            return Err(RotationError::Overtaken);
        }
        tracing::info!(generation, "{step}");
        Ok(generation)
    }
}

const fn may_prepare(roots: &Roots) -> Result<(), RotationError> {
    match (&roots.prepared, roots.outgoing.as_slice()) {
        (Some(prepared), _) => Err(RotationError::AlreadyPrepared(prepared.row.generation)),
        (None, [old, ..]) => Err(RotationError::StillTrusted(old.row.generation)),
        (None, []) => Ok(()),
    }
}

/// The root, its issuing CAs, and what it certified.
fn with_what_comes_from<'a>(root: &Root, rows: &'a [CertificateAuthorityRow]) -> Vec<&'a str> {
    let certificate = root.certificate();
    let comes = |row: &&CertificateAuthorityRow| {
        row.id == root.row.id
            || row.role != ROOT && is_issued_by(&CertificateDer::from(row.certificate_der.as_slice()), &certificate)
    };
    rows.iter().filter(comes).map(|row| row.id.as_str()).collect()
}

/// The step that time takes next, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Prepare(Timestamp),
    Activate(Timestamp),
    Retire(Timestamp),
}

/// A root is followed when half of its life is over, by one that takes its place for the last sixth. The old one goes
/// when nobody who may still renew can need it.
pub(super) fn due(roots: &Roots) -> Option<Due> {
    let active = &roots.active.as_ref()?.row;
    let life = active.not_after.since(active.not_before);
    Some(match (roots.outgoing.first(), &roots.prepared) {
        (Some(old), _) => {
            let overlap = active.activated_at.map_or(old.row.not_after, |at| at.plus(OVERLAP));
            Due::Retire(overlap.min(old.row.not_after))
        }
        (None, Some(prepared)) => {
            Due::Activate(active.not_after.minus(life / 6).max(prepared.row.created_at.plus(KNOWN)))
        }
        (None, None) => Due::Prepare(active.not_before.plus(life / 2)),
    })
}

/// Takes the step that is due by age, if any; says whether it did.
pub(super) async fn by_age(rotation: &Rotation<'_>, stored: &Stored, sealing: &SealingKey) -> Result<bool, PkiError> {
    let now = rotation.now;
    let taken = match due(&stored.roots) {
        Some(Due::Prepare(_)) if is_half_over(stored.active.row.not_before, stored.active.row.not_after, now) => {
            rotation.prepare(sealing).await
        }
        Some(Due::Activate(at)) if now >= at => rotation.activate(sealing, super::stored::RENEW_WITHIN).await,
        Some(Due::Retire(at)) if now >= at => {
            // Past its end it serves nobody, whoever still has something from it.
            let ended = stored.roots.outgoing.first().is_some_and(|old| now > old.row.not_after);
            rotation.retire(ended).await
        }
        _ => return Ok(false),
    };
    match taken {
        Ok(_) => Ok(true),
        Err(RotationError::Pki(error)) => Err(error),
        // Another collector was first, or an agent has yet to renew: the next round sees.
        Err(error) => {
            tracing::debug!(%error, "the step that is due was not taken");
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const START: Timestamp = Timestamp::from_secs(1_800_000_000);

    fn root(generation: i64, made: Timestamp, activated_at: Option<Timestamp>) -> CertificateAuthorityRow {
        let ca = Ca::new_root(&"orchestrix.local".parse().unwrap(), generation, made).unwrap();
        CertificateAuthorityRow {
            id: generation.to_string(),
            role: ROOT.to_owned(),
            generation,
            certificate_der: ca.certificate.to_vec(),
            sealed_key: Vec::new(),
            not_before: ca.not_before,
            not_after: ca.not_after,
            created_at: made,
            activated_at,
            retired_at: None,
            renew_within_secs: None,
        }
    }

    #[test]
    fn time_prepares_at_half_of_the_life_activates_for_the_last_sixth_and_retires_after_the_overlap() {
        let first = root(1, START, Some(START));
        let life = first.not_after.since(first.not_before);
        let roots = Roots::of(std::slice::from_ref(&first)).unwrap();
        assert_eq!(due(&roots), Some(Due::Prepare(first.not_before.plus(life / 2))));
        let made = START.plus(life / 2);
        let roots = Roots::of(&[first.clone(), root(2, made, None)]).unwrap();
        assert_eq!(due(&roots), Some(Due::Activate(first.not_after.minus(life / 6))));
        // One that a person prepares late is known for a while all the same.
        let late = first.not_after.minus(DAY);
        let roots = Roots::of(&[first.clone(), root(2, late, None)]).unwrap();
        assert_eq!(due(&roots), Some(Due::Activate(late.plus(KNOWN))));
        let activated = first.not_after.minus(life / 6);
        let roots = Roots::of(&[first.clone(), root(2, made, Some(activated))]).unwrap();
        assert_eq!(due(&roots), Some(Due::Retire(activated.plus(OVERLAP))));
        assert_eq!(roots.active.unwrap().row.generation, 2);
        let roots = Roots::of(&[first.clone(), root(2, made, Some(late))]).unwrap();
        assert_eq!(due(&roots), Some(Due::Retire(first.not_after)));
    }

    #[test]
    fn the_next_root_is_prepared_once_and_after_the_old_one_is_gone() {
        let (first, next) = (root(1, START, Some(START)), root(2, START, None));
        let steps = |rows: &[CertificateAuthorityRow]| may_prepare(&Roots::of(rows).unwrap());
        assert!(steps(std::slice::from_ref(&first)).is_ok());
        let both = [first.clone(), next.clone()];
        assert!(matches!(steps(&both), Err(RotationError::AlreadyPrepared(2))));
        let active = CertificateAuthorityRow { activated_at: Some(START), ..next };
        assert!(matches!(steps(&[first.clone(), active.clone()]), Err(RotationError::StillTrusted(1))));
        let retired = CertificateAuthorityRow { retired_at: Some(START), ..first };
        assert!(steps(&[retired, active]).is_ok());
    }
}
