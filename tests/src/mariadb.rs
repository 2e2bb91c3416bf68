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
        let make = format!("CREATE DATABASE {} CHARACTER SET utf8mb4", database.name);
        database.sql(&make).unwrap_or_else(|error| panic!("{error}"));
        Some(database)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements in the database; returns what they print, a line for each row with tabs between the columns.
    ///
    /// # Errors
    /// What the server said.
    pub fn run(&self, statements: &str) -> Result<String, String> {
        self.client(&["--raw", "-D", &self.name], statements)
    }

    /// Runs statements in the database, which must succeed.
    ///
    /// # Panics
    /// When one of them fails.
    #[track_caller]
    pub fn ask(&self, statements: &str) -> String {
        self.run(statements).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Makes a user who may do on this database only what `privileges` lists; dropped with what is returned.
    ///
    /// # Panics
    /// When the server refuses.
    #[must_use]
    pub fn user(&self, privileges: &str) -> DatabaseUser<'_> {
        let name = format!("u_{:016x}", fastrand::u64(..));
        let user = DatabaseUser { database: self, name };
        user.alter(&format!("CREATE USER {} IDENTIFIED BY 'secret'", user.grantee()));
        if !privileges.is_empty() {
            user.alter(&format!("GRANT {privileges} ON {}.* TO {}", self.name, user.grantee()));
        }
        user
    }

    /// Its address for the collector.
    #[must_use]
    pub fn url(&self) -> String {
        let Server { user, host, port } = &self.server;
        format!("mysql://{user}@{host}:{port}/{}", self.name)
    }

    /// Runs a statement outside the database.
    fn sql(&self, statement: &str) -> Result<String, String> {
        self.client(&[], statement)
    }

    fn client(&self, flags: &[&str], statements: &str) -> Result<String, String> {
        let Server { user, host, port } = &self.server;
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "--protocol=tcp", "--batch", "-N", "-h", host, "-P", port, "-u", user]);
        command.args(["--default-character-set=utf8mb4"]).args(flags).args(["-e", statements]);
        let ran = programs::run_command(command, Duration::from_secs(30));
        if ran.code == Some(0) { Ok(ran.out) } else { Err(format!("{statements}: {}", ran.err.trim())) }
    }
}

/// A user of a database, who may do little.
#[derive(Debug)]
pub struct DatabaseUser<'a> {
    database: &'a RealMariaDb,
    name: String,
}

impl DatabaseUser<'_> {
    /// Address of the database for this user.
    #[must_use]
    pub fn url(&self) -> String {
        let Server { host, port, .. } = &self.database.server;
        format!("mysql://{}:secret@{host}:{port}/{}", self.name, self.database.name)
    }

    /// As `GRANT` and the collector call it.
    #[must_use]
    pub fn grantee(&self) -> String {
        format!("'{}'@'%'", self.name)
    }

    /// Gives or takes rights on the database: `GRANT SELECT` or `REVOKE SELECT`.
    ///
    /// # Panics
    /// When the server refuses.
    pub fn change(&self, what: &str) {
        let towards = if what.starts_with("GRANT") { "TO" } else { "FROM" };
        self.alter(&format!("{what} ON {}.* {towards} {}", self.database.name, self.grantee()));
    }

    fn alter(&self, statement: &str) {
        self.database.sql(statement).unwrap_or_else(|error| panic!("{error}"));
    }
}

impl Drop for DatabaseUser<'_> {
    fn drop(&mut self) {
        drop(self.database.sql(&format!("DROP USER IF EXISTS {}", self.grantee())));
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
