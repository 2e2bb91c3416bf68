//! Between the wire and the model: `TryFrom` towards the model, `From` away from it.
//!
//! Messages are taken apart by name, so that a new field stops the build until somebody decides what it means. A
//! refusal names the field by its path in the message.

mod capability;
mod container;
mod entity;
mod error;
mod host;
mod kubernetes;
mod process;
mod report;
mod usage;

pub use entity::hash;
pub use error::WireError;
pub use report::unknown_changes;

use error::{At, native_id as key, port, required, text};
