//! A TCP proxy in the test that counts bytes and can cut connections, in place of a network that does.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read, Write},
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
/// How often a server is asked whether it is ready, and how long it may take to say so. It is passed over after the
/// second failure, and taken again after the first success.
const ASK_EVERY: Duration = Duration::from_millis(500);

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
    /// Open connections, each with the place of its server.
    open: Mutex<Vec<(usize, TcpStream)>>,
    /// Places of servers that are passed over.
    away: Mutex<BTreeSet<usize>>,
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
                let away = theirs.away.lock().expect("no thread panics with the lock").clone();
                let count = servers.len();
                let server = (turn..turn + count).map(|turn| turn % count).find_map(|place| {
                    if away.contains(&place) {
                        return None;
                    }
                    Some((place, TcpStream::connect_timeout(&servers[place], CONNECT).ok()?))
                });
                if let Some((place, server)) = server {
                    join(client, server, place, &theirs);
                }
            }
        });
        Self { address, shared }
    }

    /// As [`Self::balance`], and asks each server's second address for `/readyz`, as a balancer does: one that is not ready is
    /// passed over, and its connections are cut.
    #[must_use]
    pub fn balance_ready(servers: Vec<(SocketAddr, SocketAddr)>) -> Self {
        let proxy = Self::balance(servers.iter().map(|(server, _)| *server).collect());
        for (place, (_, api)) in servers.into_iter().enumerate() {
            let shared = Arc::clone(&proxy.shared);
            thread::spawn(move || watch(place, api, &shared));
        }
        proxy
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
        for (_, connection) in self.shared.open.lock().expect("no thread panics with the lock").drain(..) {
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

/// Asks a server whether it is ready, until the proxy ends.
fn watch(place: usize, api: SocketAddr, shared: &Shared) {
    let mut failures = 0;
    while !shared.closed.load(Ordering::SeqCst) {
        thread::sleep(ASK_EVERY);
        failures = if is_ready(api).unwrap_or(false) { 0 } else { failures + 1 };
        let mut away = shared.away.lock().expect("no thread panics with the lock");
        if failures == 0 {
            away.remove(&place);
        } else if failures > 1 && away.insert(place) {
            drop(away);
            for (_, connection) in
                shared.open.lock().expect("no thread panics with the lock").extract_if(.., |(of, _)| *of == place)
            {
                drop(connection.shutdown(Shutdown::Both));
            }
        }
    }
}

fn is_ready(api: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&api, CONNECT)?;
    stream.set_read_timeout(Some(4 * ASK_EVERY))?;
    stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    Ok(line.split(' ').nth(1) == Some("200"))
}

/// Copies both ways, each in its own thread.
fn join(client: TcpStream, server: TcpStream, place: usize, shared: &Arc<Shared>) {
    let clones = (client.try_clone(), server.try_clone(), client.try_clone(), server.try_clone());
    let (Ok(client_in), Ok(server_out), Ok(kept), Ok(kept_too)) = clones else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    shared.open.lock().expect("no thread panics with the lock").extend([(place, kept), (place, kept_too)]);
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
    fn a_server_that_is_not_ready_is_passed_over_and_its_connections_are_cut() {
        let (one, two) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let api = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, ready) = (api.local_addr().unwrap(), Arc::new(AtomicBool::new(true)));
        let says = Arc::clone(&ready);
        thread::spawn(move || {
            for mut asked in api.incoming().flatten() {
                let word = if says.load(Ordering::SeqCst) { "200 OK" } else { "503 No" };
                drop(asked.write_all(format!("HTTP/1.0 {word}\r\n\r\n").as_bytes()));
            }
        });
        let always = TcpListener::bind("127.0.0.1:0").unwrap();
        let always_at = always.local_addr().unwrap();
        thread::spawn(move || {
            for mut asked in always.incoming().flatten() {
                drop(asked.write_all(b"HTTP/1.0 200 OK\r\n\r\n"));
            }
        });
        let servers = vec![(one.local_addr().unwrap(), at), (two.local_addr().unwrap(), always_at)];
        let proxy = Proxy::balance_ready(servers);
        let mut first = TcpStream::connect(proxy.address()).unwrap();
        let _kept = one.accept().unwrap();
        ready.store(false, Ordering::SeqCst);
        assert_eq!(first.read(&mut [0; 5]).unwrap_or(0), 0, "it is cut");
        for _ in 0..2 {
            let _next = TcpStream::connect(proxy.address()).unwrap();
            two.accept().unwrap();
        }
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
