//! The listener. Plain HTTP/1.1, one request per connection, four connections at a time; further ones wait in the
//! kernel's backlog. A client that does not get on within the limit is cut off.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use orchestrix_common::metric::MetricText;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::timeout,
};

/// Connections at a time.
const CONNECTIONS: usize = 4;
/// Time for one request and its answer.
const LIMIT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 10 });
/// Bytes of a request's head.
const HEAD: usize = 16 << 10;

/// The address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} (metrics.address)")]
pub struct ListenError {
    address: SocketAddr,
    #[source]
    source: io::Error,
}

/// Binds the listener.
///
/// # Errors
/// When the address is taken or not this host's.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { address, source })
}

/// Answers with what `measure` writes, until it is dropped.
pub async fn serve<F: Future<Output = String> + Send + 'static>(
    listener: TcpListener,
    measure: impl Fn() -> F + Send + Sync + 'static,
) {
    let (slots, measure) = (Arc::new(Semaphore::new(CONNECTIONS)), Arc::new(measure));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // The semaphore is never closed.
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let measure = Arc::clone(&measure);
                connections.spawn(async move {
                    converse(stream, measure).await;
                    drop(slot);
                });
            }
            Err(error) => {
                tracing::debug!(%error, "metrics listener");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

async fn converse<F: Future<Output = String> + Send>(stream: TcpStream, measure: Arc<impl Fn() -> F + Send + Sync>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let measure = Arc::clone(&measure);
        async move { Ok::<_, Infallible>(answer(&request, || measure()).await) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD)
        .timer(TokioTimer::new())
        .header_read_timeout(LIMIT)
        .serve_connection(TokioIo::new(stream), service);
    if !matches!(timeout(LIMIT, connection).await, Ok(Ok(()))) {
        tracing::debug!("measurements were not read to their end");
    }
}

async fn answer<T, F: Future<Output = String>>(request: &Request<T>, measure: impl Fn() -> F) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, MetricText::CONTENT_TYPE, measure().await),
        (&Method::GET | &Method::HEAD, _) => (StatusCode::NOT_FOUND, "text/plain", "see /metrics\n".to_owned()),
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "GET /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn asked(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        timeout(LIMIT, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }

    #[tokio::test]
    async fn only_the_measurements_are_there_and_silent_clients_do_not_shut_others_out_for_good() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, || async { "x 1\n".to_owned() }));
        let text = asked(address, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\nx 1\n"), "{text}");
        assert!(text.contains(MetricText::CONTENT_TYPE), "{text}");
        assert!(asked(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.contains(" 404 "));
        assert!(
            asked(address, "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await.contains(" 405 ")
        );
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            idle.push(TcpStream::connect(address).await.unwrap());
        }
        let text = asked_in(address, LIMIT * 3).await;
        assert!(text.starts_with("HTTP/1.1 200 OK"), "{text}");
        server.abort();
    }

    /// Asks with patience: the silent ones are cut off after their time.
    async fn asked_in(address: SocketAddr, limit: Duration) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut text = String::new();
        timeout(limit, stream.read_to_string(&mut text)).await.unwrap().unwrap();
        text
    }

    #[tokio::test]
    async fn a_taken_address_is_named() {
        let taken = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = bind(taken.local_addr().unwrap()).await.unwrap_err().to_string();
        assert!(error.contains("metrics.address"), "{error}");
    }
}
