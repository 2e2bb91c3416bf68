//! Gathers differences until they are written, and cuts them into reports of a bounded size.
//!
//! Within a source the order is kept. Of several statuses of one source in one report the last is the one that counts.

use std::mem;

use orchestrix_common::model::{Change, Source, SourceReport, SourceStatus};

use super::Differences;
use crate::wire;

/// Changes in one report; more would make one transaction of the collector long.
const CHANGES: usize = 2_000;

/// Differences that are not in the outbox yet.
#[derive(Debug, Default)]
pub(super) struct Batch {
    full: Vec<Vec<SourceReport>>,
    current: Vec<SourceReport>,
    bytes: usize,
    changes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, differences: Differences) {
        for (source, change) in differences.changes {
            self.change(source, change);
        }
        if let Some((source, status)) = differences.status {
            self.status(&source, status);
        }
    }

    pub(super) fn change(&mut self, source: Source, change: Change) {
        let len = wire::change_len(&change);
        if self.bytes + len > wire::REPORT_BYTES || self.changes == CHANGES {
            self.close();
        }
        self.bytes += len;
        self.changes += 1;
        self.of(source).changes.push(change);
    }

    pub(super) fn status(&mut self, source: &Source, status: SourceStatus) {
        let len = wire::status_len(&status);
        if self.bytes + len > wire::REPORT_BYTES {
            self.close();
        }
        self.bytes += len;
        self.of(source.clone()).status = Some(status);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.full.is_empty() && self.current.is_empty()
    }

    /// It holds so much that it should be written at once.
    pub(super) fn is_large(&self) -> bool {
        !self.full.is_empty()
    }

    /// The contents of the reports to write, in order.
    pub(super) fn take(&mut self) -> Vec<Vec<SourceReport>> {
        self.close();
        mem::take(&mut self.full)
    }

    fn close(&mut self) {
        if !self.current.is_empty() {
            self.full.push(mem::take(&mut self.current));
        }
        self.bytes = 0;
        self.changes = 0;
    }

    fn of(&mut self, source: Source) -> &mut SourceReport {
        let index = self.current.iter().position(|report| report.source == source).unwrap_or_else(|| {
            // Name and tags of a new section.
            self.bytes += source.as_str().len() + 16;
            self.current.push(SourceReport { source, status: None, changes: Vec::new() });
            self.current.len() - 1
        });
        &mut self.current[index]
    }
}

#[cfg(test)]
mod tests {
    use orchestrix_common::{
        model::{ChangeKind, Completeness, Health, RemovalReason},
        time::Timestamp,
    };

    use super::*;

    fn removal(id: String) -> Change {
        let kind = ChangeKind::Removal { native_id: id, reason: RemovalReason::Removed };
        Change { observed_at: Timestamp::EPOCH, kind }
    }

    fn status(reason: &str) -> SourceStatus {
        SourceStatus {
            health: Health::Failing,
            completeness: Completeness::None,
            reason: reason.to_owned(),
            since: Timestamp::EPOCH,
            warnings: 0,
        }
    }

    #[test]
    fn reports_stay_below_the_size_of_a_message_and_keep_the_order() {
        let mut batch = Batch::default();
        let total = 900;
        for number in 0..total {
            batch.change(Source::Docker, removal(format!("{number:04000}")));
        }
        assert!(batch.is_large());
        let reports = batch.take();
        assert!(reports.len() > 3);
        let mut expected = 0;
        for sources in &reports {
            let len = wire::encode(1, 0, Timestamp::EPOCH, sources.clone()).len();
            assert!(len <= 1 << 20, "{len}");
            for change in sources.iter().flat_map(|report| &report.changes) {
                assert_eq!(*change, removal(format!("{expected:04000}")));
                expected += 1;
            }
        }
        assert_eq!(expected, total);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_source_has_one_section_and_its_last_status() {
        let mut batch = Batch::default();
        batch.status(&Source::Docker, status("first"));
        batch.change(Source::Process, removal("a".into()));
        batch.change(Source::Docker, removal("b".into()));
        batch.status(&Source::Docker, status("second"));
        let reports = batch.take();
        assert_eq!(reports.len(), 1);
        let sources: Vec<_> = reports[0].iter().map(|report| report.source.as_str()).collect();
        assert_eq!(sources, ["docker", "process"]);
        assert_eq!(reports[0][0].status, Some(status("second")));
    }
}
