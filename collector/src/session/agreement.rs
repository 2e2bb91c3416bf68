//! Whether an agent and the inventory believe the same, and how a difference is found and repaired. Pure.
//!
//! Both sides are compared only when the agent has nothing under way: the newest report of its outbox is settled. A
//! source that still differs after a repair is asked about ever more rarely, so that one entity that cannot be stored
//! does not turn into a stream of listings.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use orchestrix_common::{
    hash::{Digest, EntityHash},
    model::Source,
    time::Timestamp,
};
use orchestrix_proto::v1 as pb;

use crate::reconcile::SourceDigest;

const FIRST_REPEAT: Duration = Duration::from_secs(60);
const LAST_REPEAT: Duration = Duration::from_secs(3_600);

/// The state of one session's agreement.
#[derive(Debug)]
pub(super) struct Agreement {
    /// Newest report that needs nothing more: stored, or refused for good.
    settled: u64,
    /// Digests of what is held; `None` when something was written since they were read.
    held: Option<BTreeMap<Source, Digest>>,
    /// Sources that the last Hello or Digests named: the agent has seen them whole.
    whole: BTreeSet<Source>,
    repairs: BTreeMap<Source, Repair>,
    most_entities: usize,
}

/// A listing that was asked for.
#[derive(Debug)]
struct Repair {
    /// Not asked again before.
    not_before: Timestamp,
    pause: Duration,
    /// Chunks that came so far; `None` when no listing is awaited.
    listing: Option<Chunks>,
}

#[derive(Debug, Default)]
struct Chunks {
    head_sequence: Option<u64>,
    entries: Vec<(String, EntityHash)>,
}

/// A listing whose last chunk came.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) source: Source,
    pub(super) entries: Vec<(String, EntityHash)>,
    pub(super) whole: bool,
}

/// Why a listing is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Useless {
    /// Nobody asked for it.
    Unasked,
    /// Reports were under way while it was made; a later one will tell.
    Outdated,
    /// It has more entries than a source may have.
    TooLong,
    /// An entry has no identifier or a hash of another length.
    Malformed,
}

impl Agreement {
    pub(super) fn new(settled: u64, held: &[SourceDigest], most_entities: u32) -> Self {
        Self {
            settled,
            held: Some(by_source(held)),
            whole: BTreeSet::new(),
            repairs: BTreeMap::new(),
            most_entities: most_entities as usize,
        }
    }

    /// Notes that a report needs nothing more.
    pub(super) fn settle(&mut self, sequence: u64) {
        self.settled = self.settled.max(sequence);
    }

    /// Notes that something was written.
    pub(super) fn written(&mut self) {
        self.held = None;
    }

    /// Whether digests must be read before anything can be compared at `head_sequence`.
    pub(super) fn needs_digests(&self, head_sequence: u64) -> bool {
        head_sequence == self.settled && self.held.is_none()
    }

    /// Gives the digests of what is held now.
    pub(super) fn read(&mut self, held: &[SourceDigest]) {
        self.held = Some(by_source(held));
    }

    /// Takes what an agent said of its sources. Returns those to be listed.
    pub(super) fn compare(&mut self, head_sequence: u64, theirs: &[SourceDigest], now: Timestamp) -> Vec<Source> {
        self.whole = theirs.iter().map(|digest| digest.source.clone()).collect();
        // What an agent no longer names is not compared, and nothing is kept for it.
        self.repairs.retain(|source, _| self.whole.contains(source));
        let (true, Some(held)) = (head_sequence == self.settled, &self.held) else { return Vec::new() };
        let mut differing = Vec::new();
        for SourceDigest { source, digest, .. } in theirs {
            if held.get(source).copied().unwrap_or_default() == *digest {
                self.repairs.remove(source);
            } else if ask(&mut self.repairs, source, now) {
                differing.push(source.clone());
            }
        }
        differing
    }

    /// Whether the short digest of a heartbeat differs from what is held.
    pub(super) fn heartbeat_differs(&self, head_sequence: u64, low64: u64) -> bool {
        let (true, Some(held)) = (head_sequence == self.settled, &self.held) else { return false };
        let ours = self.whole.iter().filter_map(|source| held.get(source)).copied();
        ours.fold(Digest::default(), Digest::combined).low64() != low64
    }

    /// Takes a chunk of a listing. Returns the whole one once its last chunk is there.
    pub(super) fn listing(&mut self, chunk: pb::Listing) -> Result<Option<Listed>, Useless> {
        let pb::Listing { source, head_sequence, entries, more, whole } = chunk;
        let source = Source::from(source);
        let repair = self.repairs.get_mut(&source).ok_or(Useless::Unasked)?;
        let mut chunks = repair.listing.take().ok_or(Useless::Unasked)?;
        if *chunks.head_sequence.get_or_insert(head_sequence) != head_sequence {
            repair.not_before = Timestamp::EPOCH;
            return Err(Useless::Outdated);
        }
        if chunks.entries.len() + entries.len() > self.most_entities {
            return Err(Useless::TooLong);
        }
        for pb::ListingEntry { native_id, hash } in entries {
            let hash = EntityHash::try_from(hash.as_slice()).map_err(|_| Useless::Malformed)?;
            if native_id.is_empty() {
                return Err(Useless::Malformed);
            }
            chunks.entries.push((native_id, hash));
        }
        if more {
            repair.listing = Some(chunks);
            return Ok(None);
        }
        if head_sequence != self.settled {
            // An entity that a report brought in the meantime is not listed; it must not end for that.
            repair.not_before = Timestamp::EPOCH;
            return Err(Useless::Outdated);
        }
        Ok(Some(Listed { source, entries: chunks.entries, whole }))
    }
}

