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

mod account;
mod authority;
mod ca;
mod csr;
mod enroll;
mod error;
mod issue;
mod sealing;
mod status;
mod stored;
mod throttle;
pub mod token;

pub use account::RegisteredCluster;
pub use authority::{RENEWAL_GRACE, TrustAuthority};
pub use enroll::EnrollmentService;
pub use error::PkiError;
pub use sealing::SealingKey;
pub use status::{CertificateStatus, certificate_check};
