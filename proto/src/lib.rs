//! The wire contract between agents and collectors, generated from `orchestrix/discovery/v1/*.proto`.
//!
//! It knows nothing of the domain model; `orchestrix_common::wire` converts. Messages are documented in the `.proto`
//! files, which state each field's unit and what its absence means.

/// Version 1 of the discovery contract.
pub mod v1 {
    #![allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
    tonic::include_proto!("orchestrix.discovery.v1");
}

/// Encoded `FileDescriptorSet` of the contract, for reflection and for compatibility checks.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/discovery.bin"));

/// Version of the protocol that this build speaks.
pub const PROTOCOL_VERSION: u32 = 1;
