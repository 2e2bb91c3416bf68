//! The domain model: what an agent sees and a collector believes. Plain data, no I/O, no clock.
//!
//! `None` means "not known"; it is never used for zero, empty or false. The serialised form (camelCase, RFC 3339) is
//! what `inspect -o json` prints and what the JSON columns of the inventory hold.

mod capability;
mod container;
mod entity;
mod host;
pub mod kubernetes;
mod limits;
mod process;
mod report;
mod socket;
mod source;
mod usage;

pub use capability::{Capability, KNOWN_CAPABILITIES};
pub use container::{Command, Container, ContainerNetwork, ContainerState, Mount, PublishedPort};
pub use entity::{Body, Entity, Evidence, Kind};
pub use host::{Disk, Host, Machine, NetworkInterface};
pub use limits::{DEFAULT_LIMITS, Limits, NATIVE_ID_BYTES};
pub use process::Process;
pub use report::{Change, ChangeKind, Completeness, Health, RemovalReason, Report, SourceReport, SourceStatus};
pub use socket::{Listener, Protocol};
pub use source::Source;
pub use usage::Usage;
