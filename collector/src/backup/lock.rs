//! Who uses a data folder: one collector on the embedded database alone, or several processes together.
//!
//! The lock is one of flock(2) on a file of its own. It ends with the process that holds it, however that ends, and the
//! file stays.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

/// Name of the lock's file in the data folder.
const LOCK_FILE: &str = "collector.lock";

/// Holds a data folder until it is dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// A data folder cannot be held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("data folder {} is in use by a running collector", .0.display())]
    InUse(PathBuf),
    /// The file cannot be made or locked.
    #[error("lock {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl FolderLock {
    /// Holds a folder that nobody else holds.
    ///
    /// # Errors
    /// When somebody does, or the lock's file cannot be made.
    pub fn alone(dir: &Path) -> Result<Self, LockError> {
        Self::take(dir, File::try_lock)
    }

    /// Holds a folder together with others that do so too.
    ///
    /// # Errors
    /// When somebody holds it alone, or the lock's file cannot be made.
    pub fn shared(dir: &Path) -> Result<Self, LockError> {
        Self::take(dir, File::try_lock_shared)
    }

    /// The file that is locked.
    pub(super) fn file_in(dir: &Path) -> PathBuf {
        dir.join(LOCK_FILE)
    }

    fn take(dir: &Path, lock: impl FnOnce(&File) -> Result<(), TryLockError>) -> Result<Self, LockError> {
        let path = Self::file_in(dir);
        let opened = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&path);
        let file = opened.map_err(|source| LockError::File { path: path.clone(), source })?;
        match lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse(dir.to_owned())),
            Err(TryLockError::Error(source)) => Err(LockError::File { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one_alone_or_by_several_together() {
        let dir = tempfile::tempdir().unwrap();
        let alone = FolderLock::alone(dir.path()).unwrap();
        assert!(matches!(FolderLock::alone(dir.path()), Err(LockError::InUse(_))));
        assert!(matches!(FolderLock::shared(dir.path()), Err(LockError::InUse(_))));
        drop(alone);
        let (_one, _two) = (FolderLock::shared(dir.path()).unwrap(), FolderLock::shared(dir.path()).unwrap());
        assert!(matches!(FolderLock::alone(dir.path()), Err(LockError::InUse(_))));
    }
}
