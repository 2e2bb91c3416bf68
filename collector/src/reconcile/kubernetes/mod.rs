//! What Kubernetes tells: pods of single nodes, and whole clusters.
//!
//! `speak` decides whether an agent may tell of its cluster, `object` turns what it tells into columns, `write` stores it,
//! `node` finds the compute that a node is. Invariants: one agent at a time tells of a cluster, the one that got the Lease
//! last; what another one tells meanwhile is passed over; what the one before told is the next one's to confirm or to end.

mod node;
mod object;
mod speak;
mod write;

pub(super) use speak::admit_in_tx;
pub(super) use write::{link_pods_in_tx, write_objects_in_tx};
