//! Where an engine's API listens.

use std::{fmt, path::PathBuf, str::FromStr};

/// Address of an engine's API, in the notation of `DOCKER_HOST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Unix socket: `unix:///run/docker.sock`, or the path alone.
    Unix(PathBuf),
    /// Plain HTTP: `tcp://127.0.0.1:2375`, meant for a socket proxy on this host. Holds `host:port`.
    Tcp(String),
}

/// A text that is no address of an engine. It does not repeat the text, which could hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected unix:///path/to/socket or tcp://host:port")]
pub struct AddressError;

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let path = text.strip_prefix("unix://").unwrap_or(text);
        if path.starts_with('/') && path.len() > 1 {
            return Ok(Self::Unix(path.into()));
        }
        let authority = text.strip_prefix("tcp://").or_else(|| text.strip_prefix("http://")).ok_or(AddressError)?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        let (host, port) = authority.rsplit_once(':').ok_or(AddressError)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
        if host.is_empty() || !host.chars().all(plain) || port.parse::<u16>().map_or(true, |port| port == 0) {
            return Err(AddressError);
        }
        Ok(Self::Tcp(authority.to_owned()))
    }
}

impl fmt::Display for Address {
    /// Writes the path of a socket, and `tcp://host:port` for the rest.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "{}", path.display()),
            Self::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_notation_of_docker_host_is_understood() {
        for (text, shown) in [
            ("unix:///run/docker.sock", "/run/docker.sock"),
            ("/run/docker.sock", "/run/docker.sock"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("tcp://[::1]:2375/", "tcp://[::1]:2375"),
            ("http://socket-proxy:2375", "tcp://socket-proxy:2375"),
        ] {
            assert_eq!(text.parse::<Address>().map(|address| address.to_string()), Ok(shown.to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_without_repeating_it() {
        for text in
            ["", "/", "unix://", "unix://run/x", "tcp://host", "tcp://:1", "tcp://h:0", "tcp://u:pw@h:1", "ssh://h:22"]
        {
            let refused = text.parse::<Address>();
            assert_eq!(refused, Err(AddressError), "{text}");
            assert!(!AddressError.to_string().contains("pw"));
        }
    }
}
