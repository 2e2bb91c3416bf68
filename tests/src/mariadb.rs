//! Databases on the real MariaDB server that `tests/run` starts, one per story, dropped at its end.

use std::{process::Command, time::Duration};

use crate::{part, programs};

/// A database of the test's own.
#[derive(Debug)]
pub struct RealMariaDb {
    server: Server,
    name: String,
}

#[derive(Debug)]
struct Server {
    user: String,
    host: String,
    port: String,
}

impl RealMariaDb {
    /// Makes a database; `None` after telling that no server can be had.
    ///
    /// # Panics
    /// When there is a server that does not do as it is told.
    #[must_use]
    pub fn create() -> Option<Self> {
        let Ok(url) = std::env::var("ORCHESTRIX_TEST_MYSQL_URL") else {
            part::skip("mariadb", "ORCHESTRIX_TEST_MYSQL_URL is not set; tests/run starts a server and sets it");
            return None;
        };
        let server = Server::parse(&url).unwrap_or_else(|| panic!("{url} is not like mysql://USER@HOST:PORT/"));
        let database = Self { server, name: format!("t_{:016x}", fastrand::u64(..)) };
        database.sql(&format!("CREATE DATABASE {}", database.name)).unwrap_or_else(|error| panic!("{error}"));
        Some(database)
    }

    /// Its address for the collector.
    #[must_use]
    pub fn url(&self) -> String {
        let Server { user, host, port } = &self.server;
        format!("mysql://{user}@{host}:{port}/{}", self.name)
    }

    /// Runs a statement outside the database.
    fn sql(&self, statement: &str) -> Result<String, String> {
        let Server { user, host, port } = &self.server;
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--protocol=tcp", "--batch", "-N", "-h", host, "-P", port, "-u", user]);
        command.args(["-e", statement]);
        let ran = programs::run_command(command, Duration::from_secs(30));
        if ran.code == Some(0) { Ok(ran.out) } else { Err(format!("{statement}: {}", ran.err.trim())) }
    }
}

impl Drop for RealMariaDb {
    fn drop(&mut self) {
        drop(self.sql(&format!("DROP DATABASE IF EXISTS {}", self.name)));
    }
}

impl Server {
    fn parse(url: &str) -> Option<Self> {
        let rest = url.strip_prefix("mysql://")?.trim_end_matches('/');
        let (user, address) = rest.split_once('@')?;
        let (host, port) = address.rsplit_once(':')?;
        Some(Self { user: user.to_owned(), host: host.to_owned(), port: port.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_address_is_taken_apart() {
        let server = Server::parse("mysql://root@127.0.0.1:13306/").unwrap();
        assert_eq!((server.user.as_str(), server.host.as_str(), server.port.as_str()), ("root", "127.0.0.1", "13306"));
        assert!(Server::parse("sqlite://x").is_none());
    }
}
