//! Whether a process began or ended since the look before, for the price of one small read.
//!
//! The last field of `/proc/loadavg` (proc(5)) is the identifier that the kernel gave out last, to a process or a thread;
//! the one before ends with how many of both there are. Where neither moved, nothing was made since, so nothing can have
//! taken the place of something that ended: the list of processes is the same. That saves an idle host the list, which
//! costs fifty times as much.
//!
//! The identifier is that of the reader's own namespace, whatever procfs it is read from. Where the two differ (an agent
//! in a container with the host's procfs mounted), or another file system lies over the file, there is no pulse.

use std::{
    fs::{self, File},
    os::unix::fs::{FileExt as _, MetadataExt as _},
    path::Path,
};

use super::stat::parse_namespace_depth;
use crate::inspect::host::read_text;

/// Longer than the file ever is.
const BYTES: usize = 256;

/// What moves when a process begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Beat {
    tasks: u64,
    last_id: u64,
}

/// Reads the pulse of a procfs.
#[derive(Debug)]
pub(super) struct Pulse {
    /// Read again and again; `None` where it tells nothing.
    file: Option<File>,
    last: Option<Beat>,
}

impl Pulse {
    pub(super) fn new(proc: &Path) -> Self {
        Self { file: open(proc), last: None }
    }

    /// No process began or ended since the last call; false when that is not known.
    pub(super) fn is_calm(&mut self) -> bool {
        let mut text = [0; BYTES];
        let read = self.file.as_ref().and_then(|file| file.read_at(&mut text, 0).ok());
        let now = read.and_then(|length| parse(std::str::from_utf8(text.get(..length)?).ok()?));
        let before = std::mem::replace(&mut self.last, now);
        now.is_some() && now == before
    }
}

/// Opens the file where it tells of the processes that this procfs lists.
fn open(proc: &Path) -> Option<File> {
    let file = File::open(proc.join("loadavg")).ok()?;
    let is_own = fs::metadata(proc).ok()?.dev() == file.metadata().ok()?.dev();
    let is_here = parse_namespace_depth(&read_text(proc.join("self/status")).ok()?) == Some(1);
    (is_own && is_here).then_some(file)
}

fn parse(text: &str) -> Option<Beat> {
    let mut fields = text.split_ascii_whitespace().skip(3);
    let (_, tasks) = fields.next()?.split_once('/')?;
    let last_id = fields.next()?.parse().ok()?;
    // A kernel that only imitates the file says zero.
    Some(Beat { tasks: tasks.parse().ok()?, last_id }).filter(|beat| beat.last_id > 0 && beat.tasks > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_and_an_imitation_is_not_believed() {
        assert_eq!(parse("7.90 3.88 2.34 13/313 16445\n"), Some(Beat { tasks: 313, last_id: 16_445 }));
        for text in ["0.00 0.00 0.00 0/0 0\n", "0.1 0.1 0.1 1/300\n", "", "1 2 3 4 5"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_process_that_came_and_went_is_noticed() {
        let mut pulse = Pulse::new(Path::new("/proc"));
        assert!(!pulse.is_calm(), "nothing is known at first");
        std::process::Command::new("true").status().unwrap();
        assert!(!pulse.is_calm());
    }

    #[test]
    fn a_folder_that_is_no_procfs_has_no_pulse() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("loadavg"), "0.1 0.1 0.1 1/300 4000\n").unwrap();
        let mut pulse = Pulse::new(folder.path());
        assert!(!pulse.is_calm() && !pulse.is_calm());
    }
}
