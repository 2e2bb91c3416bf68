//! The few read routes of the Engine API that looking needs, over a Unix socket or plain HTTP.
//!
//! [`Route`] is the whole list: nothing else of the API can be asked for, because GET is not harmless there (`logs`,
//! `archive`, `export` and `attach/ws` leak data or give stdin) and a socket mounted read-only is still root. A general
//! client crate would bring every other route along, decode environment values into its structs, write whole answers
//! to the debug log, and fail on a state or mount type that it does not know; hence these few lines on hyper.
//!
//! Each request has its own connection, a time limit that covers the body as well, and a limit on its size.

use std::{io, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::{Instant, timeout, timeout_at},
};
use tokio_util::task::AbortOnDropHandle;

use super::{Address, Engine, api, error::ClientError, fingerprint::Fingerprint};

/// The newest API version whose answers this code was written for.
const NEWEST_API: ApiVersion = ApiVersion { major: 1, minor: 47 };
/// Bytes of one answer; a host with 10,000 containers lists them in about 15 MiB.
const ANSWER_LIMIT: usize = 64 << 20;
/// Bytes of one container's answer; 100,000 labels fit.
const CONTAINER_LIMIT: usize = 16 << 20;
/// Time in which Podman has taken up a subscription.
const PODMAN_SUBSCRIBES: Duration = Duration::from_millis(500);
/// Characters of an error's text that are shown.
const MESSAGE_LIMIT: usize = 200;

/// Everything that can be asked for.
#[derive(Clone, Copy, Debug)]
enum Route<'a> {
    Version,
    Containers,
    Container(&'a str),
    /// From this time on, in nanoseconds since 1970; from now on when `None`.
    Events(Option<i64>),
}

/// Events that change what is known of a container, in Docker's words and in Podman's. Health checks run as `exec_*`
/// every few seconds; leaving those out at the engine is what keeps an idle host idle.
const EVENTS: &str = r#"{"type":["container"],"event":["create","start","die","died","stop","kill","pause","unpause","rename","health_status","oom","update","restart","destroy","remove"]}"#;

impl Route<'_> {
    fn path_and_query(self) -> String {
        match self {
            Self::Version => "/version".to_owned(),
            Self::Containers => "/containers/json?all=true".to_owned(),
            Self::Container(id) => format!("/containers/{id}/json"),
            Self::Events(None) => format!("/events?filters={}", percent_encoded(EVENTS)),
            Self::Events(Some(since)) => format!(
                "/events?since={}.{:09}&filters={}",
                since.div_euclid(1_000_000_000),
                since.rem_euclid(1_000_000_000),
                percent_encoded(EVENTS)
            ),
        }
    }
}

/// An engine that answered, and the API version to be spoken with it.
#[derive(Clone, Debug)]
pub(super) struct Client {
    address: Address,
    engine: Engine,
    version: ApiVersion,
    /// The engine's own clock when it answered, in seconds since 1970.
    pub(super) engine_time: Option<i64>,
}

impl Client {
    /// Finds out who answers at `address` and which version both sides speak.
    ///
    /// # Errors
    /// When nobody answers before `deadline`, or another engine than `engine`.
    pub(super) async fn connect(address: &Address, engine: Engine, deadline: Instant) -> Result<Self, ClientError> {
        let mut client = Self { address: address.clone(), engine, version: NEWEST_API, engine_time: None };
        let (headers, answer) = client.get::<api::Version>(Route::Version, ANSWER_LIMIT, deadline).await?;
        let mut parts = answer.components.iter().flatten().filter_map(|component| component.name.as_deref());
        let serves = if parts.any(|name| name.starts_with("Podman")) { Engine::Podman } else { Engine::Docker };
        if serves != engine {
            return Err(ClientError::OtherEngine { address: address.clone(), serves });
        }
        let [newest, oldest] =
            [answer.api_version, answer.min_api_version].map(|text| text.and_then(ApiVersion::parse));
        let spoken = newest.map_or(NEWEST_API, |newest| newest.min(NEWEST_API));
        client.version = oldest.map_or(spoken, |oldest| oldest.max(spoken));
        client.engine_time = date(&headers);
        Ok(client)
    }

