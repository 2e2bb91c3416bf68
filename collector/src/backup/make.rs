//! Making a backup, while the collector runs or not.

use std::path::{Path, PathBuf};

use orchestrix_common::time::Timestamp;

use super::{
    BackupError, Manifest,
    files::{DATABASE, Staging, copy_new, seal, sum, with_suffix},
    manifest::{DatabaseFile, FORMAT},
    verify,
};
use crate::{
    pki::{SEALING_KEY_FILE, issuing_pin},
    store::{copy_whole, open_copy, schema_version},
};

/// What a backup is made of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The embedded database.
    pub database: &'a Path,
    /// The sealing key; the copy is checked against it in any case.
    pub sealing_key: &'a Path,
    /// The key goes into the backup.
    pub with_key: bool,
}

/// Makes a backup in the folder `to`, which must not exist. Collectors may write meanwhile.
///
/// # Errors
/// When it cannot be made, or what was made does not pass the check that a restore begins with; then nothing is left.
pub async fn make(source: &Source<'_>, to: &Path, now: Timestamp) -> Result<Manifest, BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let staging = Staging::new(with_suffix(to, &format!(".{}.part", uuid::Uuid::new_v4().simple())))?;
    let copy = staging.path().join(DATABASE);
    copy_whole(source.database, &copy).await.map_err(refused("copy", source.database))?;
    seal(&copy)?;
    let (schema_version, ca_pin) = look(&copy).await?;
    let (bytes, sha256) = sum(&copy)?;
    if source.with_key {
        copy_new(source.sealing_key, &staging.path().join(SEALING_KEY_FILE))?;
    }
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version,
        created_at: now,
        ca_pin,
        database: DatabaseFile { file: DATABASE.to_owned(), bytes, sha256 },
        sealing_key: source.with_key.then(|| SEALING_KEY_FILE.to_owned()),
    };
    manifest.write(staging.path())?;
    verify(staging.path(), Some(source.sealing_key)).await?;
    staging.rename(to)?;
    Ok(manifest)
}

/// Which tables the copy has, and of which CA it is.
async fn look(copy: &Path) -> Result<(i64, Option<String>), BackupError> {
    let db = open_copy(copy).await.map_err(refused("open the copy of", copy))?;
    let version = schema_version(&db).await.map_err(refused("read the copy of", copy));
    let pin = issuing_pin(&db).await.map_err(BackupError::Key);
    db.close().await;
    Ok((version?.newest, pin?.map(|pin| pin.to_string())))
}

fn refused(action: &'static str, path: &Path) -> impl FnOnce(crate::store::StoreError) -> BackupError {
    let path = PathBuf::from(path);
    move |source| BackupError::Database { action, path, source }
}
