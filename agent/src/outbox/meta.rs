//! The little that is remembered apart from the reports: identity, newest acknowledged number, drop count.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use orchestrix_common::id::OutboxId;

const FILE: &str = "meta";
const MAGIC: &[u8; 8] = b"orxout01";
const SIZE: usize = 8 + 16 + 8 + 8 + 8;

/// Content of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) id: OutboxId,
    pub(super) acknowledged: u64,
    pub(super) dropped: u64,
}

impl Meta {
    pub(super) fn fresh() -> Self {
        Self { id: OutboxId::generate(), acknowledged: 0, dropped: 0 }
    }

    /// Reads the file; `None` when it is missing or damaged.
    pub(super) fn load(folder: &Path) -> Option<Self> {
        let bytes = fs::read(folder.join(FILE)).ok()?;
        let (body, sum) = bytes.split_at_checked(SIZE - 8)?;
        if sum != checksum(body) {
            return None;
        }
        let body = body.strip_prefix(MAGIC)?;
        let (id, rest) = body.split_at_checked(16)?;
        let (acknowledged, dropped) = rest.split_first_chunk::<8>()?;
        Some(Self {
            id: OutboxId::try_from(id).ok()?,
            acknowledged: u64::from_le_bytes(*acknowledged),
            dropped: u64::from_le_bytes(dropped.try_into().ok()?),
        })
    }

    /// Replaces the file as a whole: a crash leaves the old one or the new one.
    pub(super) fn save(&self, folder: &Path) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(SIZE);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.acknowledged.to_le_bytes());
        bytes.extend_from_slice(&self.dropped.to_le_bytes());
        let sum = checksum(&bytes);
        bytes.extend_from_slice(&sum);
        let temporary = folder.join("meta.new");
        let mut file = File::create(&temporary)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, folder.join(FILE))?;
        File::open(folder)?.sync_all()
    }
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&blake3::hash(body).as_bytes()[..8]);
    short
}