    /// Asks something that costs the engine next to nothing, to find out whether it still answers.
    pub(super) async fn answers(&self, deadline: Instant) -> Result<(), ClientError> {
        self.get::<api::Version>(Route::Version, ANSWER_LIMIT, deadline).await.map(drop)
    }

    /// Identifiers of all containers, running or not, each with what is listed of it.
    pub(super) async fn containers(&self, deadline: Instant) -> Result<Vec<(String, Fingerprint)>, ClientError> {
        let (_, listed) = self.get::<Vec<api::Listed>>(Route::Containers, ANSWER_LIMIT, deadline).await?;
        let listed = listed.into_iter().map(|item| {
            let fingerprint = item.fingerprint();
            (item.id, fingerprint)
        });
        Ok(listed.collect())
    }

    /// One container in full.
    pub(super) async fn container(&self, id: &str, deadline: Instant) -> Result<api::Inspected, ClientError> {
        // The identifier becomes a part of a path, and it comes from outside.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ClientError::BadIdentifier);
        }
        Ok(self.get(Route::Container(id), CONTAINER_LIMIT, deadline).await?.1)
    }

    /// Subscribes to what happens to containers. Docker answers a subscription at once and is waited for; Podman
    /// answers with the first event, so there it is enough that the request had time to arrive.
    pub(super) async fn events(&self, since: Option<i64>, deadline: Instant) -> Result<Feed, ClientError> {
        within(deadline, async {
            let mut exchange = self.send(Route::Events(since)).await?;
            let patience = match self.engine {
                Engine::Docker => Duration::MAX,
                Engine::Podman => PODMAN_SUBSCRIBES,
            };
            let body = match timeout(patience, &mut exchange.answer).await {
                Ok(answer) => FeedBody::Open(accepted(answer?).await?.into_body()),
                Err(_) => FeedBody::Awaited(exchange.answer),
            };
            Ok(Feed { body, _connection: exchange.connection })
        })
        .await
    }

    async fn get<T: DeserializeOwned>(
        &self,
        route: Route<'_>,
        limit: usize,
        deadline: Instant,
    ) -> Result<(HeaderMap, T), ClientError> {
        let (headers, body) = within(deadline, async {
            let exchange = self.send(route).await?;
            let (head, mut body) = accepted(exchange.answer.await?).await?.into_parts();
            Ok((head.headers, collected(&mut body, limit).await?))
        })
        .await?;
        let answer = serde_json::from_slice(&body)
            .map_err(|error| ClientError::Unexpected { line: error.line(), column: error.column() })?;
        Ok((headers, answer))
    }

    async fn send(&self, route: Route<'_>) -> Result<Exchange, ClientError> {
        let refused = |error: io::Error| match (error.kind(), &self.address) {
            (io::ErrorKind::NotFound, Address::Unix(_)) => ClientError::NoSocket(self.address.clone()),
            (io::ErrorKind::PermissionDenied, Address::Unix(_)) => ClientError::Forbidden(self.address.clone(), error),
            _ => ClientError::Connect(self.address.clone(), error),
        };
        match &self.address {
            Address::Unix(path) => self.exchange(UnixStream::connect(path).await.map_err(refused)?, route).await,
            Address::Tcp(host) => self.exchange(TcpStream::connect(host).await.map_err(refused)?, route).await,
        }
    }

    async fn exchange<S>(&self, stream: S, route: Route<'_>) -> Result<Exchange, ClientError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(ClientError::Lost)?;
        let connection = AbortOnDropHandle::new(tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to the engine ended");
            }
        }));
        let host = match &self.address {
            Address::Unix(_) => "localhost",
            Address::Tcp(authority) => authority,
        };
        let target = match route {
            Route::Version => route.path_and_query(),
            _ => format!("/v{}.{}{}", self.version.major, self.version.minor, route.path_and_query()),
        };
        let request = Request::get(target)
            .header(header::HOST, host)
            .header(header::USER_AGENT, concat!("orchestrix-agent/", env!("CARGO_PKG_VERSION")))
            .body(Empty::<Bytes>::new())
            .map_err(|_| ClientError::BadIdentifier)?;
        let answer = async move { sender.send_request(request).await.map_err(ClientError::Lost) }.boxed();
        Ok(Exchange { answer, connection })
    }
}

