//! Copies of an embedded inventory, and putting one back.
//!
//! A backup is a folder: the database as one consistent state, the sealing key unless it is kept apart, and a manifest by
//! which the rest is checked. It knows nothing of what the tables mean, but that the database is noted to have been set
//! back, so that agents which are ahead of it are recognised. Invariants:
//!
//! - A backup is there whole or not at all: it is made under another name, checked, and then renamed. Nothing is ever
//!   overwritten.
//! - Nothing is put back that was not checked, and the old files stay beside the new ones.
//! - Who puts something back holds the data folder alone; a running collector holds it too ([`FolderLock`]).

mod error;
mod files;
mod lock;
mod make;
mod manifest;
mod restore;
#[cfg(test)]
mod tests;
mod verify;

pub use error::BackupError;
pub use lock::{FolderLock, LockError};
pub use make::{Source, make};
pub use manifest::Manifest;
pub use restore::{Restored, Target, note_set_back, restore};
pub use verify::verify;
