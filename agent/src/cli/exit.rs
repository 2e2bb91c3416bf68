//! How an error becomes lines for people and an exit code for scripts.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use orchestrix_common::config::Problems;

const FAILED: u8 = 1;
/// `EX_USAGE` of sysexits(3).
const USAGE: u8 = 64;
/// `EX_CONFIG` of sysexits(3).
const CONFIG: u8 = 78;

/// Prints why a command failed, each cause once, and gives the exit code.
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
        return (lines.join("\n"), CONFIG);
    }
    (format!("error: {}", causes(error)), FAILED)
}

/// An error and what is behind it, in one line.
pub(super) fn causes(error: &anyhow::Error) -> String {
    // Some libraries repeat the cause in their own text; a part that was said already is not said again.
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use orchestrix_common::config::Problem;

    use super::*;

    #[test]
    fn each_kind_of_error_has_its_exit_code() {
        let mut problems = Problems::default();
        problems.push(Problem { key: "collector".into(), origin: None, message: "is no address".into() });
        problems.push(Problem { key: "nice".into(), origin: None, message: "is 40".into() });
        let (text, code) = explained(&anyhow::Error::new(problems));
        assert_eq!((code, text.as_str()), (78, "configuration: collector: is no address\nconfiguration: nice: is 40"));
        let failed = Err::<(), _>(io::Error::other("gone")).context("cannot read it").unwrap_err();
        assert_eq!(explained(&failed), ("error: cannot read it: gone".to_owned(), 1));
    }

    #[test]
    fn a_cause_that_was_said_already_is_not_said_again() {
        let doubled = Err::<(), _>(io::Error::other("gone")).context("cannot read it: gone").unwrap_err();
        assert_eq!(explained(&doubled).0, "error: cannot read it: gone");
    }
}
