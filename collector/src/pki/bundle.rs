//! What agents are told about the roots, as it is now.

use std::{sync::Arc, time::Duration};

use orchestrix_common::pki::Pin;
use tokio::sync::watch;

/// The roots that agents are to trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustBundle {
    /// All of them, DER, oldest first.
    pub roots_der: Vec<Vec<u8>>,
    /// The one that certificates come from.
    pub issuing_root: Pin,
    /// How much time an agent has to renew whose certificate comes from another one.
    pub renew_within: Duration,
}

impl TrustBundle {
    /// Whether one root is being followed by another: agents have something to do.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        self.roots_der.len() > 1
    }
}

/// The roots, for readers that wait for them to change.
pub type TrustFeed = watch::Receiver<Arc<TrustBundle>>;
