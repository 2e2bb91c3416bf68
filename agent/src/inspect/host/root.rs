//! Where the host's files are found.

use std::{
    io,
    path::{Path, PathBuf},
};

use rustix::{
    buffer::spare_capacity,
    fs::{self, Mode, OFlags},
    io::Errno,
};

use crate::inspect::kubernetes::NodeIdentity;

/// The folders that describe a host, as values: a test points them at a fixture tree, an agent in a container at
/// `/host/proc` and the like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostRoot {
    /// procfs of the host, normally `/proc`.
    pub proc: PathBuf,
    /// sysfs of the host, normally `/sys`.
    pub sys: PathBuf,
    /// Configuration of the host, normally `/etc`.
    pub etc: PathBuf,
    /// Root folder of the agent itself, normally `/`: it tells whether the agent is inside a container.
    pub own: PathBuf,
    /// What the cluster says identifies this node; `None` outside of a cluster. Its word counts, not the files'.
    pub node: Option<NodeIdentity>,
}

impl Default for HostRoot {
    fn default() -> Self {
        Self { proc: "/proc".into(), sys: "/sys".into(), etc: "/etc".into(), own: "/".into(), node: None }
    }
}

impl HostRoot {
    /// True when the operator pointed the agent at the files of another mount namespace: what it reads is then the
    /// host's although the agent is in a container.
    #[must_use]
    pub fn is_mounted(&self) -> bool {
        self.proc != Path::new("/proc") && self.own == Path::new("/")
    }
}

/// Reads a small file. Files of the kernel have no size that could be asked for, and most end within the first read.
pub(in crate::inspect) fn read_bytes(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    const ROOM: usize = 1_024;
    let file = fs::open(path.as_ref(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut bytes = Vec::with_capacity(2 * ROOM);
    loop {
        if bytes.capacity() - bytes.len() < ROOM {
            bytes.reserve(bytes.len().max(ROOM));
        }
        match rustix::io::read(&file, spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Reads a small text file; bytes that are no UTF-8 are replaced.
pub(in crate::inspect) fn read_text(path: impl AsRef<Path>) -> io::Result<String> {
    read_bytes(path).map(|bytes| match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Reads one line; `None` when it cannot be read or is empty.
pub(in crate::inspect) fn read_line(path: impl AsRef<Path>) -> Option<String> {
    let text = read_text(path).ok()?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}
