//! What can go wrong with the collector's trust.

use std::{io, path::PathBuf};

use orchestrix_common::pki::TrustDomain;

use crate::store::StoreError;

/// The CA cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PkiError {
    /// The database failed.
    #[error("keep the CA in the database")]
    Store(#[from] StoreError),
    /// The sealing key is not there, though the database holds keys that were sealed with it.
    #[error(
        "the database holds a CA, but its sealing key is not at {}; \
         copy the file from the collector that made the CA", .0.display()
    )]
    SealingKeyMissing(PathBuf),
    /// The sealing key's file cannot be read or made.
    #[error("cannot {action} the sealing key {}", path.display())]
    SealingKeyFile {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read the sealing key's file.
    #[error("others may read the sealing key {}; run `chmod 600` on it", .0.display())]
    SealingKeyMode(PathBuf),
    /// The sealing key's file holds something else.
    #[error("{} is not a sealing key; restore it from a backup or copy it from another collector", .0.display())]
    SealingKeyContent(PathBuf),
    /// A key in the database was sealed with another sealing key, or altered.
    #[error(
        "the CA's key in the database cannot be opened with this sealing key; \
         copy the file from the collector that made the CA"
    )]
    Sealed,
    /// The CA was made for another trust domain.
    #[error("the CA in the database is for the trust domain {stored}, the configuration says {configured}")]
    TrustDomain {
        /// What the CA says.
        stored: String,
        /// What was asked for.
        configured: TrustDomain,
    },
    /// What the database holds is not a whole CA.
    #[error("the CA in the database is not whole: {0}")]
    Incomplete(&'static str),
    /// A certificate or key cannot be made.
    #[error("make a certificate")]
    Certificate(#[from] rcgen::Error),
    /// The TLS settings cannot be made.
    #[error("make the TLS settings")]
    Tls(#[from] rustls::Error),
    /// The system gives no random bytes or refuses to encrypt.
    #[error("use the system's cryptography")]
    Crypto,
}
