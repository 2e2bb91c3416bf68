//! What people decide: each decision is one transaction that also writes who decided it.
//!
//! The API and the command line share it. It knows nothing of HTTP, of sessions and of what is read; a decision about an
//! agent takes effect on its open sessions through the collectors, which watch the database.

mod agents;
mod api_tokens;
mod junk;
pub mod operation;
mod web_sessions;

use crate::store::StoreError;

pub use agents::{activate_agent, revoke_agent};
pub(crate) use api_tokens::hash_token;
pub use api_tokens::{ApiTokenSecret, Role, create_api_token, ensure_admin_token, revoke_api_token};
pub use junk::{add_junk, remove_junk};
pub(crate) use web_sessions::{SESSION_LIFE, end_web_session, open_web_session};

/// A decision could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// There is no such thing.
    #[error("there is no {what} {id}")]
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which one was asked for.
        id: String,
    },
    /// A value makes no sense.
    #[error("{field} {problem}; expected {expected}")]
    Invalid {
        /// Its name in a request.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        expected: String,
    },
    /// A value makes no sense in the present state.
    #[error("{field} {problem}; expected {expected}")]
    Unfit {
        /// Its name in a request.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        expected: String,
    },
    /// It makes no sense in the present state.
    #[error("{0}")]
    Conflict(String),
    /// A file could not be read or written.
    #[error("{what} {}", .path.display())]
    File {
        /// What was done.
        what: &'static str,
        /// With which file.
        path: std::path::PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// No random numbers could be had.
    #[error("get random numbers from the system")]
    Random,
    /// The database failed.
    #[error("store the decision")]
    Store(#[from] StoreError),
}
