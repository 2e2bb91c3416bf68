//! The CA of an installation as one collector holds it: made once, shared through the database, renewed in time.

use std::{path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use orchestrix_common::{
    id::AgentId,
    pki::{AgentVerifier, CollectorId, Pin, SpiffeId, Subject, TrustDomain, server_config},
    time::{SharedClock, Timestamp},
};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio_util::sync::CancellationToken;

use super::{
    PkiError, SealingKey,
    ca::{Ca, Issued},
    stored::{self, Stored},
};
use crate::{
    store::{Db, rows::agent_certificate::agent_certificate_prune_in_tx},
    transaction,
};

/// How long after its end a certificate may still be used to renew itself.
pub const RENEWAL_GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long an ended certificate is remembered: past the grace period, so that its holder is told the right reason.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const UPKEEP_EVERY: Duration = Duration::from_secs(60);

/// Issues certificates and holds the TLS settings of the agents' port.
#[derive(Debug)]
pub struct TrustAuthority {
    db: Db,
    sealing: SealingKey,
    trust_domain: TrustDomain,
    clock: SharedClock,
    collector_id: CollectorId,
    state: ArcSwap<State>,
    server: Arc<ArcSwap<ServerConfig>>,
}

#[derive(Debug)]
struct State {
    roots: Vec<CertificateDer<'static>>,
    pin: Pin,
    issuing: Ca,
    /// Validity of the collector's own certificate.
    server_not_before: Timestamp,
    server_not_after: Timestamp,
}

impl TrustAuthority {
    /// Opens the CA in the database; makes it, and the sealing key, when there is none.
    ///
    /// Of several collectors that start on an empty database at once, one makes the CA and all end with it, provided
    /// that they share the sealing key's file.
    ///
    /// # Errors
    /// When the database fails, the sealing key is missing or another one, or the CA is of another trust domain.
    pub async fn open(
        db: Db,
        sealing_key: &Path,
        trust_domain: TrustDomain,
        clock: SharedClock,
    ) -> Result<Arc<Self>, PkiError> {
        let now = clock.now();
        let sealing = if !stored::exists(&db).await? {
            let sealing = SealingKey::load_or_create(sealing_key)?;
            stored::create(&db, &sealing, &trust_domain, now).await?;
            sealing
        } else {
            // A new key could not open what is there; making one would hide that the right one is missing.
            SealingKey::load(sealing_key)?.ok_or_else(|| PkiError::SealingKeyMissing(sealing_key.to_owned()))?
        };
        let collector_id = CollectorId::generate();
        let stored = Stored::read(&db, &trust_domain).await?.renewed(&db, &sealing, &trust_domain, now).await?;
        let (state, server) = activate(&stored, &sealing, &trust_domain, collector_id, &clock)?;
        Ok(Arc::new(Self {
            db,
            sealing,
            trust_domain,
            clock,
            collector_id,
            state: ArcSwap::from_pointee(state),
            server: Arc::new(ArcSwap::from_pointee(server)),
        }))
    }

    /// TLS settings of the agents' port. What is in there changes when a certificate is renewed.
    #[must_use]
    pub fn server_config(&self) -> Arc<ArcSwap<ServerConfig>> {
        self.server.clone()
    }

    /// All roots that agents should trust, DER.
    #[must_use]
    pub fn roots_der(&self) -> Vec<Vec<u8>> {
        self.state.load().roots.iter().map(|root| root.to_vec()).collect()
    }

    /// The pin that new join tokens carry.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.state.load().pin
    }

    /// The trust domain of all identities.
    #[must_use]
    pub const fn trust_domain(&self) -> &TrustDomain {
        &self.trust_domain
    }

    /// Identifies this run of the collector in its certificate.
    #[must_use]
    pub const fn collector_id(&self) -> CollectorId {
        self.collector_id
    }

    pub(super) const fn db(&self) -> &Db {
        &self.db
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Issues an agent's certificate; returns it with its chain, leaf first.
    pub(super) fn issue_agent(
        &self,
        agent_id: AgentId,
        public_key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<(Issued, Vec<Vec<u8>>), PkiError> {
        let state = self.state.load();
        let id = SpiffeId { trust_domain: self.trust_domain.clone(), subject: Subject::Agent(agent_id) };
        let issued = state.issuing.issue(&id, public_key, now)?;
        let chain = vec![issued.certificate.to_vec(), state.issuing.certificate.to_vec()];
        Ok((issued, chain))
    }

    /// Brings everything up to date once: takes over what other collectors changed, renews the issuing CA and this
    /// collector's certificate when half of their life is over, forgets certificates that ended long ago.
    ///
    /// # Errors
    /// When the database fails; what was in use stays in use.
    pub async fn refresh(&self) -> Result<(), PkiError> {
        let now = self.clock.now();
        let stored = Stored::read(&self.db, &self.trust_domain).await?;
        let stored = stored.renewed(&self.db, &self.sealing, &self.trust_domain, now).await?;
        let current = self.state.load();
        let half_over = stored::is_half_over(current.server_not_before, current.server_not_after, now);
        if half_over || stored.roots != current.roots || stored.issuing.generation != current.issuing.generation {
            let (state, server) = activate(&stored, &self.sealing, &self.trust_domain, self.collector_id, &self.clock)?;
            self.server.store(Arc::new(server));
            self.state.store(Arc::new(state));
            tracing::info!("the agents' port has a fresh certificate");
        }
        let forgotten = transaction!(self.db, |tx| agent_certificate_prune_in_tx(tx, now.minus(REMEMBERED)).await?)?;
        if forgotten > 0 {
            tracing::debug!(certificates = forgotten, "forgot certificates that ended long ago");
        }
        Ok(())
    }

    /// Runs [`Self::refresh`] every minute until `stop`. A failure is logged and tried again a minute later: half of
    /// every certificate's life is left by then.
    pub async fn upkeep(self: Arc<Self>, stop: CancellationToken) {
        let mut failing = false;
        loop {
            // Cancel-safe: both arms only wait.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP_EVERY) => {}
            }
            match self.refresh().await {
                Ok(()) => failing = false,
                Err(error) if failing => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "upkeep still fails")
                }
                Err(error) => {
                    failing = true;
                    tracing::warn!(error = &error as &dyn std::error::Error, "upkeep of the CA failed");
                }
            }
        }
    }
}

/// Opens the issuing CA and issues this collector's own certificate.
fn activate(
    stored: &Stored,
    sealing: &SealingKey,
    trust_domain: &TrustDomain,
    collector_id: CollectorId,
    clock: &SharedClock,
) -> Result<(State, ServerConfig), PkiError> {
    let root = stored.roots.last().ok_or(PkiError::Incomplete("it has no root"))?;
    let pin = Pin::of(root).ok_or(PkiError::Incomplete("a root cannot be read"))?;
    let issuing = stored.open_issuing(sealing)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let id = SpiffeId { trust_domain: trust_domain.clone(), subject: Subject::Collector(collector_id) };
    let issued = issuing.issue(&id, &key, clock.now())?;
    let verifier = AgentVerifier::new(&stored.roots, trust_domain.clone(), RENEWAL_GRACE)?;
    // The root goes along for agents that know only its pin.
    let chain = vec![issued.certificate, issuing.certificate.clone(), root.clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = server_config(Arc::new(verifier), chain, key, clock.clone())?;
    let state = State {
        roots: stored.roots.clone(),
        pin,
        issuing,
        server_not_before: issued.not_before,
        server_not_after: issued.not_after,
    };
    Ok((state, server))
}
