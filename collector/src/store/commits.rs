//! Tells whoever follows the history that there is more of it.

use tokio::sync::watch;

/// A number that rises after each commit that wrote history. Cheap to clone; all clones are one.
///
/// It is only a nudge: another collector's commits do not raise it, so readers also look by themselves from time to time.
#[derive(Clone, Debug)]
pub struct Commits(watch::Sender<u64>);

impl Default for Commits {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Commits {
    /// Wakes the readers. Call it after the commit, never in front of it.
    pub fn announce(&self) {
        self.0.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// The number, for a reader that waits for it to change.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}
