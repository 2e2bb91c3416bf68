//! Trust, on the collector's side: the CA, join tokens, enrolment, and which certificates are current.
//!
//! It knows nothing of reports. Invariants:
//!
//! - Collectors share nothing but the database: the CA is there, its keys sealed with a key file that every collector
//!   of an installation has ([`SealingKey`]).
//! - Of a signing request only the public key is taken; all else is the collector's template.
//! - A join token's secret is stored as a hash, and each use is taken by one statement, in the transaction that issues
//!   the certificate.
//! - An agent has a current and a previous certificate: the previous one works until the new one was seen in use.
//! - A certificate that the database does not know is refused, but where the database is noted to have been set back: then
//!   the agents' own are taken over ([`recognise`]).
//! - Several roots may be trusted, certificates come from one of them. What comes from the newest is accepted by whoever
//!   knows only the one before, because that one certified it.

mod account;
mod authority;
mod bundle;
mod ca;
mod csr;
mod enroll;
mod error;
mod issue;
mod overview;
mod recognise;
mod rotation;
mod sealing;
mod shown;
mod status;
mod stored;
mod throttle;
pub mod token;

pub use account::RegisteredCluster;
pub use authority::{RENEWAL_GRACE, TrustAuthority};
pub use bundle::{TrustBundle, TrustFeed};
pub use enroll::EnrollmentService;
pub use error::PkiError;
pub use overview::{CaOverview, NextStep, RootLine, WaitingAgent, overview};
pub use rotation::{Rotation, RotationError};
pub use sealing::{SEALING_KEY_FILE, SealingKey};
pub use shown::ShownCertificate;
pub use status::{CertificateStatus, certificate_admit, certificate_check};
pub use stored::{issuing_pin, opens};
