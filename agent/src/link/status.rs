//! What people want to know of the link.

use orchestrix_common::time::Timestamp;
use serde::{Deserialize, Serialize};

/// State of the link, and what happened on it lately.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkStatus {
    /// What it is doing.
    pub state: LinkState,
    /// When the last report was acknowledged; `None` when none was since the start.
    pub acknowledged_at: Option<Timestamp>,
    /// Reports that the collector refused since the start.
    pub refused_reports: u64,
    /// Why the last refused report was refused.
    pub last_refusal: Option<String>,
    /// Milliseconds by which the collector's clock is ahead of this host's; `None` before the first session.
    pub clock_skew_ms: Option<i64>,
    /// Why the last session ended or did not come about; `None` when there was never trouble.
    pub last_trouble: Option<String>,
    /// Sessions opened since the start; all but the first are reconnects.
    #[serde(default)]
    pub sessions: u64,
    /// Sessions that ended or did not come about since the start.
    #[serde(default)]
    pub breaks: u64,
    /// Reports sent since the start.
    #[serde(default)]
    pub sent_reports: u64,
    /// Of these, those that had been sent before.
    #[serde(default)]
    pub resent_reports: u64,
    /// Reports that the collector applied since the start.
    #[serde(default)]
    pub applied_reports: u64,
    /// Reports that the collector had already.
    #[serde(default)]
    pub duplicate_reports: u64,
    /// How often the collector held a report.
    #[serde(default)]
    pub held_reports: u64,
}

impl LinkStatus {
    /// Number of the open session; `None` while there is none.
    #[must_use]
    pub const fn epoch(&self) -> Option<u64> {
        match self.state {
            LinkState::Connected { epoch, .. } => Some(epoch),
            _ => None,
        }
    }

    /// Whether a session is open.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.epoch().is_some()
    }
}

impl LinkStatus {
    /// A collector takes what this agent reports.
    #[must_use]
    pub const fn is_taken(&self) -> bool {
        matches!(self.state, LinkState::Connected { held: None, .. })
    }
}

/// What the link is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum LinkState {
    /// The host is being looked at for the first time.
    #[default]
    Starting,
    /// A connection is being made.
    Connecting,
    /// A session is open.
    Connected {
        /// Since when.
        since: Timestamp,
        /// Number of the session.
        epoch: u64,
        /// Why reports are kept here for now; `None` when they are taken.
        held: Option<String>,
    },
    /// There is no session; the next try is due.
    Waiting {
        /// Why, in one line that says what to do.
        reason: String,
        /// Only a person can help.
        permanent: bool,
        /// When the next try is due.
        next_try: Timestamp,
    },
    /// The agent ends.
    Stopped,
}
