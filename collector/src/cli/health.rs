//! `health`: whether the collector of this configuration is ready, as an exit code. For images and scripts.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context as _, bail};
use http::Request;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

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
    let asked = timeout(LIMIT, ask(address)).await;
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

async fn ask(address: SocketAddr) -> anyhow::Result<(http::StatusCode, String)> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::get("/readyz").header(http::header::HOST, address.to_string()).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = Limited::new(answer.into_body(), ANSWER_BYTES).collect().await.map_err(anyhow::Error::from_boxed)?;
    connection.abort();
    Ok((status, String::from_utf8_lossy(&body.to_bytes()).into_owned()))
}
