//! What people type: the subcommands, the flags they share, and how an error becomes a line and an exit code.
//!
//! Each subcommand is a file with its `Args` and its `run`. They know nothing of each other. Results go to standard
//! output, everything else to standard error. Exit codes: 0 done, 1 failed, 2 something is pending (dry runs), 64 wrong
//! usage, 78 wrong configuration.

mod agents;
mod api_token;
mod args;
mod backup;
mod ca;
mod check;
mod computes;
mod drift;
mod exit;
mod export;
mod health;
mod import;
mod matches;
mod migrate;
mod openapi;
pub mod output;
mod query;
mod reference;
mod restore;
mod serve;
mod text;
mod token;
mod tree;

use std::{env, ffi::OsString, process::ExitCode};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};

pub use args::{ConfigArgs, DatabaseArgs, GroupArgs};
pub use exit::{Pending, UsageError, explain};

use crate::store::rows::history::Actor;

/// Keeps the inventory of an infrastructure true by itself.
#[derive(Debug, Parser)]
#[command(name = "orchestrix-collector", version, arg_required_else_help = true, after_long_help = FOOTNOTES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const FOOTNOTES: &str = "\
Files: /etc/orchestrix/collector.toml (configuration), /etc/orchestrix/database-url (address of the database, when it holds \
a password), /var/lib/orchestrix/collector (embedded database, sealing key, admin token).

Environment: ORCHESTRIX_KEY overrides a key of the configuration, with two underscores between levels.

Exit codes: 0 done, 1 failed, 2 something is pending, 64 wrong usage, 78 wrong configuration.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Receives agents' reports and serves the inventory.
    Serve(serve::Args),
    /// Brings the database's tables up to date.
    Migrate(migrate::Args),
    /// Shows the inventory as a tree.
    Tree(tree::Args),
    /// Reads a kind with what is related to it, to any depth.
    Query(query::Args),
    /// Shows the agents; revokes them and lets them report again.
    Agents(agents::Args),
    /// Makes, lists and revokes join tokens, with which hosts enrol.
    #[command(after_help = token::EXAMPLES)]
    Token(token::Args),
    /// Makes, lists and revokes tokens for the API.
    #[command(after_help = api_token::EXAMPLES)]
    ApiToken(api_token::Args),
    /// Shows the CA, and lets one root follow another.
    #[command(after_help = ca::EXAMPLES)]
    Ca(ca::Args),
    /// Shows hosts that a person must place, and places them.
    Matches(matches::Args),
    /// Shows where entered and discovered values differ, and decides which one stays.
    Drift(drift::Args),
    /// Merges computes, claims and splits them, and undoes it.
    #[command(after_help = computes::EXAMPLES)]
    Computes(computes::Args),
    /// Makes and changes what files say: spreadsheets or JSON.
    Import(import::Args),
    /// Writes the inventory as spreadsheets or JSON.
    Export(export::Args),
    /// Looks for rows that contradict each other.
    Check(check::Args),
    /// Copies the embedded inventory, also while the collector runs.
    Backup(backup::Args),
    /// Puts a backup back, or checks one.
    Restore(restore::Args),
    /// Succeeds when the collector of this configuration is ready, and says why not otherwise.
    Health(health::Args),
    /// Prints the description of the API.
    Openapi(openapi::Args),
    /// Writes manual pages and shell completions, for packages.
    #[command(hide = true)]
    Reference(reference::Args),
}

/// Reads the command line. Help and usage errors are printed here.
///
/// # Errors
/// The exit code, when there is nothing to run.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, ExitCode> {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => Ok(cli.command),
        Err(error) => Err(exit::usage(&error)),
    }
}

/// Runs a command to its end.
///
/// # Errors
/// When it failed; [`explain`] turns the error into a line and an exit code.
pub fn run(command: Command) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    runtime.block_on(async {
        match command {
            Command::Serve(args) => serve::run(args).await,
            Command::Migrate(args) => migrate::run(args).await,
            Command::Tree(args) => tree::run(args).await,
            Command::Query(args) => query::run(args).await,
            Command::Agents(args) => agents::run(args).await,
            Command::Token(args) => token::run(args).await,
            Command::ApiToken(args) => api_token::run(args).await,
            Command::Ca(args) => ca::run(args).await,
            Command::Matches(args) => matches::run(args).await,
            Command::Drift(args) => drift::run(args).await,
            Command::Computes(args) => computes::run(args).await,
            Command::Import(args) => import::run(args).await,
            Command::Export(args) => export::run(args).await,
            Command::Check(args) => check::run(args).await,
            Command::Backup(args) => backup::run(args).await,
            Command::Restore(args) => restore::run(args).await,
            Command::Health(args) => health::run(args).await,
            Command::Openapi(args) => openapi::run(&args),
            Command::Reference(args) => reference::run(&args, Cli::command()),
        }
    })
}

/// Whoever runs this command, for history and audit log.
fn operator() -> Actor {
    let user = env::var("SUDO_USER").or_else(|_| env::var("USER")).or_else(|_| env::var("LOGNAME"));
    Actor::person(format!("cli:{}", user.as_deref().unwrap_or("unknown").chars().take(48).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
