//! The wire contract between agents and collectors, generated from `orchestrix/discovery/v1/*.proto`.
//!
//! It knows nothing of the domain model; `orchestrix_common::wire` converts. Messages are documented in the `.proto`
//! files, which state each field's unit and what its absence means.

pub mod golden;

/// Version 1 of the discovery contract.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    tonic::include_proto!("orchestrix.discovery.v1");
}

/// Encoded `FileDescriptorSet` of the contract, for reflection and for compatibility checks.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/discovery.bin"));

/// Version of the protocol that this build speaks.
///
/// It counts up when one end must know of a change to do the right thing. Whatever the other one may pass over (a field, a
/// message, a kind of entity) needs no new version.
pub const PROTOCOL_VERSION: u32 = 1;

/// Whether this build works with a peer that speaks `version`: its own, the one before, and the one after, so that agents and
/// collectors can be upgraded in any order. It never sends the older peer what that one would have to know.
#[must_use]
pub const fn understands(version: u32) -> bool {
    version > 0 && version.abs_diff(PROTOCOL_VERSION) <= 1
}
