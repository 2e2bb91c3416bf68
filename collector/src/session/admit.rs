//! Who may open a session: what the listener knows of the connection, and what the database says of the certificate.

use async_trait::async_trait;
use orchestrix_common::{id::AgentId, pki::Serial, time::Timestamp};

use super::{PeerIdentity, Shared, overtake, refusal::Refusal};
use crate::{
    pki::{CertificateStatus, certificate_check},
    store::{Db, StoreError, rows::agent_certificate::agent_certificate_list_untrusted},
};

/// Tells whether certificates are in force.
#[async_trait]
pub trait Certificates: Send + Sync {
    /// Tells whether a certificate that TLS accepted is still good, and notes that it is in use.
    async fn check(&self, agent_id: AgentId, serial: Serial, now: Timestamp) -> Result<CertificateStatus, StoreError>;

    /// Agents whose certificates all come from roots that are trusted no more.
    async fn untrusted(&self) -> Result<Vec<AgentId>, StoreError>;
}

#[async_trait]
impl Certificates for Db {
    async fn check(&self, agent_id: AgentId, serial: Serial, now: Timestamp) -> Result<CertificateStatus, StoreError> {
        certificate_check(self, agent_id, serial, now).await
    }

    async fn untrusted(&self) -> Result<Vec<AgentId>, StoreError> {
        agent_certificate_list_untrusted(&mut &*self).await
    }
}

/// An agent, as its certificate says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    pub(super) agent_id: AgentId,
    serial: Serial,
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
        Some(&PeerIdentity::Agent { expired, not_after, .. }) if expired || now > not_after => {
            Err(Refusal::CertificateExpired)
        }
        Some(&PeerIdentity::Agent { agent_id, serial, .. }) => Ok(Caller { agent_id, serial }),
        Some(PeerIdentity::Anonymous { .. }) | None => Err(Refusal::NotEnrolled),
    }
}

/// Asks the database whether the certificate is in force.
pub(super) async fn check(shared: &Shared, caller: Caller) -> Result<(), NotAdmitted> {
    let Caller { agent_id, serial } = caller;
    match shared.certificates.check(agent_id, serial, shared.clock.now()).await {
        Ok(CertificateStatus::Active) => Ok(()),
        Ok(CertificateStatus::Unknown) => Err(NotAdmitted::Refused(Refusal::NotEnrolled)),
        Ok(CertificateStatus::Revoked) => Err(NotAdmitted::Refused(Refusal::Revoked)),
        Ok(CertificateStatus::JustSuperseded) => Err(NotAdmitted::Renewed),
        Ok(CertificateStatus::Superseded) => {
            // The newer one was seen in use, so its holder had it: this is another host, or one that was set back.
            overtake::quarantine(shared, agent_id, "a certificate that was renewed long since is in use").await;
            Err(NotAdmitted::Refused(Refusal::CertificateSuperseded))
        }
        Err(error) => Err(NotAdmitted::Store(error)),
    }
}
