use std::{fs, os::unix::fs::PermissionsExt as _};

use orchestrix_common::model::{Completeness, Health, Report, Source, SourceStatus};
use orchestrix_proto::v1 as pb;
use prost::Message as _;
use tempfile::TempDir;

use super::{store::Store, *};

const MAX: u64 = 64 << 20;

fn report(reason: &str) -> Vec<SourceReport> {
    let status = SourceStatus {
        health: Health::Failing,
        completeness: Completeness::None,
        reason: reason.to_owned(),
        since: Timestamp::EPOCH,
        warnings: 0,
    };
    vec![SourceReport { source: Source::Docker, status: Some(status), changes: Vec::new() }]
}

fn append(store: &mut Store, reasons: &[&str]) -> u64 {
    store.append(reasons.iter().map(|reason| report(reason)).collect(), Timestamp::from_secs(1))
}

fn decode(record: &Record) -> Report {
    Report::try_from(pb::Report::decode(record.payload.as_slice()).unwrap()).unwrap()
}

/// Number and reason of everything behind `sequence`.
fn contents(store: &mut Store, sequence: u64) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    let mut after = sequence;
    loop {
        let records = store.after(after, 100);
        let Some(last) = records.last() else { return found };
        after = last.sequence;
        for record in &records {
            let report = decode(record);
            assert_eq!((report.sequence, report.base), (record.sequence, record.sequence - 1));
            found.push((record.sequence, report.sources[0].status.clone().unwrap().reason));
        }
    }
}

fn numbers(store: &mut Store, sequence: u64) -> Vec<u64> {
    contents(store, sequence).into_iter().map(|(number, _)| number).collect()
}

fn segment_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "log")).collect();
    files.sort();
    files
}

#[test]
fn what_was_appended_is_read_back_in_order_after_a_restart() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    let id = store.position().id;
    assert_eq!(append(&mut store, &["a", "b"]), 2);
    assert_eq!(append(&mut store, &["c"]), 3);
    let expected = [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())];
    assert_eq!(contents(&mut store, 0), expected);
    drop(store);

    let mut store = Store::open(folder.path(), MAX).unwrap();
    assert_eq!(contents(&mut store, 0), expected);
    assert_eq!(contents(&mut store, 2), expected[2..]);
    assert_eq!(store.position().id, id);
    assert_eq!(append(&mut store, &["d"]), 4);
}

#[test]
fn numbers_go_on_after_everything_was_acknowledged_and_the_agent_restarted() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    append(&mut store, &["a", "b", "c"]);
    store.acknowledge(3);
    assert_eq!(store.position().waiting_reports, 0);
    store.close();
    drop(store);
    let mut store = Store::open(folder.path(), MAX).unwrap();
    assert_eq!(store.position().acknowledged_sequence, 3);
    assert_eq!(append(&mut store, &["d"]), 4);
    assert_eq!(store.position().waiting_reports, 1);
}

#[test]
fn a_file_cut_at_any_byte_keeps_every_whole_record_before_the_cut() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    let mut ends = vec![0];
    for reason in ["one", "two", "three", "four"] {
        append(&mut store, &[reason]);
        ends.push(store.position().bytes);
    }
    drop(store);
    let file = segment_files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    assert_eq!(ends.last().copied(), Some(whole.len() as u64));
    for cut in 0..=whole.len() {
        fs::write(&file, &whole[..cut]).unwrap();
        let mut store = Store::open(folder.path(), MAX).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut as u64).count() as u64 - 1;
        assert_eq!(numbers(&mut store, 0), (1..=kept).collect::<Vec<_>>(), "cut at {cut}");
        assert_eq!(append(&mut store, &["next"]), kept + 1, "cut at {cut}");
        drop(store);
        let mut store = Store::open(folder.path(), MAX).unwrap();
        assert_eq!(numbers(&mut store, 0), (1..=kept + 1).collect::<Vec<_>>(), "cut at {cut}, then appended");
    }
}

#[test]
fn a_damaged_byte_anywhere_never_yields_a_false_record() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    append(&mut store, &["one", "two", "three"]);
    drop(store);
    let file = segment_files(folder.path()).remove(0);
    let whole = fs::read(&file).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x20;
        fs::write(&file, &damaged).unwrap();
        let mut store = Store::open(folder.path(), MAX).unwrap();
        let found = contents(&mut store, 0);
        let truth = [(1, "one".to_owned()), (2, "two".to_owned()), (3, "three".to_owned())];
        assert!(found.len() < 3 && truth.starts_with(&found), "byte {at}: {found:?}");
    }
}

