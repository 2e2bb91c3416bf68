//! What is read of a group's main process only: user, program, arguments.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use orchestrix_common::model::Command;

use super::{
    stat::{cut, parse_command, parse_user_id},
    table::Process,
};
use crate::inspect::host::{read_bytes, read_text};

/// Details of a process; `None` is what the agent may not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) user_id: Option<u32>,
    pub(super) executable: Option<String>,
    pub(super) command: Option<Command>,
}

/// Details that were read, by process. Each is read once, and again when the process became another program.
#[derive(Debug)]
pub(super) struct Cache {
    proc: PathBuf,
    with_arguments: bool,
    read: HashMap<u32, Details>,
}

impl Cache {
    pub(super) fn new(proc: &Path, with_arguments: bool) -> Self {
        Self { proc: proc.to_owned(), with_arguments, read: HashMap::new() }
    }

    /// Forgets those that ended or changed.
    pub(super) fn forget(&mut self, is_gone: impl Fn(u32) -> bool) {
        self.read.retain(|pid, _| !is_gone(*pid));
    }

    pub(super) fn of(&mut self, process: &Process) -> &Details {
        let (proc, with_arguments) = (&self.proc, self.with_arguments);
        self.read.entry(process.pid).or_insert_with(|| read(&proc.join(process.pid.to_string()), with_arguments))
    }
}

fn read(folder: &Path, with_arguments: bool) -> Details {
    let executable = fs::read_link(folder.join("exe")).ok().map(|path| {
        let path = path.to_string_lossy();
        // A program that was replaced on disk while it runs.
        cut(path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned())
    });
    Details {
        user_id: read_text(folder.join("status")).ok().and_then(|text| parse_user_id(&text)),
        executable,
        command: read_bytes(folder.join("cmdline")).ok().and_then(|bytes| parse_command(&bytes, with_arguments)),
    }
}
