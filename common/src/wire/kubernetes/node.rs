//! Nodes.

use orchestrix_proto::v1 as pb;

use crate::{
    model::kubernetes::{Node, NodeAddress, NodeCondition},
    time::Timestamp,
    wire::{WireError, text},
};

impl TryFrom<pb::KubernetesNode> for Node {
    type Error = WireError;

    fn try_from(message: pb::KubernetesNode) -> Result<Self, Self::Error> {
        let pb::KubernetesNode {
            cluster_uid,
            uid,
            name,
            status,
            unschedulable,
            roles,
            labels,
            labels_truncated,
            addresses,
            capacity,
            allocatable,
            conditions,
            taints,
            provider_id,
            machine_id,
            system_uuid,
            kubelet_version,
            container_runtime,
            os_image,
            kernel_version,
            architecture,
            region,
            zone,
            instance_type,
            created_at_us,
        } = message;
        Ok(Self {
            cluster_uid: text("cluster_uid", cluster_uid)?,
            uid: text("uid", uid)?,
            name: text("name", name)?,
            status: text("status", status)?,
            unschedulable,
            roles,
            labels,
            labels_truncated,
            addresses: addresses.into_iter().map(NodeAddress::from).collect(),
            capacity,
            allocatable,
            conditions: conditions.into_iter().map(NodeCondition::from).collect(),
            taints,
            provider_id,
            machine_id,
            system_uuid,
            kubelet_version,
            container_runtime,
            os_image,
            kernel_version,
            architecture,
            region,
            zone,
            instance_type,
            created_at: created_at_us.map(Timestamp::from_micros),
        })
    }
}

impl From<Node> for pb::KubernetesNode {
    fn from(model: Node) -> Self {
        let Node {
            cluster_uid,
            uid,
            name,
            status,
            unschedulable,
            roles,
            labels,
            labels_truncated,
            addresses,
            capacity,
            allocatable,
            conditions,
            taints,
            provider_id,
            machine_id,
            system_uuid,
            kubelet_version,
            container_runtime,
            os_image,
            kernel_version,
            architecture,
            region,
            zone,
            instance_type,
            created_at,
        } = model;
        Self {
            cluster_uid,
            uid,
            name,
            status,
            unschedulable,
            roles,
            labels,
            labels_truncated,
            addresses: addresses.into_iter().map(pb::KubernetesAddress::from).collect(),
            capacity,
            allocatable,
            conditions: conditions.into_iter().map(pb::KubernetesCondition::from).collect(),
            taints,
            provider_id,
            machine_id,
            system_uuid,
            kubelet_version,
            container_runtime,
            os_image,
            kernel_version,
            architecture,
            region,
            zone,
            instance_type,
            created_at_us: created_at.map(Timestamp::as_micros),
        }
    }
}

impl From<pb::KubernetesAddress> for NodeAddress {
    fn from(message: pb::KubernetesAddress) -> Self {
        let pb::KubernetesAddress { kind, address } = message;
        Self { kind, address }
    }
}

impl From<NodeAddress> for pb::KubernetesAddress {
    fn from(model: NodeAddress) -> Self {
        let NodeAddress { kind, address } = model;
        Self { kind, address }
    }
}

impl From<pb::KubernetesCondition> for NodeCondition {
    fn from(message: pb::KubernetesCondition) -> Self {
        let pb::KubernetesCondition { kind, status, reason, since_us } = message;
        Self { kind, status, reason, since: since_us.map(Timestamp::from_micros) }
    }
}

impl From<NodeCondition> for pb::KubernetesCondition {
    fn from(model: NodeCondition) -> Self {
        let NodeCondition { kind, status, reason, since } = model;
        Self { kind, status, reason, since_us: since.map(Timestamp::as_micros) }
    }
}
