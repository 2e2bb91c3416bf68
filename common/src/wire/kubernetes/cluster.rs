//! A cluster and its namespaces.

use orchestrix_proto::v1 as pb;

use crate::{
    model::kubernetes::{Access, Cluster, Limit, Namespace, NetworkPolicy, Quota},
    time::Timestamp,
    wire::{WireError, text},
};

impl TryFrom<pb::KubernetesCluster> for Cluster {
    type Error = WireError;

    fn try_from(message: pb::KubernetesCluster) -> Result<Self, Self::Error> {
        let pb::KubernetesCluster { uid, name, version, holder, lease_transitions, access } = message;
        let (access, access_truncated) = accesses(access);
        Ok(Self {
            uid: text("uid", uid)?,
            name,
            version,
            holder: text("holder", holder)?,
            lease_transitions,
            access,
            access_truncated,
        })
    }
}

impl From<Cluster> for pb::KubernetesCluster {
    fn from(model: Cluster) -> Self {
        let Cluster { uid, name, version, holder, lease_transitions, access, access_truncated } = model;
        Self { uid, name, version, holder, lease_transitions, access: access_list(access, access_truncated) }
    }
}

impl From<pb::KubernetesAccess> for Access {
    fn from(message: pb::KubernetesAccess) -> Self {
        let pb::KubernetesAccess { subject_kind, subject, role, binding, edits } = message;
        Self { subject_kind, subject, role, binding, edits }
    }
}

impl From<Access> for pb::KubernetesAccess {
    fn from(model: Access) -> Self {
        let Access { subject_kind, subject, role, binding, edits } = model;
        Self { subject_kind, subject, role, binding, edits }
    }
}

impl TryFrom<pb::KubernetesNamespace> for Namespace {
    type Error = WireError;

    fn try_from(message: pb::KubernetesNamespace) -> Result<Self, Self::Error> {
        let pb::KubernetesNamespace {
            cluster_uid,
            uid,
            name,
            phase,
            labels,
            labels_truncated,
            created_at_us,
            quotas,
            limits,
            policies,
            access,
        } = message;
        let (access, access_truncated) = accesses(access);
        Ok(Self {
            cluster_uid: text("cluster_uid", cluster_uid)?,
            uid: text("uid", uid)?,
            name: text("name", name)?,
            phase,
            labels,
            labels_truncated,
            created_at: created_at_us.map(Timestamp::from_micros),
            quotas: quotas.map(|list| list.quotas.into_iter().map(Quota::from).collect()),
            limits: limits.map(|list| list.limits.into_iter().map(Limit::from).collect()),
            policies: policies.map(|list| list.policies.into_iter().map(NetworkPolicy::from).collect()),
            access,
            access_truncated,
        })
    }
}

impl From<Namespace> for pb::KubernetesNamespace {
    fn from(model: Namespace) -> Self {
        let Namespace {
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
        } = model;
        Self {
            cluster_uid,
            uid,
            name,
            phase,
            labels,
            labels_truncated,
            created_at_us: created_at.map(Timestamp::as_micros),
            quotas: quotas.map(|list| pb::KubernetesQuotaList {
                quotas: list.into_iter().map(pb::KubernetesQuota::from).collect(),
            }),
            limits: limits.map(|list| pb::KubernetesLimitList {
                limits: list.into_iter().map(pb::KubernetesLimit::from).collect(),
            }),
            policies: policies.map(|list| pb::KubernetesPolicyList {
                policies: list.into_iter().map(pb::KubernetesPolicy::from).collect(),
            }),
            access: access_list(access, access_truncated),
        }
    }
}

impl From<pb::KubernetesQuota> for Quota {
    fn from(message: pb::KubernetesQuota) -> Self {
        let pb::KubernetesQuota { name, hard, used } = message;
        Self { name, hard, used }
    }
}

impl From<Quota> for pb::KubernetesQuota {
    fn from(model: Quota) -> Self {
        let Quota { name, hard, used } = model;
        Self { name, hard, used }
    }
}

impl From<pb::KubernetesLimit> for Limit {
    fn from(message: pb::KubernetesLimit) -> Self {
        let pb::KubernetesLimit { name, applies_to, resource, min, max, default_limit, default_request } = message;
        Self { name, applies_to, resource, min, max, default_limit, default_request }
    }
}

impl From<Limit> for pb::KubernetesLimit {
    fn from(model: Limit) -> Self {
        let Limit { name, applies_to, resource, min, max, default_limit, default_request } = model;
        Self { name, applies_to, resource, min, max, default_limit, default_request }
    }
}

impl From<pb::KubernetesPolicy> for NetworkPolicy {
    fn from(message: pb::KubernetesPolicy) -> Self {
        let pb::KubernetesPolicy { name, pods, types, ingress_rules, egress_rules } = message;
        Self { name, pods, types, ingress_rules, egress_rules }
    }
}

impl From<NetworkPolicy> for pb::KubernetesPolicy {
    fn from(model: NetworkPolicy) -> Self {
        let NetworkPolicy { name, pods, types, ingress_rules, egress_rules } = model;
        Self { name, pods, types, ingress_rules, egress_rules }
    }
}

/// `None` stays apart from an empty list.
fn accesses(message: Option<pb::KubernetesAccessList>) -> (Option<Vec<Access>>, u32) {
    let Some(pb::KubernetesAccessList { rules, truncated }) = message else { return (None, 0) };
    (Some(rules.into_iter().map(Access::from).collect()), truncated)
}

fn access_list(access: Option<Vec<Access>>, truncated: u32) -> Option<pb::KubernetesAccessList> {
    let rules = access?.into_iter().map(pb::KubernetesAccess::from).collect();
    Some(pb::KubernetesAccessList { rules, truncated })
}
