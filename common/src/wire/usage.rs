//! Measurements.

use orchestrix_proto::v1 as pb;

use super::{WireError, key, text};
use crate::model::Usage;

impl TryFrom<pb::Usage> for Usage {
    type Error = WireError;

    fn try_from(message: pb::Usage) -> Result<Self, Self::Error> {
        let pb::Usage { source, native_id, cpu_millicores, memory_bytes } = message;
        Ok(Self {
            source: text("source", source)?.into(),
            native_id: key("native_id", native_id)?,
            cpu_millicores,
            memory_bytes,
        })
    }
}

impl From<Usage> for pb::Usage {
    fn from(model: Usage) -> Self {
        let Usage { source, native_id, cpu_millicores, memory_bytes } = model;
        Self { source: source.into(), native_id, cpu_millicores, memory_bytes }
    }
}
