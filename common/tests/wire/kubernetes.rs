//! Entities of a cluster, made at random. Boxed, since strategies of so many fields do not fit a stack.

use orchestrix_common::model::{
    Body, Protocol,
    kubernetes::{
        Access, Cluster, Ingress, IngressRule, Limit, Namespace, NetworkPolicy, Node, NodeAddress, NodeCondition, Pod,
        PodContainer, PodOwner, PodPort, Quota, Service, ServicePort,
    },
};
use proptest::{collection::vec, option, prelude::*};

use super::{labels, listeners, opt_time, opt_word, word, words};

pub(super) fn body() -> BoxedStrategy<Body> {
    prop_oneof![
        pod().prop_map(|pod| Body::Pod(Box::new(pod))),
        cluster().prop_map(|cluster| Body::KubernetesCluster(Box::new(cluster))),
        namespace().prop_map(|namespace| Body::KubernetesNamespace(Box::new(namespace))),
        node().prop_map(|node| Body::KubernetesNode(Box::new(node))),
        service().prop_map(|service| Body::KubernetesService(Box::new(service))),
        ingress().prop_map(|ingress| Body::KubernetesIngress(Box::new(ingress))),
    ]
    .boxed()
}

fn cluster() -> BoxedStrategy<Cluster> {
    (word(), opt_word(), opt_word(), word(), any::<u64>(), option::of(vec(access(), 0..3)))
        .prop_map(|(uid, name, version, holder, lease_transitions, access)| {
            let access_truncated = if access.is_some() { 3 } else { 0 };
            Cluster { uid, name, version, holder, lease_transitions, access, access_truncated }
        })
        .boxed()
}

fn access() -> BoxedStrategy<Access> {
    (word(), word(), word(), word(), words())
        .prop_map(|(subject_kind, subject, role, binding, edits)| Access {
            subject_kind,
            subject,
            role,
            binding,
            edits,
        })
        .boxed()
}

fn namespace() -> BoxedStrategy<Namespace> {
    (
        (word(), word(), word(), opt_word(), labels(), any::<u32>(), opt_time(), option::of(vec(quota(), 0..3))),
        (option::of(vec(limit(), 0..3)), option::of(vec(network_policy(), 0..3)), option::of(vec(access(), 0..3))),
    )
        .prop_map(
            |(
                (cluster_uid, uid, name, phase, labels, labels_truncated, created_at, quotas),
                (limits, policies, access),
            )| {
                let access_truncated = if access.is_some() { 3 } else { 0 };
                Namespace {
                    cluster_uid,
                    uid,
                    name,
                    phase,
                    labels,
                    labels_truncated,
                    created_at,
                    quotas,
                    limits,
                    policies,
                    access,
                    access_truncated,
                }
            },
        )
        .boxed()
}

fn quota() -> BoxedStrategy<Quota> {
    (word(), labels(), labels()).prop_map(|(name, hard, used)| Quota { name, hard, used }).boxed()
}

fn limit() -> BoxedStrategy<Limit> {
    (word(), word(), word(), opt_word(), opt_word(), opt_word(), opt_word())
        .prop_map(|(name, applies_to, resource, min, max, default_limit, default_request)| Limit {
            name,
            applies_to,
            resource,
            min,
            max,
            default_limit,
            default_request,
        })
        .boxed()
}

fn network_policy() -> BoxedStrategy<NetworkPolicy> {
    (word(), word(), words(), any::<u32>(), any::<u32>())
        .prop_map(|(name, pods, types, ingress_rules, egress_rules)| NetworkPolicy {
            name,
            pods,
            types,
            ingress_rules,
            egress_rules,
        })
        .boxed()
}

fn node() -> BoxedStrategy<Node> {
    (
        (word(), word(), word(), word(), any::<bool>(), words(), labels(), any::<u32>()),
        (
            vec(node_address(), 0..3),
            labels(),
            labels(),
            vec(node_condition(), 0..3),
            words(),
            opt_word(),
            opt_word(),
            opt_word(),
        ),
        (opt_word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word()),
        (opt_time(),),
    )
        .prop_map(
            |(
                (cluster_uid, uid, name, status, unschedulable, roles, labels, labels_truncated),
                (addresses, capacity, allocatable, conditions, taints, provider_id, machine_id, system_uuid),
                (
                    kubelet_version,
                    container_runtime,
                    os_image,
                    kernel_version,
                    architecture,
                    region,
                    zone,
                    instance_type,
                ),
                (created_at,),
            )| Node {
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
            },
        )
        .boxed()
}