/// A request on its way.
struct Exchange {
    answer: BoxFuture<'static, Result<Response<Incoming>, ClientError>>,
    connection: AbortOnDropHandle<()>,
}

/// A subscription. Dropping it closes the connection.
pub(super) struct Feed {
    body: FeedBody,
    _connection: AbortOnDropHandle<()>,
}

enum FeedBody {
    Awaited(BoxFuture<'static, Result<Response<Incoming>, ClientError>>),
    Open(Incoming),
}

impl Feed {
    /// The next bytes; `None` when the engine closed the connection or it broke.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match &mut self.body {
                FeedBody::Awaited(answer) => {
                    let answer = accepted(answer.await.ok()?).await.ok()?;
                    self.body = FeedBody::Open(answer.into_body());
                }
                // Trailers are no data; they are skipped.
                FeedBody::Open(body) => {
                    if let Ok(data) = body.frame().await?.ok()?.into_data() {
                        return Some(data);
                    }
                }
            }
        }
    }
}

/// The answer, unless it reports an error.
async fn accepted(answer: Response<Incoming>) -> Result<Response<Incoming>, ClientError> {
    if answer.status() == StatusCode::OK {
        return Ok(answer);
    }
    let code = answer.status().as_u16();
    let text = collected(&mut answer.into_body(), 1 << 16).await.unwrap_or_default();
    let message = serde_json::from_slice(&text).map(|api::Refusal { message }| message).unwrap_or_default();
    let message = message.chars().filter(|c| !c.is_control()).take(MESSAGE_LIMIT).collect();
    Err(ClientError::Status { code, message })
}

/// A version of the Engine API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    #[allow(clippy::needless_pass_by_value, reason = "called with texts that are used up")]
    fn parse(text: String) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

async fn within<T>(deadline: Instant, request: impl Future<Output = Result<T, ClientError>>) -> Result<T, ClientError> {
    let allowed = deadline.saturating_duration_since(Instant::now());
    timeout_at(deadline, request).await.unwrap_or_else(|_| Err(ClientError::TimedOut(rounded(allowed))))
}

/// To tenths of a second, for people.
fn rounded(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX).div_ceil(100).saturating_mul(100))
}

async fn collected(body: &mut Incoming, limit: usize) -> Result<Vec<u8>, ClientError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(ClientError::Lost)?.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(ClientError::TooLarge(limit));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Time of the answer by the engine's clock, from the `Date` header (RFC 9110, section 6.6.1).
fn date(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(header::DATE)?.to_str().ok()?;
    OffsetDateTime::parse(text, &Rfc2822).ok().map(OffsetDateTime::unix_timestamp)
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_version_is_spoken_and_a_date_is_read() {
        let parse = |text: &str| ApiVersion::parse(text.to_owned());
        assert_eq!(parse("1.41").map(|version| version.min(NEWEST_API)), Some(ApiVersion { major: 1, minor: 41 }));
        assert_eq!(parse("1.53").map(|version| version.min(NEWEST_API)), Some(NEWEST_API));
        assert_eq!(parse("latest"), None);
        let headers = [(header::DATE, "Mon, 23 Nov 2026 23:58:00 GMT".parse().unwrap())].into_iter().collect();
        assert_eq!(date(&headers), Some(1_795_478_280));
    }

    #[test]
    fn a_subscription_names_its_start_to_the_nanosecond() {
        let target = Route::Events(Some(1_795_478_280_000_000_007)).path_and_query();
        assert!(
            target.starts_with("/events?since=1795478280.000000007&filters=%7B%22type%22%3A%5B%22container"),
            "{target}"
        );
        assert!(!target.contains("exec"), "{target}");
    }
}
