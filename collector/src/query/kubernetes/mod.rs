//! What Kubernetes clusters tell, as lists.

mod cluster;
mod list;
mod service;

pub use cluster::{K8sCluster, K8sNamespace, K8sNode};
pub use service::{K8sIngress, K8sService};
