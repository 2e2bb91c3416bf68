//! From objects of the API to the domain model: total, synchronous, without memory.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{apimachinery::pkg::apis::meta::v1::LabelSelector, apimachinery::pkg::util::intstr::IntOrString};
use orchestrix_common::model::{
    DEFAULT_LIMITS,
    kubernetes::{
        Ingress, IngressRule, Limit, Namespace, NetworkPolicy, Node, NodeAddress, NodeCondition, Quota, Service,
        ServicePort,
    },
};

use super::super::{
    metadata::{self, Common},
    mirror::Name,
    objects::{
        Backend, BalancedStatus, IngressObject, LimitObject, NamespaceObject, NodeObject, PolicyObject, QuotaObject,
        ServiceObject,
    },
    pod::parse::{protocol, time},
};
use crate::inspect::text::{cut, filled};

/// Entries of one list of one object.
const LIST_LIMIT: usize = 256;
/// Beginning of the labels that name the roles of a node.
const ROLE: &str = "node-role.kubernetes.io/";
/// The label for the region, the zone and the type of a node: the present name, then the older one.
const REGION: [&str; 2] = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"];
const ZONE: [&str; 2] = ["topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone"];
const TYPE: [&str; 2] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];

/// A namespace, without what is set for it.
pub(super) fn namespace(cluster_uid: &str, object: &NamespaceObject) -> Option<Namespace> {
    let Common { uid, namespace: _, name, labels, labels_truncated, created_at } = metadata::common(object)?;
    let phase = filled(object.status.phase.clone());
    let cluster_uid = cluster_uid.to_owned();
    Some(Namespace { cluster_uid, uid, name, phase, labels, labels_truncated, created_at, ..Namespace::default() })
}

/// The objects of one namespace.
pub(super) fn within<'a, K>(
    objects: &'a BTreeMap<Name, K>,
    namespace: &str,
) -> impl Iterator<Item = (&'a Name, &'a K)> {
    let first = (namespace.to_owned(), String::new());
    let of = namespace.to_owned();
    objects.range(first..).take_while(move |((namespace, _), _)| *namespace == of).take(LIST_LIMIT)
}

pub(super) fn quota(((_, name), object): (&Name, &QuotaObject)) -> Quota {
    Quota { name: name.clone(), hard: object.spec.hard.clone(), used: object.status.used.clone() }
}

/// One limit for each resource that a LimitRange names.
pub(super) fn limits(((_, name), object): (&Name, &LimitObject)) -> Vec<Limit> {
    let mut limits = Vec::new();
    for item in object.spec.limits.iter().take(LIST_LIMIT) {
        let amounts = [&item.min, &item.max, &item.default, &item.default_request];
        let resources: BTreeSet<&String> = amounts.iter().flat_map(|amounts| amounts.keys()).collect();
        limits.extend(resources.into_iter().map(|resource| Limit {
            name: name.clone(),
            applies_to: item.r#type.clone(),
            resource: resource.clone(),
            min: item.min.get(resource).cloned(),
            max: item.max.get(resource).cloned(),
            default_limit: item.default.get(resource).cloned(),
            default_request: item.default_request.get(resource).cloned(),
        }));
    }
    limits
}

pub(super) fn policy(((_, name), object): (&Name, &PolicyObject)) -> NetworkPolicy {
    let spec = &object.spec;
    let count = |rules: usize| u32::try_from(rules).unwrap_or(u32::MAX);
    NetworkPolicy {
        name: name.clone(),
        pods: selector(&spec.pod_selector),
        types: spec.policy_types.clone(),
        ingress_rules: count(spec.ingress.len()),
        egress_rules: count(spec.egress.len()),
    }
}

/// A selector as people write it on the command line: `app=web,tier in (a, b),!canary`.
fn selector(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}"));
    let expressions = selector.match_expressions.iter().flatten().map(|expression| {
        let values = || expression.values.as_deref().unwrap_or_default().join(", ");
        match expression.operator.as_str() {
            "In" => format!("{} in ({})", expression.key, values()),
            "NotIn" => format!("{} notin ({})", expression.key, values()),
            "DoesNotExist" => format!("!{}", expression.key),
            _ => expression.key.clone(),
        }
    });
    let text = labels.chain(expressions).collect::<Vec<_>>().join(",");
    cut(text, DEFAULT_LIMITS.string_bytes as usize)
}

