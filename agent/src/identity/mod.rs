//! Who this agent is: how it gets a certificate, keeps it fresh and proves itself with it.
//!
//! It knows nothing of sessions and reports. Invariants:
//!
//! - The private key never leaves the host, and every certificate has a key of its own.
//! - A crash at any byte leaves an identity that works: the key store has two slots, and the collector accepts the
//!   previous certificate until it has seen the new one in use.
//! - An identity that was made on another machine (a cloned disk image) is not used.
//! - Whoever connects reads the current certificate at that moment; open connections are never touched by a renewal.

mod connect;
mod credential;
mod enroll;
mod error;
mod fingerprint;
mod keystore;
mod renew;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use orchestrix_common::{
    id::AgentId,
    model::Machine,
    pki::Pin,
    time::{SharedClock, SystemClock, Timestamp},
};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, watch};
use tonic::transport::Channel;

pub use enroll::Pass;
pub use error::{IdentityError, explain};

use credential::Credential;
use keystore::Keystore;

/// An enrolled agent's identity. Clones share it.
#[derive(Clone, Debug)]
pub struct Identity(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keystore: Keystore,
    clock: SharedClock,
    current: ArcSwap<Credential>,
    /// Held while the current credential is replaced, so that a renewal and a new trust bundle do not undo each other.
    replacing: Mutex<()>,
    /// One renewal at a time: of two, the one that is stored last could be the one that the collector forgets.
    renewing: Semaphore,
    /// By when to renew though half of the certificate's life is not over; `None` when nobody asks for it.
    hurry: watch::Sender<Option<Timestamp>>,
}

impl Identity {
    /// Loads the identity that an earlier enrolment left in `state_dir`; `None` when there is none.
    ///
    /// # Errors
    /// When the files cannot be read, are damaged, or were made on another machine.
    pub fn load(state_dir: &Path, machine: &Machine) -> Result<Option<Self>, IdentityError> {
        Self::load_with_clock(state_dir, machine, Arc::new(SystemClock))
    }

