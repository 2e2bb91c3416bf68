//! The state folder: made for its owner only, and used by one agent at a time.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};

/// Keeps a second agent out of the folder until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Makes the folder where it is missing, checks that it can be written to, and locks it.
pub(super) fn lock(state_dir: &Path) -> anyhow::Result<Lock> {
    let shown = state_dir.display();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir).with_context(|| {
        format!("cannot make the state folder {shown}; run this as root, or name another one with --state-dir")
    })?;
    let file = File::options().create(true).truncate(false).write(true).open(state_dir.join("agent.lock"));
    let file = file.with_context(|| {
        format!("cannot write to the state folder {shown}; make it writable, or name another one with --state-dir")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => bail!("another agent is running with the state folder {shown}; stop it first"),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock the state folder {shown}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_serves_one_agent_at_a_time() {
        let folder = tempfile::TempDir::new().unwrap();
        let state = folder.path().join("a/b");
        let first = lock(&state).unwrap();
        let second = lock(&state).unwrap_err().to_string();
        assert!(second.contains("another agent is running"), "{second}");
        drop(first);
        lock(&state).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named_with_what_to_do() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let error = lock(&file.join("state")).unwrap_err().to_string();
        assert!(error.contains("file/state") && error.contains("--state-dir"), "{error}");
    }
}
