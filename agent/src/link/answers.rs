//! What the agent answers when it is asked: listings, digests, measurements, results of orders.

use orchestrix_common::{hash::Digest, model::Source};
use orchestrix_proto::v1::{self as pb, agent_message::Message};

use super::greet;
use crate::{
    act::Order,
    view::{Listing, Snapshot, UsageUpdate},
};

/// Bytes of entries in one chunk of a listing.
const CHUNK_BYTES: usize = 256 << 10;

/// Bytes of one entry beside its identifier: hash, lengths, tags.
const ENTRY_BYTES: usize = 24;

/// Figures in one message.
pub(super) const MEASUREMENTS: usize = 2_000;

/// The chunks of a listing; a source without entities has one, empty.
pub(super) fn chunks(listing: Listing) -> Vec<Message> {
    let Listing { source, head_sequence, whole, entries } = listing;
    let mut chunks: Vec<Vec<pb::ListingEntry>> = vec![Vec::new()];
    let mut bytes = 0;
    for (native_id, hash) in entries {
        let size = native_id.len() + ENTRY_BYTES;
        if bytes + size > CHUNK_BYTES {
            chunks.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(pb::ListingEntry { native_id, hash: hash.0.to_vec() });
        }
    }
    let last = chunks.len() - 1;
    let message = |(index, entries)| {
        let source = source.as_str().to_owned();
        Message::Listing(pb::Listing { source, head_sequence, entries, more: index < last, whole })
    };
    chunks.into_iter().enumerate().map(message).collect()
}

/// The short digest over the sources that were named last.
pub(super) fn heartbeat(snapshot: &Snapshot, named: &[Source]) -> Message {
    let digests = snapshot.digests.iter().filter(|held| named.contains(&held.source)).map(|held| held.digest);
    let digest = digests.fold(Digest::default(), Digest::combined).low64();
    Message::Heartbeat(pb::Heartbeat { digest, head_sequence: snapshot.head_sequence })
}

/// All digests.
pub(super) fn digests(snapshot: &Snapshot) -> Message {
    let digests = greet::digests(&snapshot.digests);
    Message::Digests(pb::Digests { head_sequence: snapshot.head_sequence, digests })
}

/// The figures of an update; `None` when there are none.
pub(super) fn measurements(update: UsageUpdate) -> Option<Message> {
    let usages: Vec<_> = update.usages.into_iter().map(pb::Usage::from).collect();
    (!usages.is_empty()).then_some(Message::Measurements(pb::Measurements { usages }))
}

/// Reads an order; `None` for one of a newer collector.
pub(super) fn order(order: pb::Order) -> (u64, Option<Order>) {
    let pb::Order { id, order } = order;
    let order = order.map(|order| match order {
        pb::order::Order::Refresh(pb::Refresh { sources }) => {
            Order::Refresh(sources.into_iter().map(Source::from).collect())
        }
        pb::order::Order::Ping(pb::Ping {}) => Order::Ping,
    });
    (id, order)
}

/// What became of an order.
pub(super) fn result(id: u64, outcome: Result<(), String>) -> Message {
    let done = outcome.is_ok();
    Message::OrderResult(pb::OrderResult { id, done, message: outcome.err().unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use orchestrix_common::hash::EntityHash;
    use prost::Message as _;

    use super::*;

    fn listing(entries: usize) -> Listing {
        Listing {
            source: Source::Docker,
            head_sequence: 7,
            whole: true,
            entries: (0..entries).map(|number| (format!("{number:064}"), EntityHash([7; 16]))).collect(),
        }
    }

    fn chunk(message: &Message) -> &pb::Listing {
        let Message::Listing(listing) = message else { panic!("{message:?}") };
        listing
    }

    #[test]
    fn a_long_listing_comes_in_bounded_chunks_that_say_whether_more_follow() {
        let messages = chunks(listing(10_000));
        assert!(messages.len() > 2);
        let total: usize = messages.iter().map(|message| chunk(message).entries.len()).sum();
        assert_eq!(total, 10_000);
        for (index, message) in messages.iter().enumerate() {
            assert!(chunk(message).encoded_len() <= CHUNK_BYTES + 100);
            assert_eq!(chunk(message).more, index + 1 < messages.len());
            assert_eq!((chunk(message).head_sequence, chunk(message).whole), (7, true));
        }
    }

    #[test]
    fn an_empty_source_is_listed_too() {
        let messages = chunks(listing(0));
        assert_eq!(messages.len(), 1);
        assert!(!chunk(&messages[0]).more && chunk(&messages[0]).entries.is_empty());
    }
}
