//! Capabilities.

use orchestrix_proto::v1 as pb;

use super::{WireError, text};
use crate::model::Capability;

impl TryFrom<pb::Capability> for Capability {
    type Error = WireError;

    fn try_from(message: pb::Capability) -> Result<Self, Self::Error> {
        let pb::Capability { name, version, configuration } = message;
        Ok(Self { name: text("name", name)?, version, configuration })
    }
}

impl From<Capability> for pb::Capability {
    fn from(model: Capability) -> Self {
        let Capability { name, version, configuration } = model;
        Self { name, version, configuration }
    }
}
