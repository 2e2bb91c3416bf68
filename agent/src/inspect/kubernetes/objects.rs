//! Objects of the API as far as they are read. A field that is not here is passed over while an answer is read: values of
//! environment variables, arguments, volumes, and everything of secrets and config maps, which are never asked for.

use std::{borrow::Cow, collections::BTreeMap};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta},
    apimachinery::pkg::util::intstr::IntOrString,
};
use kube::core::{ClusterResourceScope, NamespaceResourceScope, Resource};
use serde::Deserialize;

use super::metadata::projected;

/// Makes a type readable by the client: its kind in the API, and where its metadata is.
macro_rules! resource {
    ($type:ident, $scope:ident, $group:literal, $version:literal, $kind:literal, $plural:literal) => {
        impl Resource for $type {
            type DynamicType = ();
            type Scope = $scope;

            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }

            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }

            fn version((): &()) -> Cow<'_, str> {
                $version.into()
            }

            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }

            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

/// Declares a type that is read from the API, all of whose fields may be missing.
macro_rules! read {
    ($name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name {
            $($(#[$attribute])* #[serde(default, deserialize_with = "or_default")] pub(super) $field: $type),*
        }
    };
    (object $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct $name {
            #[serde(default, deserialize_with = "projected")]
            pub(super) metadata: ObjectMeta,
            $(#[serde(default, deserialize_with = "or_default")] pub(super) $field: $type),*
        }
    };
}

/// Older servers write `null` where there is nothing.
fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

type Texts = BTreeMap<String, String>;

resource!(PodObject, NamespaceResourceScope, "", "v1", "Pod", "pods");
read!(object PodObject { spec: PodSpec, status: PodStatus });
read!(PodSpec {
    node_name: Option<String>,
    service_account_name: Option<String>,
    priority_class_name: Option<String>,
    host_network: bool,
    init_containers: Vec<ContainerSpec>,
    containers: Vec<ContainerSpec>,
    ephemeral_containers: Vec<ContainerSpec>,
});
read!(ContainerSpec {
    name: String,
    image: Option<String>,
    ports: Vec<ContainerPort>,
    resources: Resources,
    restart_policy: Option<String>,
});
read!(ContainerPort { name: Option<String>, container_port: i32, host_port: Option<i32>, protocol: Option<String> });
read!(Resources { requests: Texts, limits: Texts });
read!(PodStatus {
    phase: Option<String>,
    reason: Option<String>,
    qos_class: Option<String>,
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
    start_time: Option<String>,
    conditions: Vec<Condition>,
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
    ephemeral_container_statuses: Vec<ContainerStatus>,
});
read!(PodIp { ip: String });
read!(Condition {
    r#type: String,
    status: String,
    reason: Option<String>,
    last_transition_time: Option<String>,
});
read!(ContainerStatus {
    name: String,
    #[serde(rename = "imageID")]
    image_id: Option<String>,
    #[serde(rename = "containerID")]
    container_id: Option<String>,
    ready: bool,
    restart_count: u32,
    state: ContainerState,
});
read!(ContainerState { waiting: Option<Waiting>, running: Option<Running>, terminated: Option<Terminated> });
read!(Waiting { reason: Option<String> });
read!(Running { started_at: Option<String> });
read!(Terminated {
    reason: Option<String>,
    exit_code: i32,
    signal: Option<i32>,
    started_at: Option<String>,
    finished_at: Option<String>,
});

resource!(NamespaceObject, ClusterResourceScope, "", "v1", "Namespace", "namespaces");
read!(object NamespaceObject { status: Phase });
read!(Phase { phase: Option<String> });

resource!(QuotaObject, NamespaceResourceScope, "", "v1", "ResourceQuota", "resourcequotas");
read!(object QuotaObject { spec: QuotaSpec, status: QuotaStatus });
read!(QuotaSpec { hard: Texts });
read!(QuotaStatus { used: Texts });

resource!(LimitObject, NamespaceResourceScope, "", "v1", "LimitRange", "limitranges");
read!(object LimitObject { spec: LimitSpec });
read!(LimitSpec { limits: Vec<LimitItem> });
read!(LimitItem { r#type: String, min: Texts, max: Texts, default: Texts, default_request: Texts });

resource!(PolicyObject, NamespaceResourceScope, "networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies");
read!(object PolicyObject { spec: PolicySpec });
read!(PolicySpec {
    pod_selector: LabelSelector,
    policy_types: Vec<String>,
    ingress: Vec<serde::de::IgnoredAny>,
    egress: Vec<serde::de::IgnoredAny>,
});

resource!(RoleObject, NamespaceResourceScope, "rbac.authorization.k8s.io", "v1", "Role", "roles");
read!(object RoleObject { rules: Vec<Rule> });
resource!(ClusterRoleObject, ClusterResourceScope, "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles");
read!(object ClusterRoleObject { rules: Vec<Rule> });
read!(Rule { verbs: Vec<String>, api_groups: Vec<String>, resources: Vec<String>, resource_names: Vec<String> });

resource!(BindingObject, NamespaceResourceScope, "rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings");
read!(object BindingObject { role_ref: RoleRef, subjects: Vec<Subject> });
resource!(
    ClusterBindingObject,
    ClusterResourceScope,
    "rbac.authorization.k8s.io",
    "v1",
    "ClusterRoleBinding",
    "clusterrolebindings"
);
read!(object ClusterBindingObject { role_ref: RoleRef, subjects: Vec<Subject> });
read!(RoleRef { kind: String, name: String });
read!(Subject { kind: String, name: String, namespace: Option<String> });

resource!(NodeObject, ClusterResourceScope, "", "v1", "Node", "nodes");
read!(object NodeObject { spec: NodeSpec, status: NodeStatus });
read!(NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
    unschedulable: bool,
    taints: Vec<Taint>,
});
read!(Taint { key: String, value: Option<String>, effect: String });
read!(NodeStatus {
    capacity: Texts,
    allocatable: Texts,
    conditions: Vec<Condition>,
    addresses: Vec<NodeAddress>,
    node_info: NodeInfo,
});
read!(NodeAddress { r#type: String, address: String });
read!(NodeInfo {
    #[serde(rename = "machineID")]
    machine_id: Option<String>,
    #[serde(rename = "systemUUID")]
    system_uuid: Option<String>,
    kubelet_version: Option<String>,
    container_runtime_version: Option<String>,
    os_image: Option<String>,
    kernel_version: Option<String>,
    architecture: Option<String>,
});

resource!(ServiceObject, NamespaceResourceScope, "", "v1", "Service", "services");
read!(object ServiceObject { spec: ServiceSpec, status: BalancedStatus });
read!(ServiceSpec {
    r#type: Option<String>,
    #[serde(rename = "clusterIP")]
    cluster_ip: Option<String>,
    #[serde(rename = "clusterIPs")]
    cluster_ips: Vec<String>,
    #[serde(rename = "externalIPs")]
    external_ips: Vec<String>,
    external_name: Option<String>,
    ports: Vec<ServicePort>,
    selector: Texts,
});
read!(ServicePort {
    name: Option<String>,
    port: i32,
    protocol: Option<String>,
    target_port: Option<IntOrString>,
    node_port: Option<i32>,
});
read!(BalancedStatus { load_balancer: LoadBalancer });
read!(LoadBalancer { ingress: Vec<Balanced> });
read!(Balanced { ip: Option<String>, hostname: Option<String> });

// Of its TLS settings only the host names, not the names of secrets.
resource!(IngressObject, NamespaceResourceScope, "networking.k8s.io", "v1", "Ingress", "ingresses");
read!(object IngressObject { spec: IngressSpec, status: BalancedStatus });
read!(IngressSpec {
    ingress_class_name: Option<String>,
    default_backend: Option<Backend>,
    rules: Vec<IngressRule>,
    tls: Vec<IngressTls>,
});
read!(IngressRule { host: Option<String>, http: HttpRule });
read!(HttpRule { paths: Vec<HttpPath> });
read!(HttpPath { path: Option<String>, backend: Backend });
read!(Backend { service: Option<BackendService> });
read!(BackendService { name: String, port: BackendPort });
read!(BackendPort { name: Option<String>, number: Option<i32> });
read!(IngressTls { hosts: Vec<String> });

resource!(ReplicaSetObject, NamespaceResourceScope, "apps", "v1", "ReplicaSet", "replicasets");
read!(object ReplicaSetObject {});
resource!(JobObject, NamespaceResourceScope, "batch", "v1", "Job", "jobs");
read!(object JobObject {});
