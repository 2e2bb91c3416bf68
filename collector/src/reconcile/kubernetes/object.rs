//! From what an agent tells of a cluster to columns. Pure.

use orchestrix_common::{
    model::{
        Body, Entity, Host, Kind, Machine,
        kubernetes::{Ingress, Namespace, Node, Service},
    },
    time::Timestamp,
};
use serde::Serialize;
use serde_json::Value as Json;

use crate::{
    catalog::{self, K8S_INGRESS, K8S_NAMESPACE, K8S_NODE, K8S_SERVICE},
    reconcile::workload,
    store::rows::{
        compute::Columns,
        k8s_object::{INGRESSES, NAMESPACES, NODES, SERVICES, Table},
    },
};

/// The table of a kind; `None` for what has none of these.
pub(super) const fn table_of(kind: Kind) -> Option<&'static Table> {
    match kind {
        Kind::KubernetesNamespace => Some(&NAMESPACES),
        Kind::KubernetesNode => Some(&NODES),
        Kind::KubernetesService => Some(&SERVICES),
        Kind::KubernetesIngress => Some(&INGRESSES),
        _ => None,
    }
}

/// How the catalog describes the rows of a table.
pub(super) fn kind_of(table: &Table) -> &'static catalog::Kind {
    match table.resource_type {
        "k8s_namespace" => &K8S_NAMESPACE,
        "k8s_node" => &K8S_NODE,
        "k8s_service" => &K8S_SERVICE,
        _ => &K8S_INGRESS,
    }
}

/// The namespace that an object is in.
pub(super) fn namespace_of(entity: &Entity) -> Option<&str> {
    match &entity.body {
        Body::Pod(pod) => Some(&pod.namespace),
        Body::KubernetesService(service) => Some(&service.namespace),
        Body::KubernetesIngress(ingress) => Some(&ingress.namespace),
        _ => None,
    }
}

/// The columns of an object; `namespace` is the key of the one it is in. `None` for what is no such object.
pub(super) fn columns(entity: &Entity, namespace: Option<i64>) -> Option<Columns> {
    Some(match &entity.body {
        Body::KubernetesNamespace(body) => {
            let Namespace { name, uid, phase, labels, created_at, quotas, limits, policies, access, .. } = &**body;
            NAMESPACES.fitted([
                ("name", json(name)),
                ("uid", json(uid)),
                ("status", json(phase)),
                ("labels", json(labels)),
                ("quotas", json(quotas)),
                ("limit_ranges", json(limits)),
                ("network_policies", json(policies)),
                ("access", json(access)),
                ("made_at_us", micros(*created_at)),
            ])
        }
        Body::KubernetesNode(body) => {
            let Node { name, uid, provider_id, region, zone, kubelet_version, labels, created_at, .. } = &**body;
            NODES.fitted([
                ("name", json(name)),
                ("uid", json(uid)),
                ("status", node_status(body).into()),
                ("provider_id", json(provider_id)),
                ("region", json(region)),
                ("zone", json(zone)),
                ("kubelet_version", json(kubelet_version)),
                ("labels", json(labels)),
                ("capacity", json(&body.capacity)),
                ("allocatable", json(&body.allocatable)),
                ("conditions", json(&body.conditions)),
                ("details", details(entity)),
                ("made_at_us", micros(*created_at)),
            ])
        }
        Body::KubernetesService(body) => {
            let Service { uid, name, service_type, addresses, hosts, ports, selector, labels, created_at, .. } =
                &**body;
            SERVICES.fitted([
                ("uid", json(uid)),
                ("namespace_id", json(namespace)),
                ("name", json(name)),
                ("service_type", json(service_type)),
                ("addresses", json(addresses)),
                ("hosts", json(hosts)),
                ("ports", json(ports)),
                ("selector", json(selector)),
                ("labels", json(labels)),
                ("made_at_us", micros(*created_at)),
            ])
        }
        Body::KubernetesIngress(body) => {
            let Ingress { uid, name, class, addresses, hosts, tls_hosts, rules, labels, created_at, .. } = &**body;
            INGRESSES.fitted([
                ("uid", json(uid)),
                ("namespace_id", json(namespace)),
                ("name", json(name)),
                ("class", json(class)),
                ("addresses", json(addresses)),
                ("hosts", json(hosts)),
                ("tls_hosts", json(tls_hosts)),
                ("rules", json(rules)),
                ("labels", json(labels)),
                ("made_at_us", micros(*created_at)),
            ])
        }
        _ => return None,
    })
}

/// As `kubectl get nodes` puts it.
fn node_status(node: &Node) -> String {
    if node.unschedulable { format!("{},SchedulingDisabled", node.status) } else { node.status.clone() }
}

/// What a node tells beyond its columns.
fn details(entity: &Entity) -> Json {
    let mut json = workload::entity_json(entity);
    if let Json::Object(members) = &mut json {
        for column in [
            "nativeId",
            "kind",
            "evidence",
            "clusterUid",
            "name",
            "uid",
            "providerId",
            "region",
            "zone",
            "kubeletVersion",
            "labels",
            "capacity",
            "allocatable",
            "conditions",
            "createdAt",
        ] {
            members.remove(column);
        }
    }
    json
}

/// A node as a host, for a compute that no agent tells of.
pub(super) fn host_of(node: &Node) -> Host {
    let whole = |text: &String| text.parse::<u32>().ok();
    Host {
        machine: machine_of(node),
        os_name: node.os_image.clone(),
        kernel_release: node.kernel_version.clone(),
        architecture: node.architecture.clone(),
        cpu_threads: node.capacity.get("cpu").and_then(whole),
        memory_bytes: node.capacity.get("memory").and_then(|text| bytes(text)),
        ..Host::default()
    }
}

/// What identifies a node as a machine.
pub(super) fn machine_of(node: &Node) -> Machine {
    let reached = |kind: &str| matches!(kind, "InternalIP" | "ExternalIP");
    let addresses = node.addresses.iter().filter(|address| reached(&address.kind));
    Machine {
        hostname: node.name.clone(),
        machine_id: node.machine_id.clone(),
        product_uuid: node.system_uuid.as_ref().map(|uuid| uuid.to_ascii_lowercase()),
        cloud_instance_id: node.provider_id.clone(),
        addresses: addresses.map(|address| address.address.clone()).collect(),
        ..Machine::default()
    }
}

/// Bytes as kubelets state their capacity: plain or in `Ki`.
fn bytes(text: &str) -> Option<u64> {
    match text.strip_suffix("Ki") {
        Some(kibibytes) => kibibytes.parse::<u64>().ok()?.checked_mul(1_024),
        None => text.parse().ok(),
    }
}

fn json(value: impl Serialize) -> Json {
    let mut json = serde_json::to_value(value).unwrap_or(Json::Null);
    workload::drop_nulls(&mut json);
    json
}

fn micros(at: Option<Timestamp>) -> Json {
    at.map(Timestamp::as_micros).into()
}
