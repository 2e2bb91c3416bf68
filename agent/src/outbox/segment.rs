//! One segment file: a run of records.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use super::record::{self, HEADER, Record};

const SUFFIX: &str = "log";

/// What is known of a segment without reading it again.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    /// Number of its first record, by its name.
    pub(super) first: u64,
    /// Number of its last record; one below `first` when it has none.
    pub(super) last: u64,
    /// Length of the good part.
    pub(super) bytes: u64,
    /// Something behind the good part was cut away when it was opened.
    pub(super) cut: bool,
}

impl Segment {
    /// Makes a new, empty segment and leaves it on disk for certain.
    pub(super) fn create(folder: &Path, first: u64) -> io::Result<Self> {
        let path = folder.join(format!("{first:020}.{SUFFIX}"));
        File::create(&path)?.sync_all()?;
        File::open(folder)?.sync_all()?;
        Ok(Self { path, first, last: first.saturating_sub(1), bytes: 0, cut: false })
    }

    /// Opens an existing file by its name and cuts it at its first bad record; `None` for a file of another kind.
    pub(super) fn recover(path: PathBuf) -> io::Result<Option<Self>> {
        let number = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse::<u64>().ok());
        let Some(first) = number.filter(|first| *first > 0 && path.extension().is_some_and(|end| end == SUFFIX)) else {
            return Ok(None);
        };
        let content = fs::read(&path)?;
        let (mut good, mut last) = (0, first - 1);
        while let Some(record) = record::parse(&content[good..]).filter(|record| record.sequence == last + 1) {
            good += HEADER + record.payload.len();
            last = record.sequence;
        }
        if good < content.len() {
            tracing::warn!(segment = %path.display(), kept = good, cut = content.len() - good, "outbox cut at a bad record");
            let file = OpenOptions::new().write(true).open(&path)?;
            file.set_len(good as u64)?;
            file.sync_all()?;
        }
        Ok(Some(Self { path, first, last, bytes: good as u64, cut: good < content.len() }))
    }

    /// Writes records behind the good part and syncs. On failure nothing is added.
    pub(super) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut frames = Vec::new();
        for record in records {
            record.write_to(&mut frames);
        }
        let mut file = OpenOptions::new().write(true).open(&self.path)?;
        let written = file
            .seek(SeekFrom::Start(self.bytes))
            .and_then(|_| file.write_all(&frames))
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Best effort: what is left behind the good part is cut when the file is opened again.
            let _ = file.set_len(self.bytes);
            return Err(error);
        }
        self.bytes += frames.len() as u64;
        self.last = records.last().map_or(self.last, |record| record.sequence);
        Ok(())
    }

    /// Reads records behind `sequence` from `offset` on, until `max_bytes` are reached; answers with the records and
    /// the offset behind them.
    ///
    /// `offset` is where a record at or before `sequence + 1` begins.
    pub(super) fn read(&self, offset: u64, sequence: u64, max_bytes: usize) -> io::Result<(Vec<Record>, u64)> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        let (mut offset, mut found, mut size) = (offset, Vec::new(), 0);
        let mut frame = Vec::new();
        while offset < self.bytes {
            frame.clear();
            frame.resize(HEADER, 0);
            file.read_exact(&mut frame)?;
            let len = frame.first_chunk::<4>().map_or(0, |len| u32::from_le_bytes(*len) as usize);
            // A damaged length must not make this allocate.
            let rest = usize::try_from(self.bytes - offset).unwrap_or(usize::MAX) - HEADER;
            frame.resize(HEADER + len.min(rest), 0);
            file.read_exact(&mut frame[HEADER..])?;
            let record = record::parse(&frame)
                .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "a record is damaged"))?;
            if record.sequence > sequence {
                if size > 0 && size + record.payload.len() > max_bytes {
                    break;
                }
                size += record.payload.len();
                found.push(record);
            }
            offset += frame.len() as u64;
        }
        Ok((found, offset))
    }

    /// Removes the file.
    pub(super) fn delete(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }
}
