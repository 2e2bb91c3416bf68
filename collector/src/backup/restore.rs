//! Putting a backup in the place of an inventory, with the collector stopped.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
};

use orchestrix_common::time::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{
    BackupError, FolderLock, Manifest,
    files::{Staging, copy_new, failed, parent, rename_new, seal, sum, sync_folder, with_suffix},
    verify::{key_of, verify},
};
use crate::{
    pki::SEALING_KEY_FILE,
    store::{
        self, Db, StoreError,
        rows::{
            audit::{AuditEntry, audit_insert_in_tx},
            history::Actor,
            set_back::{SetBack, set_back_add_in_tx},
        },
    },
    transaction,
};

/// Where a backup goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The data folder; made when it is missing.
    pub data_dir: &'a Path,
    /// The embedded database.
    pub database: &'a Path,
    /// The sealing key, where the backup has none.
    pub key: Option<&'a Path>,
    /// Files that are there are set aside; else they are in the way.
    pub force: bool,
    /// Who does it.
    pub actor: &'a Actor,
}

/// What was put back.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// What the backup says of itself.
    pub backup: Manifest,
    /// Files of before, under their new names.
    pub set_aside: Vec<PathBuf>,
    /// Names of migrations that ran, since the backup is of an older version.
    pub migrated: Vec<&'static str>,
}

/// Puts a backup back: it is checked, brought up to this version's tables, noted as set back, and only then takes the place
/// of what is there.
///
/// # Errors
/// When the backup is not good, a collector runs, or something is in the way; then everything is as it was.
pub async fn restore(from: &Path, target: &Target<'_>, now: Timestamp) -> Result<Restored, BackupError> {
    let Target { data_dir, database, force, .. } = *target;
    let in_place = data_dir.join(SEALING_KEY_FILE);
    let key = target.key.or_else(|| in_place.exists().then_some(in_place.as_path()));
    let backup = verify(from, key).await?;
    let key = key_of(from, &backup, key).ok_or(BackupError::NoKey)?;
    for folder in [data_dir, &parent(database)] {
        fs::create_dir_all(folder).map_err(failed("make folder", folder))?;
    }
    let _lock = FolderLock::alone(data_dir).map_err(BackupError::InUse)?;
    let in_the_way = in_the_way(database, &in_place, &key)?;
    if !in_the_way.is_empty() && !force {
        let names = in_the_way.iter().map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
        return Err(BackupError::NotEmpty { dir: data_dir.to_owned(), names: names.collect() });
    }

    let staging = Staging::new(with_suffix(database, &format!(".{}.part", uuid::Uuid::new_v4().simple())))?;
    let ready = staging.path().join("database");
    copy_new(&from.join(&backup.database.file), &ready)?;
    if sum(&ready)?.1 != backup.database.sha256 {
        return Err(BackupError::Damaged("it changed while it was read".to_owned()));
    }
    let migrated = prepare(&ready, &backup, target.actor, now).await?;
    let ready_key = staging.path().join("key");
    copy_new(&key, &ready_key)?;
    for path in [&ready, &ready_key, &FolderLock::file_in(data_dir)] {
        own_as(path, data_dir)?;
    }

    let stamp = format!(".before-restore-{}", stamp(now));
    let mut set_aside = Vec::new();
    for path in &in_the_way {
        let aside = aside(path, database, &stamp);
        rename_new(path, &aside)?;
        set_aside.push(aside);
    }
    if !in_place.exists() {
        rename_new(&ready_key, &in_place)?;
        sync_folder(data_dir)?;
    }
    rename_new(&ready, database)?;
    sync_folder(&parent(database))?;
    Ok(Restored { backup, set_aside, migrated })
}

/// Notes in a database that it was put back to its state at `from` by other means than [`restore`].
///
/// # Errors
/// When the database fails.
pub async fn note_set_back(db: &Db, from: Timestamp, actor: &Actor, now: Timestamp) -> Result<(), BackupError> {
    note(db, from, actor, now, json!({ "takenAt": from })).await.map_err(BackupError::Note)
}

async fn note(db: &Db, from: Timestamp, actor: &Actor, now: Timestamp, detail: Json) -> Result<(), StoreError> {
    transaction!(db, |tx| {
        set_back_add_in_tx(tx, SetBack { from, until: now }).await?;
        let entry = AuditEntry {
            at: now,
            actor_kind: actor.kind,
            actor_id: &actor.id,
            action: "inventory.restore",
            resource_type: "inventory",
            resource_id: "",
            detail: detail.clone(),
        };
        audit_insert_in_tx(tx, &entry).await?
    })
}

/// Brings the copy up to date, and notes in it what it cannot know.
async fn prepare(
    path: &Path,
    backup: &Manifest,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<&'static str>, BackupError> {
    let failed = |action| move |source| BackupError::Database { action, path: path.to_owned(), source };
    let db = store::open(&format!("sqlite://{}", path.display())).await.map_err(failed("open"))?;
    let done = async {
        let plan = store::migration_plan(&db).await?;
        store::migrate(&db).await?;
        let detail = json!({ "takenAt": backup.created_at, "version": backup.version });
        note(&db, backup.created_at, actor, now, detail).await?;
        Ok(plan.pending)
    };
    let done = done.await.map_err(failed("bring up to date"));
    db.close().await;
    let migrated = done?;
    // The last one to close it has taken in the log; a log that were left would be missing in the new place.
    let log = with_suffix(path, "-wal");
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        return Err(BackupError::Damaged(format!("{} was not taken in", log.display())));
    }
    seal(path)?;
    Ok(migrated)
}

/// Files that would be lost.
fn in_the_way(database: &Path, in_place: &Path, key: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let files = ["", "-wal", "-shm"].map(|suffix| with_suffix(database, suffix));
    let mut found: Vec<PathBuf> = files.into_iter().filter(|path| path.symlink_metadata().is_ok()).collect();
    if in_place.symlink_metadata().is_ok() {
        let same =
            fs::read(in_place).map_err(failed("read", in_place))? == fs::read(key).map_err(failed("read", key))?;
        if !same {
            found.push(in_place.to_owned());
        }
    }
    Ok(found)
}

/// The name under which a file is kept. The database and its log keep fitting each other.
fn aside(path: &Path, database: &Path, stamp: &str) -> PathBuf {
    let suffix = path.as_os_str().to_string_lossy().strip_prefix(&*database.to_string_lossy()).map(str::to_owned);
    match suffix {
        Some(suffix) => with_suffix(&with_suffix(database, stamp), &suffix),
        None => with_suffix(path, stamp),
    }
}

/// A time as part of a name: `20260301T040000Z`.
fn stamp(at: Timestamp) -> String {
    let text = at.to_string().replace([':', '-'], "");
    format!("{}Z", text.split(['.', 'Z']).next().unwrap_or_default())
}

/// Gives a file to the owner of the data folder: root restores, the collector runs as somebody else.
fn own_as(path: &Path, folder: &Path) -> Result<(), BackupError> {
    let wanted = folder.metadata().map_err(failed("read", folder))?;
    let is = path.metadata().map_err(failed("read", path))?;
    if (is.uid(), is.gid()) == (wanted.uid(), wanted.gid()) || !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    chown(path, Some(wanted.uid()), Some(wanted.gid())).map_err(failed("change the owner of", path))
}
