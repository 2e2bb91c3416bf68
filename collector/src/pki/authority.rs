//! The CA of an installation as one collector holds it: made once, shared through the database, renewed in time.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

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
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{
    PkiError, Rotation, SealingKey, TrustBundle, TrustFeed,
    ca::{Ca, Issued},
    rotation,
    stored::{self, Stored},
};
use crate::{
    metrics::Exposition,
    store::{
        Db,
        rows::{
            agent_certificate::agent_certificate_prune_in_tx, certificate_authority::certificate_authority_mark,
            history::Actor,
        },
    },
    transaction,
};

/// How long after its end a certificate may still be used to renew itself.
pub const RENEWAL_GRACE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How long an ended certificate is remembered: past the grace period, so that its holder is told the right reason.
const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const UPKEEP_EVERY: Duration = Duration::from_secs(60);
/// How soon a step of the CA's rotation that was taken elsewhere is taken over.
const LOOK_EVERY: Duration = Duration::from_secs(2);

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
    bundle: watch::Sender<Arc<TrustBundle>>,
    /// What the database held of the CA when it was last looked at.
    seen: AtomicI64,
}

#[derive(Debug)]
struct State {
    bundle: Arc<TrustBundle>,
    issuing: Ca,
    /// Links the issuing CA's root to older ones.
    crosses: Vec<CertificateDer<'static>>,
    root_generation: i64,
    mark: Vec<(String, i64)>,
    /// Validity of the collector's own certificate.
    server_not_before: Timestamp,
    server_not_after: Timestamp,
    /// End of the root that certificates come from, and of the CA that issues them.
    root_not_after: Timestamp,
    issuing_not_after: Timestamp,
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
            bundle: watch::Sender::new(state.bundle.clone()),
            state: ArcSwap::from_pointee(state),
            server: Arc::new(ArcSwap::from_pointee(server)),
            seen: AtomicI64::new(0),
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
        self.state.load().bundle.roots_der.clone()
    }

    /// What agents are told about the roots, now and whenever it changes.
    #[must_use]
    pub fn trust_feed(&self) -> TrustFeed {
        self.bundle.subscribe()
    }

    /// The pin of the root that certificates come from.
    #[must_use]
    pub fn pin(&self) -> Pin {
        self.state.load().bundle.issuing_root
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

    /// Issues an agent's certificate; returns it with its chain, leaf first. By what stands last in there, collectors that
    /// do not know the newest root yet accept it.
    pub(super) fn issue_agent(
        &self,
        agent_id: AgentId,
        public_key: &impl PublicKeyData,
        now: Timestamp,
    ) -> Result<IssuedToAgent, PkiError> {
        let state = self.state.load();
        let id = SpiffeId { trust_domain: self.trust_domain.clone(), subject: Subject::Agent(agent_id) };
        let issued = state.issuing.issue(&id, public_key, now)?;
        let chain = [&issued.certificate, &state.issuing.certificate].into_iter().chain(&state.crosses);
        let chain_der = chain.map(|certificate| certificate.to_vec()).collect();
        Ok(IssuedToAgent { issued, chain_der, root_generation: state.root_generation })
    }

    /// Brings everything up to date once: takes over what other collectors changed, lets one root follow another when it
    /// is time, renews the issuing CA and this collector's certificate when half of their life is over, forgets
    /// certificates that ended long ago.
    ///
    /// # Errors
    /// When the database fails; what was in use stays in use.
    pub async fn refresh(&self) -> Result<(), PkiError> {
        let now = self.clock.now();
        let seen = certificate_authority_mark(&mut &self.db).await?;
        let mut stored = Stored::read(&self.db, &self.trust_domain).await?;
        let actor = Actor::collector("pki");
        let rotation = Rotation { db: &self.db, trust_domain: &self.trust_domain, actor: &actor, now };
        if rotation::by_age(&rotation, &stored, &self.sealing).await? {
            stored = Stored::read(&self.db, &self.trust_domain).await?;
        }
        let stored = stored.renewed(&self.db, &self.sealing, &self.trust_domain, now).await?;
        let current = self.state.load();
        let half_over = stored::is_half_over(current.server_not_before, current.server_not_after, now);
        if half_over || stored.mark() != current.mark {
            self.take_over(&stored)?;
        }
        self.seen.store(seen.unwrap_or(0), Ordering::Relaxed);
        let forgotten = transaction!(self.db, |tx| agent_certificate_prune_in_tx(tx, now.minus(REMEMBERED)).await?)?;
        if forgotten > 0 {
            tracing::debug!(certificates = forgotten, "forgot certificates that ended long ago");
        }
        Ok(())
    }

    fn take_over(&self, stored: &Stored) -> Result<(), PkiError> {
        let (state, server) = activate(stored, &self.sealing, &self.trust_domain, self.collector_id, &self.clock)?;
        let bundle = state.bundle.clone();
        self.server.store(Arc::new(server));
        self.state.store(Arc::new(state));
        tracing::info!("the agents' port has a fresh certificate");
        self.bundle.send_if_modified(|current| {
            let changed = *current != bundle;
            if changed {
                tracing::info!(roots = bundle.roots_der.len(), issuing = %bundle.issuing_root, "trusted roots changed");
                *current = bundle;
            }
            changed
        });
        Ok(())
    }

    /// Lets the time until certificates end be told whenever somebody asks.
    pub fn watch_certificates(self: &Arc<Self>, exposition: &Exposition) {
        let this = Arc::clone(self);
        exposition.sample_by(move || {
            let (now, state) = (this.now(), this.state.load());
            let ends = [
                ("root", state.root_not_after),
                ("issuing", state.issuing_not_after),
                ("collector", state.server_not_after),
            ];
            for (certificate, end) in ends {
                let left = (end.as_micros() - now.as_micros()) as f64 / 1e6;
                metrics::gauge!("orchestrix_pki_certificate_remaining_seconds", "certificate" => certificate).set(left);
            }
        });
    }

    /// Whether somebody else changed the CA since the last [`Self::refresh`]. Cheap.
    async fn is_changed(&self) -> Result<bool, PkiError> {
        let mark = certificate_authority_mark(&mut &self.db).await?.unwrap_or(0);
        Ok(mark != self.seen.load(Ordering::Relaxed))
    }

    /// Runs [`Self::refresh`] every minute until `stop`, and within two seconds after somebody changed the CA. A failure
    /// is logged and tried again: half of every certificate's life is left by then.
    pub async fn upkeep(self: Arc<Self>, stop: CancellationToken) {
        let mut failing = false;
        let mut refreshed = Instant::now();
        loop {
            // Cancel-safe: both arms only wait.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let due = refreshed.elapsed() >= UPKEEP_EVERY;
            let outcome = match if due { Ok(true) } else { self.is_changed().await } {
                Ok(true) => {
                    refreshed = Instant::now();
                    self.refresh().await
                }
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            if outcome.is_err() {
                metrics::counter!("orchestrix_upkeep_errors_total", "task" => "certificates").increment(1);
            }
            match outcome {
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

/// A certificate for an agent.
#[derive(Debug)]
pub(super) struct IssuedToAgent {
    pub(super) issued: Issued,
    /// Leaf first, DER.
    pub(super) chain_der: Vec<Vec<u8>>,
    /// Generation of the root that it comes from.
    pub(super) root_generation: i64,
}

/// Opens the issuing CA and issues this collector's own certificate.
fn activate(
    stored: &Stored,
    sealing: &SealingKey,
    trust_domain: &TrustDomain,
    collector_id: CollectorId,
    clock: &SharedClock,
) -> Result<(State, ServerConfig), PkiError> {
    let issuing = stored.open_issuing(sealing)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let id = SpiffeId { trust_domain: trust_domain.clone(), subject: Subject::Collector(collector_id) };
    let issued = issuing.issue(&id, &key, clock.now())?;
    let roots: Vec<_> = stored.roots.all().map(stored::Root::certificate).collect();
    let verifier = AgentVerifier::new(&roots, trust_domain.clone(), RENEWAL_GRACE)?;
    // The root goes along for agents that know only its pin, older ones for those that know only theirs.
    let mut chain = vec![issued.certificate, issuing.certificate.clone(), stored.active.certificate()];
    chain.extend(stored.crosses.iter().cloned());
    chain.extend(stored.roots.outgoing.iter().map(stored::Root::certificate));
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let server = server_config(Arc::new(verifier), chain, key, clock.clone())?;
    let bundle = TrustBundle {
        roots_der: roots.iter().map(|root| root.to_vec()).collect(),
        issuing_root: stored.active.pin,
        renew_within: stored.renew_within(),
    };
    let state = State {
        bundle: Arc::new(bundle),
        issuing,
        crosses: stored.crosses.clone(),
        root_generation: stored.active.row.generation,
        mark: stored.mark(),
        server_not_before: issued.not_before,
        server_not_after: issued.not_after,
        root_not_after: stored.active.row.not_after,
        issuing_not_after: stored.issuing.not_after,
    };
    Ok((state, server))
}
