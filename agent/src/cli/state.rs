//! The state folder: made for its owner only, used by one agent at a time, and enrolled by one command at a time.

use std::{
    fs::{self, File, TryLockError},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, lchown},
    path::Path,
};

use anyhow::{Context as _, bail};

/// Keeps a second user out of the folder until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Makes the folder where it is missing, checks that it can be written to, and locks it for a running agent.
pub(super) fn lock(state_dir: &Path) -> anyhow::Result<Lock> {
    locked(state_dir, "agent.lock", "another agent is running with")
}

/// The same for whoever changes the identity: a running agent that is not enrolled, or a command beside it.
pub(super) fn lock_identity(state_dir: &Path) -> anyhow::Result<Lock> {
    locked(state_dir, "identity.lock", "another command is enrolling with")
}

/// Gives what root made in the folder of another user to that user, so that the agent can use it.
///
/// # Errors
/// When a file cannot be given away.
pub(super) fn hand_over(state_dir: &Path) -> anyhow::Result<()> {
    let owner = fs::symlink_metadata(state_dir).with_context(|| format!("cannot read {}", state_dir.display()))?;
    if !rustix::process::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    let mut folders = vec![state_dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = || format!("cannot hand {} over to the agent's user", folder.display());
        for entry in fs::read_dir(&folder).with_context(failed)? {
            let path = entry.with_context(failed)?.path();
            let metadata = fs::symlink_metadata(&path).with_context(failed)?;
            if (metadata.uid(), metadata.gid()) != (owner.uid(), owner.gid()) {
                lchown(&path, Some(owner.uid()), Some(owner.gid())).with_context(failed)?;
            }
            if metadata.is_dir() {
                folders.push(path);
            }
        }
    }
    Ok(())
}

fn locked(state_dir: &Path, name: &str, by_whom: &str) -> anyhow::Result<Lock> {
    let shown = state_dir.display();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state_dir).with_context(|| {
        format!("cannot make the state folder {shown}; run this as root, or name another one with --state-dir")
    })?;
    let file = File::options().create(true).truncate(false).write(true).open(state_dir.join(name));
    let file = file.with_context(|| {
        format!("cannot write to the state folder {shown}; make it writable, or name another one with --state-dir")
    })?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => bail!("{by_whom} the state folder {shown}; stop it first"),
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
        // Who enrols does not need the agent to be away.
        let enrolling = lock_identity(&state).unwrap();
        assert!(lock_identity(&state).is_err());
        drop((first, enrolling));
        lock(&state).unwrap();
    }

    #[test]
    fn what_root_made_goes_to_the_owner_of_the_folder() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let folder = tempfile::TempDir::new().unwrap();
        fs::create_dir(folder.path().join("identity")).unwrap();
        fs::write(folder.path().join("identity/slot-0"), "").unwrap();
        lchown(folder.path(), Some(4_242), Some(4_343)).unwrap();
        hand_over(folder.path()).unwrap();
        for path in ["identity", "identity/slot-0"] {
            let metadata = fs::metadata(folder.path().join(path)).unwrap();
            assert_eq!((metadata.uid(), metadata.gid()), (4_242, 4_343), "{path}");
        }
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
