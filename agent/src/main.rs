//! The agent's command.

use std::{env, process::ExitCode};

use orchestrix_agent::cli;

fn main() -> ExitCode {
    let command = match cli::parse(env::args_os()) {
        Ok(command) => command,
        Err(exit) => return exit,
    };
    match cli::run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::explain(&error),
    }
}
