//! Opens TLS connections to a collector and speaks HTTP/2 over them.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use http::Uri;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::transport::{Channel, Endpoint};

use super::IdentityError;

/// Makes the TLS settings of the next connection.
pub(super) type Settings = Arc<dyn Fn() -> Result<ClientConfig, rustls::Error> + Send + Sync>;

/// For name lookup, TCP and TLS together.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// A half-open link is noticed within the sum of these two.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_LIMIT: Duration = Duration::from_secs(10);
const WINDOW_BYTES: u32 = 1 << 20;

/// Connects to `HOST:PORT`.
pub(super) async fn channel(collector: &str, settings: Settings) -> Result<Channel, IdentityError> {
    let (host, port) = address(collector)?;
    // The scheme only tells tonic that TLS is none of its business; what carries the bytes is TLS all the same.
    let endpoint = Endpoint::from_shared(format!("http://{collector}"))
        .map_err(|_| IdentityError::Address(collector.to_owned()))?
        .http2_keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_LIMIT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    let connector = tower::service_fn(move |_: Uri| {
        let (host, settings) = (host.clone(), settings.clone());
        async move {
            let config = settings().map_err(io::Error::other)?;
            let stream = timeout(CONNECT_LIMIT, connect(&host, port, config)).await;
            let stream =
                stream.unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in 10 s")))?;
            Ok::<_, io::Error>(TokioIo::new(stream))
        }
    });
    endpoint.connect_with_connector(connector).await.map_err(|error| IdentityError::from_connect(collector, error))
}

async fn connect(host: &str, port: u16, config: ClientConfig) -> io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect((host, port)).await?;
    tcp.set_nodelay(true)?;
    let name = server_name(host, tcp.peer_addr()?);
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

/// The name only goes into the ClientHello, for proxies to route by; a name that TLS does not know is left out.
fn server_name(host: &str, peer: SocketAddr) -> ServerName<'static> {
    ServerName::try_from(host.to_owned()).unwrap_or_else(|_| ServerName::from(peer.ip()))
}

/// Takes `HOST:PORT` apart; an IPv6 address stands in brackets.
fn address(collector: &str) -> Result<(String, u16), IdentityError> {
    let invalid = || IdentityError::Address(collector.to_owned());
    let (host, port) = collector.rsplit_once(':').ok_or_else(invalid)?;
    let port = port.parse().map_err(|_| invalid())?;
    let host = match host.strip_prefix('[').map(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.ok_or_else(invalid)?,
        None if host.contains(':') => return Err(invalid()),
        None => host,
    };
    if host.is_empty() || host.contains(['/', '@', ' ']) { Err(invalid()) } else { Ok((host.to_owned(), port)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(address("collector.example:7443").unwrap(), ("collector.example".to_owned(), 7443));
        assert_eq!(address("192.0.2.1:7443").unwrap(), ("192.0.2.1".to_owned(), 7443));
        assert_eq!(address("[2001:db8::1]:7443").unwrap(), ("2001:db8::1".to_owned(), 7443));
        for wrong in ["collector", ":7443", "host:", "host:0x1", "host:70000", "2001:db8::1:7443", "[::1:7443", "a/b:1"]
        {
            assert!(matches!(address(wrong), Err(IdentityError::Address(_))), "{wrong}");
        }
    }

    #[test]
    fn a_host_name_that_tls_does_not_know_still_connects() {
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        assert_eq!(server_name("collector.example", peer), ServerName::try_from("collector.example").unwrap());
        assert_eq!(server_name("-not-a-name-", peer), ServerName::from(peer.ip()));
    }
}
