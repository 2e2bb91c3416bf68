//! LOOK: one way of looking at this host per folder, behind one trait.
//!
//! An inspector only looks. It knows nothing of what was seen before, of other sources, of retrying or of sending; the
//! runner owns time limits, spacing and panics, the view joins and compares. A look that failed, one that was partial
//! and a thing that is absent are three different values.

mod board;
pub mod capability;
pub mod docker;
mod hearing;
pub mod host;
mod isolate;
pub mod kubernetes;
pub mod process;
pub mod registry;
mod rights;
pub mod runner;
mod text;

use std::{fmt, time::Duration};

use async_trait::async_trait;
use futures::stream::BoxStream;
use orchestrix_common::{
    model::{Entity, RemovalReason, Source, Usage},
    time::Timestamp,
};

pub use board::{LookBoard, LookFigures, LookOutcome};
pub use hearing::Hearing;

/// One way of looking at this host.
#[async_trait]
pub trait Inspector: fmt::Debug + Send + Sync {
    /// The source that it looks at.
    fn source(&self) -> Source;

    /// Looks at everything the source holds. It should end well within `budget`; the runner cuts it off after that.
    ///
    /// # Errors
    /// When nothing reliable can be said about the whole source; one bad item is a [`Warning`].
    async fn inspect(&self, budget: Duration) -> Result<Observation, InspectError>;

    /// Subscribes to what happens; `None` for a source that can only be polled.
    ///
    /// The stream ends when the subscription is lost. The runner then subscribes again and looks at everything, in
    /// this order, so that nothing falls between the two.
    async fn events(&self) -> Option<BoxStream<'static, Signal>> {
        None
    }

    /// Measures the use of what the last look found. Cheap: it is called every few seconds.
    async fn measure(&self) -> Vec<Usage> {
        Vec::new()
    }

    /// Gives back what others wait for, since the agent ends. Called once; the runner cuts it off.
    async fn leave(&self) {}

    /// The longest time between two looks when no event asks for one.
    fn interval(&self) -> Duration;
}

/// What one look found.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// There is no such thing here, for the reason given: no Docker socket, PID 1 is not systemd.
    Absent(String),
    /// Everything the source holds; what is not listed is gone.
    Complete(Vec<Entity>),
    /// Everything the source holds, though something of it was unreadable; what is not listed is gone.
    Listed(Vec<Entity>, Vec<Warning>),
    /// Some items were unreadable; what is not listed may still exist.
    Partial(Vec<Entity>, Vec<Warning>),
    /// Another agent tells of it, for the reason given: what this one said before is no longer its own to confirm.
    Elsewhere(String),
}

/// An item that could be seen but not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The item, in the source's words.
    pub item: String,
    /// Why it could not be read.
    pub problem: String,
}

/// Nothing reliable can be said about a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// The agent lacks a right; the text says which and how to grant it.
    #[error("not permitted: {0}")]
    NotPermitted(String),
    /// The source did not answer in time.
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    /// The source is there but does not answer as it should.
    #[error("{0}")]
    Unavailable(String),
}

/// Something that an event told.
#[derive(Clone, Debug, PartialEq)]
pub enum Signal {
    /// A look at everything is worth it.
    Look,
    /// These entities changed, in the order in which it happened.
    Changes(Vec<Sighting>),
}

/// One entity that an event concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// When it happened, by the source's own record.
    pub at: Timestamp,
    /// What is the case now.
    pub what: Sighted,
}

/// State of an entity after an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Sighted {
    /// It is there, like this.
    Present(Entity),
    /// It is no more.
    Gone {
        /// The entity's identifier.
        native_id: String,
        /// How that is known.
        reason: RemovalReason,
    },
}
