//! `health`: whether the collector of this configuration is ready, as an exit code. For images and scripts.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, bail};
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use orchestrix_common::pki::provider;
use rustls::{
    ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    version::TLS13,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{ConfigArgs, output};

/// Time for the answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Bytes of the answer that are read.
const ANSWER_BYTES: usize = 64 << 10;

/// Flags of `health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address and port of the admin API [default: that of the configuration]
    #[arg(long, value_name = "ADDR:PORT")]
    api: Option<String>,
}

pub(super) async fn run(Args { config, api }: Args) -> anyhow::Result<()> {
    let (config, _) = crate::config::load(config.loader().flag("--api", "api.address", api))?;
    let address = reachable(config.api.address);
    let asked = timeout(LIMIT, ask(address, config.api.certificate.is_some())).await;
    let (status, text) = asked
        .with_context(|| format!("no answer from {address} within {} s", LIMIT.as_secs()))?
        .with_context(|| format!("cannot ask the collector at {address}"))?;
    if status != http::StatusCode::OK {
        bail!("not ready ({status}): {}", text.trim());
    }
    output::print(&format!("ready: {}", text.trim()))
}

/// Where a listener that listens everywhere is reached from this host.
const fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

async fn ask(address: SocketAddr, tls: bool) -> anyhow::Result<(http::StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    if tls { ask_on(any_certificate(stream, address).await?, address).await } else { ask_on(stream, address).await }
}

async fn ask_on<S>(stream: S, address: SocketAddr) -> anyhow::Result<(http::StatusCode, String)>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/readyz").header(http::header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?;
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}

/// Speaks TLS with whatever certificate the collector shows: on this host it is reached by an address that no certificate
/// names, and neither the question nor the answer is a secret.
async fn any_certificate(stream: TcpStream, address: SocketAddr) -> anyhow::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Any(provider())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)).connect(ServerName::IpAddress(address.ip().into()), stream).await?)
}

#[derive(Debug)]
struct Any(Arc<CryptoProvider>);

impl ServerCertVerifier for Any {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _leaf: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, leaf, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
