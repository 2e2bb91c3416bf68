//! Why a stream is turned away, as data that an agent can act on.

use orchestrix_common::pki::RefusalCode;
use orchestrix_proto::PROTOCOL_VERSION;
use tonic::{Code, Status};

/// Metadata key with the stable word.
pub(super) const CODE: &str = RefusalCode::METADATA_KEY;
/// Metadata key with the path of the offending field.
pub(super) const FIELD: &str = "orchestrix-field";

/// Why a stream is turned away for good, until something changes on the agent's side or in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The caller showed no certificate of an agent, or of one that the database does not know.
    NotEnrolled,
    /// The certificate is past its end; renewing is still possible.
    CertificateExpired,
    /// A newer certificate of the agent was seen in use: this one may be a copy's.
    CertificateSuperseded,
    /// The agent was revoked.
    Revoked,
    /// The agent's identity was seen on two hosts.
    Quarantined(String),
    /// The agent speaks another version of the protocol.
    ProtocolVersion(u32),
    /// The first message was not a Hello, or none came in time.
    NoHello,
    /// A message breaks the contract.
    Invalid {
        /// Path of the field.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The collector failed.
    Internal,
}

impl Refusal {
    /// The stable word.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NotEnrolled => RefusalCode::NotEnrolled.as_str(),
            Self::CertificateExpired => RefusalCode::CertificateExpired.as_str(),
            Self::CertificateSuperseded => RefusalCode::CertificateSuperseded.as_str(),
            Self::Revoked => RefusalCode::AgentRevoked.as_str(),
            Self::Quarantined(_) => RefusalCode::AgentQuarantined.as_str(),
            Self::ProtocolVersion(_) => RefusalCode::ProtocolVersion.as_str(),
            Self::NoHello | Self::Invalid { .. } => RefusalCode::RequestMalformed.as_str(),
            Self::Internal => "internal",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::NotEnrolled => "the certificate belongs to no agent of this installation; enrol again".to_owned(),
            Self::CertificateExpired => "the certificate has expired; renew it".to_owned(),
            Self::CertificateSuperseded => "a newer certificate of this agent is in use".to_owned(),
            Self::Revoked => "the agent was revoked; enrol again with a new join token".to_owned(),
            Self::Quarantined(reason) => format!("the agent is quarantined until a person decides: {reason}"),
            Self::ProtocolVersion(theirs) => {
                format!("the agent speaks protocol version {theirs}, this collector {PROTOCOL_VERSION}")
            }
            Self::NoHello => "expected a Hello as the first message".to_owned(),
            Self::Invalid { field, problem } => format!("{field}: {problem}"),
            Self::Internal => "the collector failed; its log says why".to_owned(),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotEnrolled | Refusal::CertificateExpired => Code::Unauthenticated,
            Refusal::CertificateSuperseded | Refusal::Revoked | Refusal::Quarantined(_) => Code::PermissionDenied,
            Refusal::ProtocolVersion(_) => Code::FailedPrecondition,
            Refusal::NoHello | Refusal::Invalid { .. } => Code::InvalidArgument,
            Refusal::Internal => Code::Internal,
        };
        let mut status = Self::new(code, refusal.message());
        let mut put = |key: &'static str, text: &str| {
            // A path from the wire may hold anything; metadata takes visible ASCII only.
            if let Ok(text) = text.parse() {
                status.metadata_mut().insert(key, text);
            }
        };
        put(CODE, refusal.code());
        if let Refusal::Invalid { field, .. } = &refusal {
            put(FIELD, field);
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_its_code_and_field() {
        let status = Status::from(Refusal::Invalid { field: "hello.boot_id".into(), problem: "is empty".into() });
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.metadata().get(CODE).unwrap(), "request-malformed");
        assert_eq!(status.metadata().get(FIELD).unwrap(), "hello.boot_id");
        assert_eq!(status.message(), "hello.boot_id: is empty");
        assert_eq!(Status::from(Refusal::Revoked).metadata().get(CODE).unwrap(), "revoked");
    }
}
