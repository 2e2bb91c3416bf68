//! The identity that the manifests give an agent: enough, and nothing more.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use orchestrix_tests::{
    agent::AgentProcess, installation::Installation, inventory::coverage, kubernetes::RealKubernetes, wait,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(40);
/// Where the manifests put the agent in the example.
const NAMESPACE: &str = "inventory";
const ACCOUNT: &str = "orchestrix-agent";
const ROLE: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles/orchestrix-agent";

/// The manifests as somebody would apply them to this server.
fn manifests(cluster: &RealKubernetes) -> PathBuf {
    let version = cluster.done("GET", "/version", None);
    let minor: u32 = version["minor"].as_str().unwrap().trim_end_matches('+').parse().unwrap();
    let overlay = if minor < 21 { "example-1.20" } else { "example" };
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/kubernetes/overlays").join(overlay)
}

/// Applies the manifests' accounts and roles, and returns the kubeconfig of the agent's identity.
fn apply(cluster: &RealKubernetes) -> PathBuf {
    cluster.create_namespace(NAMESPACE, &json!({}));
    let folder = manifests(cluster);
    let folder = folder.to_str().unwrap();
    let applied = cluster.kubectl(&["apply", "-k", folder, "--dry-run=server"]).ok();
    assert!(applied.lines().count() >= 14 && applied.contains("daemonset.apps/orchestrix-agent"), "{applied}");
    // The pods of it would wait for kubelets for ever; only who may do what is made for real.
    let agent = PathBuf::from(folder).join("../../agent/rbac.yaml");
    let text =
        std::fs::read_to_string(agent).unwrap().replace("namespace: orchestrix", &format!("namespace: {NAMESPACE}"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let _ = cluster.kubectl(&["apply", "-n", NAMESPACE, "-f", file.path().to_str().unwrap()]).ok();
    cluster.account_kubeconfig(NAMESPACE, ACCOUNT)
}

/// What the identity may do, as the server itself lists it: resource, names and verbs.
fn may(cluster: &RealKubernetes, kubeconfig: &std::path::Path, namespace: &str) -> BTreeSet<String> {
    let listed = cluster.kubectl_as(kubeconfig, &["auth", "can-i", "--list", "--no-headers", "-n", namespace]).ok();
    let lists = |line: &str| -> Vec<String> {
        line.split('[').skip(1).map(|part| part.split(']').next().unwrap_or_default().trim().to_owned()).collect()
    };
    let rules = listed.lines().filter_map(|line| {
        let resource = line.split_whitespace().next().filter(|word| !word.starts_with('['))?;
        let [_, names, verbs] = &lists(line)[..] else { panic!("unexpected line {line:?}") };
        let mut verbs: Vec<&str> = verbs.split_whitespace().collect();
        verbs.sort_unstable();
        Some(format!("{resource} [{names}] {}", verbs.join(" ")))
    });
    rules.collect()
}

#[test]
fn the_agents_identity_may_do_what_it_needs_and_nothing_more() {
    let Some(cluster) = RealKubernetes::start() else { return };
    let kubeconfig = apply(&cluster);
    let everybody = [
        "selfsubjectaccessreviews.authorization.k8s.io [] create",
        "selfsubjectrulesreviews.authorization.k8s.io [] create",
    ];
    let needed = [
        "clusterrolebindings.rbac.authorization.k8s.io [] list watch",
        "clusterroles.rbac.authorization.k8s.io [] list watch",
        "ingresses.networking.k8s.io [] list watch",
        "jobs.batch [] get",
        "limitranges [] list watch",
        "namespaces [] get list watch",
        "networkpolicies.networking.k8s.io [] list watch",
        "nodes [] get list watch",
        "pods [] list watch",
        "replicasets.apps [] get",
        "resourcequotas [] list watch",
        "rolebindings.rbac.authorization.k8s.io [] list watch",
        "roles.rbac.authorization.k8s.io [] list watch",
        "services [] list watch",
    ];
    let own =
        ["leases.coordination.k8s.io [] create", "leases.coordination.k8s.io [orchestrix-agent-cluster] get update"];
    let expected =
        |lists: &[&[&str]]| lists.iter().flat_map(|list| list.iter()).map(|rule| (*rule).to_owned()).collect();
    // Newer servers let everybody ask who they are.
    let without_new = |mut rules: BTreeSet<String>| {
        rules.retain(|rule| !rule.starts_with("selfsubjectreviews."));
        rules
    };
    let seen = without_new(may(&cluster, &kubeconfig, "default"));
    assert_eq!(seen, expected(&[&everybody, &needed]), "in a namespace that is not its own");
    let seen = without_new(may(&cluster, &kubeconfig, NAMESPACE));
    assert_eq!(seen, expected(&[&everybody, &needed, &own]), "in its own namespace");
    for (verb, what, part) in [
        ("get", "secrets", ""),
        ("list", "configmaps", ""),
        ("get", "nodes", "proxy"),
        ("create", "pods", "exec"),
        ("get", "pods", "log"),
    ] {
        let part = format!("--subresource={part}");
        let asked = cluster.kubectl_as(&kubeconfig, &["auth", "can-i", verb, what, &part, "--all-namespaces"]);
        assert_eq!((asked.out.trim(), asked.code), ("no", Some(1)), "{verb} {what} {part}: {asked:?}");
    }
}

/// Takes resources out of the agent's role, or puts them back.
fn allow(cluster: &RealKubernetes, without: &[&str], rules: &Value) {
    let mut role = cluster.done("GET", ROLE, None);
    role["rules"] = rules.clone();
    for rule in role["rules"].as_array_mut().unwrap() {
        rule["resources"].as_array_mut().unwrap().retain(|resource| !without.contains(&resource.as_str().unwrap()));
    }
    role["rules"].as_array_mut().unwrap().retain(|rule| rule["resources"] != json!([]));
    cluster.done("PUT", ROLE, Some(&role));
}

#[test]
fn what_a_role_does_not_allow_is_said_and_the_rest_works() {
    let Some(cluster) = RealKubernetes::start() else { return };
    let kubeconfig = apply(&cluster);
    let rules = cluster.done("GET", ROLE, None)["rules"].clone();
    cluster.create_node("node-a", &json!({}));
    cluster.create_namespace("team-a", &json!({}));
    cluster.run_pod("team-a", "web", "node-a", "aa11");
    let service = json!({ "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] } });
    cluster.create("/api/v1/namespaces/team-a/services", &service);
    allow(&cluster, &["services", "networkpolicies"], &rules);

    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&kubeconfig, "node-a");
    agent.start();
    let state = |source: &str, health: &str, words: &[&str]| {
        wait::until(&format!("{source} to be {health}"), SOON, || {
            let seen = coverage(&installation, source)?;
            let reason = seen["reason"].as_str().unwrap_or_default();
            let told = seen["health"] == health && words.iter().all(|word| reason.contains(word));
            wait::check(told, || seen.to_string())
        });
    };
    state("k8s-services", "failing", &["not permitted", "services"]);
    state("k8s-namespaces", "degraded", &["not permitted", "networkpolicies"]);
    state("k8s-nodes", "healthy", &[]);
    state("kubernetes", "healthy", &[]);
    let team = |installation: &Installation| {
        let namespaces = installation.list("k8s-namespaces?name=team-a");
        namespaces.first().cloned().unwrap_or_default()
    };
    wait::until("the namespace without what is forbidden", SOON, || {
        let seen = team(&installation);
        let right = seen["networkPolicies"].is_null() && seen["quotas"] == json!([]);
        wait::check(right, || seen.to_string())
    });

    allow(&cluster, &[], &rules);
    state("k8s-services", "healthy", &[]);
    state("k8s-namespaces", "healthy", &[]);
    wait::until("what was forbidden", SOON, || {
        let services = installation.list("k8s-services?name=web");
        let seen = team(&installation);
        wait::check(services.len() == 1 && seen["networkPolicies"] == json!([]), || format!("{services:?} {seen}"))
    });

    // Taken away again, what was known stays.
    allow(&cluster, &["services"], &rules);
    wait::throughout("the service is not called gone", Duration::from_secs(5), || {
        let services = installation.list("k8s-services?name=web");
        wait::check(services.len() == 1, || format!("{services:?}"))
    });
    agent.stop();
}