pub(super) fn node(cluster_uid: &str, object: &NodeObject) -> Option<Node> {
    let Common { uid, namespace: _, name, labels, labels_truncated, created_at } = metadata::common(object)?;
    let NodeObject { metadata: _, spec, status } = object;
    let info = &status.node_info;
    let label = |names: [&str; 2]| names.iter().find_map(|name| labels.get(*name)).cloned();
    let ready = status.conditions.iter().find(|condition| condition.r#type == "Ready");
    let mut roles: Vec<String> = labels.keys().filter_map(|key| key.strip_prefix(ROLE)).map(str::to_owned).collect();
    roles.sort();
    let mut addresses: Vec<NodeAddress> = status
        .addresses
        .iter()
        .take(LIST_LIMIT)
        .map(|address| NodeAddress { kind: address.r#type.clone(), address: address.address.clone() })
        .collect();
    addresses.sort();
    let mut conditions: Vec<NodeCondition> = status
        .conditions
        .iter()
        .take(LIST_LIMIT)
        .map(|condition| NodeCondition {
            kind: condition.r#type.clone(),
            status: condition.status.clone(),
            reason: filled(condition.reason.clone()),
            since: time(condition.last_transition_time.as_deref()),
        })
        .collect();
    conditions.sort();
    let taints = spec.taints.iter().take(LIST_LIMIT);
    Some(Node {
        cluster_uid: cluster_uid.to_owned(),
        status: match ready.map(|condition| condition.status.as_str()) {
            Some("True") => "Ready",
            Some("False") => "NotReady",
            _ => "Unknown",
        }
        .to_owned(),
        unschedulable: spec.unschedulable,
        roles,
        addresses,
        capacity: status.capacity.clone(),
        allocatable: status.allocatable.clone(),
        conditions,
        taints: taints
            .map(|taint| match taint.value.as_deref().filter(|value| !value.is_empty()) {
                Some(value) => format!("{}={value}:{}", taint.key, taint.effect),
                None => format!("{}:{}", taint.key, taint.effect),
            })
            .collect(),
        provider_id: filled(spec.provider_id.clone()),
        machine_id: filled(info.machine_id.clone()),
        system_uuid: filled(info.system_uuid.clone()),
        kubelet_version: filled(info.kubelet_version.clone()),
        container_runtime: filled(info.container_runtime_version.clone()),
        os_image: filled(info.os_image.clone()),
        kernel_version: filled(info.kernel_version.clone()),
        architecture: filled(info.architecture.clone()),
        region: label(REGION),
        zone: label(ZONE),
        instance_type: label(TYPE),
        uid,
        name,
        labels,
        labels_truncated,
        created_at,
    })
}

pub(super) fn service(cluster_uid: &str, object: &ServiceObject) -> Option<Service> {
    let Common { uid, namespace, name, labels, labels_truncated, created_at } = metadata::common(object)?;
    let ServiceObject { metadata: _, spec, status } = object;
    // `None` stands for a service without an address of its own.
    let one = spec.cluster_ip.iter().filter(|_| spec.cluster_ips.is_empty());
    let inside = spec.cluster_ips.iter().chain(one).filter(|ip| !ip.is_empty() && *ip != "None");
    let (balanced, hosts) = balanced(status);
    let mut ports: Vec<ServicePort> = spec
        .ports
        .iter()
        .take(LIST_LIMIT)
        .filter_map(|port| {
            Some(ServicePort {
                name: filled(port.name.clone()),
                port: u16::try_from(port.port).ok()?,
                protocol: protocol(port.protocol.as_deref()),
                target: port.target_port.as_ref().map(number_or_name),
                node_port: port.node_port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0),
            })
        })
        .collect();
    ports.sort();
    Some(Service {
        cluster_uid: cluster_uid.to_owned(),
        service_type: filled(spec.r#type.clone()),
        addresses: inside.chain(&spec.external_ips).cloned().chain(balanced).take(LIST_LIMIT).collect(),
        hosts: filled(spec.external_name.clone()).into_iter().chain(hosts).collect(),
        ports,
        selector: spec.selector.clone(),
        uid,
        namespace,
        name,
        labels,
        labels_truncated,
        created_at,
    })
}

pub(super) fn ingress(cluster_uid: &str, object: &IngressObject) -> Option<Ingress> {
    let Common { uid, namespace, name, labels, labels_truncated, created_at } = metadata::common(object)?;
    let IngressObject { metadata: _, spec, status } = object;
    let hosts: BTreeSet<&String> = spec.rules.iter().filter_map(|rule| rule.host.as_ref()).collect();
    let tls_hosts: BTreeSet<&String> = spec.tls.iter().flat_map(|tls| &tls.hosts).collect();
    let bounded = |hosts: BTreeSet<&String>| hosts.into_iter().take(LIST_LIMIT).cloned().collect();
    let default = spec.default_backend.iter().map(|backend| rule(None, None, backend));
    let rules = spec
        .rules
        .iter()
        .flat_map(|of| of.http.paths.iter().map(|path| rule(of.host.as_ref(), path.path.as_ref(), &path.backend)));
    let (balanced, balancers) = balanced(status);
    Some(Ingress {
        cluster_uid: cluster_uid.to_owned(),
        class: filled(spec.ingress_class_name.clone()),
        hosts: bounded(hosts),
        tls_hosts: bounded(tls_hosts),
        addresses: balanced.into_iter().chain(balancers).collect(),
        rules: default.chain(rules).take(LIST_LIMIT).collect(),
        uid,
        namespace,
        name,
        labels,
        labels_truncated,
        created_at,
    })
}

fn rule(host: Option<&String>, path: Option<&String>, backend: &Backend) -> IngressRule {
    let service = backend.service.as_ref();
    let port = service.map(|service| &service.port);
    IngressRule {
        host: host.cloned().filter(|host| !host.is_empty()),
        path: path.cloned().filter(|path| !path.is_empty()),
        service: service.map(|service| service.name.clone()),
        port: port.and_then(|port| port.number.map(|number| number.to_string()).or_else(|| filled(port.name.clone()))),
    }
}

/// Addresses and host names of load balancers, each sorted.
fn balanced(status: &BalancedStatus) -> (Vec<String>, Vec<String>) {
    let all = || status.load_balancer.ingress.iter().take(LIST_LIMIT);
    let sorted = |texts: BTreeSet<String>| texts.into_iter().collect();
    let addresses = all().filter_map(|one| filled(one.ip.clone())).collect();
    let hosts = all().filter_map(|one| filled(one.hostname.clone())).collect();
    (sorted(addresses), sorted(hosts))
}

fn number_or_name(port: &IntOrString) -> String {
    match port {
        IntOrString::Int(number) => number.to_string(),
        IntOrString::String(name) => name.clone(),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
