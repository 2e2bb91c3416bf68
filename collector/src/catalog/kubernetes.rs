//! Kubernetes clusters and what is in them.

use super::{Field, FieldKind, Kind, Link, Relation, attached, fields, relations};

pub(crate) static K8S_CLUSTER: Kind = Kind {
    name: "k8scluster",
    plural: "k8sclusters",
    list: "k8s-clusters",
    table: "k8s_clusters",
    key: "id",
    resource_type: "k8s_cluster",
    fields: fields![
        "id" "id" Int, "uid" "uid" Text, "name" "name" Text, "version" "version" Text, "status" "status" Text,
        "access" "access" Json, "holderAgentId" "holder_agent_id" Text, "leaseTransitions" "lease_transitions" Int,
        "firstSeenAt" "first_seen_at_us" Micros, "changedAt" "changed_at_us" Micros, "endedAt" "ended_at_us" Micros,
        "endReason" "end_reason" Text,
    ],
    relations: relations![
        "k8snamespace" Below "cluster_id", "k8snode" Below "cluster_id", "k8sservice" Below "cluster_id",
        "k8singress" Below "cluster_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

pub(crate) static K8S_NAMESPACE: Kind = Kind {
    name: "k8snamespace",
    plural: "k8snamespaces",
    list: "k8s-namespaces",
    table: "k8s_namespaces",
    key: "id",
    resource_type: "k8s_namespace",
    fields: fields![
        "id" "id" Int, "clusterId" "cluster_id" Int, "name" "name" Text, "uid" "uid" Text, "status" "status" Text,
        "labels" "labels" Json, "quotas" "quotas" Json, "limitRanges" "limit_ranges" Json,
        "networkPolicies" "network_policies" Json, "access" "access" Json, "madeAt" "made_at_us" Micros,
        "firstSeenAt" "first_seen_at_us" Micros, "changedAt" "changed_at_us" Micros, "endedAt" "ended_at_us" Micros,
        "endReason" "end_reason" Text,
    ],
    relations: relations![
        "k8scluster" Above "cluster_id", "workload" Below "k8s_namespace_id", "k8sservice" Below "namespace_id",
        "k8singress" Below "namespace_id";
        "environmentassociation", "tag", "automationtarget"
    ],
};

pub(crate) static K8S_NODE: Kind = Kind {
    name: "k8snode",
    plural: "k8snodes",
    list: "k8s-nodes",
    table: "k8s_nodes",
    key: "id",
    resource_type: "k8s_node",
    fields: fields![
        "id" "id" Int, "clusterId" "cluster_id" Int, "name" "name" Text, "uid" "uid" Text,
        "computeId" "compute_id" Int, "matchNote" "match_note" Text, "status" "status" Text,
        "providerId" "provider_id" Text, "region" "region" Text, "zone" "zone" Text,
        "kubeletVersion" "kubelet_version" Text, "labels" "labels" Json, "capacity" "capacity" Json,
        "allocatable" "allocatable" Json, "conditions" "conditions" Json, "details" "details" Json,
        "madeAt" "made_at_us" Micros, "firstSeenAt" "first_seen_at_us" Micros, "changedAt" "changed_at_us" Micros,
        "endedAt" "ended_at_us" Micros, "endReason" "end_reason" Text,
    ],
    relations: relations!["k8scluster" Above "cluster_id", "compute" Above "compute_id"; "tag"],
};

pub(crate) static K8S_SERVICE: Kind = Kind {
    name: "k8sservice",
    plural: "k8sservices",
    list: "k8s-services",
    table: "k8s_services",
    key: "id",
    resource_type: "k8s_service",
    fields: fields![
        "id" "id" Int, "clusterId" "cluster_id" Int, "namespaceId" "namespace_id" Int, "uid" "uid" Text,
        "name" "name" Text, "serviceType" "service_type" Text, "addresses" "addresses" Json, "hosts" "hosts" Json,
        "ports" "ports" Json, "selector" "selector" Json, "labels" "labels" Json, "madeAt" "made_at_us" Micros,
        "firstSeenAt" "first_seen_at_us" Micros, "changedAt" "changed_at_us" Micros, "endedAt" "ended_at_us" Micros,
        "endReason" "end_reason" Text,
    ],
    relations: relations!["k8scluster" Above "cluster_id", "k8snamespace" Above "namespace_id"; "tag"],
};

pub(crate) static K8S_INGRESS: Kind = Kind {
    name: "k8singress",
    plural: "k8singresses",
    list: "k8s-ingresses",
    table: "k8s_ingresses",
    key: "id",
    resource_type: "k8s_ingress",
    fields: fields![
        "id" "id" Int, "clusterId" "cluster_id" Int, "namespaceId" "namespace_id" Int, "uid" "uid" Text,
        "name" "name" Text, "class" "class" Text, "addresses" "addresses" Json, "hosts" "hosts" Json,
        "tlsHosts" "tls_hosts" Json, "rules" "rules" Json, "labels" "labels" Json, "madeAt" "made_at_us" Micros,
        "firstSeenAt" "first_seen_at_us" Micros, "changedAt" "changed_at_us" Micros, "endedAt" "ended_at_us" Micros,
        "endReason" "end_reason" Text,
    ],
    relations: relations!["k8scluster" Above "cluster_id", "k8snamespace" Above "namespace_id"; "tag"],
};
