//! What both ends of the link need to trust each other: SPIFFE identities, certificates read strictly, the join token's
//! text, the pin of a CA, and the TLS settings that every connection uses.
//!
//! It knows nothing of gRPC, databases or files. Invariants:
//!
//! - TLS 1.3 only, and no session resumption on either side: a resumed session would show the certificate of the first
//!   one, and so outlive its revocation.
//! - Who somebody is, is decided by [`Leaf::parse`] alone: webpki checks chains, not URI names.
//! - Time comes in as a [`Clock`](crate::time::Clock), in TLS as well.

mod agent_verifier;
pub mod base64url;
mod collector_verifier;
mod leaf;
mod pin;
mod refusal;
mod serial;
mod spiffe;
mod tls;
mod token;

pub use agent_verifier::AgentVerifier;
pub use collector_verifier::{CollectorVerifier, TrustError};
pub use leaf::{Leaf, LeafError};
pub use pin::{InvalidPin, Pin, Pins, sha256};
pub use refusal::RefusalCode;
pub use serial::Serial;
pub use spiffe::{CollectorId, InvalidSpiffeId, Role, SpiffeId, Subject, TrustDomain};
pub use tls::{client_config, provider, server_config};
pub use token::{InvalidToken, JoinToken, TokenId};