fn node_address() -> BoxedStrategy<NodeAddress> {
    (word(), word()).prop_map(|(kind, address)| NodeAddress { kind, address }).boxed()
}

fn node_condition() -> BoxedStrategy<NodeCondition> {
    (word(), word(), opt_word(), opt_time())
        .prop_map(|(kind, status, reason, since)| NodeCondition { kind, status, reason, since })
        .boxed()
}

fn service() -> BoxedStrategy<Service> {
    (
        (word(), word(), word(), word(), opt_word(), words(), words(), vec(service_port(), 0..3)),
        (labels(), labels(), any::<u32>(), opt_time()),
    )
        .prop_map(
            |(
                (cluster_uid, uid, namespace, name, service_type, addresses, hosts, ports),
                (selector, labels, labels_truncated, created_at),
            )| Service {
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
            },
        )
        .boxed()
}

fn service_port() -> BoxedStrategy<ServicePort> {
    (opt_word(), any::<u16>(), word().prop_map(Protocol::from), opt_word(), any::<Option<u16>>())
        .prop_map(|(name, port, protocol, target, node_port)| ServicePort { name, port, protocol, target, node_port })
        .boxed()
}

fn ingress() -> BoxedStrategy<Ingress> {
    (
        (word(), word(), word(), word(), opt_word(), words(), words(), words()),
        (vec(ingress_rule(), 0..3), labels(), any::<u32>(), opt_time()),
    )
        .prop_map(
            |(
                (cluster_uid, uid, namespace, name, class, hosts, tls_hosts, addresses),
                (rules, labels, labels_truncated, created_at),
            )| Ingress {
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
            },
        )
        .boxed()
}

fn ingress_rule() -> BoxedStrategy<IngressRule> {
    (opt_word(), opt_word(), opt_word(), opt_word())
        .prop_map(|(host, path, service, port)| IngressRule { host, path, service, port })
        .boxed()
}

fn pod() -> BoxedStrategy<Pod> {
    (
        (word(), word(), word(), word(), opt_word(), opt_word(), word(), word()),
        (
            any::<Option<bool>>(),
            opt_word(),
            opt_word(),
            opt_word(),
            any::<bool>(),
            words(),
            vec(pod_owner(), 0..3),
            labels(),
        ),
        (
            any::<u32>(),
            vec(pod_container(), 0..3),
            any::<Option<u32>>(),
            any::<Option<u64>>(),
            any::<Option<u32>>(),
            any::<Option<u64>>(),
            opt_time(),
            opt_time(),
        ),
        (opt_time(), opt_time(), listeners()),
    )
        .prop_map(
            |(
                (cluster_uid, namespace, name, uid, host_uid, node_name, phase, status),
                (ready, qos_class, service_account, priority_class, host_network, addresses, owners, labels),
                (
                    labels_truncated,
                    containers,
                    cpu_request_millicores,
                    memory_request_bytes,
                    cpu_limit_millicores,
                    memory_limit_bytes,
                    created_at,
                    started_at,
                ),
                (finished_at, deleted_at, listeners),
            )| Pod {
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
            },
        )
        .boxed()
}

fn pod_owner() -> BoxedStrategy<PodOwner> {
    (word(), word()).prop_map(|(kind, name)| PodOwner { kind, name }).boxed()
}

fn pod_container() -> BoxedStrategy<PodContainer> {
    (
        (word(), word(), word(), opt_word(), opt_word(), opt_word(), opt_word(), opt_word()),
        (
            any::<Option<i32>>(),
            any::<u32>(),
            any::<bool>(),
            opt_time(),
            opt_time(),
            any::<Option<u32>>(),
            any::<Option<u64>>(),
            any::<Option<u32>>(),
        ),
        (any::<Option<u64>>(), vec(pod_port(), 0..3)),
    )
        .prop_map(
            |(
                (name, role, image, image_id, container_id, runtime, state, reason),
                (
                    exit_code,
                    restart_count,
                    ready,
                    started_at,
                    finished_at,
                    cpu_request_millicores,
                    memory_request_bytes,
                    cpu_limit_millicores,
                ),
                (memory_limit_bytes, ports),
            )| PodContainer {
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
            },
        )
        .boxed()
}

fn pod_port() -> BoxedStrategy<PodPort> {
    (opt_word(), any::<u16>(), word().prop_map(Protocol::from), any::<Option<u16>>())
        .prop_map(|(name, container_port, protocol, host_port)| PodPort { name, container_port, protocol, host_port })
        .boxed()
}