    /// As [`Self::load`], with a clock.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with_clock(
        state_dir: &Path,
        machine: &Machine,
        clock: SharedClock,
    ) -> Result<Option<Self>, IdentityError> {
        let keystore = Keystore::at(state_dir, machine);
        Ok(keystore.load()?.map(|credential| Self::new(keystore, credential, clock)))
    }

    /// Enrols this host at a collector (`HOST:PORT`) with a join token, and stores the identity in `state_dir`.
    ///
    /// The key is stored before the token is used, so that another try after a lost reply is recognised.
    ///
    /// # Errors
    /// When the token is refused, the collector is not from the CA that the token names or does not answer, or the
    /// identity cannot be stored.
    pub async fn enroll(
        state_dir: &Path,
        collector: &str,
        token: &str,
        machine: &Machine,
        agent_version: &str,
    ) -> Result<Self, IdentityError> {
        Self::enroll_with_clock(state_dir, collector, token, machine, agent_version, Arc::new(SystemClock)).await
    }

    /// As [`Self::enroll`], with a clock.
    ///
    /// # Errors
    /// As [`Self::enroll`].
    pub async fn enroll_with_clock(
        state_dir: &Path,
        collector: &str,
        token: &str,
        machine: &Machine,
        agent_version: &str,
        clock: SharedClock,
    ) -> Result<Self, IdentityError> {
        let pass = Pass::token(token).map_err(IdentityError::Token)?;
        Self::enroll_as(state_dir, collector, &pass, machine, agent_version, clock).await
    }

    /// As [`Self::enroll`], with whatever the host has to show.
    ///
    /// # Errors
    /// As [`Self::enroll`].
    pub async fn enroll_as(
        state_dir: &Path,
        collector: &str,
        pass: &Pass,
        machine: &Machine,
        agent_version: &str,
        clock: SharedClock,
    ) -> Result<Self, IdentityError> {
        let keystore = Keystore::at(state_dir, machine);
        let credential = enroll::enroll(&keystore, collector, pass, machine, agent_version, clock.clone()).await?;
        Ok(Self::new(keystore, credential, clock))
    }

    fn new(keystore: Keystore, credential: Credential, clock: SharedClock) -> Self {
        Self(Arc::new(Inner {
            keystore,
            clock,
            current: ArcSwap::from_pointee(credential),
            replacing: Mutex::new(()),
            renewing: Semaphore::new(1),
            hurry: watch::Sender::new(None),
        }))
    }

    /// Identifies the agent; it never changes.
    #[must_use]
    pub fn agent_id(&self) -> AgentId {
        self.0.current.load().agent_id
    }

    /// When the current certificate ends.
    #[must_use]
    pub fn certificate_not_after(&self) -> Timestamp {
        self.0.current.load().not_after
    }

    /// Serial number of the current certificate, as the collector lists it.
    #[must_use]
    pub fn certificate_serial(&self) -> String {
        self.0.current.load().serial.to_string()
    }

    /// Pins of the roots that it trusts.
    #[must_use]
    pub fn trusted_roots(&self) -> Vec<Pin> {
        self.0.current.load().roots.iter().filter_map(Pin::of).collect()
    }

    /// The roots that it trusts, DER.
    #[must_use]
    pub fn trusted_roots_der(&self) -> Vec<Vec<u8>> {
        self.0.current.load().roots.iter().map(|root| root.to_vec()).collect()
    }

    /// Opens a fresh, mutually authenticated connection to a collector (`HOST:PORT`).
    ///
    /// A certificate that has expired is renewed first. In TLS 1.3 the collector judges the certificate only after
    /// this returned: pass the status of a failed first call to [`explain`].
    ///
    /// # Errors
    /// When the collector does not answer, or is not one that this agent trusts.
    pub async fn channel(&self, collector: &str) -> Result<Channel, IdentityError> {
        if self.0.clock.now() > self.certificate_not_after() {
            self.renew(collector).await?;
        }
        connect::channel(collector, self.connector()).await
    }

    /// Trusts these roots (DER) from now on, and no others.
    ///
    /// # Errors
    /// When there is none, one cannot be read, or they cannot be stored.
    pub fn trust(&self, roots_der: Vec<Vec<u8>>) -> Result<(), IdentityError> {
        let roots = checked_roots(roots_der)?;
        self.replace(
            |current| {
                if current.roots == roots { None } else { Some(Credential { roots, ..current.clone() }) }
            },
        )
    }

    /// Removes the identity and every key from `state_dir`.
    ///
    /// # Errors
    /// When something is there and cannot be removed.
    pub fn wipe(state_dir: &Path) -> io::Result<()> {
        keystore::wipe(state_dir)
    }

    /// What each new connection uses: the credential at that moment.
    fn connector(&self) -> connect::Settings {
        let inner = self.0.clone();
        Arc::new(move || inner.current.load().client_config(inner.clock.clone()))
    }

    /// Stores and then uses what `change` makes of the current credential; `None` leaves it as it is.
    fn replace(&self, change: impl FnOnce(&Credential) -> Option<Credential>) -> Result<(), IdentityError> {
        let _one_at_a_time = self.0.replacing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(changed) = change(&self.0.current.load()) {
            self.0.keystore.save(&changed)?;
            self.0.current.store(Arc::new(changed));
        }
        Ok(())
    }
}

/// Takes a trust bundle as it came over the wire.
fn checked_roots(roots_der: Vec<Vec<u8>>) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let roots: Vec<_> = roots_der.into_iter().map(CertificateDer::from).collect();
    if roots.is_empty() || roots.iter().any(|root| Pin::of(root).is_none()) {
        return Err(IdentityError::Answer("its trust bundle is empty or cannot be read"));
    }
    Ok(roots)
}

/// Runs something that waits for the disk away from the threads that drive connections.
async fn off_the_runtime(
    work: impl FnOnce() -> Result<(), IdentityError> + Send + 'static,
) -> Result<(), IdentityError> {
    tokio::task::spawn_blocking(work).await.map_err(IdentityError::Interrupted)?
}
