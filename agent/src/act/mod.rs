//! What an agent may be asked to do. Today that is: look again, and answer.
//!
//! It knows nothing of sessions: an order comes in as a value, and what became of it goes back as one.

use orchestrix_common::model::Source;

use crate::inspect::runner::{Lookout, NotLooked};

/// Something that a collector asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Look at these sources now, or at all when none is named.
    Refresh(Vec<Source>),
    /// Answer at once.
    Ping,
}

/// Carries out orders. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Actor {
    lookout: Lookout,
}

impl Actor {
    /// Makes an actor that looks with these inspectors.
    #[must_use]
    pub const fn new(lookout: Lookout) -> Self {
        Self { lookout }
    }

    /// Carries out an order; what was seen is in the outbox when this returns.
    ///
    /// # Errors
    /// When a source could not be looked at.
    pub async fn carry_out(&self, order: Order) -> Result<(), NotLooked> {
        match order {
            Order::Refresh(sources) => self.lookout.look(&sources).await,
            Order::Ping => Ok(()),
        }
    }
}
