//! The two programs under test, and running one of them to its end.

use std::{
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// The agent.
pub const AGENT: &str = "orchestrix-agent";
/// The collector.
pub const COLLECTOR: &str = "orchestrix-collector";

/// Path of a program under test: next to the test executable, where one cargo invocation puts both.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn path(program: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows where it is");
    let found = here.ancestors().skip(1).take(2).map(|folder| folder.join(program)).find(|file| file.is_file());
    found.unwrap_or_else(|| {
        panic!("{program} is not next to {}: build it first with `cargo build --workspace --bins`", here.display())
    })
}

/// A free loopback port. Another process may take it before it is used; a start that finds it taken fails by itself.
///
/// # Panics
/// When loopback has no free port.
#[must_use]
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("a listener has an address")
}

/// Takes the tests' own variables away: they are no business of the programs under test.
pub fn forget_ours(command: &mut Command) {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ORCHESTRIX_")) {
        command.env_remove(name);
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when it was ended by a signal or did not end in time.
    pub code: Option<i32>,
    /// What it printed to its standard output.
    pub out: String,
    /// What it printed to its standard error output.
    pub err: String,
    /// How long it ran.
    pub took: Duration,
}

impl Ran {
    /// Checks that it succeeded, and returns what it printed.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    #[must_use]
    pub fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    /// Checks that it failed with `code` and one clear line that holds all of `words`, and returns that line.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    #[must_use]
    pub fn refused(self, code: i32, words: &[&str]) -> String {
        assert_eq!(self.code, Some(code), "{self:#?}");
        let lines: Vec<&str> = self.err.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines.len(), 1, "one clear line was expected: {self:#?}");
        let line = lines[0].to_lowercase();
        for word in words {
            assert!(line.contains(&word.to_lowercase()), "{word:?} is missing: {self:#?}");
        }
        lines[0].to_owned()
    }
}

/// Runs one of the programs to its end, at most for `limit`.
///
/// # Panics
/// When it cannot be started.
#[must_use]
pub fn run<S: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[S], limit: Duration) -> Ran {
    let mut command = Command::new(path(program));
    command.args(arguments);
    run_command(command, limit)
}

/// Runs any command to its end, at most for `limit`.
///
/// # Panics
/// When it cannot be started.
#[must_use]
#[allow(clippy::zombie_processes, reason = "the child is waited for on every path that goes on")]
pub fn run_command(mut command: Command, limit: Duration) -> Ran {
    forget_ours(&mut command);
    let start = Instant::now();
    let folder = tempfile::tempdir().expect("a folder for temporary files can be made");
    let (out, err) = (folder.path().join("out"), folder.path().join("err"));
    let file = |path: &Path| std::fs::File::create(path).expect("a temporary file can be made");
    command.stdin(Stdio::null()).stdout(file(&out)).stderr(file(&err));
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let mut ended = None;
    while ended.is_none() && start.elapsed() < limit {
        ended = child.try_wait().expect("a child can be waited for");
        std::thread::sleep(Duration::from_millis(2));
    }
    if ended.is_none() {
        drop((child.kill(), child.wait()));
    }
    let text = |path: &Path| std::fs::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    Ran { code: ended.and_then(|status| status.code()), out: text(&out), err: text(&err), took: start.elapsed() }
}
