//! Who may open a session: what the listener knows of the connection, and what the database says of the certificate.

use async_trait::async_trait;
use orchestrix_common::{id::AgentId, time::Timestamp};

use super::{PeerIdentity, Shared, overtake, refusal::Refusal};
use crate::{
    pki::{CertificateStatus, ShownCertificate, certificate_admit},
    store::{Db, StoreError, rows::agent_certificate::agent_certificate_list_untrusted},
};

/// Tells whether certificates are in force.
#[async_trait]
pub trait Certificates: Send + Sync {
    /// Tells whether a certificate that TLS accepted is still good, and notes that it is in use.
    async fn check(&self, shown: &ShownCertificate, now: Timestamp) -> Result<CertificateStatus, StoreError>;

    /// Agents whose certificates all come from roots that are trusted no more.
    async fn untrusted(&self) -> Result<Vec<AgentId>, StoreError>;
}

#[async_trait]
impl Certificates for Db {
    async fn check(&self, shown: &ShownCertificate, now: Timestamp) -> Result<CertificateStatus, StoreError> {
        certificate_admit(self, shown, now).await
    }

    async fn untrusted(&self) -> Result<Vec<AgentId>, StoreError> {
        agent_certificate_list_untrusted(&mut &*self).await
    }
}

/// An agent, as its certificate says.
#[derive(Clone, Debug)]
pub(super) struct Caller(ShownCertificate);

impl Caller {
    pub(super) const fn agent_id(&self) -> AgentId {
        self.0.agent_id
    }
}

/// Why a caller is not admitted.
pub(super) enum NotAdmitted {
    Refused(Refusal),
    /// The agent renewed while it was connecting: it comes back with its new certificate.
    Renewed,
    Store(StoreError),
}

/// Reads the certificate of a connection. TLS has verified its path when the connection began, which may be long ago.
pub(super) fn caller(peer: Option<&PeerIdentity>, now: Timestamp) -> Result<Caller, Refusal> {
    match peer {
        Some(PeerIdentity::Agent { shown, expired, .. }) if *expired || now > shown.not_after => {
            Err(Refusal::CertificateExpired)
        }
        Some(PeerIdentity::Agent { shown, .. }) => Ok(Caller(shown.clone())),
        Some(PeerIdentity::Anonymous { .. }) | None => Err(Refusal::NotEnrolled),
    }
}

/// Asks the database whether the certificate is in force.
pub(super) async fn check(shared: &Shared, caller: &Caller) -> Result<(), NotAdmitted> {
    match shared.certificates.check(&caller.0, shared.clock.now()).await {
        Ok(CertificateStatus::Active) => Ok(()),
        Ok(CertificateStatus::Unknown) => Err(NotAdmitted::Refused(Refusal::NotEnrolled)),
        Ok(CertificateStatus::Revoked) => Err(NotAdmitted::Refused(Refusal::Revoked)),
        Ok(CertificateStatus::JustSuperseded) => Err(NotAdmitted::Renewed),
        Ok(CertificateStatus::Superseded) => {
            // The newer one was seen in use, so its holder had it: this is another host, or one that was set back.
            overtake::quarantine(shared, caller.agent_id(), "a certificate that was renewed long since is in use")
                .await;
            Err(NotAdmitted::Refused(Refusal::CertificateSuperseded))
        }
        Err(error) => Err(NotAdmitted::Store(error)),
    }
}
