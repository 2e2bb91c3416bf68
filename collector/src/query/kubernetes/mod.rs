//! What Kubernetes clusters tell, as lists.

mod cluster;
mod service;

pub use cluster::{K8sCluster, K8sNamespace, K8sNode};
pub use service::{K8sIngress, K8sService};

use super::{Filter, Test};

/// What ended is listed on request only.
const ENDED: Filter = Filter::new(
    "ended",
    Test::Word(&[("false", "t.ended_at_us IS NULL"), ("true", "t.ended_at_us IS NOT NULL"), ("any", "")]),
    "false: those that exist (the default); true: those that ended; any: both.",
);
