//! The smallest HTTP client that can talk to the collector: one request per connection, HTTP/1.0, no TLS.
//!
//! Version 1.0 asks the server for an answer that ends with the connection, so neither chunks nor keep-alive need to be
//! understood, and an event stream is simply a body that goes on. Only [`Kept`], for benchmarks, keeps its connection.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// Longest silence of the server.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status code, for example 200.
    pub status: u16,
    /// Header lines as they came.
    pub headers: String,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON; null when it is something else.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }
}

/// Sends a request and reads the whole answer.
///
/// # Errors
/// When the server cannot be reached or does not speak HTTP.
pub fn request(
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> io::Result<Answer> {
    let mut reader = BufReader::new(send(server, method, path, token, body)?);
    let (status, headers) = read_head(&mut reader)?;
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes)?;
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
}

/// A connection that is kept from one request to the next, as programs do that ask often.
#[derive(Debug)]
pub struct Kept {
    reader: BufReader<TcpStream>,
    server: SocketAddr,
    token: String,
}

impl Kept {
    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub fn open(server: SocketAddr, token: &str) -> io::Result<Self> {
        Ok(Self { reader: BufReader::new(connect(server)?), server, token: token.to_owned() })
    }

    /// Sends a request and reads the whole answer, whose length the server must tell.
    ///
    /// # Errors
    /// When the server cannot be reached or does not tell the length.
    pub fn request(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<Answer> {
        write_request(self.reader.get_mut(), "1.1", self.server, method, path, Some(&self.token), body)?;
        let (status, headers) = read_head(&mut self.reader)?;
        let length = headers.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let length = length.ok_or_else(|| io::Error::other(format!("no content-length in {headers}")))?;
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes)?;
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() })
    }
}

/// Opens an event stream; the lines of its body follow.
///
/// # Errors
/// When the server cannot be reached or refuses.
pub fn stream(server: SocketAddr, path: &str, token: &str) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut reader = BufReader::new(send(server, "GET", path, Some(token), None)?);
    let (status, headers) = read_head(&mut reader)?;
    if status == 200 { Ok(reader.lines()) } else { Err(io::Error::other(format!("status {status}\n{headers}"))) }
}

fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    let connection = TcpStream::connect_timeout(&server, PATIENCE)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_nodelay(true)?;
    Ok(connection)
}

fn send(
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> io::Result<TcpStream> {
    let mut connection = connect(server)?;
    write_request(&mut connection, "1.0", server, method, path, token, body)?;
    Ok(connection)
}

/// Writes a request at once, so that it goes in one packet.
fn write_request(
    connection: &mut TcpStream,
    version: &str,
    server: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> io::Result<()> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/{version}\r\nHost: {server}\r\nAccept: */*\r\n{authorization}\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    connection.write_all(request.as_bytes())
}

/// Reads the status line and the headers.
fn read_head(reader: &mut impl BufRead) -> io::Result<(u16, String)> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no status line but {line:?}")))?;
    let mut headers = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            return Ok((status, headers));
        }
        headers.push_str(&line);
    }
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers one request with a fixed text, and returns what was asked.
    fn server(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = thread::spawn(move || {
            let mut connection = listener.accept().unwrap().0;
            let mut asked = String::new();
            let mut reader = BufReader::new(connection.try_clone().unwrap());
            while !asked.ends_with("\r\n\r\n") {
                reader.read_line(&mut asked).unwrap();
            }
            connection.write_all(answer.as_bytes()).unwrap();
            asked
        });
        (address, asked)
    }

    #[test]
    fn an_answer_is_taken_apart() {
        let (address, asked) = server("HTTP/1.0 404 Not Found\r\ncontent-type: x\r\n\r\n{\"a\": 1}");
        let answer = request(address, "GET", "/x", Some("secret"), None).unwrap();
        assert_eq!((answer.status, answer.headers.trim()), (404, "content-type: x"));
        assert_eq!(answer.json()["a"], 1);
        assert!(asked.join().unwrap().contains("Authorization: Bearer secret\r\n"));
    }

    #[test]
    fn a_kept_connection_reads_as_much_as_the_server_tells() {
        let (address, asked) = server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"b\": 12}HTTP/1.1 ");
        let answer = Kept::open(address, "t").unwrap().request("GET", "/x", None).unwrap();
        assert_eq!((answer.status, answer.json()["b"].as_i64()), (200, Some(12)));
        assert!(asked.join().unwrap().starts_with("GET /x HTTP/1.1\r\n"));
    }

    #[test]
    fn a_stream_gives_lines() {
        let (address, _asked) = server("HTTP/1.0 200 OK\r\n\r\ndata: 1\n\ndata: 2\n");
        let lines: Result<Vec<_>, _> = stream(address, "/changes", "t").unwrap().collect();
        assert_eq!(lines.unwrap(), ["data: 1", "", "data: 2"]);
    }
}
