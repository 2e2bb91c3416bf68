//! `reference`: writes what packages carry about the command line. Hidden: people read the result.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Command;
use orchestrix_common::manual;

/// Flags of `reference`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder for `man` and `completions`
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(args: &Args, command: Command) -> anyhow::Result<()> {
    manual::write(command, &args.folder).with_context(|| format!("cannot write to {}", args.folder.display()))
}
