//! Files that are written once, whole, and for their owner only.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};

use super::BackupError;

/// Name of the database in a backup and in a data folder.
pub(super) const DATABASE: &str = "inventory.db";
/// Name of the manifest in a backup.
pub(super) const MANIFEST: &str = "manifest.json";

const BLOCK: usize = 256 << 10;

/// Says what was tried with which file.
pub(super) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { action, path, source }
}

/// The path with something behind its last name.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// A folder in which something is made ready. What is still in there when it is dropped is removed.
pub(super) struct Staging(PathBuf);

impl Staging {
    /// Makes a folder for the owner only.
    pub(super) fn new(path: PathBuf) -> Result<Self, BackupError> {
        DirBuilder::new().mode(0o700).create(&path).map_err(failed("make folder", &path))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Gives it its name, which nobody may have taken.
    pub(super) fn rename(self, to: &Path) -> Result<(), BackupError> {
        sync_folder(&self.0)?;
        rename_new(&self.0, to)?;
        sync_folder(&parent(to))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Renamed, or not worth more than a try.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Renames something, unless the name is taken.
pub(super) fn rename_new(from: &Path, to: &Path) -> Result<(), BackupError> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(BackupError::Exists(to.to_owned())),
        // A file system that cannot do it in one step.
        Err(Errno::INVAL | Errno::NOSYS) if to.symlink_metadata().is_err() => {
            fs::rename(from, to).map_err(failed("rename", from))
        }
        Err(errno) => Err(failed("rename", from)(errno.into())),
    }
}

/// The folder that a file is in.
pub(super) fn parent(path: &Path) -> PathBuf {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

/// Makes durable which files a folder holds.
pub(super) fn sync_folder(folder: &Path) -> Result<(), BackupError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed("sync", folder))
}

/// Makes a file durable, and its owner's only.
pub(super) fn seal(path: &Path) -> Result<(), BackupError> {
    let sealed = File::open(path).and_then(|file| {
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
        file.sync_all()
    });
    sealed.map_err(failed("sync", path))
}

/// Writes a new file.
pub(super) fn write_new(path: &Path, content: &[u8]) -> Result<(), BackupError> {
    let written = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(failed("write", path))
}

/// Copies a file to a new one.
pub(super) fn copy_new(from: &Path, to: &Path) -> Result<(), BackupError> {
    let mut source = File::open(from).map_err(failed("read", from))?;
    let copied = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).and_then(|mut file| {
        io::copy(&mut source, &mut file)?;
        file.sync_all()
    });
    copied.map_err(failed("write", to))
}

/// Size and SHA-256, in hexadecimal digits, of a file.
pub(super) fn sum(path: &Path) -> Result<(u64, String), BackupError> {
    let mut file = File::open(path).map_err(failed("read", path))?;
    let (mut context, mut bytes, mut block) = (Context::new(&SHA256), 0, vec![0; BLOCK]);
    loop {
        match file.read(&mut block).map_err(failed("read", path))? {
            0 => break,
            read => {
                context.update(&block[..read]);
                bytes += read as u64;
            }
        }
    }
    Ok((bytes, context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// SHA-256 of some bytes, in hexadecimal digits.
#[cfg(test)]
pub(super) fn sum_of(bytes: &[u8]) -> String {
    orchestrix_common::pki::sha256(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
