//! Newtypes for identifiers, so that one cannot be passed for another.

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// Identifies an agent: a UUID that the collector gave at enrolment and that its certificate carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Uuid);

impl AgentId {
    /// Makes a new, time-ordered identifier.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for AgentId {
    type Err = InvalidId;

    /// Reads the canonical form only: 36 characters, lower case, hyphenated.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Self(Uuid::parse_str(text).map_err(|_| InvalidId { what: "agent id" })?);
        if id.to_string() == text { Ok(id) } else { Err(InvalidId { what: "agent id" }) }
    }
}

/// Identifies an outbox: sequence numbers count within it, so a lost outbox cannot make new reports look old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OutboxId(Uuid);

impl OutboxId {
    /// Makes a new random identifier.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }

    /// The 16 bytes that travel on the wire.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl TryFrom<&[u8]> for OutboxId {
    type Error = InvalidId;

    fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
        Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidId { what: "outbox id" })
    }
}

impl fmt::Display for OutboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// A text or byte string is not the identifier it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical {what}")]
pub struct InvalidId {
    /// Kind of identifier, for example `agent id`.
    pub what: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_of_an_agent_id_is_read() {
        let id = AgentId::generate();
        assert_eq!(id.to_string().parse(), Ok(id));
        let upper = id.to_string().to_uppercase();
        assert!(upper.parse::<AgentId>().is_err() || upper == id.to_string());
        assert!(format!("{{{id}}}").parse::<AgentId>().is_err());
        assert!(id.to_string().replace('-', "").parse::<AgentId>().is_err());
    }
}
