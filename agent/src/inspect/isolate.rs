//! Runs an inspector's calls apart, so that one that panics or hangs takes nothing else down.
//!
//! A call that does not end in time is left alone and no second one is started beside it: a read that blocks in the
//! kernel cannot be interrupted, and each new try would hold another thread. It is given up only after a time that
//! doubles each time.

use std::{future::Future, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};

/// The longest wait.
const MOST_PATIENCE: Duration = Duration::from_secs(12 * 3600);

/// Runs one kind of call, one at a time.
#[derive(Debug)]
pub(super) struct Isolated<T> {
    hanging: Option<(JoinHandle<T>, Instant)>,
    /// How long a call that hangs is waited for before another one is started, at first and now.
    first_patience: Duration,
    patience: Duration,
}

/// What became of a call that gave no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It did not end in time, or the one before it still runs.
    Hangs,
    /// It panicked.
    Panicked,
}

impl<T: Send + 'static> Isolated<T> {
    pub(super) const fn new(patience: Duration) -> Self {
        Self { hanging: None, first_patience: patience, patience }
    }

    /// Runs a call. When this is dropped the call goes on and is found by the next.
    pub(super) async fn run(
        &mut self,
        limit: Duration,
        call: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Fault> {
        match self.hanging.take() {
            Some((handle, _)) if handle.is_finished() => self.patience = self.first_patience,
            Some((handle, until)) if Instant::now() < until => {
                self.hanging = Some((handle, until));
                return Err(Fault::Hangs);
            }
            Some((handle, _)) => {
                handle.abort();
                self.patience = (self.patience * 2).min(MOST_PATIENCE);
            }
            None => {}
        }
        let until = Instant::now() + self.patience;
        let (handle, _) = self.hanging.insert((tokio::spawn(call), until));
        let Ok(ended) = timeout(limit, handle).await else { return Err(Fault::Hangs) };
        self.hanging = None;
        ended.map_err(|_| Fault::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);
    const LIMIT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn a_hanging_call_is_not_joined_by_a_second_one_until_patience_ends() {
        let mut calls = Isolated::new(PATIENCE);
        assert_eq!(calls.run(LIMIT, future::pending::<u8>()).await, Err(Fault::Hangs));
        assert_eq!(calls.run(LIMIT, async { 1 }).await, Err(Fault::Hangs));
        tokio::time::sleep(PATIENCE).await;
        assert_eq!(calls.run(LIMIT * 50, async { 2 }).await, Ok(2));
        assert_eq!(calls.patience, PATIENCE * 2);
    }

    #[tokio::test]
    async fn a_late_call_makes_room_for_the_next() {
        let mut calls = Isolated::new(Duration::from_secs(60));
        let (release, released) = tokio::sync::oneshot::channel::<()>();
        let late = async {
            let _ = released.await;
            1
        };
        assert_eq!(calls.run(LIMIT, late).await, Err(Fault::Hangs));
        release.send(()).unwrap();
        let mut last = Err(Fault::Hangs);
        for _ in 0..500 {
            last = calls.run(LIMIT * 50, async { 2 }).await;
            if last.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(last, Ok(2));
    }

    #[tokio::test]
    async fn a_panic_is_a_value() {
        let mut calls = Isolated::new(PATIENCE);
        assert_eq!(calls.run(LIMIT * 50, async { panic!("on purpose") }).await, Err::<(), _>(Fault::Panicked));
        assert_eq!(calls.run(LIMIT * 50, async {}).await, Ok(()));
    }
}
