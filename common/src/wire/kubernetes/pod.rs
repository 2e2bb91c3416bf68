//! Pods.

use orchestrix_proto::v1 as pb;

use crate::{
    model::kubernetes::{Pod, PodContainer, PodOwner, PodPort},
    time::Timestamp,
    wire::{WireError, container::each, port, text},
};

impl TryFrom<pb::Pod> for Pod {
    type Error = WireError;

    fn try_from(message: pb::Pod) -> Result<Self, Self::Error> {
        let pb::Pod {
            cluster_uid,
            namespace,
            name,
            uid,
            host_uid,
            node_name,
            phase,
            status,
            ready,
            qos_class,
            service_account,
            priority_class,
            host_network,
            addresses,
            owners,
            labels,
            labels_truncated,
            containers,
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            created_at_us,
            started_at_us,
            finished_at_us,
            deleted_at_us,
            listeners,
        } = message;
        Ok(Self {
            cluster_uid: text("cluster_uid", cluster_uid)?,
            namespace: text("namespace", namespace)?,
            name: text("name", name)?,
            uid: text("uid", uid)?,
            host_uid,
            node_name,
            phase: text("phase", phase)?,
            status: text("status", status)?,
            ready,
            qos_class,
            service_account,
            priority_class,
            host_network,
            addresses,
            owners: owners.into_iter().map(PodOwner::from).collect(),
            labels,
            labels_truncated,
            containers: each("containers", containers)?,
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            created_at: created_at_us.map(Timestamp::from_micros),
            started_at: started_at_us.map(Timestamp::from_micros),
            finished_at: finished_at_us.map(Timestamp::from_micros),
            deleted_at: deleted_at_us.map(Timestamp::from_micros),
            listeners: each("listeners", listeners)?,
        })
    }
}

impl From<Pod> for pb::Pod {
    fn from(model: Pod) -> Self {
        let Pod {
            cluster_uid,
            namespace,
            name,
            uid,
            host_uid,
            node_name,
            phase,
            status,
            ready,
            qos_class,
            service_account,
            priority_class,
            host_network,
            addresses,
            owners,
            labels,
            labels_truncated,
            containers,
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            created_at,
            started_at,
            finished_at,
            deleted_at,
            listeners,
        } = model;
        Self {
            cluster_uid,
            namespace,
            name,
            uid,
            host_uid,
            node_name,
            phase,
            status,
            ready,
            qos_class,
            service_account,
            priority_class,
            host_network,
            addresses,
            owners: owners.into_iter().map(pb::PodOwner::from).collect(),
            labels,
            labels_truncated,
            containers: containers.into_iter().map(pb::PodContainer::from).collect(),
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            created_at_us: created_at.map(Timestamp::as_micros),
            started_at_us: started_at.map(Timestamp::as_micros),
            finished_at_us: finished_at.map(Timestamp::as_micros),
            deleted_at_us: deleted_at.map(Timestamp::as_micros),
            listeners: listeners.into_iter().map(pb::Listener::from).collect(),
        }
    }
}

impl From<pb::PodOwner> for PodOwner {
    fn from(message: pb::PodOwner) -> Self {
        let pb::PodOwner { kind, name } = message;
        Self { kind, name }
    }
}

impl From<PodOwner> for pb::PodOwner {
    fn from(model: PodOwner) -> Self {
        let PodOwner { kind, name } = model;
        Self { kind, name }
    }
}

impl TryFrom<pb::PodContainer> for PodContainer {
    type Error = WireError;

    fn try_from(message: pb::PodContainer) -> Result<Self, Self::Error> {
        let pb::PodContainer {
            name,
            role,
            image,
            image_id,
            container_id,
            runtime,
            state,
            reason,
            exit_code,
            restart_count,
            ready,
            started_at_us,
            finished_at_us,
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            ports,
        } = message;
        Ok(Self {
            name: text("name", name)?,
            role,
            image,
            image_id,
            container_id,
            runtime,
            state,
            reason,
            exit_code,
            restart_count,
            ready,
            started_at: started_at_us.map(Timestamp::from_micros),
            finished_at: finished_at_us.map(Timestamp::from_micros),
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            ports: each("ports", ports)?,
        })
    }
}

impl From<PodContainer> for pb::PodContainer {
    fn from(model: PodContainer) -> Self {
        let PodContainer {
            name,
            role,
            image,
            image_id,
            container_id,
            runtime,
            state,
            reason,
            exit_code,
            restart_count,
            ready,
            started_at,
            finished_at,
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            ports,
        } = model;
        Self {
            name,
            role,
            image,
            image_id,
            container_id,
            runtime,
            state,
            reason,
            exit_code,
            restart_count,
            ready,
            started_at_us: started_at.map(Timestamp::as_micros),
            finished_at_us: finished_at.map(Timestamp::as_micros),
            cpu_request_millicores,
            memory_request_bytes,
            cpu_limit_millicores,
            memory_limit_bytes,
            ports: ports.into_iter().map(pb::PodPort::from).collect(),
        }
    }
}

impl TryFrom<pb::PodPort> for PodPort {
    type Error = WireError;

    fn try_from(message: pb::PodPort) -> Result<Self, Self::Error> {
        let pb::PodPort { name, container_port, protocol, host_port } = message;
        Ok(Self {
            name,
            container_port: port("container_port", container_port)?,
            protocol: text("protocol", protocol)?.into(),
            host_port: host_port.map(|number| port("host_port", number)).transpose()?,
        })
    }
}

impl From<PodPort> for pb::PodPort {
    fn from(model: PodPort) -> Self {
        let PodPort { name, container_port, protocol, host_port } = model;
        Self {
            name,
            container_port: container_port.into(),
            protocol: protocol.into(),
            host_port: host_port.map(u32::from),
        }
    }
}
