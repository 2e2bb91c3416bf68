//! `backup`: copies the embedded inventory while the collector runs.

use std::path::{Path, PathBuf};

use orchestrix_common::time::{Clock as _, SystemClock};

use super::{
    ConfigArgs, UsageError,
    output::{self, Output},
    text::bytes,
};
use crate::{
    backup::{self, Manifest, Source},
    pki::SEALING_KEY_FILE,
};

/// Flags of `backup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  orchestrix-collector backup --to /srv/backup/orchestrix-$(date +%F)
  orchestrix-collector backup --to backup --without-key     copy DATA_DIR/sealing.key to another place, once
  orchestrix-collector restore --from backup --check

The collector may run meanwhile: the copy is one consistent state. It is a folder for its owner only, and checked before it
gets its name; nothing is overwritten. An inventory on MariaDB is backed up by MariaDB's own tools.

Ends with 0 when the backup is there, with 1 when not, with 64 when the inventory is not an embedded one.")]
pub struct Args {
    #[command(flatten)]
    config: ConfigArgs,
    /// Folder to make
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Leaves the sealing key out: who holds it and the database can issue certificates for any agent
    #[arg(long)]
    without_key: bool,
    /// Form of the result
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let config = args.config.load()?;
    let Some(database) = config.database_url.strip_prefix("sqlite://").map(Path::new) else {
        let server = Server::of(&config.database_url);
        let key = config.data_dir.join(SEALING_KEY_FILE);
        return Err(UsageError(format!(
            "this inventory is not an embedded one; back it up with `mariadb-dump --single-transaction {server} > \
             orchestrix.sql`, or a large one with mariadb-backup, and keep a copy of {}",
            key.display()
        ))
        .into());
    };
    anyhow::ensure!(
        database.exists(),
        "no inventory at {}: start the collector first, or name its folder with --data-dir",
        database.display()
    );
    let sealing_key = config.data_dir.join(SEALING_KEY_FILE);
    let source = Source { database, sealing_key: &sealing_key, with_key: !args.without_key };
    let manifest = backup::make(&source, &args.to, SystemClock.now()).await?;
    match args.output {
        Output::Json => output::print_json(&manifest),
        Output::Table => {
            let kept = if args.without_key { "\nThe sealing key is not in it." } else { "" };
            output::print(&format!("{} is backed up and checked: {}{kept}", args.to.display(), told(&manifest)))
        }
    }
}

/// A backup in a line.
pub(super) fn told(manifest: &Manifest) -> String {
    let Manifest { version, schema_version, created_at, database, .. } = manifest;
    let size = bytes(i64::try_from(database.bytes).unwrap_or(i64::MAX));
    format!("{size} as of {created_at}, made by version {version}, tables of migration {schema_version:04}.")
}

/// A database server, as its own tools take it. Without the password.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Server<'a> {
    host: &'a str,
    port: &'a str,
    user: &'a str,
    name: &'a str,
}

impl<'a> Server<'a> {
    /// Takes an address apart, `mysql://USER:PASSWORD@HOST:PORT/NAME?…`.
    pub(super) fn of(url: &'a str) -> Self {
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (address, name) = place.split_once('/').unwrap_or((place, ""));
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => (host, port),
            _ => (address, "3306"),
        };
        let user = login.split_once(':').map_or(login, |(user, _)| user);
        Self { host, port, user, name }
    }
}

impl std::fmt::Display for Server<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { host, port, user, name } = self;
        write!(f, "-h {host} -P {port} -u {user} -p {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_without_its_password() {
        let told = |url| Server::of(url).to_string();
        assert_eq!(
            told("mysql://orchestrix:s@cret@db-1:3307/inventory?ssl=1"),
            "-h db-1 -P 3307 -u orchestrix -p inventory"
        );
        assert_eq!(told("mysql://root@127.0.0.1/orchestrix"), "-h 127.0.0.1 -P 3306 -u root -p orchestrix");
        assert_eq!(told("mysql://u@[::1]:3306/o"), "-h [::1] -P 3306 -u u -p o");
    }
}
