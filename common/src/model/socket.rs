//! Sockets that something listens on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A socket that accepts connections or datagrams.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
    /// Address it is bound to, for example `0.0.0.0` or `::1`.
    pub address: String,
    /// Name of the process that owns it.
    pub process: Option<String>,
    /// Inode of its network namespace; `None` for the host's.
    pub network_namespace: Option<u64>,
}

/// Transport protocol of a port. Written as its name, for example `tcp`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// Another one, kept by name, for example `sctp`.
    Other(String),
}

impl Protocol {
    /// Name, in lower case for the known ones.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<String> for Protocol {
    fn from(name: String) -> Self {
        match name.as_str() {
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            _ => Self::Other(name),
        }
    }
}

impl From<Protocol> for String {
    fn from(protocol: Protocol) -> Self {
        protocol.as_str().to_owned()
    }
}
