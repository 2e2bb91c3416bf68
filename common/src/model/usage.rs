//! Volatile measurements, which travel apart from the entities.

use super::Source;

/// Latest use of one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Source that the entity belongs to.
    pub source: Source,
    /// The entity.
    pub native_id: String,
    /// Thousandths of a core, mean since the previous measurement; `None` when it could not be read.
    pub cpu_millicores: Option<u32>,
    /// Bytes in use, without reclaimable cache; `None` when it could not be read.
    pub memory_bytes: Option<u64>,
}
