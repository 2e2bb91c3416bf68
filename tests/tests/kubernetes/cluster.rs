//! A whole cluster, told by the agent that holds the Lease.

use std::{collections::BTreeMap, time::Duration};

use orchestrix_tests::{
    agent::AgentProcess,
    installation::Installation,
    inventory::{coverage, workloads},
    kubernetes::{RealKubernetes, node_status, pod, pod_status},
    part, wait,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(30);
const NAMESPACES: [&str; 5] = ["team-a", "team-b", "team-c", "shared", "batch"];
const NODES: [&str; 2] = ["node-a", "node-b"];
const PODS: usize = 200;

fn named<'a>(items: &'a [Value], name: &str) -> &'a Value {
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("no {name} in {items:#?}"))
}

/// Five namespaces with quotas, limits and policies, two nodes, and 200 pods with status.
fn populate(cluster: &RealKubernetes) {
    let zone = |zone: &str| json!({ "topology.kubernetes.io/region": "north", "topology.kubernetes.io/zone": zone });
    for (node, place) in NODES.iter().zip(["north-1", "north-2"]) {
        cluster.create_node(node, &zone(place));
    }
    for name in NAMESPACES {
        cluster.create_namespace(name, &json!({ "team": name, "env": "production" }));
        let at = |group: &str, list: &str| format!("{group}/namespaces/{name}/{list}");
        let quota =
            json!({ "metadata": { "name": "budget" }, "spec": { "hard": { "pods": "60", "requests.cpu": "10" } } });
        cluster.create(&at("/api/v1", "resourcequotas"), &quota);
        let limits = json!({ "metadata": { "name": "defaults" }, "spec": { "limits": [{
            "type": "Container", "default": { "cpu": "500m" }, "defaultRequest": { "cpu": "100m" }, "max": { "cpu": "2" },
        }] } });
        cluster.create(&at("/api/v1", "limitranges"), &limits);
        let policy = json!({ "metadata": { "name": "closed" }, "spec": {
            "podSelector": { "matchLabels": { "app": "db" } }, "policyTypes": ["Ingress"],
        } });
        cluster.create(&at("/apis/networking.k8s.io/v1", "networkpolicies"), &policy);
    }
    let role = json!({ "metadata": { "name": "deployer" }, "rules": [
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["create", "update", "get"] },
        { "apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"] },
    ] });
    cluster.create("/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/roles", &role);
    let binding = json!({
        "metadata": { "name": "deployers" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "deployer" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "team-a-ops" }],
    });
    cluster.create("/apis/rbac.authorization.k8s.io/v1/namespaces/team-a/rolebindings", &binding);
    let service = json!({ "metadata": { "name": "web" }, "spec": {
        "selector": { "app": "web" }, "ports": [{ "name": "http", "port": 80, "targetPort": 8080 }],
    } });
    cluster.create("/api/v1/namespaces/team-a/services", &service);
    let ingress = json!({ "metadata": { "name": "web" }, "spec": {
        "tls": [{ "hosts": ["shop.example"], "secretName": "planted-secret" }],
        "rules": [{ "host": "shop.example", "http": { "paths": [{
            "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "name": "http" } } },
        }] } }],
    } });
    cluster.create("/apis/networking.k8s.io/v1/namespaces/team-a/ingresses", &ingress);
    for number in 0..PODS {
        let (namespace, node) = (NAMESPACES[number % 5], NODES[number % 2]);
        let name = format!("pod-{number:03}");
        cluster.create(&format!("/api/v1/namespaces/{namespace}/pods"), &pod(&name, node));
        let phase = ["Running", "Running", "Pending", "Succeeded", "Failed"][number / 5 % 5];
        let status = pod_status(phase, &format!("c{number}"), u32::try_from(number % 4).unwrap());
        cluster.set_status(&format!("/api/v1/namespaces/{namespace}/pods/{name}"), &status);
    }
}

/// Pods by namespace and name, with node and phase, as the cluster has them.
fn truth(cluster: &RealKubernetes) -> BTreeMap<String, String> {
    let pods = cluster.done("GET", "/api/v1/pods", None);
    let told = pods["items"].as_array().unwrap().iter().map(|pod| {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let key = format!("{}/{}", text("/metadata/namespace"), text("/metadata/name"));
        (key, format!("{} {} {}", text("/spec/nodeName"), text("/status/phase"), text("/metadata/uid")))
    });
    told.collect()
}

