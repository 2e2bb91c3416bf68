//! Entities and their hashes.

use orchestrix_proto::v1 as pb;
use prost::Message as _;

use super::{At as _, WireError, key, required};
use crate::{
    hash::EntityHash,
    model::{
        Body, Capability, Container, Entity, Evidence, Host, Process,
        kubernetes::{Cluster, Ingress, Namespace, Node, Pod, Service},
    },
};

/// Hashes an entity: its encoding without the hash field, which is deterministic because labels are ordered.
///
/// Agents compute it; a collector keeps what the agent said, since it may not know every field of a newer agent.
#[must_use]
pub fn hash(entity: &Entity) -> EntityHash {
    let mut message = pb::Entity::from(entity.clone());
    message.hash.clear();
    EntityHash::of(&message.encode_to_vec())
}

/// Reads an entity and the hash that its agent computed.
pub(super) fn entity(message: pb::Entity) -> Result<(Entity, EntityHash), WireError> {
    let pb::Entity { native_id, hash, evidence, body } = message;
    let hash = EntityHash::try_from(hash.as_slice())
        .map_err(|_| WireError::new("hash", "malformed", format!("has {} bytes, expected 16", hash.len())))?;
    let body = match required("body", body)? {
        pb::entity::Body::Host(host) => Body::Host(Box::new(Host::try_from(host).at("host")?)),
        pb::entity::Body::Container(container) => {
            Body::Container(Box::new(Container::try_from(container).at("container")?))
        }
        pb::entity::Body::Process(process) => Body::Process(Box::new(Process::try_from(process).at("process")?)),
        pb::entity::Body::Capability(capability) => {
            Body::Capability(Capability::try_from(capability).at("capability")?)
        }
        pb::entity::Body::Pod(pod) => Body::Pod(Box::new(Pod::try_from(pod).at("pod")?)),
        pb::entity::Body::KubernetesCluster(cluster) => {
            Body::KubernetesCluster(Box::new(Cluster::try_from(cluster).at("kubernetes_cluster")?))
        }
        pb::entity::Body::KubernetesNamespace(namespace) => {
            Body::KubernetesNamespace(Box::new(Namespace::try_from(namespace).at("kubernetes_namespace")?))
        }
        pb::entity::Body::KubernetesNode(node) => {
            Body::KubernetesNode(Box::new(Node::try_from(node).at("kubernetes_node")?))
        }
        pb::entity::Body::KubernetesService(service) => {
            Body::KubernetesService(Box::new(Service::try_from(service).at("kubernetes_service")?))
        }
        pb::entity::Body::KubernetesIngress(ingress) => {
            Body::KubernetesIngress(Box::new(Ingress::try_from(ingress).at("kubernetes_ingress")?))
        }
    };
    let evidence = evidence.into_iter().map(Evidence::from).collect();
    Ok((Entity { native_id: key("native_id", native_id)?, evidence, body }, hash))
}

impl From<Entity> for pb::Entity {
    /// Leaves the hash empty; [`hash`] computes it.
    fn from(model: Entity) -> Self {
        let Entity { native_id, evidence, body } = model;
        let body = match body {
            Body::Host(host) => pb::entity::Body::Host((*host).into()),
            Body::Container(container) => pb::entity::Body::Container((*container).into()),
            Body::Process(process) => pb::entity::Body::Process((*process).into()),
            Body::Capability(capability) => pb::entity::Body::Capability(capability.into()),
            Body::Pod(pod) => pb::entity::Body::Pod((*pod).into()),
            Body::KubernetesCluster(cluster) => pb::entity::Body::KubernetesCluster((*cluster).into()),
            Body::KubernetesNamespace(namespace) => pb::entity::Body::KubernetesNamespace((*namespace).into()),
            Body::KubernetesNode(node) => pb::entity::Body::KubernetesNode((*node).into()),
            Body::KubernetesService(service) => pb::entity::Body::KubernetesService((*service).into()),
            Body::KubernetesIngress(ingress) => pb::entity::Body::KubernetesIngress((*ingress).into()),
        };
        Self {
            native_id,
            hash: Vec::new(),
            evidence: evidence.into_iter().map(pb::Evidence::from).collect(),
            body: Some(body),
        }
    }
}

impl From<pb::Evidence> for Evidence {
    fn from(message: pb::Evidence) -> Self {
        let pb::Evidence { source, native_id } = message;
        Self { source: source.into(), native_id }
    }
}

impl From<Evidence> for pb::Evidence {
    fn from(model: Evidence) -> Self {
        let Evidence { source, native_id } = model;
        Self { source: source.into(), native_id }
    }
}
