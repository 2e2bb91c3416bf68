//! What people type: the subcommands, the flags they share, and how an error becomes a line and an exit code.
//!
//! Each subcommand is a file with its `Args` and its `run`. Results go to standard output, everything else to standard
//! error. Exit codes: 0 done, 1 failed, 64 wrong usage, 78 wrong configuration.

mod args;
mod enroll;
mod enrolment;
mod exit;
mod inspect;
mod output;
mod prepare_image;
mod run;
mod state;
mod status;

use std::{ffi::OsString, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand};

pub use exit::explain;

/// Sees what runs on this host and tells a collector.
#[derive(Debug, Parser)]
#[command(name = "orchestrix-agent", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks at this host and reports to the collector until it is stopped; enrols first where that is needed
    Run(run::Args),
    /// Enrols this host at the collector with a join token, and ends
    Enroll(enroll::Args),
    /// Shows how the running agent does
    Status(status::Args),
    /// Looks at this host once and prints what is there; needs no collector
    Inspect(inspect::Args),
    /// Removes this host's identity and history, so that the disk can be copied
    PrepareImage(prepare_image::Args),
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
            Command::Inspect(args) => inspect::run(args).await,
            Command::PrepareImage(args) => prepare_image::run(&args),
        }
    });
    // A read that hangs in the kernel must not keep the process from ending.
    runtime.shutdown_background();
    result
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
