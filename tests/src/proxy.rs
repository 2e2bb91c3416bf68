//! A TCP proxy in the test that counts bytes and can cut connections, in place of a network that does.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a server may take to accept before the next one is tried.
const CONNECT: Duration = Duration::from_millis(500);

/// Forwards every connection to a server; of several to each in turn, passing over those that do not answer.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    up: AtomicU64,
    down: AtomicU64,
    closed: AtomicBool,
    refusing: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts a proxy on a free loopback port.
    #[must_use]
    pub fn start(server: SocketAddr) -> Self {
        Self::balance(vec![server])
    }

    /// Starts a proxy on a free loopback port that spreads connections over several servers.
    #[must_use]
    pub fn balance(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
        let address = listener.local_addr().expect("a listener has an address");
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        thread::spawn(move || {
            for (turn, client) in listener.incoming().flatten().enumerate() {
                if theirs.closed.load(Ordering::SeqCst) {
                    return;
                }
                // A client that is refused is cut off at once.
                if theirs.refusing.load(Ordering::SeqCst) {
                    continue;
                }
                let (mut next, count) = (servers.iter().cycle().skip(turn % servers.len()), servers.len());
                let server = next.by_ref().take(count).find_map(|at| TcpStream::connect_timeout(at, CONNECT).ok());
                if let Some(server) = server {
                    join(client, server, &theirs);
                }
            }
        });
        Self { address, shared }
    }

    /// Where clients connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes that clients sent so far, without TCP and IP headers.
    #[must_use]
    pub fn bytes_up(&self) -> u64 {
        self.shared.up.load(Ordering::SeqCst)
    }

    /// Bytes that the server sent so far, without TCP and IP headers.
    #[must_use]
    pub fn bytes_down(&self) -> u64 {
        self.shared.down.load(Ordering::SeqCst)
    }

    /// Cuts all connections and lets none through until [`Self::restore`].
    pub fn sever(&self) {
        self.shared.refusing.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Lets connections through again.
    pub fn restore(&self) {
        self.shared.refusing.store(false, Ordering::SeqCst);
    }

    /// Cuts all connections; new ones are forwarded again.
    pub fn cut(&self) {
        for connection in self.shared.open.lock().expect("no thread panics with the lock").drain(..) {
            drop(connection.shutdown(Shutdown::Both));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, so that it sees the mark.
        drop(TcpStream::connect(self.address));
        self.cut();
    }
}

/// Copies both ways, each in its own thread.
fn join(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) {
    let clones = (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
    let (Ok(client_in), Ok(server_out), Ok(kept), Ok(kept_too)) = clones else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    shared.open.lock().expect("no thread panics with the lock").extend([kept, kept_too]);
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    thread::spawn(move || copy(client_in, server_out, &up.up));
    thread::spawn(move || copy(server, client, &down.down));
}

fn copy(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = [0; 16 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        count.fetch_add(read as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    drop((from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_counted_each_way_and_connections_can_be_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap());
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let mut server = listener.accept().unwrap().0;
        client.write_all(b"abc").unwrap();
        let mut three = [0; 3];
        server.read_exact(&mut three).unwrap();
        server.write_all(b"12345").unwrap();
        let mut five = [0; 5];
        client.read_exact(&mut five).unwrap();
        assert_eq!((&three, &five), (b"abc", b"12345"));
        assert_eq!((proxy.bytes_up(), proxy.bytes_down()), (3, 5));
        proxy.sever();
        assert_eq!(client.read(&mut five).unwrap_or(0), 0);
        let mut refused = TcpStream::connect(proxy.address()).unwrap();
        assert_eq!(refused.read(&mut five).unwrap_or(0), 0);
        proxy.restore();
        let mut client = TcpStream::connect(proxy.address()).unwrap();
        let mut server = listener.accept().unwrap().0;
        client.write_all(b"abc").unwrap();
        server.read_exact(&mut three).unwrap();
    }

    #[test]
    fn connections_go_to_each_server_in_turn_and_around_one_that_is_away() {
        let (one, two) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let proxy = Proxy::balance(vec![one.local_addr().unwrap(), two.local_addr().unwrap()]);
        let _first = TcpStream::connect(proxy.address()).unwrap();
        one.accept().unwrap();
        let _second = TcpStream::connect(proxy.address()).unwrap();
        two.accept().unwrap();
        drop(one);
        let _third = TcpStream::connect(proxy.address()).unwrap();
        two.accept().unwrap();
    }
}
