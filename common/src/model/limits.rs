//! Sizes that both sides keep to.

/// What a collector accepts and an agent keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: u32,
    /// Entities of one source.
    pub source_entities: u32,
    /// Bytes of one string; longer ones are cut by the agent and refused by the collector.
    pub string_bytes: u32,
    /// Labels of one entity; further ones are left out and counted.
    pub labels: u32,
}

/// The limits that hold until a collector says otherwise.
pub const DEFAULT_LIMITS: Limits =
    Limits { message_bytes: 1 << 20, source_entities: 50_000, string_bytes: 4 << 10, labels: 128 };

/// Bytes of an entity's identifier within its source: it is a key in the inventory.
pub const NATIVE_ID_BYTES: usize = 255;
