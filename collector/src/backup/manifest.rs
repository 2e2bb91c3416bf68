//! What a backup says of itself.

use std::{fs, io, path::Path};

use orchestrix_common::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    BackupError,
    files::{MANIFEST, failed, write_new},
};

/// The only form so far.
pub(super) const FORMAT: u32 = 1;

/// Content of `manifest.json`. Names are camelCase; what a newer program adds is passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Form of the backup; 1.
    pub format: u32,
    /// Version of the collector that made it.
    pub version: String,
    /// Number of the newest migration that ran on the database.
    pub schema_version: i64,
    /// When the copy began: what was committed before is in it.
    pub created_at: Timestamp,
    /// Pin of the root that certificates came from; absent when there was no CA yet.
    pub ca_pin: Option<String>,
    /// The database.
    pub database: DatabaseFile,
    /// Name of the sealing key's file; absent when the key is kept apart.
    pub sealing_key: Option<String>,
}

/// The database in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseFile {
    /// Name of the file.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its content, 64 hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// When there is none, or it is of another form.
    pub fn read(folder: &Path) -> Result<Self, BackupError> {
        let path = folder.join(MANIFEST);
        let text = match fs::read_to_string(&path) {
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Err(BackupError::NoBackup(folder.to_owned()));
            }
            read => read.map_err(failed("read", &path))?,
        };
        let wrong = |problem: String| BackupError::Manifest(problem);
        let content: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
        match content["format"].as_u64() {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(wrong(format!("format {format} is not known here, expected {FORMAT}"))),
            None => return Err(wrong("format is missing".to_owned())),
        }
        let manifest: Self = serde_path_to_error::deserialize(content)
            .map_err(|error| wrong(format!("{}: {}", error.path(), error.inner())))?;
        let names = [Some(&manifest.database.file), manifest.sealing_key.as_ref()];
        let odd = names.into_iter().flatten().find(|name| name.is_empty() || name.contains('/') || *name == "..");
        if let Some(name) = odd {
            return Err(wrong(format!("{name:?} is no name of a file")));
        }
        Ok(manifest)
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let text = serde_json::to_string_pretty(self).map_err(|error| BackupError::Manifest(error.to_string()))?;
        write_new(&folder.join(MANIFEST), format!("{text}\n").as_bytes())
    }
}