/// Whether a source is to be listed now; notes that it is.
fn ask(repairs: &mut BTreeMap<Source, Repair>, source: &Source, now: Timestamp) -> bool {
    let pause = match repairs.get(source) {
        Some(repair) if now < repair.not_before => return false,
        Some(repair) => (repair.pause * 2).min(LAST_REPEAT),
        None => FIRST_REPEAT,
    };
    let repair = Repair { not_before: now.plus(pause), pause, listing: Some(Chunks::default()) };
    repairs.insert(source.clone(), repair);
    true
}

fn by_source(digests: &[SourceDigest]) -> BTreeMap<Source, Digest> {
    digests.iter().map(|held| (held.source.clone(), held.digest)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(source: &Source, ids: &[&str]) -> SourceDigest {
        let digest = ids.iter().map(|id| (*id, EntityHash([1; 16]))).collect();
        SourceDigest { source: source.clone(), digest, entities: ids.len() as u64 }
    }

    fn chunk(head_sequence: u64, ids: &[&str], more: bool) -> pb::Listing {
        let entry = |id: &&str| pb::ListingEntry { native_id: (*id).to_owned(), hash: vec![1; 16] };
        pb::Listing {
            source: "docker".into(),
            head_sequence,
            entries: ids.iter().map(entry).collect(),
            more,
            whole: true,
        }
    }

    fn asked(settled: u64) -> Agreement {
        let mut agreement = Agreement::new(settled, &[], 3);
        let theirs = [digest(&Source::Docker, &["a"])];
        assert_eq!(agreement.compare(settled, &theirs, Timestamp::EPOCH), [Source::Docker]);
        agreement
    }

    #[test]
    fn nothing_is_compared_while_reports_are_under_way() {
        let mut agreement = Agreement::new(4, &[], 10);
        let theirs = [digest(&Source::Docker, &["a"])];
        assert_eq!(agreement.compare(5, &theirs, Timestamp::EPOCH), []);
        assert!(!agreement.heartbeat_differs(5, 99));
        agreement.settle(5);
        agreement.written();
        assert!(agreement.needs_digests(5));
        assert!(!agreement.heartbeat_differs(5, 99), "what is held is not known");
        agreement.read(&[]);
        assert!(agreement.heartbeat_differs(5, 99));
        assert_eq!(agreement.compare(5, &theirs, Timestamp::EPOCH), [Source::Docker]);
    }

    #[test]
    fn a_heartbeat_covers_the_sources_that_were_named_last() {
        let (docker, process) = (digest(&Source::Docker, &["a"]), digest(&Source::Process, &["p"]));
        let mut agreement = Agreement::new(1, &[docker.clone(), process.clone()], 10);
        assert_eq!(agreement.compare(1, std::slice::from_ref(&docker), Timestamp::EPOCH), []);
        assert!(!agreement.heartbeat_differs(1, docker.digest.low64()));
        assert_eq!(agreement.compare(1, &[docker.clone(), process.clone()], Timestamp::EPOCH), []);
        assert!(!agreement.heartbeat_differs(1, docker.digest.combined(process.digest).low64()));
        assert!(agreement.heartbeat_differs(1, docker.digest.low64()));
    }

    #[test]
    fn a_source_that_keeps_differing_is_listed_ever_more_rarely() {
        let mut agreement = asked(1);
        let theirs = [digest(&Source::Docker, &["a"])];
        let at = Timestamp::from_secs;
        assert_eq!(agreement.compare(1, &theirs, at(59)), []);
        assert_eq!(agreement.compare(1, &theirs, at(60)), [Source::Docker]);
        assert_eq!(agreement.compare(1, &theirs, at(179)), []);
        assert_eq!(agreement.compare(1, &theirs, at(180)), [Source::Docker]);
        agreement.read(&theirs);
        assert_eq!(agreement.compare(1, &theirs, at(181)), []);
        agreement.read(&[]);
        assert_eq!(agreement.compare(1, &theirs, at(182)), [Source::Docker], "agreeing once starts over");
    }

    #[test]
    fn chunks_make_one_listing() {
        let mut agreement = asked(1);
        assert_eq!(agreement.listing(chunk(1, &["a", "b"], true)), Ok(None));
        let listed = agreement.listing(chunk(1, &["c"], false)).unwrap().unwrap();
        assert_eq!((listed.entries.len(), listed.whole), (3, true));
        assert_eq!(agreement.listing(chunk(1, &["a"], false)), Err(Useless::Unasked));
    }

    #[test]
    fn a_listing_that_a_report_overtook_is_not_used() {
        let mut agreement = asked(1);
        assert_eq!(agreement.listing(chunk(1, &["a"], true)), Ok(None));
        agreement.settle(2);
        assert_eq!(agreement.listing(chunk(1, &["b"], false)), Err(Useless::Outdated));
        let mut agreement = asked(1);
        assert_eq!(agreement.listing(chunk(1, &["a"], true)), Ok(None));
        assert_eq!(agreement.listing(chunk(2, &["b"], false)), Err(Useless::Outdated));
        let theirs = [digest(&Source::Docker, &["a"])];
        assert_eq!(agreement.compare(1, &theirs, Timestamp::from_secs(1)), [Source::Docker], "asked again at once");
    }

    #[test]
    fn a_listing_is_bounded() {
        let mut agreement = asked(1);
        assert_eq!(agreement.listing(chunk(1, &["a", "b"], true)), Ok(None));
        assert_eq!(agreement.listing(chunk(1, &["c", "d"], true)), Err(Useless::TooLong));
        assert_eq!(agreement.listing(chunk(1, &["c"], true)), Err(Useless::Unasked), "nothing is kept of it");
    }
}
