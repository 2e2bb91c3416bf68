//! How a connection to the collector comes about, as a value: with the agent's identity, or in a test without.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use orchestrix_common::pki::Pin;
use tonic::{Status, transport::Channel};

use crate::identity::{Identity, IdentityError, explain};

/// Makes connections to the collector.
#[async_trait]
pub trait Dial: fmt::Debug + Send + Sync {
    /// Makes a fresh connection.
    ///
    /// # Errors
    /// When the collector does not answer, or one side does not trust the other.
    async fn dial(&self) -> Result<Channel, Trouble>;

    /// Says what a failed call means. In TLS 1.3 a refused certificate shows up only there.
    fn explain(&self, status: &Status) -> Trouble;

    /// Trusts these roots (DER) from now on.
    ///
    /// # Errors
    /// When they cannot be read or kept.
    async fn trust(&self, roots_der: Vec<Vec<u8>>) -> Result<(), Trouble>;

    /// Sees to it that the agent has a certificate of this root within a time.
    fn follow(&self, issuing_root: Pin, within: Duration);
}

/// Why there is no session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// One line that says what to do.
    pub message: String,
    /// Only a person can help; trying again soon is pointless.
    pub permanent: bool,
}

impl Trouble {
    /// Trouble that may pass by itself.
    #[must_use]
    pub const fn passing(message: String) -> Self {
        Self { message, permanent: false }
    }
}

impl From<IdentityError> for Trouble {
    fn from(error: IdentityError) -> Self {
        Self { permanent: error.is_permanent(), message: error.to_string() }
    }
}

/// Connects over mutually authenticated TLS with the agent's identity.
#[derive(Clone, Debug)]
pub struct IdentityDial {
    /// Who the agent is.
    pub identity: Identity,
    /// Where the collector is, `HOST:PORT`.
    pub collector: String,
}

#[async_trait]
impl Dial for IdentityDial {
    async fn dial(&self) -> Result<Channel, Trouble> {
        Ok(self.identity.channel(&self.collector).await?)
    }

    fn explain(&self, status: &Status) -> Trouble {
        explain(status).into()
    }

    async fn trust(&self, roots_der: Vec<Vec<u8>>) -> Result<(), Trouble> {
        let identity = self.identity.clone();
        let stored = tokio::task::spawn_blocking(move || identity.trust(roots_der)).await;
        stored.map_err(|error| Trouble::passing(error.to_string()))?.map_err(Trouble::from)
    }

    fn follow(&self, issuing_root: Pin, within: Duration) {
        self.identity.renew_unless_from(issuing_root, within);
    }
}
