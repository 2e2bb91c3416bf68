use std::time::{Duration, Instant};

use orchestrix_agent::identity::{IdentityError, explain};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::parts::{Installation, who_am_i};

#[tokio::test]
async fn silent_clients_hold_up_nobody_and_are_dropped() {
    let installation = Installation::start().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(installation.address).await.unwrap());
    }
    let begin = Instant::now();
    installation.agent().await;
    assert!(begin.elapsed() < Duration::from_secs(3), "took {:?}", begin.elapsed());
    for mut tcp in silent {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_secs(8), tcp.read(&mut byte)).await.expect("dropped in time");
        assert_eq!(read.unwrap_or(0), 0);
    }
}

#[tokio::test]
async fn what_is_not_tls_is_turned_away() {
    let installation = Installation::start().await;
    let mut tcp = TcpStream::connect(installation.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: collector\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(3), tcp.read_to_end(&mut answer)).await.unwrap();
    assert!(read.is_err() || answer.first() == Some(&21), "an alert or nothing: {answer:?}");
    installation.agent().await;
}

#[tokio::test]
async fn a_refusal_in_the_handshake_is_told_every_time() {
    let (ours, theirs) = (Installation::start().await, Installation::start().await);
    let (_state, identity) = ours.agent().await;
    identity.trust([ours.authority.roots_der(), theirs.authority.roots_der()].concat()).unwrap();
    // The client has sent more than the collector read when it is refused: without lingering some alerts get lost.
    for _ in 0..20 {
        let channel = identity.channel(&theirs.collector()).await.unwrap();
        let error = explain(&who_am_i(channel).await.unwrap_err());
        assert!(matches!(error, IdentityError::UnknownCa), "{error:?}");
    }
}

#[tokio::test]
async fn who_does_not_answer_or_is_no_collector_is_told_apart() {
    let installation = Installation::start().await;
    let (_state, identity) = installation.agent().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    let web = tokio::spawn(async move {
        let (mut tcp, _) = nobody.accept().await.unwrap();
        tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        tcp.read_to_end(&mut Vec::new()).await
    });
    let error = identity.channel(&address).await.unwrap_err();
    assert!(matches!(error, IdentityError::NotACollector { .. }), "{error:?}");
    web.abort();
    let _ = web.await;
    let error = identity.channel(&address).await.unwrap_err();
    assert!(matches!(error, IdentityError::Unreachable { .. }), "{error:?}");
    assert!(!error.is_permanent());
    assert!(error.to_string().contains(&address), "{error}");
    // A collector of another CA, which this agent was never told to trust.
    let other = Installation::start().await;
    let error = identity.channel(&other.collector()).await.unwrap_err();
    assert!(matches!(error, IdentityError::UntrustedCollector(_)), "{error:?}");
}
