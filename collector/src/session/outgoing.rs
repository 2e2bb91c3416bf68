//! What goes down to an agent: a bounded queue, and a limit for how long a message may wait in front of it.

use std::time::Duration;

use orchestrix_proto::v1::{self as pb, collector_message::Message};
use tokio::sync::mpsc;
use tonic::Status;

/// Messages that may wait for the agent to read. When it is full, the session waits too, and gives up on an agent
/// that does not read within the limit.
pub(super) const WAITING: usize = 64;

/// What a stream carries.
pub(super) type Item = Result<pb::CollectorMessage, Status>;

/// The sending side of a session.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    queue: mpsc::Sender<Item>,
    limit: Duration,
}

/// The agent does not read, or is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the agent does not read what is sent to it")]
pub(super) struct NotRead;

impl Outgoing {
    /// Makes the queue and gives the side that the stream reads.
    pub(super) fn new(limit: Duration) -> (Self, mpsc::Receiver<Item>) {
        let (queue, items) = mpsc::channel(WAITING);
        (Self { queue, limit }, items)
    }

    /// Sends a message, waiting up to the limit for room.
    pub(super) async fn send(&self, message: Message) -> Result<(), NotRead> {
        self.put(Ok(pb::CollectorMessage { message: Some(message) }), self.limit).await
    }

    /// Ends the stream with a reason, as far as the agent still reads.
    pub(super) async fn refuse(&self, status: Status) {
        // Nothing more can be done for an agent that does not read.
        let _ = self.put(Err(status), self.limit).await;
    }

    /// Says goodbye, as far as the agent still reads. Whoever ends a session does not wait long for it.
    pub(super) async fn goodbye(&self, goodbye: pb::Goodbye) {
        let message = pb::CollectorMessage { message: Some(Message::Goodbye(goodbye)) };
        let _ = self.put(Ok(message), self.limit.min(Duration::from_secs(1))).await;
    }

    /// A handle that does not keep the stream open.
    pub(super) fn downgrade(&self) -> mpsc::WeakSender<Item> {
        self.queue.downgrade()
    }

    async fn put(&self, item: Item, limit: Duration) -> Result<(), NotRead> {
        self.queue.send_timeout(item, limit).await.map_err(|_| NotRead)
    }
}
