//! What can go wrong with an identity, each in one line that says what to do.

use std::{error::Error, io, path::PathBuf};

use orchestrix_common::pki::{InvalidToken, RefusalCode, TrustError};
use rustls::{AlertDescription, CertificateError};
use tonic::Status;

type Source = Box<dyn Error + Send + Sync>;

/// The agent cannot get, keep or use its identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The join token is not of the form that was printed.
    #[error("the join token is malformed; copy the whole line that `orchestrix-collector token create` printed")]
    Token(#[source] InvalidToken),
    /// The collector's address is of another form.
    #[error("collector address {0:?}: expected HOST:PORT, for example collector.example:7443")]
    Address(String),
    /// A file of the key store cannot be read or written.
    #[error("cannot {action} {}; check that the state folder exists and that the agent may write to it", path.display())]
    Storage {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No slot of the key store can be used.
    #[error("the stored identity in {} is damaged; run `orchestrix-agent prepare-image` and enrol again", .0.display())]
    Damaged(PathBuf),
    /// The identity was made on another machine.
    #[error(
        "the stored identity belongs to another machine (its {0} differs), as on a cloned disk; \
         run `orchestrix-agent prepare-image` and enrol this host with a token of its own"
    )]
    OtherMachine(&'static str),
    /// The collector said no.
    #[error("{}", advice(*code, message))]
    Refused {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, in the collector's words.
        message: String,
    },
    /// At enrolment, the collector shows a certificate of another CA than the token names.
    #[error(
        "the collector's certificate, at {0}, is not from the CA that the token names; \
         check the address, or make a token on the collector that answers there"
    )]
    WrongCa(String),
    /// The collector shows a certificate of a CA that the agent does not trust.
    #[error(
        "the collector's certificate, at {0}, is not from a CA that this agent trusts; \
         check the address, or enrol again if its CA was made anew"
    )]
    UntrustedCollector(String),
    /// What answers is not a collector.
    #[error("what answers at {collector} is not a collector of this installation; check the address")]
    NotACollector {
        /// The address.
        collector: String,
        /// What it answered with.
        source: Source,
    },
    /// The collector's certificate is not valid now, by this host's clock.
    #[error("the collector's certificate is not valid at this host's time; check the clocks of both hosts")]
    CollectorClock(#[source] Source),
    /// The collector refused the certificate because its time is over.
    #[error("the agent's certificate expired too long ago to be renewed; enrol this host again with a new token")]
    CertificateExpired,
    /// The collector refused the certificate because it comes from another CA.
    #[error("the collector does not know the CA of this agent's certificate; enrol this host again with a new token")]
    UnknownCa,
    /// The collector refused the certificate for another reason.
    #[error("the collector does not accept this agent's certificate ({0}); enrol this host again with a new token")]
    CertificateRefused(String),
    /// No connection to the collector.
    #[error("no answer from the collector at {collector}; check the address and the network")]
    Unreachable {
        /// Its address.
        collector: String,
        /// What the system said.
        source: Source,
    },
    /// A call failed for another reason than identity.
    #[error("the collector could not answer: {}", .0.message())]
    Call(#[source] Box<Status>),
    /// The collector answered with something that cannot be used.
    #[error("the collector's answer cannot be used: {0}")]
    Answer(&'static str),
    /// The task that wrote to the key store did not end.
    #[error("storing the identity was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
    /// A key cannot be made or used.
    #[error("the agent's key cannot be made or used")]
    Key(#[source] rcgen::Error),
}

impl IdentityError {
    /// Whether trying again is pointless until a person does something. Callers then try rarely, and show the reason.
    #[must_use]
    pub const fn is_permanent(&self) -> bool {
        match self {
            Self::Refused { code, .. } => code.is_permanent(),
            Self::Storage { .. }
            | Self::CollectorClock(_)
            | Self::Unreachable { .. }
            | Self::Call(_)
            | Self::Interrupted(_)
            | Self::Answer(_) => false,
            _ => true,
        }
    }

    /// What an error while connecting means.
    pub(super) fn from_connect(collector: &str, error: tonic::transport::Error) -> Self {
        recognise(&error, collector)
            .unwrap_or_else(|| Self::Unreachable { collector: collector.to_owned(), source: error.into() })
    }
}

/// Says what the status of a failed call means for the agent's identity.
///
/// A refused client certificate shows up only here: in TLS 1.3 connecting succeeds before the server has judged it.
#[must_use]
pub fn explain(status: &Status) -> IdentityError {
    let code = status.metadata().get(RefusalCode::METADATA_KEY).and_then(|code| code.to_str().ok());
    if let Some(code) = code.and_then(|code| code.parse().ok()) {
        return IdentityError::Refused { code, message: status.message().to_owned() };
    }
    recognise(status, "its address").unwrap_or_else(|| IdentityError::Call(Box::new(status.clone())))
}

/// Looks for something that concerns identity along the chain of causes.
fn recognise(error: &(dyn Error + 'static), collector: &str) -> Option<IdentityError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = recognise_one(error, collector) {
            return Some(found);
        }
        // An I/O error hides what it was made of from `source`.
        let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inside.map(|inside| inside as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

fn recognise_one(error: &(dyn Error + 'static), collector: &str) -> Option<IdentityError> {
    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::AlertReceived(alert)) => alert_meaning(&format!("{alert:?}")),
        Some(rustls::Error::InvalidCertificate(error)) => Some(certificate_meaning(error, collector)),
        Some(error @ (rustls::Error::PeerIncompatible(_) | rustls::Error::InvalidMessage(_))) => {
            Some(IdentityError::NotACollector { collector: collector.to_owned(), source: error.clone().into() })
        }
        Some(_) => None,
        // h2 keeps only the text of what went wrong below it.
        None => {
            let text = error.to_string();
            let (_, alert) = text.split_once("received fatal alert: ")?;
            alert_meaning(alert.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default())
        }
    }
}

/// What the collector meant by closing the connection with this alert.
fn alert_meaning(alert: &str) -> Option<IdentityError> {
    let is = |known: AlertDescription| alert == format!("{known:?}");
    if is(AlertDescription::CertificateExpired) {
        Some(IdentityError::CertificateExpired)
    } else if is(AlertDescription::UnknownCA) {
        Some(IdentityError::UnknownCa)
    } else if is(AlertDescription::CertificateRevoked) {
        let message = "its certificate was revoked".to_owned();
        Some(IdentityError::Refused { code: RefusalCode::AgentRevoked, message })
    } else if ["Certificate", "AccessDenied", "Decrypt"].iter().any(|part| alert.contains(part)) {
        Some(IdentityError::CertificateRefused(alert.to_owned()))
    } else {
        None
    }
}

/// Why the agent did not accept the collector's certificate.
fn certificate_meaning(error: &CertificateError, collector: &str) -> IdentityError {
    let collector = collector.to_owned();
    match error {
        CertificateError::UnknownIssuer => IdentityError::UntrustedCollector(collector),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => IdentityError::CollectorClock(error.to_string().into()),
        CertificateError::Other(other) if other.0.downcast_ref() == Some(&TrustError::Pin) => {
            IdentityError::WrongCa(collector)
        }
        _ => IdentityError::NotACollector { collector, source: error.to_string().into() },
    }
}

/// One line that says what to do about a refusal.
fn advice(code: RefusalCode, message: &str) -> String {
    const NEW_TOKEN: &str = "make a new one with `orchestrix-collector token create`";
    const ENROL_AGAIN: &str = "enrol this host again with a new token";
    match code {
        RefusalCode::TokenMalformed => {
            "the join token is malformed; copy the whole line that `orchestrix-collector token create` printed"
                .to_owned()
        }
        RefusalCode::TokenUnknown => format!("the collector does not know this join token; {NEW_TOKEN}"),
        RefusalCode::TokenWrongSecret => {
            "the join token's secret is wrong; copy the whole line that `orchestrix-collector token create` printed"
                .to_owned()
        }
        RefusalCode::TokenUsed => format!("the join token is used up; {NEW_TOKEN}"),
        RefusalCode::TokenExpired => format!("the join token has expired; {NEW_TOKEN}"),
        RefusalCode::TokenRevoked => format!("the join token was revoked; {NEW_TOKEN}"),
        RefusalCode::CertificateSuperseded => {
            format!(
                "a newer certificate of this agent is in use, so another host may run a copy of it; \
                 if this is the right host, {ENROL_AGAIN}"
            )
        }
        RefusalCode::CertificateUnknown | RefusalCode::NotEnrolled => {
            format!("the collector does not know this agent's certificate; {ENROL_AGAIN}")
        }
        RefusalCode::AgentRevoked => format!("this agent was revoked; if that was a mistake, {ENROL_AGAIN}"),
        RefusalCode::AgentQuarantined => {
            "this agent's identity was seen on two hosts; a person must decide, see `orchestrix-collector agents`"
                .to_owned()
        }
        RefusalCode::ProtocolVersion => {
            format!("agent and collector speak different versions of the protocol ({message}); update the older one")
        }
        RefusalCode::RateLimited => "too many failed attempts from this address; wait a minute".to_owned(),
        _ => format!("the collector refused ({code}): {message}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_found_in_the_text_that_h2_leaves_of_it() {
        let text = io::Error::new(io::ErrorKind::InvalidData, "received fatal alert: UnknownCA");
        assert!(matches!(recognise(&text, "x"), Some(IdentityError::UnknownCa)));
        let typed = io::Error::other(rustls::Error::AlertReceived(AlertDescription::CertificateExpired));
        assert!(matches!(recognise(&typed, "x"), Some(IdentityError::CertificateExpired)));
        let revoked = io::Error::other(rustls::Error::AlertReceived(AlertDescription::CertificateRevoked));
        assert!(recognise(&revoked, "x").unwrap().is_permanent());
        assert!(recognise(&io::Error::from(io::ErrorKind::ConnectionRefused), "x").is_none());
    }

    #[test]
    fn every_refusal_has_one_line() {
        for code in RefusalCode::ALL {
            let line = IdentityError::Refused { code: *code, message: "why".to_owned() }.to_string();
            assert!(!line.is_empty() && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn a_network_error_is_worth_another_try_and_a_spent_token_is_not() {
        let status = Status::unavailable("later");
        assert!(!explain(&status).is_permanent());
        let mut used = Status::permission_denied("no use left");
        used.metadata_mut().insert(RefusalCode::METADATA_KEY, "token-used".parse().unwrap());
        let error = explain(&used);
        assert!(error.is_permanent());
        assert!(error.to_string().contains("token create"), "{error}");
    }
}
