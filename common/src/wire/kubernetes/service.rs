//! Services and ingresses.

use orchestrix_proto::v1 as pb;

use crate::{
    model::kubernetes::{Ingress, IngressRule, Service, ServicePort},
    time::Timestamp,
    wire::{WireError, container::each, port, text},
};

impl TryFrom<pb::KubernetesService> for Service {
    type Error = WireError;

    fn try_from(message: pb::KubernetesService) -> Result<Self, Self::Error> {
        let pb::KubernetesService {
            cluster_uid,
            uid,
            namespace,
            name,
            service_type,
            addresses,
            hosts,
            ports,
            selector,
            labels,
            labels_truncated,
            created_at_us,
        } = message;
        Ok(Self {
            cluster_uid: text("cluster_uid", cluster_uid)?,
            uid: text("uid", uid)?,
            namespace: text("namespace", namespace)?,
            name: text("name", name)?,
            service_type,
            addresses,
            hosts,
            ports: each("ports", ports)?,
            selector,
            labels,
            labels_truncated,
            created_at: created_at_us.map(Timestamp::from_micros),
        })
    }
}

impl From<Service> for pb::KubernetesService {
    fn from(model: Service) -> Self {
        let Service {
            cluster_uid,
            uid,
            namespace,
            name,
            service_type,
            addresses,
            hosts,
            ports,
            selector,
            labels,
            labels_truncated,
            created_at,
        } = model;
        Self {
            cluster_uid,
            uid,
            namespace,
            name,
            service_type,
            addresses,
            hosts,
            ports: ports.into_iter().map(pb::KubernetesServicePort::from).collect(),
            selector,
            labels,
            labels_truncated,
            created_at_us: created_at.map(Timestamp::as_micros),
        }
    }
}

impl TryFrom<pb::KubernetesServicePort> for ServicePort {
    type Error = WireError;

    fn try_from(message: pb::KubernetesServicePort) -> Result<Self, Self::Error> {
        let pb::KubernetesServicePort { name, port: number, protocol, target, node_port } = message;
        Ok(Self {
            name,
            port: port("port", number)?,
            protocol: text("protocol", protocol)?.into(),
            target,
            node_port: node_port.map(|number| port("node_port", number)).transpose()?,
        })
    }
}

impl From<ServicePort> for pb::KubernetesServicePort {
    fn from(model: ServicePort) -> Self {
        let ServicePort { name, port, protocol, target, node_port } = model;
        Self { name, port: port.into(), protocol: protocol.into(), target, node_port: node_port.map(u32::from) }
    }
}

impl TryFrom<pb::KubernetesIngress> for Ingress {
    type Error = WireError;

    fn try_from(message: pb::KubernetesIngress) -> Result<Self, Self::Error> {
        let pb::KubernetesIngress {
            cluster_uid,
            uid,
            namespace,
            name,
            class,
            hosts,
            tls_hosts,
            addresses,
            rules,
            labels,
            labels_truncated,
            created_at_us,
        } = message;
        Ok(Self {
            cluster_uid: text("cluster_uid", cluster_uid)?,
            uid: text("uid", uid)?,
            namespace: text("namespace", namespace)?,
            name: text("name", name)?,
            class,
            hosts,
            tls_hosts,
            addresses,
            rules: rules.into_iter().map(IngressRule::from).collect(),
            labels,
            labels_truncated,
            created_at: created_at_us.map(Timestamp::from_micros),
        })
    }
}

impl From<Ingress> for pb::KubernetesIngress {
    fn from(model: Ingress) -> Self {
        let Ingress {
            cluster_uid,
            uid,
            namespace,
            name,
            class,
            hosts,
            tls_hosts,
            addresses,
            rules,
            labels,
            labels_truncated,
            created_at,
        } = model;
        Self {
            cluster_uid,
            uid,
            namespace,
            name,
            class,
            hosts,
            tls_hosts,
            addresses,
            rules: rules.into_iter().map(pb::KubernetesIngressRule::from).collect(),
            labels,
            labels_truncated,
            created_at_us: created_at.map(Timestamp::as_micros),
        }
    }
}

impl From<pb::KubernetesIngressRule> for IngressRule {
    fn from(message: pb::KubernetesIngressRule) -> Self {
        let pb::KubernetesIngressRule { host, path, service, port } = message;
        Self { host, path, service, port }
    }
}

impl From<IngressRule> for pb::KubernetesIngressRule {
    fn from(model: IngressRule) -> Self {
        let IngressRule { host, path, service, port } = model;
        Self { host, path, service, port }
    }
}
