//! A certificate of an agent that TLS has accepted.

use std::sync::Arc;

use orchestrix_common::{
    id::AgentId,
    pki::{Leaf, Role, Serial, Subject},
    time::Timestamp,
};
use rustls::pki_types::CertificateDer;

/// What an agent showed: its chain leads to a root that is trusted. Whether the agent is still welcome with it is for the
/// database to say. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCertificate {
    /// Whose it is.
    pub agent_id: AgentId,
    /// Its number.
    pub serial: Serial,
    /// Start of its validity, whole seconds.
    pub not_before: Timestamp,
    /// End of its validity, whole seconds.
    pub not_after: Timestamp,
    /// SHA-256 of its `SubjectPublicKeyInfo`.
    pub public_key_sha256: [u8; 32],
    /// What stood behind it in the chain.
    pub issuers: Arc<[CertificateDer<'static>]>,
}

impl ShownCertificate {
    /// Reads a chain, leaf first; `None` when the leaf is not one of an agent.
    #[must_use]
    pub fn read(leaf: &CertificateDer<'_>, issuers: &[CertificateDer<'_>]) -> Option<Self> {
        let Leaf { id, serial, not_before, not_after, public_key_sha256 } = Leaf::parse(leaf, Role::Agent).ok()?;
        let Subject::Agent(agent_id) = id.subject else { return None };
        let issuers = issuers.iter().map(|issuer| issuer.clone().into_owned()).collect();
        Some(Self { agent_id, serial, not_before, not_after, public_key_sha256, issuers })
    }
}
