//! Who is at the other end of a connection, as its certificate says. What that one may do is the services' business.

use std::net::SocketAddr;

use orchestrix_common::time::Timestamp;
use rustls::pki_types::CertificateDer;
use tonic::Request;

use crate::pki::ShownCertificate;

/// The peer of one connection. Every request of the connection carries it in its extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    /// It showed no certificate: it may enrol and nothing else.
    Anonymous {
        /// Where it connects from.
        address: SocketAddr,
    },
    /// It showed the certificate of an agent, from this installation's CA. Whether that agent is still welcome is for
    /// the database to say.
    Agent {
        /// The certificate, and by it who it is.
        shown: ShownCertificate,
        /// The certificate had ended when the connection began, within the grace period: it may renew and nothing else.
        expired: bool,
        /// Where it connects from.
        address: SocketAddr,
    },
}

impl PeerIdentity {
    /// Reads the chain that TLS has verified; `None` when its leaf is not one of an agent, which TLS has refused before.
    #[must_use]
    pub fn of_verified_chain(
        chain: Option<&[CertificateDer<'_>]>,
        address: SocketAddr,
        now: Timestamp,
    ) -> Option<Self> {
        let Some((leaf, issuers)) = chain.and_then(<[_]>::split_first) else {
            return Some(Self::Anonymous { address });
        };
        let shown = ShownCertificate::read(leaf, issuers)?;
        let expired = now > shown.not_after;
        Some(Self::Agent { shown, expired, address })
    }

    /// The peer that sent a request; `None` when it did not come in by the agents' port.
    #[must_use]
    pub fn of<T>(request: &Request<T>) -> Option<&Self> {
        request.extensions().get()
    }

    /// Where it connects from.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        match self {
            Self::Anonymous { address } | Self::Agent { address, .. } => *address,
        }
    }
}
