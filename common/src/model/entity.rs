//! One thing seen, of whatever kind.

use serde::{Deserialize, Serialize};

use super::{Capability, Container, Host, Process, Source};

/// One thing seen by one source, joined with what other sources know of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity {
    /// The source's own identifier, unique within the source and not empty.
    pub native_id: String,
    /// Every look that contributed, the owning source first.
    pub evidence: Vec<Evidence>,
    /// What it is.
    #[serde(flatten)]
    pub body: Body,
}

/// One look that saw an entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Who looked.
    pub source: Source,
    /// What that source calls the entity.
    pub native_id: String,
}

/// The typed content of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Body {
    /// The host itself.
    Host(Box<Host>),
    /// A container.
    Container(Box<Container>),
    /// Processes that belong together.
    Process(Box<Process>),
    /// A capability of the host.
    Capability(Capability),
}

/// Kinds of entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The host itself.
    Host,
    /// A container; a workload.
    Container,
    /// Processes that belong together; a workload.
    Process,
    /// A capability of the host.
    Capability,
}

impl Body {
    /// The kind of this body.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Host(_) => Kind::Host,
            Self::Container(_) => Kind::Container,
            Self::Process(_) => Kind::Process,
            Self::Capability(_) => Kind::Capability,
        }
    }
}

impl Kind {
    /// Name in the inventory.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Container => "container",
            Self::Process => "process",
            Self::Capability => "capability",
        }
    }
}
