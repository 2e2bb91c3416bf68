//! What can go wrong with a backup.

use std::{io, path::PathBuf};

use super::LockError;
use crate::{pki::PkiError, store::StoreError};

/// A backup cannot be made, is not one, or cannot be put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something where the backup is to go.
    #[error("{} exists; a backup overwrites nothing, name another folder", .0.display())]
    Exists(PathBuf),
    /// A file cannot be read or written.
    #[error("{action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A database cannot be copied, read or written.
    #[error("{action} {}", path.display())]
    Database {
        /// What was tried.
        action: &'static str,
        /// Its file.
        path: PathBuf,
        /// What it said.
        source: StoreError,
    },
    /// The database that is in force cannot be written.
    #[error("take note in the inventory")]
    Note(#[source] StoreError),
    /// The folder holds no manifest.
    #[error("{} is no backup: it holds no manifest.json", .0.display())]
    NoBackup(PathBuf),
    /// The manifest cannot be used.
    #[error("manifest.json: {0}")]
    Manifest(String),
    /// A file of the backup is not what the manifest says.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// The tables are newer than this program, or not ours.
    #[error("this collector cannot use the backup: {0}")]
    Schema(String),
    /// The sealing key is nowhere.
    #[error("the sealing key is neither in the backup nor in the data folder: name its file with --key")]
    NoKey,
    /// The sealing key is another one.
    #[error("the sealing key does not fit the database")]
    Key(#[source] PkiError),
    /// The data folder is in use.
    #[error("stop the collector first")]
    InUse(#[source] LockError),
    /// The data folder holds something.
    #[error(
        "data folder {} is not empty ({}); with --force the files are kept beside the restored ones", dir.display(),
        names.join(", ")
    )]
    NotEmpty {
        /// The folder.
        dir: PathBuf,
        /// What is in the way.
        names: Vec<String>,
    },
}
