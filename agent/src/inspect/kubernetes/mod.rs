//! Kubernetes: the pods of this node by every agent, the rest of the cluster by the agent that holds its Lease.
//!
//! `link` is the way to the API server, `objects` what is read of its objects, `feed` and `mirror` keep up with a resource,
//! `lease` says who tells of the cluster, `pod` and `cluster` make entities. It knows nothing of engines and processes:
//! the view joins their containers with the pods.
//!
//! Invariants: only reads, but for the Lease; values of variables, secrets, config maps and annotations are never read; a
//! resource that cannot be looked at never looks like an empty one; what one resource lacks does not keep the others.

mod cluster;
mod feed;
mod identity;
mod lease;
mod link;
mod metadata;
mod mirror;
mod objects;
mod pod;
mod quantity;

pub use cluster::{Part, inspectors as cluster_inspectors};
pub use identity::{NodeIdentity, of_node};
pub use link::Link;
pub use pod::PodInspector;
