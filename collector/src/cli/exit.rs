//! How an error becomes lines for people and an exit code for scripts.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use orchestrix_common::config::Problems;

const FAILED: u8 = 1;
/// Nothing failed, but there is something to do.
const PENDING: u8 = 2;
/// `EX_USAGE` of sysexits(3).
const USAGE: u8 = 64;
/// `EX_CONFIG` of sysexits(3).
const CONFIG: u8 = 78;

/// The command line asks for something that makes no sense, beyond what its grammar can tell.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// A dry run found something to do. Not a failure: scripts tell it from one by the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Pending(pub String);

/// Prints why a command failed, the cause behind each error once, and gives the exit code.
#[must_use]
pub fn explain(error: &anyhow::Error) -> ExitCode {
    let (text, code) = explained(error);
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::from(code)
}

/// Prints what clap has to say: help goes to standard output and is no failure.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

fn explained(error: &anyhow::Error) -> (String, u8) {
    if let Some(problems) = error.downcast_ref::<Problems>() {
        let lines: Vec<_> = problems.iter().map(|problem| format!("configuration: {problem}")).collect();
        (lines.join("\n"), CONFIG)
    } else if error.is::<UsageError>() {
        (format!("error: {}", chain(error)), USAGE)
    } else if error.is::<Pending>() {
        (error.to_string(), PENDING)
    } else {
        (format!("error: {}", chain(error)), FAILED)
    }
}

/// An error and the causes behind it, but those that the one before has told already.
fn chain(error: &anyhow::Error) -> String {
    let mut told: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if told.last().is_none_or(|last| !last.ends_with(&cause)) {
            told.push(cause);
        }
    }
    told.join(": ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use orchestrix_common::config::Problem;

    use super::*;

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let mut problems = Problems::default();
        problems.push(Problem { key: "api.address".into(), origin: None, message: "is no address".into() });
        problems.push(Problem { key: "data_dir".into(), origin: None, message: "is missing".into() });
        let (text, code) = explained(&anyhow::Error::new(problems));
        assert_eq!(code, 78);
        assert_eq!(text, "configuration: api.address: is no address\nconfiguration: data_dir: is missing");
        assert_eq!(explained(&UsageError("no".into()).into()), ("error: no".to_owned(), 64));
        assert_eq!(explained(&Pending("1 pending".into()).into()), ("1 pending".to_owned(), 2));
        let failed = Err::<(), _>(io::Error::other("gone")).context("open the database").unwrap_err();
        assert_eq!(explained(&failed), ("error: open the database: gone".to_owned(), 1));
        let twice = Err::<(), _>(io::Error::other("gone")).context("talk to the database: gone").unwrap_err();
        assert_eq!(explained(&twice).0, "error: talk to the database: gone", "a cause is told once");
    }
}