/// The same as the inventory has them.
fn believed(installation: &Installation) -> BTreeMap<String, String> {
    let alive = workloads(installation, "kubernetes").into_iter().filter(|pod| !pod.has_ended());
    let told = alive.map(|pod| {
        let details = &pod.0["isolationDetails"];
        let text = |field: &str| details[field].as_str().unwrap_or_default().to_owned();
        let value = format!("{} {} {}", text("nodeName"), text("phase"), text("uid"));
        (format!("{}/{}", text("namespace"), pod.name()), value)
    });
    told.collect()
}

#[track_caller]
fn wait_for_truth(cluster: &RealKubernetes, installation: &Installation) {
    wait::until("the inventory to equal the cluster", Duration::from_secs(60), || {
        let (truth, seen) = (truth(cluster), believed(installation));
        let differs: Vec<_> = truth.iter().filter(|(key, value)| seen.get(*key) != Some(value)).take(5).collect();
        let only: Vec<_> = seen.keys().filter(|key| !truth.contains_key(*key)).take(5).collect();
        wait::check(differs.is_empty() && only.is_empty(), || {
            format!("not here or otherwise: {differs:?}; only here: {only:?}")
        })
    });
}

#[test]
fn the_inventory_equals_the_cluster_and_stays_so() {
    let Some(mut cluster) = RealKubernetes::start() else { return };
    if !cluster.has_controllers() {
        part::skip("kube-controller-manager", "it is not among the assets; quotas and namespaces need it");
        return;
    }
    populate(&cluster);
    let installation = Installation::on_sqlite();
    let agent = |node| AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), node);
    let mut agents = NODES.map(agent);
    for agent in &mut agents {
        agent.start();
    }
    wait_for_truth(&cluster, &installation);
    count_quotas(&cluster);
    check_namespaces(&installation);
    check_the_rest(&installation);

    // A namespace goes with all that is in it.
    cluster.done("DELETE", "/api/v1/namespaces/batch", None);
    wait::until("the namespace to be gone", Duration::from_secs(60), || {
        // There is no kubelet that would end its pods.
        for (key, _) in truth(&cluster).iter().filter(|(key, _)| key.starts_with("batch/")) {
            let (namespace, name) = key.split_once('/').unwrap();
            let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
            let _ = cluster.request("DELETE", &path, Some(&json!({ "gracePeriodSeconds": 0 })));
        }
        let seen = installation.list("k8s-namespaces?limit=1000");
        wait::check(seen.iter().all(|namespace| namespace["name"] != "batch"), || format!("{} namespaces", seen.len()))
    });
    wait_for_truth(&cluster, &installation);
    let ended = installation.list("k8s-namespaces?ended=true");
    assert_eq!(named(&ended, "batch")["endReason"], "not-listed", "{ended:#?}");

    // While the API server is away nothing ends; what happened meanwhile is seen afterwards.
    let count = believed(&installation).len();
    cluster.kill_apiserver();
    wait::until("the cluster to be out of sight", SOON, || {
        let failing = agents_sources(&installation, "k8s-namespaces", "failing");
        wait::check(failing >= 1, || format!("{:?}", installation.list("agents")))
    });
    assert_eq!(believed(&installation).len(), count);
    assert_eq!(installation.list("k8s-namespaces?ended=true").len(), ended.len());
    cluster.start_apiserver();
    cluster.done("DELETE", "/api/v1/namespaces/team-a/services/web", None);
    cluster.set_status("/api/v1/nodes/node-b", &node_status("node-b", false));
    wait::until("what happened meanwhile", Duration::from_secs(90), || {
        let services = installation.list("k8s-services");
        let nodes = installation.list("k8s-nodes");
        let gone = services.iter().all(|service| service["name"] != "web");
        wait::check(gone && named(&nodes, "node-b")["status"] == "NotReady", || format!("{services:#?}"))
    });
    wait_for_truth(&cluster, &installation);
    let ended = workloads(&installation, "kubernetes").iter().filter(|pod| pod.has_ended()).count();
    assert_eq!(ended, PODS / 5, "only what was deleted ended");
}

/// How many agents have `source` in this health.
fn agents_sources(installation: &Installation, source: &str, health: &str) -> usize {
    let agents = installation.list("agents");
    let sources = agents.iter().flat_map(|agent| agent["coverage"].as_array().cloned().unwrap_or_default());
    sources.filter(|coverage| coverage["source"] == source && coverage["health"] == health).count()
}

