//! What a Kubernetes cluster tells.
//!
//! Amounts that are only shown stay in Kubernetes' own form, for example `500m` or `2Gi`; what the inventory counts with is
//! in thousandths of a core and bytes.

mod cluster;
mod node;
mod pod;
mod service;

pub use cluster::{Access, Cluster, Limit, Namespace, NetworkPolicy, Quota};
pub use node::{Node, NodeAddress, NodeCondition};
pub use pod::{Pod, PodContainer, PodOwner, PodPort};
pub use service::{Ingress, IngressRule, Service, ServicePort};
