//! The outbox itself, blocking and for one caller at a time.

use std::{
    collections::VecDeque,
    fs, io, iter,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use orchestrix_common::{id::OutboxId, model::SourceReport, time::Timestamp};

use super::{OutboxError, Position, Record, meta::Meta, segment::Segment};
use crate::wire;

/// Bytes of reports that are kept in memory while the disk does not work.
const MEMORY_BYTES: usize = 4 << 20;

/// Reports on their way. `segments` hold what is on disk, in order; `memory` what is not there yet, behind it.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    max_bytes: u64,
    meta: Meta,
    segments: VecDeque<Segment>,
    memory: VecDeque<Record>,
    /// Number of the next report.
    next: u64,
    trouble: Option<String>,
    cursor: Cursor,
}

/// Where the last read ended: the record behind `sequence` begins at `offset` of the segment that begins with `first`.
#[derive(Debug, Default)]
struct Cursor {
    first: u64,
    sequence: u64,
    offset: u64,
}

impl Store {
    pub(super) fn open(folder: &Path, max_bytes: u64) -> Result<Self, OutboxError> {
        let failed =
            |action: &'static str| move |source: io::Error| OutboxError::Io { action, path: folder.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed("create"))?;
        let mut segments = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed("read"))? {
            let path = entry.map_err(failed("read"))?.path();
            segments.extend(Segment::recover(path).map_err(failed("recover the outbox in"))?);
        }
        segments.sort_by_key(|segment| segment.first);
        let mut meta = Meta::load(folder).unwrap_or_else(Meta::fresh);
        // Records that are missing behind a cut were damaged. Another gap was counted when it came about.
        let gaps = segments.iter().zip(segments.iter().skip(1)).filter(|(one, _)| one.cut);
        let gaps = gaps.map(|(one, next)| (next.first - 1).saturating_sub(one.last));
        meta.dropped += gaps.sum::<u64>();
        let last = segments.last().map(|segment| segment.last);
        if last.is_some_and(|last| last < meta.acknowledged) {
            // Numbers that were given away already are gone from the disk; they must not be given to other reports.
            meta = Meta { id: OutboxId::generate(), acknowledged: 0, ..meta };
        }
        let next = last.unwrap_or(meta.acknowledged) + 1;
        let mut trouble = None;
        let written = if segments.is_empty() {
            Segment::create(folder, next).map(|segment| segments.push(segment))
        } else {
            Ok(())
        };
        match written.and_then(|()| meta.save(folder)) {
            Err(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                tracing::warn!(%error, folder = %folder.display(), "reports are kept in memory only");
                trouble = Some(format!("cannot write to {}: {error}", folder.display()));
            }
            written => written.map_err(failed("write to"))?,
        }
        Ok(Self {
            folder: folder.to_owned(),
            max_bytes,
            meta,
            segments: segments.into(),
            memory: VecDeque::new(),
            next,
            trouble,
            cursor: Cursor::default(),
        })
    }

    pub(super) fn append(&mut self, reports: Vec<Vec<SourceReport>>, at: Timestamp) -> u64 {
        for sources in reports {
            let sequence = self.next;
            let payload = wire::encode(sequence, sequence - 1, at, sources);
            self.memory.push_back(Record { sequence, payload });
            self.next += 1;
        }
        match self.write_out() {
            Ok(()) => {
                if self.trouble.take().is_some() {
                    tracing::info!("the outbox is on disk again");
                }
            }
            Err(error) => {
                let trouble = format!("cannot write to {}: {error}", self.folder.display());
                if self.trouble.as_ref() != Some(&trouble) {
                    tracing::warn!(%error, folder = %self.folder.display(), "reports are kept in memory only");
                }
                self.trouble = Some(trouble);
                self.bound_memory();
            }
        }
        self.bound_disk();
        self.next - 1
    }

    pub(super) fn after(&mut self, sequence: u64, max_bytes: usize) -> Vec<Record> {
        let mut found: Vec<Record> = Vec::new();
        let mut size = 0;
        let mut index = 0;
        while let Some(segment) = self.segments.get(index) {
            index += 1;
            if segment.last <= sequence || (size > 0 && size >= max_bytes) {
                continue;
            }
            let after = found.last().map_or(sequence, |record| record.sequence);
            let known = self.cursor.first == segment.first && self.cursor.sequence == after;
            let offset = if known { self.cursor.offset } else { 0 };
            match segment.read(offset, after, max_bytes - size.min(max_bytes)) {
                Ok((records, offset)) => {
                    let Some(last) = records.last() else { continue };
                    self.cursor = Cursor { first: segment.first, sequence: last.sequence, offset };
                    size += records.iter().map(|record| record.payload.len()).sum::<usize>();
                    let whole = last.sequence == segment.last;
                    found.extend(records);
                    if !whole {
                        return found;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, first = segment.first, last = segment.last, "outbox segment is unreadable");
                    self.cursor = Cursor::default();
                    if !found.is_empty() {
                        return found;
                    }
                    self.meta.dropped += segment.last - after.max(segment.first - 1);
                }
            }
        }
        for record in self.memory.iter().filter(|record| record.sequence > sequence) {
            if size > 0 && size + record.payload.len() > max_bytes {
                break;
            }
            size += record.payload.len();
            found.push(record.clone());
        }
        found
    }

    pub(super) fn acknowledge(&mut self, sequence: u64) {
        if sequence <= self.meta.acknowledged {
            return;
        }
        self.meta.acknowledged = sequence.min(self.next - 1);
        while self.memory.front().is_some_and(|record| record.sequence <= sequence) {
            self.memory.pop_front();
        }
        let mut trimmed = false;
        while self.segments.len() > 1 && self.segments.front().is_some_and(|segment| segment.last <= sequence) {
            trimmed = self.delete_oldest() || trimmed;
        }
        if trimmed {
            self.save();
        }
    }

    pub(super) fn renew_identity(&mut self) {
        self.meta = Meta { id: OutboxId::generate(), acknowledged: 0, ..self.meta };
        self.save();
    }

    pub(super) const fn set_bound(&mut self, max_bytes: u64) {
        self.max_bytes = max_bytes;
    }

    pub(super) fn close(&mut self) {
        self.save();
    }

    pub(super) fn position(&self) -> Position {
        let memory = self.memory.iter().map(Record::framed_len).sum::<u64>();
        let on_disk = self.segments.iter().map(|segment| segment.bytes).sum::<u64>();
        let oldest = self.segments.iter().find(|segment| segment.last >= segment.first).map(|segment| segment.first);
        let oldest = oldest.or(self.memory.front().map(|record| record.sequence)).unwrap_or(self.next);
        Position {
            id: self.meta.id,
            head_sequence: self.next - 1,
            acknowledged_sequence: self.meta.acknowledged,
            dropped_reports: self.meta.dropped,
            waiting_reports: self.next - oldest.max(self.meta.acknowledged + 1).min(self.next),
            bytes: memory + on_disk,
            max_bytes: self.max_bytes,
            trouble: self.trouble.clone(),
        }
    }

    /// Moves what is in memory to the disk.
    fn write_out(&mut self) -> io::Result<()> {
        let segment_bytes = self.segment_bytes();
        while let Some(next) = self.memory.front().map(|record| record.sequence) {
            // After an outage that dropped reports the numbers do not follow on: a segment has no gaps.
            let fits = |last: &Segment| last.bytes < segment_bytes && last.last + 1 == next;
            if !self.segments.back().is_some_and(fits) {
                self.segments.push_back(Segment::create(&self.folder, next)?);
            }
            let Some(segment) = self.segments.back_mut() else { break };
            let mut bytes = segment.bytes;
            let room = iter::once(true).chain(iter::repeat(false));
            let count = self.memory.iter().zip(room).take_while(|(record, first)| {
                bytes += record.framed_len();
                *first || bytes <= segment_bytes
            });
            let count = count.count();
            segment.append(&self.memory.make_contiguous()[..count])?;
            self.memory.drain(..count);
        }
        Ok(())
    }

    /// A sixteenth of the bound, so that dropping the oldest costs little history.
    fn segment_bytes(&self) -> u64 {
        (self.max_bytes / 16).clamp(4 << 10, 4 << 20)
    }

    fn bound_disk(&mut self) {
        let mut dropped = false;
        while self.segments.len() > 1 && self.segments.iter().map(|segment| segment.bytes).sum::<u64>() > self.max_bytes
        {
            if let Some(oldest) = self.segments.front() {
                let lost = (oldest.last + 1).saturating_sub(oldest.first.max(self.meta.acknowledged + 1));
                self.meta.dropped += lost;
                tracing::warn!(reports = lost, "the outbox is full: the oldest reports were dropped");
            }
            dropped = self.delete_oldest() || dropped;
        }
        if dropped {
            self.save();
        }
    }

    fn bound_memory(&mut self) {
        let mut bytes = self.memory.iter().map(|record| record.payload.len()).sum::<usize>();
        while bytes > MEMORY_BYTES
            && let Some(record) = self.memory.pop_front()
        {
            bytes -= record.payload.len();
            self.meta.dropped += 1;
        }
    }

    fn delete_oldest(&mut self) -> bool {
        let Some(segment) = self.segments.pop_front() else { return false };
        if let Err(error) = segment.delete() {
            // It is forgotten all the same; a restart finds it again and the collector calls its reports duplicates.
            tracing::warn!(%error, first = segment.first, "outbox segment could not be removed");
        }
        true
    }

    fn save(&mut self) {
        if let Err(error) = self.meta.save(&self.folder) {
            tracing::debug!(%error, "outbox position could not be saved");
        }
    }
}
