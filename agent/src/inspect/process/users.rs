//! Names of users, from passwd(5).

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use crate::inspect::host::read_text;

/// Names by user id, read again when the file changed. Users of a directory service are not in it: their name is `None`.
#[derive(Debug)]
pub(super) struct Users {
    path: PathBuf,
    /// Modification time and inode of what was read.
    read: Option<(i64, i64, u64)>,
    names: HashMap<u32, String>,
}

impl Users {
    pub(super) fn new(etc: &Path) -> Self {
        Self { path: etc.join("passwd"), read: None, names: HashMap::new() }
    }

    /// Reads the file again when it changed; true when it did.
    pub(super) fn refresh(&mut self) -> bool {
        let state = fs::metadata(&self.path).ok().map(|data| (data.mtime(), data.mtime_nsec(), data.ino()));
        if state == self.read {
            return false;
        }
        self.names = read_text(&self.path).map(|text| parse(&text)).unwrap_or_default();
        self.read = state;
        true
    }

    pub(super) fn name(&self, id: u32) -> Option<String> {
        self.names.get(&id).cloned()
    }
}

/// The first name wins where several share an id, as with getpwuid(3).
fn parse(text: &str) -> HashMap<u32, String> {
    let mut names = HashMap::new();
    for line in text.lines() {
        let mut fields = line.split(':');
        if let (Some(name), Some(id)) = (fields.next(), fields.nth(1).and_then(|id| id.parse().ok())) {
            names.entry(id).or_insert_with(|| name.to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_read_again_when_it_changed() {
        let etc = tempfile::tempdir().unwrap();
        let mut users = Users::new(etc.path());
        assert!(!users.refresh());
        fs::write(etc.path().join("passwd"), "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n# note\nbad\n").unwrap();
        assert!(users.refresh());
        assert_eq!((users.name(0).as_deref(), users.name(33)), (Some("root"), None));
        assert!(!users.refresh());
        fs::remove_file(etc.path().join("passwd")).unwrap();
        assert!(users.refresh());
        assert_eq!(users.name(0), None);
    }
}
