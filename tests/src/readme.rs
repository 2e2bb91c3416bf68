//! The commands that the README shows, run as they stand there, with what they are said to print.
//!
//! A section's `console` blocks hold commands, each behind `$ `, and below a command the lines that it prints. Nothing is
//! kept beside the README, so that it cannot say one thing and the stories another. What differs between a reader's
//! machine and a test is put in by the environment: the folder, the programs' path, the engine, and the address of the
//! API, which is the only text that is replaced.

use std::{path::Path, process::Command, time::Duration};

use crate::{
    docker::RealDocker,
    installation::Installation,
    programs::{self, COLLECTOR, Ran},
    wait,
};

/// The address that the README uses.
const ADDRESS: &str = "127.0.0.1:7480";
/// How long a command may run.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take until a command prints what it is said to: some things happen in the background.
const SOON: Duration = Duration::from_secs(90);

/// A command of the README.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The command.
    pub command: String,
    /// Lines that it prints, in this order; others may stand between them.
    pub prints: Vec<String>,
}

/// The commands of the section under this heading.
///
/// # Panics
/// When the README cannot be read or has no such section with commands.
#[must_use]
pub fn steps(heading: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let found = parse(&text, heading);
    assert!(!found.is_empty(), "README.md has no commands under {heading:?}");
    found
}

fn parse(text: &str, heading: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut inside, mut block) = (false, false);
    for line in text.lines() {
        if !block && line.starts_with('#') {
            inside = line.trim_start_matches('#').trim() == heading;
        } else if let Some(fence) = line.strip_prefix("```") {
            block = inside && fence == "console";
        } else if block && let Some(command) = line.strip_prefix("$ ") {
            steps.push(Step { command: command.to_owned(), prints: Vec::new() });
        } else if block && let Some(step) = steps.last_mut() {
            // A command that ends with a backslash goes on in the next line.
            if step.command.ends_with('\\') && step.prints.is_empty() {
                step.command.push('\n');
                step.command.push_str(line);
            } else if !line.trim().is_empty() {
                step.prints.push(line.to_owned());
            }
        }
    }
    steps
}

/// A shell in an installation's folder, where `data` is its data.
#[derive(Debug)]
pub struct Shell<'a> {
    installation: &'a Installation,
    docker: Option<&'a RealDocker>,
    /// Functions that were defined so far.
    functions: String,
}

impl<'a> Shell<'a> {
    /// A shell for the README's commands; `docker` talks to this engine.
    #[must_use]
    pub fn new(installation: &'a Installation, docker: Option<&'a RealDocker>) -> Self {
        Self { installation, docker, functions: String::new() }
    }

    /// Plays a section of the README: every command succeeds and prints what it is said to.
    #[track_caller]
    pub fn play(&mut self, heading: &str) {
        for step in steps(heading) {
            self.step(&step);
        }
    }

    #[track_caller]
    fn step(&mut self, Step { command, prints }: &Step) {
        println!("$ {command}");
        if command.contains("() {") {
            self.functions.push_str(&command.replace(ADDRESS, &self.installation.api_address().to_string()));
            self.functions.push('\n');
            return;
        }
        if prints.is_empty() {
            let _ = self.run(command).ok();
            return;
        }
        // Only what reads is said to print something, so it can be asked again until it is so.
        wait::until(&format!("`{command}` to print what README.md says"), SOON, || {
            let ran = self.run(command);
            missing(&ran.out, prints).map_or(Ok(()), |line| Err(format!("{line:?} is missing in {ran:#?}")))
        });
    }

    /// Runs a command.
    #[must_use]
    pub fn run(&self, line: &str) -> Ran {
        let mut command = Command::new("bash");
        let programs = programs::path(COLLECTOR);
        let folder = programs.parent().expect("a program lies in a folder").display();
        let path = std::env::var("PATH").unwrap_or_default();
        let line = line.replace(ADDRESS, &self.installation.api_address().to_string());
        command.arg("-euo").arg("pipefail").arg("-c").arg(format!("{}{line}", self.functions));
        command.current_dir(self.installation.folder()).env("PATH", format!("{folder}:{path}"));
        command.env("ORCHESTRIX_DATABASE_URL", self.installation.database_url());
        if let Some(docker) = self.docker {
            command.env("DOCKER_HOST", docker.host());
        }
        programs::run_command(command, PATIENCE)
    }
}

/// The first of the lines that is not printed, or not behind the one before it. Blanks do not count.
fn missing<'a>(printed: &str, lines: &'a [String]) -> Option<&'a String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut printed = printed.lines().map(words);
    lines.iter().find(|line| !printed.any(|candidate| candidate == words(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# One\n```console\n$ other\n```\n## Two\ntext\n```console\n$ first \\\n    on\n$ second\nout\n  put\n```\n\
                        ```text\n$ no command\n```\n### Three\n```console\n$ third\n```\n";

    #[test]
    fn commands_are_found_with_what_they_print() {
        let step = |command: &str, prints: &[&str]| Step {
            command: command.to_owned(),
            prints: prints.iter().map(|line| (*line).to_owned()).collect(),
        };
        assert_eq!(parse(TEXT, "Two"), [step("first \\\n    on", &[]), step("second", &["out", "  put"])]);
        assert_eq!(parse(TEXT, "Three"), [step("third", &[])]);
        assert_eq!(parse(TEXT, "Four"), []);
    }

    #[test]
    fn lines_are_expected_in_their_order() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(missing("a  b\nx\nc\n", &lines("a b\nc")), None);
        assert_eq!(missing("c\na b\n", &lines("a b\nc")), Some(&"c".to_owned()));
    }
}
