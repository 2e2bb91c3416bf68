//! What can go wrong between the agent and an engine.

use std::{io, time::Duration};

use super::{Address, Engine};
use crate::inspect::InspectError;

/// A request to an engine failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ClientError {
    #[error("there is no socket {0}")]
    NoSocket(Address),
    #[error("{address} is served by {serves}")]
    OtherEngine { address: Address, serves: Engine },
    #[error("opening {0}")]
    Forbidden(Address, #[source] io::Error),
    #[error("connecting to {0}")]
    Connect(Address, #[source] io::Error),
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
    #[error("connection lost")]
    Lost(#[source] hyper::Error),
    #[error("status {code}: {message}")]
    Status { code: u16, message: String },
    #[error("an answer of more than {0} bytes")]
    TooLarge(usize),
    /// The position only: a parser's own words can quote the text, which may hold secrets.
    #[error("unexpected answer at line {line}, column {column}")]
    Unexpected { line: usize, column: usize },
    #[error("an identifier that is none")]
    BadIdentifier,
}

impl ClientError {
    /// The thing asked for does not exist.
    pub(super) const fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    /// The engine answered, so the failure concerns this one request.
    pub(super) const fn is_answer(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::TooLarge(_) | Self::Unexpected { .. } | Self::BadIdentifier)
    }

    /// The engine is there, but took too long.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(self, Self::TimedOut(_))
    }

    /// What this means for a whole look, said so that a person knows what to do.
    pub(super) fn into_inspect_error(self, engine: Engine) -> InspectError {
        let name = engine.name();
        match self {
            Self::TimedOut(limit) => InspectError::TimedOut(limit),
            Self::Forbidden(address, _) => InspectError::NotPermitted(match engine {
                Engine::Docker => format!(
                    "cannot open {address}: add the agent's user to the group that owns it \
                     (usermod -aG docker orchestrix-agent) and restart the agent"
                ),
                Engine::Podman => format!(
                    "cannot open {address}: grant the agent's user access to it \
                     (SocketGroup= and SocketMode=0660 in podman.socket) and restart the agent"
                ),
            }),
            Self::Status { code: code @ (401 | 403), message } => InspectError::NotPermitted(format!(
                "{name} refused with status {code} ({message}): let the socket proxy pass GET for /version, \
                 /containers/json, /containers/ID/json and /events"
            )),
            Self::NoSocket(address) => {
                InspectError::Unavailable(format!("{address} is gone: is the {name} service running?"))
            }
            Self::Connect(address, cause) => InspectError::Unavailable(format!(
                "cannot connect to {address} ({}): is the {name} service running?",
                cause.kind()
            )),
            other => InspectError::Unavailable(format!("{name}: {other}")),
        }
    }
}