/// Counts the quotas. The controller manager does as well, but where it begins while pods are made, it says none and looks
/// again only after minutes.
fn count_quotas(cluster: &RealKubernetes) {
    for namespace in NAMESPACES {
        let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/budget");
        let hard = cluster.done("GET", &path, None)["spec"]["hard"].clone();
        let used = json!({ "pods": (PODS / 5).to_string(), "requests.cpu": "2" });
        cluster.set_status(&path, &json!({ "hard": hard, "used": used }));
    }
}

fn check_namespaces(installation: &Installation) {
    let namespaces = wait::until("quotas to be told as they are counted", SOON, || {
        let namespaces = installation.list("k8s-namespaces");
        let counted = |name: &str| named(&namespaces, name)["quotas"][0]["used"]["pods"] != "0";
        let known = NAMESPACES.iter().all(|name| namespaces.iter().any(|namespace| namespace["name"] == *name));
        if known && NAMESPACES.iter().all(|name| counted(name)) {
            Ok(namespaces)
        } else {
            Err(format!("{namespaces:#?}"))
        }
    });
    let team = named(&namespaces, "team-a");
    assert_eq!(team["quotas"][0]["hard"], json!({ "pods": "60", "requests.cpu": "10" }));
    assert_eq!(team["limitRanges"][0]["defaultRequest"], "100m");
    assert_eq!(team["networkPolicies"][0]["pods"], "app=db");
    assert_eq!(
        team["access"],
        json!([{
            "subjectKind": "Group", "subject": "team-a-ops", "role": "Role/deployer", "binding": "deployers",
            "edits": ["deployments.apps"],
        }])
    );
    assert_eq!(team["labels"]["env"], "production");
    let tags = installation.list(&format!("tags?resourceType=k8s_namespace&resourceId={}", team["id"]));
    assert!(tags.iter().any(|tag| tag["tagKey"] == "team" && tag["tagValue"] == "team-a"), "{tags:#?}");
    let pods = workloads(installation, "kubernetes");
    let of_team = pods.iter().filter(|pod| pod.0["k8sNamespaceId"] == team["id"]).count();
    assert_eq!(of_team, PODS / 5);
    assert_eq!(pods[0].0["isolationDetails"]["networkPolicies"][0]["name"], "closed", "{}", pods[0].0);
}

fn check_the_rest(installation: &Installation) {
    let clusters = installation.list("k8s-clusters");
    assert_eq!(clusters.len(), 1, "{clusters:#?}");
    assert!(clusters[0]["version"].as_str().is_some_and(|version| version.starts_with('v')), "{clusters:#?}");
    let nodes = wait::until("the nodes", SOON, || {
        let nodes = installation.list("k8s-nodes");
        if nodes.len() == NODES.len() { Ok(nodes) } else { Err(format!("{nodes:#?}")) }
    });
    let computes = installation.list("computes");
    assert_eq!(computes.len(), 2, "a node and its agent's host are one compute: {computes:#?}");
    for node in &nodes {
        let compute = computes.iter().find(|compute| compute["id"] == node["computeId"]).unwrap();
        assert_eq!(compute["hostname"], node["name"]);
        assert_eq!(compute["orchestrationPlatform"], "kubernetes", "{compute:#?}");
    }
    let zones = installation.list("availability-zones");
    assert_eq!(named(&zones, "north-1")["code"], "north-1");
    let ingresses = wait::until("the ingress", SOON, || {
        let ingresses = installation.list("k8s-ingresses");
        if ingresses.len() == 1 { Ok(ingresses) } else { Err(format!("{ingresses:#?}")) }
    });
    assert_eq!(ingresses[0]["hosts"], json!(["shop.example"]));
    assert!(!ingresses[0].to_string().contains("planted"), "{ingresses:#?}");
    let asked = json!({ "kind": "k8scluster", "include": [{
        "kind": "k8snamespace", "criteria": { "name": "team-a" }, "include": [{ "kind": "workload" }, { "kind": "k8sservice" }],
    }] });
    let answer = installation.request("POST", "/api/v1/query", Some(&asked)).unwrap().json();
    let team = &answer["data"][0]["k8snamespaces"][0];
    assert_eq!(team["workloads"].as_array().map(Vec::len), Some(PODS / 5), "{answer}");
    assert_eq!(team["k8sservices"][0]["name"], "web", "{answer}");
    // Of several agents one tells of the cluster; the others say who does.
    assert!(coverage(installation, "k8s-nodes").is_err(), "there are two agents");
    assert_eq!(agents_sources(installation, "k8s-nodes", "healthy"), 1);
    assert_eq!(agents_sources(installation, "k8s-nodes", "absent"), 1);
}
