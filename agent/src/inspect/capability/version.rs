//! Asks a program for its version.
//!
//! The program gets an empty environment but for a plain `PATH` and the C locale, no input, a time limit and an output
//! cap. It is killed when the time is up.

use std::{fs, io, os::unix::fs::MetadataExt, path::Path, process::Stdio, time::Duration};

use tokio::{io::AsyncReadExt, process::Command};

/// Bytes of output that are read of each stream.
const OUTPUT_BYTES: u64 = 16 * 1024;
/// Where a program finds its helpers.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What tells whether a program's file is still the same: inode, size and time of its last change.
pub(super) type Fingerprint = (u64, u64, i64, i64);

/// A program did not tell its version.
#[derive(Debug, thiserror::Error)]
pub(super) enum VersionError {
    #[error("cannot run it")]
    Run(#[source] io::Error),
    #[error("no answer within {} s", .0.as_secs_f32())]
    TimedOut(Duration),
}

pub(super) fn fingerprint(program: &Path) -> Option<Fingerprint> {
    let data = fs::metadata(program).ok()?;
    Some((data.ino(), data.size(), data.mtime(), data.mtime_nsec()))
}

/// Runs a program and returns what it wrote, standard output first.
pub(super) async fn ask(program: &Path, arguments: &[&str], limit: Duration) -> Result<String, VersionError> {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().env("PATH", PATH).env("LC_ALL", "C").env("HOME", "/nonexistent");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir("/").kill_on_drop(true);
    let mut child = command.spawn().map_err(VersionError::Run)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let run = async {
        let (out, err) = tokio::join!(read(stdout), read(stderr));
        // Past the cap it may be waiting for a reader: it has told enough.
        let _ = child.start_kill();
        let _ = child.wait().await;
        [out, err].concat()
    };
    let output = tokio::time::timeout(limit, run).await.map_err(|_| VersionError::TimedOut(limit))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

async fn read(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What came before an error is still an answer.
        let _ = stream.take(OUTPUT_BYTES).read_to_end(&mut bytes).await;
        bytes.push(b'\n');
    }
    bytes
}

/// The first word that looks like a version: `28.2.2`, `v1.28.2+k3s1`, `252`, `OpenSSH_9.2p1`.
pub(super) fn parse(output: &str) -> Option<String> {
    let words = output.lines().take(20).flat_map(|line| line.split([' ', '\t', '(', ')', '[', ']', ',']));
    let mut versions = words.filter_map(|word| {
        let word = word.strip_prefix("OpenSSH_").unwrap_or(word);
        let word = word.strip_prefix('v').unwrap_or(word);
        let is_version = word.starts_with(|c: char| c.is_ascii_digit())
            && word.len() <= 64
            && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '~' | '_' | ':'));
        is_version.then(|| word.to_owned())
    });
    versions.next()
}
