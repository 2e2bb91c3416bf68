use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use orchestrix_common::time::{ManualClock, Timestamp};
use tempfile::TempDir;

use super::*;
use crate::{
    pki::{SEALING_KEY_FILE, TrustAuthority},
    store::{self, Db, Executor as _, rows::history::Actor, rows::set_back::set_back_list},
    transaction,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A data folder with a CA, as a first start leaves it.
struct Data {
    dir: TempDir,
}

impl Data {
    async fn new() -> Self {
        let data = Self { dir: tempfile::tempdir().unwrap() };
        let db = data.open().await;
        store::migrate(&db).await.unwrap();
        let clock = Arc::new(ManualClock::at(NOW));
        TrustAuthority::open(db.clone(), &data.key(), "orchestrix.local".parse().unwrap(), clock).await.unwrap();
        db.close().await;
        data
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("inventory.db")
    }

    fn key(&self) -> PathBuf {
        self.dir.path().join(SEALING_KEY_FILE)
    }

    async fn open(&self) -> Db {
        store::open(&format!("sqlite://{}", self.database().display())).await.unwrap()
    }

    async fn back_up(&self, to: &Path, with_key: bool) -> Result<Manifest, BackupError> {
        let (database, sealing_key) = (self.database(), self.key());
        make(&Source { database: &database, sealing_key: &sealing_key, with_key }, to, NOW).await
    }

    async fn restore(&self, from: &Path, force: bool, key: Option<&Path>) -> Result<Restored, BackupError> {
        let actor = Actor::person("somebody");
        let database = self.database();
        let target = Target { data_dir: self.dir.path(), database: &database, key, force, actor: &actor };
        restore(from, &target, NOW).await
    }
}

async fn note(db: &Db, word: &str) {
    let sql = "INSERT INTO discovery_settings (name, content) VALUES (?, '1')";
    transaction!(db, |tx| tx.execute(sql, vec![word.into()]).await?).unwrap();
}

async fn notes(db: &Db) -> Vec<String> {
    let sql = "SELECT name FROM discovery_settings WHERE name LIKE 'test-%' ORDER BY name";
    let rows = (&mut &*db).fetch(sql.to_owned(), vec![]).await.unwrap();
    rows.iter().map(|row| row.get("name").unwrap()).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_under_writes_is_one_state_and_comes_back_as_it_was() {
    let (data, place) = (Data::new().await, tempfile::tempdir().unwrap());
    let to = place.path().join("copy");
    let db = data.open().await;
    note(&db, "test-before").await;
    // Somebody writes all the time, and has begun something.
    let mut under_way = db.begin().await.unwrap();
    under_way
        .execute("INSERT INTO discovery_settings (name, content) VALUES ('test-open', '1')", vec![])
        .await
        .unwrap();
    let manifest = data.back_up(&to, true).await.unwrap();
    under_way.commit().await.unwrap();
    note(&db, "test-later").await;
    assert_eq!(names(&to), ["inventory.db", "manifest.json", SEALING_KEY_FILE]);
    assert!(names(&to).iter().all(|name| mode(&to.join(name)) == 0o600) && mode(&to) == 0o700);
    assert_eq!(names(place.path()), ["copy"], "nothing else is left");
    assert_eq!(Manifest::read(&to).unwrap(), manifest);
    assert!(manifest.ca_pin.is_some() && manifest.schema_version > 0 && manifest.created_at == NOW);
    assert!(matches!(data.back_up(&to, true).await, Err(BackupError::Exists(_))));

    let refused = data.restore(&to, false, None).await.unwrap_err();
    assert!(matches!(&refused, BackupError::NotEmpty { names, .. } if names[0] == "inventory.db"), "{refused}");
    db.close().await;
    let restored = data.restore(&to, true, None).await.unwrap();
    let db = data.open().await;
    assert_eq!(notes(&db).await, ["test-before"]);
    let set_back = set_back_list(&mut &db).await.unwrap();
    assert_eq!(set_back.len(), 1);
    assert_eq!((set_back[0].from, set_back[0].until), (NOW, NOW));
    db.close().await;
    // The old one is kept and whole.
    let old = store::open(&format!("sqlite://{}", restored.set_aside[0].display())).await.unwrap();
    assert_eq!(notes(&old).await, ["test-before", "test-later", "test-open"]);
    old.close().await;
    assert!(restored.set_aside[0].ends_with("inventory.db.before-restore-20270115T080000Z"), "{restored:?}");
    assert_eq!(verify(&to, None).await.unwrap(), manifest, "the backup is as it was");
}

#[tokio::test]
async fn what_is_damaged_is_named_and_changes_nothing() {
    let (data, place) = (Data::new().await, tempfile::tempdir().unwrap());
    let to = place.path().join("copy");
    data.back_up(&to, true).await.unwrap();
    let before = fs::read(data.database()).unwrap();
    let (database, manifest) = (to.join("inventory.db"), to.join("manifest.json"));
    let (whole, told) = (fs::read(&database).unwrap(), fs::read_to_string(&manifest).unwrap());
    let refused = async |words: &[&str]| {
        let error = format!("{:#}", anyhow::Error::new(data.restore(&to, true, None).await.unwrap_err()));
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
        assert!(verify(&to, None).await.is_err());
    };

    fs::write(&database, &whole[..whole.len() - 1]).unwrap();
    refused(&["inventory.db has", "bytes, expected"]).await;
    let mut altered = whole.clone();
    altered[whole.len() / 2] ^= 1;
    fs::write(&database, &altered).unwrap();
    refused(&["damaged", "checksum"]).await;
    // A damage that was there when the checksum was taken.
    let mut torn = whole.clone();
    torn[8_192..16_384].fill(0x5a);
    fs::write(&database, &torn).unwrap();
    let sum = files::sum(&database).unwrap().1;
    let good = files::sum_of(&whole);
    fs::write(&manifest, told.replace(&good, &sum)).unwrap();
    refused(&["damaged"]).await;
    fs::write(&database, &whole).unwrap();

    fs::write(&manifest, told.replace("\"format\": 1", "\"format\": 2")).unwrap();
    refused(&["manifest.json", "format 2", "expected 1"]).await;
    fs::write(&manifest, told.replace("\"bytes\"", "\"size\"")).unwrap();
    refused(&["manifest.json", "database", "bytes"]).await;
    fs::write(&manifest, told.replace("\"file\": \"inventory.db\"", "\"file\": \"../inventory.db\"")).unwrap();
    refused(&["no name of a file"]).await;
    fs::write(&manifest, &told).unwrap();

    let other = Data::new().await;
    fs::copy(other.key(), to.join(SEALING_KEY_FILE)).unwrap();
    refused(&["sealing key does not fit"]).await;
    fs::remove_file(&manifest).unwrap();
    refused(&["is no backup"]).await;
    assert_eq!(fs::read(data.database()).unwrap(), before);
    assert!(!names(data.dir.path()).iter().any(|name| name.contains("before-restore") || name.contains("part")));
}

#[tokio::test]
async fn tables_of_a_newer_collector_are_refused() {
    let (data, place) = (Data::new().await, tempfile::tempdir().unwrap());
    let db = data.open().await;
    let sql = "INSERT INTO orchestrix_migrations (version, description, success, checksum, execution_time) \
               VALUES (9999, 'later', 1, 'x', 0)";
    transaction!(db, |tx| tx.execute(sql, vec![]).await?).unwrap();
    db.close().await;
    // Not even made: this program could not put it back.
    let refused = data.back_up(&place.path().join("copy"), true).await.unwrap_err().to_string();
    assert!(refused.contains("migration 9999") && refused.contains("upgrade this collector"), "{refused}");
    assert!(names(place.path()).is_empty());
}

#[tokio::test]
async fn without_its_key_a_backup_wants_it_by_name() {
    let (data, place) = (Data::new().await, tempfile::tempdir().unwrap());
    let (to, apart) = (place.path().join("copy"), place.path().join("apart.key"));
    data.back_up(&to, false).await.unwrap();
    assert_eq!(names(&to), ["inventory.db", "manifest.json"]);
    files::copy_new(&data.key(), &apart).unwrap();
    let empty = Data { dir: tempfile::tempdir().unwrap() };
    assert!(matches!(empty.restore(&to, false, None).await, Err(BackupError::NoKey)));
    assert!(names(empty.dir.path()).is_empty());
    empty.restore(&to, false, Some(&apart)).await.unwrap();
    assert_eq!(fs::read(empty.key()).unwrap(), fs::read(data.key()).unwrap());
    assert_eq!((mode(&empty.key()), mode(&empty.database())), (0o600, 0o600));
    // Into a folder where the same key lies already.
    fs::remove_file(empty.database()).unwrap();
    empty.restore(&to, false, None).await.unwrap();
}

#[tokio::test]
async fn a_folder_in_use_is_left_alone() {
    let (data, place) = (Data::new().await, tempfile::tempdir().unwrap());
    let to = place.path().join("copy");
    data.back_up(&to, true).await.unwrap();
    let _running = FolderLock::alone(data.dir.path()).unwrap();
    let error = format!("{:#}", anyhow::Error::new(data.restore(&to, true, None).await.unwrap_err()));
    assert!(error.starts_with("stop the collector first: data folder") && error.contains("in use"), "{error}");
}