#[test]
fn past_the_bound_the_oldest_go_and_are_counted() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), 64 << 10).unwrap();
    let text = "x".repeat(400);
    for _ in 0..400 {
        append(&mut store, &[&text]);
    }
    let position = store.position();
    assert!(position.bytes <= 64 << 10, "{position:?}");
    assert!(position.dropped_reports > 0);
    assert_eq!(position.head_sequence, 400);
    let left = numbers(&mut store, 0);
    assert_eq!(left, (position.dropped_reports + 1..=400).collect::<Vec<_>>());
    assert_eq!(position.waiting_reports, left.len() as u64);
    drop(store);
    let store = Store::open(folder.path(), 64 << 10).unwrap();
    assert_eq!(store.position().dropped_reports, position.dropped_reports);
}

#[test]
fn acknowledged_segments_are_removed() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), 64 << 10).unwrap();
    let text = "x".repeat(400);
    for _ in 0..50 {
        append(&mut store, &[&text]);
    }
    let before = segment_files(folder.path()).len();
    assert!(before > 3);
    store.acknowledge(49);
    assert_eq!(segment_files(folder.path()).len(), 1);
    assert_eq!(numbers(&mut store, 49), [50]);
    assert_eq!(store.position().dropped_reports, 0);
}

#[test]
fn a_damaged_segment_in_the_middle_costs_only_its_own_records() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), 64 << 10).unwrap();
    let text = "x".repeat(400);
    for _ in 0..30 {
        append(&mut store, &[&text]);
    }
    drop(store);
    let files = segment_files(folder.path());
    let mut bytes = fs::read(&files[1]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    fs::write(&files[1], bytes).unwrap();
    let mut store = Store::open(folder.path(), 64 << 10).unwrap();
    let dropped = store.position().dropped_reports;
    assert!(dropped > 0);
    let left = numbers(&mut store, 0);
    assert_eq!(left.len() as u64, 30 - dropped);
    assert_eq!(left.last(), Some(&30));
    drop(store);
    let store = Store::open(folder.path(), 64 << 10).unwrap();
    assert_eq!(store.position().dropped_reports, dropped, "the gap is counted once");
}

#[test]
fn a_disk_that_lost_acknowledged_numbers_gets_a_new_identity() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    append(&mut store, &["a", "b"]);
    store.acknowledge(2);
    store.close();
    let id = store.position().id;
    drop(store);
    let file = segment_files(folder.path()).remove(0);
    fs::write(&file, []).unwrap();
    let store = Store::open(folder.path(), MAX).unwrap();
    assert_ne!(store.position().id, id);
}

#[test]
fn a_damaged_meta_file_means_a_new_identity_but_keeps_the_reports() {
    let folder = TempDir::new().unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    append(&mut store, &["a", "b"]);
    let id = store.position().id;
    drop(store);
    fs::write(folder.path().join("meta"), b"garbage").unwrap();
    let mut store = Store::open(folder.path(), MAX).unwrap();
    assert_ne!(store.position().id, id);
    assert_eq!(numbers(&mut store, 0), [1, 2]);
}

#[test]
fn without_a_disk_reports_are_kept_in_memory_and_written_when_it_is_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("outbox");
    let mut store = Store::open(&path, MAX).unwrap();
    append(&mut store, &["a"]);
    // A folder that is gone fails every write, for root too.
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    append(&mut store, &["b", "c"]);
    assert!(store.position().trouble.is_some_and(|trouble| trouble.contains("cannot write to")));
    assert_eq!(store.position().head_sequence, 3);
    assert_eq!(store.after(1, 1 << 20).len(), 2);
    fs::rename(&away, &path).unwrap();
    append(&mut store, &["d"]);
    assert_eq!(store.position().trouble, None);
    drop(store);
    let mut store = Store::open(&path, MAX).unwrap();
    assert_eq!(numbers(&mut store, 0), [1, 2, 3, 4]);
}

#[test]
fn memory_is_bounded_while_there_is_no_disk() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("outbox");
    let mut store = Store::open(&path, MAX).unwrap();
    let away = folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    let text = "x".repeat(100_000);
    for _ in 0..100 {
        append(&mut store, &[&text]);
    }
    let position = store.position();
    assert!(position.bytes < 5 << 20, "{position:?}");
    assert!(position.dropped_reports > 50);
    fs::rename(&away, &path).unwrap();
    append(&mut store, &["back"]);
    let left = numbers(&mut store, 0);
    assert_eq!(left.last(), Some(&101));
    assert_eq!(left.len() as u64, 101 - position.dropped_reports);
}

#[test]
fn the_folder_is_for_its_owner_only() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("outbox");
    drop(Store::open(&path, MAX).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(&file.join("outbox"), MAX).unwrap_err();
    assert!(error.to_string().contains("outbox"), "{error}");
}
