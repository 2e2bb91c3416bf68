//! What agents and collectors share: the domain model, its conversion to and from the wire, hashing, time, redaction,
//! configuration loading and the certificate helpers.
//!
//! It knows nothing of databases, Docker or HTTP. Models are plain data: no I/O and no clock.

pub mod config;
pub mod hash;
pub mod id;
pub mod log;
pub mod manual;
pub mod metric;
pub mod model;
pub mod pki;
pub mod process;
pub mod redact;
pub mod time;
pub mod wire;
