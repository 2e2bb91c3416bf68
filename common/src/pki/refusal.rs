//! Why a collector turns an agent away, as words that both ends know.

use std::{fmt, str::FromStr};

macro_rules! refusal_codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $permanent:literal;)*) => {
        /// Why a collector refused what an agent asked for.
        ///
        /// It travels in the metadata of the gRPC status, under [`RefusalCode::METADATA_KEY`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }

            /// Whether asking again with the same credentials is pointless until a person does something.
            #[must_use]
            pub const fn is_permanent(self) -> bool {
                match self {
                    $(Self::$name => $permanent,)*
                }
            }
        }
    };
}

refusal_codes! {
    /// The join token is not of the form that was printed.
    TokenMalformed = "token-malformed", true;
    /// No join token has this id.
    TokenUnknown = "token-unknown", true;
    /// The secret of the join token is another one.
    TokenWrongSecret = "token-wrong-secret", true;
    /// The join token has no use left.
    TokenUsed = "token-used", true;
    /// The join token's time is over.
    TokenExpired = "token-expired", true;
    /// A person withdrew the join token.
    TokenRevoked = "token-revoked", true;
    /// The token of the service account is not accepted.
    AccountRefused = "account-refused", false;
    /// A field of the request is missing or wrong.
    RequestMalformed = "request-malformed", true;
    /// The signing request is not one over a P-256 key, or not signed by it.
    CsrRefused = "csr-refused", true;
    /// The call needs a client certificate.
    CertificateRequired = "certificate-required", true;
    /// The caller showed no certificate of an agent, or of one that the database does not know.
    NotEnrolled = "not-enrolled", true;
    /// The certificate has expired; only renewal is possible with it.
    CertificateExpired = "certificate-expired", false;
    /// A newer certificate of this agent is in use.
    CertificateSuperseded = "certificate-superseded", true;
    /// The database does not know the certificate.
    CertificateUnknown = "certificate-unknown", true;
    /// A person revoked the agent.
    AgentRevoked = "revoked", true;
    /// The agent's identity was seen on two hosts; a person decides.
    AgentQuarantined = "quarantined", false;
    /// The agent speaks a version of the protocol that the collector does not.
    ProtocolVersion = "protocol-version", true;
    /// Too many failed attempts from this address.
    RateLimited = "rate-limited", false;
    /// Too much is going on at the collector.
    Overloaded = "overloaded", false;
    /// The collector's database does not answer.
    Unavailable = "unavailable", false;
}

impl RefusalCode {
    /// Key of the gRPC metadata that carries the code.
    pub const METADATA_KEY: &'static str = "orchestrix-code";
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RefusalCode {
    type Err = UnknownRefusalCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or(UnknownRefusalCode)
    }
}

/// A word is not a code that this build knows; a newer collector may have more of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown refusal code")]
pub struct UnknownRefusalCode;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_from_its_word() {
        for code in RefusalCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert_eq!("token-".parse::<RefusalCode>(), Err(UnknownRefusalCode));
    }
}
