//! A process that a test started: its log, its signals, and its end, always by its own process id.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::programs;

/// How long a process may take to end when it is asked to.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running process that ends with the test.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Daemon {
    /// Starts a program; what it prints is appended to `log`.
    ///
    /// # Panics
    /// When the program cannot be started.
    #[must_use]
    pub fn start(mut command: Command, log: &Path) -> Self {
        let out = File::options().create(true).append(true).open(log).expect("the log can be opened");
        let err = out.try_clone().expect("the log can be opened twice");
        programs::forget_ours(&mut command);
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        Self { child, log: log.to_owned(), ended: None }
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal; nothing happens when the process has ended.
    pub fn signal(&mut self, signal: Signal) {
        if self.has_ended().is_none() {
            let pid = Pid::from_child(&self.child);
            kill_process(pid, signal).unwrap_or_else(|error| panic!("signal {signal:?} to {pid:?}: {error}"));
        }
    }

    /// How it ended; `None` while it runs.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("a child can be waited for");
        }
        self.ended
    }

    /// Waits for its end; `None` when it still runs after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        while self.has_ended().is_none() && start.elapsed() < limit {
            thread::sleep(Duration::from_millis(10));
        }
        self.ended
    }

    /// Asks it to end, and waits.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        let pid = self.pid();
        self.wait(PATIENCE).unwrap_or_else(|| panic!("process {pid} ignores SIGTERM\n{}", self.log_tail()))
    }

    /// Ends it without giving it a chance, as `kill -9` does.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        self.wait(PATIENCE);
    }

    /// Freezes it.
    pub fn freeze(&mut self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Everything it printed so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// The last lines it printed.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log(), 30)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
        self.signal(Signal::TERM);
        if self.wait(PATIENCE).is_none() {
            self.kill();
        }
        if thread::panicking() && !self.log().is_empty() {
            println!("--- the end of {}:\n{}", self.log.display(), self.log_tail());
        }
    }
}

/// The last `lines` lines of a text.
#[must_use]
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Daemon {
        let mut command = Command::new("sh");
        command.args(["-c", "echo started; exec sleep 100"]);
        Daemon::start(command, &folder.join("log"))
    }

    #[test]
    fn a_daemon_ends_when_it_is_asked_to() {
        let folder = tempfile::tempdir().unwrap();
        let mut daemon = sleeper(folder.path());
        assert_eq!(daemon.has_ended(), None);
        daemon.freeze();
        assert!(!daemon.stop().success());
        assert!(daemon.has_ended().is_some());
    }

    #[test]
    fn what_a_daemon_prints_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let daemon = sleeper(folder.path());
        crate::wait::until("the log", Duration::from_secs(5), || {
            crate::wait::check(daemon.log_tail() == "started", || daemon.log())
        });
    }
}
