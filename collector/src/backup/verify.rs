//! Checking a backup without touching it.

use std::path::{Path, PathBuf};

use super::{
    BackupError, Manifest,
    files::{failed, sum},
};
use crate::{
    pki::{SealingKey, issuing_pin, opens},
    store::{Db, StoreError, copy_faults, open_copy, schema_version},
};

/// Checks a backup: the manifest, size and checksum of the database, its pages, indexes and references, that its tables are
/// ones that this program can use, that it is of the CA that the manifest names, and that the sealing key opens it. The key
/// is the one in the backup, else the one at `key`; without either, that is not checked.
///
/// # Errors
/// The first thing that is wrong.
pub async fn verify(folder: &Path, key: Option<&Path>) -> Result<Manifest, BackupError> {
    let manifest = Manifest::read(folder)?;
    let file = &manifest.database;
    let path = folder.join(&file.file);
    let found = path.metadata().map_err(failed("read", &path))?.len();
    if found != file.bytes {
        return Err(damaged(format!("{} has {found} bytes, expected {}", file.file, file.bytes)));
    }
    let (_, sha256) = sum(&path)?;
    if sha256 != file.sha256 {
        return Err(damaged(format!("{} has the checksum {sha256}, expected {}", file.file, file.sha256)));
    }
    let db = open_copy(&path).await.map_err(|source| unreadable(&path, source))?;
    let checked = check(&db, &manifest, &path, key_of(folder, &manifest, key).as_deref()).await;
    db.close().await;
    checked.map(|()| manifest)
}

/// The sealing key that belongs to a backup, if it is known where.
pub(super) fn key_of(folder: &Path, manifest: &Manifest, key: Option<&Path>) -> Option<PathBuf> {
    manifest.sealing_key.as_ref().map(|name| folder.join(name)).or_else(|| key.map(Path::to_owned))
}

async fn check(db: &Db, manifest: &Manifest, path: &Path, key: Option<&Path>) -> Result<(), BackupError> {
    let faults = copy_faults(db).await.map_err(|source| unreadable(path, source))?;
    if !faults.is_empty() {
        return Err(damaged(format!("{}: {}", manifest.database.file, faults.join("; "))));
    }
    let version = schema_version(db).await.map_err(|source| unreadable(path, source))?;
    if !version.obstacles.is_empty() {
        let obstacles: Vec<_> = version.obstacles.iter().map(ToString::to_string).collect();
        return Err(BackupError::Schema(obstacles.join("; ")));
    }
    if version.newest == 0 {
        return Err(BackupError::Schema(format!("{} is no inventory", manifest.database.file)));
    }
    if version.newest != manifest.schema_version {
        let (found, expected) = (version.newest, manifest.schema_version);
        return Err(damaged(format!("its tables are of migration {found:04}, expected {expected:04}")));
    }
    let pin = issuing_pin(db).await.map_err(BackupError::Key)?.map(|pin| pin.to_string());
    if pin != manifest.ca_pin {
        return Err(damaged(format!("it is of the CA {pin:?}, expected {:?}", manifest.ca_pin)));
    }
    if let Some(path) = key {
        let key = SealingKey::load(path).map_err(BackupError::Key)?;
        let key = key.ok_or_else(|| damaged(format!("the sealing key is not at {}", path.display())))?;
        opens(db, &key).await.map_err(BackupError::Key)?;
    }
    Ok(())
}

fn damaged(what: String) -> BackupError {
    BackupError::Damaged(what)
}

fn unreadable(path: &Path, source: StoreError) -> BackupError {
    BackupError::Database { action: "the backup is damaged: read", path: path.to_owned(), source }
}
