//! What people type: the subcommands, the flags they share, and how an error becomes a line and an exit code.
//!
//! Each subcommand is a file with its `Args` and its `run`. Results go to standard output, everything else to standard
//! error. Exit codes: 0 done, 1 failed, 64 wrong usage, 78 wrong configuration.

mod admission;
mod args;
mod enroll;
mod enrolment;
mod exit;
mod health;
mod inspect;
mod output;
mod prepare_image;
mod reference;
mod reload;
mod run;
mod state;
mod status;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};

pub use exit::explain;

/// Sees what runs on this host and tells a collector.
#[derive(Debug, Parser)]
#[command(name = "orchestrix-agent", version, arg_required_else_help = true, after_long_help = FOOTNOTES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const FOOTNOTES: &str = "\
Files: /etc/orchestrix/agent.toml (configuration), /etc/orchestrix/join.token (join token, until the host is enrolled), \
/var/lib/orchestrix/agent (state).

Environment: ORCHESTRIX_KEY overrides a key of the configuration, with two underscores between levels.

Exit codes: 0 done, 1 failed, 64 wrong usage, 78 wrong configuration.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks at this host and reports to the collector until it is stopped; enrols first where that is needed
    Run(run::Args),
    /// Enrols this host at the collector with a join token, and ends
    Enroll(enroll::Args),
    /// Shows how the running agent does
    Status(status::Args),
    /// Succeeds when a collector has what this agent saw, and says why not otherwise
    Health(health::Args),
    /// Looks at this host once and prints what is there; needs no collector
    Inspect(inspect::Args),
    /// Removes this host's identity and history, so that the disk can be copied
    PrepareImage(prepare_image::Args),
    /// Writes manual pages and shell completions, for packages
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
/// When it failed; [`explain`] turns the error into lines and an exit code.
pub fn run(command: Command) -> anyhow::Result<()> {
    drop_inherited_rights();
    // Two threads are plenty for an agent; the bound on blocking ones keeps a hanging file system from using up memory.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        match command {
            Command::Run(args) => run::run(args).await,
            Command::Enroll(args) => enroll::run(args).await,
            Command::Status(args) => status::run(args).await,
            Command::Health(args) => health::run(args).await,
            Command::Inspect(args) => inspect::run(args).await,
            Command::PrepareImage(args) => prepare_image::run(&args),
            Command::Reference(args) => reference::run(&args, Cli::command()),
        }
    });
    // A read that hangs in the kernel must not keep the process from ending.
    runtime.shutdown_background();
    result
}

/// Capabilities that a unit gives to the agent's user are for the agent itself and not for the programs that it runs to
/// learn their versions. Threads that are started later have what this one has.
fn drop_inherited_rights() {
    // A kernel without ambient capabilities (before 4.3) has none to drop.
    let _ = rustix::thread::clear_ambient_capability_set();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
