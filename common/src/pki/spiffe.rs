//! SPIFFE identities: `spiffe://TRUST_DOMAIN/agent/UUID` and `spiffe://TRUST_DOMAIN/collector/UUID`.
//!
//! One text for one identity: whatever is not written exactly as this module writes it is refused. Source of the form:
//! the SPIFFE-ID standard, sections 2.1 and 2.2, narrowed to what is issued here.

use std::{fmt, str::FromStr};

use uuid::Uuid;

use crate::id::AgentId;

/// Name under which identities are unique, for example `orchestrix.local`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TrustDomain(String);

impl TrustDomain {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Identity of the trust domain itself, which its CA certificates carry.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("spiffe://{self}")
    }
}

impl fmt::Display for TrustDomain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for TrustDomain {
    /// `orchestrix.local`, for installations that name none.
    fn default() -> Self {
        Self("orchestrix.local".to_owned())
    }
}

impl FromStr for TrustDomain {
    type Err = InvalidSpiffeId;

    /// Reads 1 to 255 lower-case letters, digits, dots, dashes and underscores.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-_".contains(&byte);
        if (1..=255).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidSpiffeId::TrustDomain)
        }
    }
}

/// Identifies one run of a collector; a new one at every start, as collectors keep no state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CollectorId(Uuid);

impl CollectorId {
    /// Makes a new, time-ordered identifier.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for CollectorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

/// Which end of the link somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// A TLS client.
    Agent,
    /// A TLS server.
    Collector,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Agent => "agent",
            Self::Collector => "collector",
        })
    }
}

/// Who somebody is within a trust domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// An agent.
    Agent(AgentId),
    /// A collector.
    Collector(CollectorId),
}

impl Subject {
    /// Which end of the link it is.
    #[must_use]
    pub const fn role(self) -> Role {
        match self {
            Self::Agent(_) => Role::Agent,
            Self::Collector(_) => Role::Collector,
        }
    }
}

/// A full identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SpiffeId {
    /// Where the identity is unique.
    pub trust_domain: TrustDomain,
    /// Who it is there.
    pub subject: Subject,
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trust_domain, subject } = self;
        match subject {
            Subject::Agent(id) => write!(f, "spiffe://{trust_domain}/agent/{id}"),
            Subject::Collector(id) => write!(f, "spiffe://{trust_domain}/collector/{id}"),
        }
    }
}

impl FromStr for SpiffeId {
    type Err = InvalidSpiffeId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text.strip_prefix("spiffe://").ok_or(InvalidSpiffeId::Scheme)?;
        let (trust_domain, path) = rest.split_once('/').ok_or(InvalidSpiffeId::Path)?;
        let trust_domain = trust_domain.parse()?;
        let (role, id) = path.split_once('/').ok_or(InvalidSpiffeId::Path)?;
        let subject = match role {
            "agent" => Subject::Agent(id.parse().map_err(|_| InvalidSpiffeId::Uuid)?),
            "collector" => Subject::Collector(CollectorId(Uuid::parse_str(id).map_err(|_| InvalidSpiffeId::Uuid)?)),
            _ => return Err(InvalidSpiffeId::Path),
        };
        let id = Self { trust_domain, subject };
        // The last word: UUIDs have several spellings, identities have one.
        if id.to_string() == text { Ok(id) } else { Err(InvalidSpiffeId::Uuid) }
    }
}

/// A text is not an identity of this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSpiffeId {
    /// It does not begin with `spiffe://`.
    #[error("expected spiffe://")]
    Scheme,
    /// The trust domain has other characters or another length.
    #[error("trust domain: expected 1 to 255 of a-z 0-9 . - _")]
    TrustDomain,
    /// The path is something else.
    #[error("path: expected /agent/UUID or /collector/UUID")]
    Path,
    /// The last part is not a canonical UUID.
    #[error("expected a canonical lower-case UUID")]
    Uuid,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AGENT: &str = "spiffe://orchestrix.local/agent/0193b3a4-7c1e-7d2f-9a3b-4c5d6e7f8091";

    #[test]
    fn an_identity_survives_its_text() {
        let id: SpiffeId = AGENT.parse().unwrap();
        assert_eq!(id.subject.role(), Role::Agent);
        assert_eq!(id.to_string(), AGENT);
        let collector = AGENT.replace("/agent/", "/collector/");
        assert_eq!(collector.parse::<SpiffeId>().unwrap().to_string(), collector);
    }

    #[test]
    fn no_other_spelling_is_the_same_identity() {
        let uuid = &AGENT[AGENT.len() - 36..];
        let spellings = [
            AGENT.to_uppercase(),
            AGENT.replace("spiffe:", "SPIFFE:"),
            AGENT.replace("7c1e", "7C1E"),
            AGENT.replace('-', ""),
            AGENT.replace("/agent/", "/agent//"),
            AGENT.replace("/agent/", "//agent/"),
            AGENT.replace("/agent/", "/agent/../agent/"),
            AGENT.replace("/agent/", "/Agent/"),
            AGENT.replace("/agent/", "/reporter/"),
            AGENT.replace("orchestrix.local", ""),
            AGENT.replace("orchestrix.local", "Orchestrix.local"),
            AGENT.replace("orchestrix.local", "user@orchestrix.local"),
            AGENT.replace("orchestrix.local", "orchestrix.local:443"),
            AGENT.replace(uuid, &format!("{{{uuid}}}")),
            AGENT.replace(uuid, &format!("urn:uuid:{uuid}")),
            format!("{AGENT}/"),
            format!("{AGENT}?a=b"),
            format!("{AGENT}#x"),
            format!("{AGENT}\0"),
            format!(" {AGENT}"),
            format!("{AGENT}\n"),
            format!("spiffe://{}/agent/{uuid}", "a".repeat(256)),
        ];
        for spelling in spellings {
            assert!(spelling.parse::<SpiffeId>().is_err(), "{spelling:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_the_same(text in "(spiffe://)?[a-z0-9./:%-]{0,20}(/agent/|/collector/)?[0-9a-fA-F-]{0,40}") {
            if let Ok(id) = text.parse::<SpiffeId>() {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn one_changed_byte_is_another_identity_or_none(at in 0..AGENT.len(), byte in 0_u8..128) {
            let mut bytes = AGENT.as_bytes().to_vec();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            if let Ok(id) = changed.parse::<SpiffeId>() {
                prop_assert_ne!(id, AGENT.parse::<SpiffeId>().unwrap());
            }
        }
    }
}
