//! Namespaces of a real Kubernetes API server as environments.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess, installation::Installation, inventory::workloads, kubernetes::RealKubernetes, readme::Shell,
    wait,
};
use serde_json::json;

use crate::HELPERS;

const PODS: [(&str, &str, &str); 3] =
    [("shop-prod", "web-0", "c1"), ("shop-prod", "api-0", "c2"), ("shop-staging", "web-0", "c3")];

#[test]
fn cloud_native_kubernetes_namespaces_are_environments() {
    let Some(cluster) = RealKubernetes::start() else { return };
    cluster.create_node("node-a", &json!({}));
    for namespace in ["shop-prod", "shop-staging"] {
        cluster.create_namespace(namespace, &json!({}));
    }
    for (namespace, pod, container) in PODS {
        cluster.run_pod(namespace, pod, "node-a", container);
    }
    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), "node-a");
    agent.start();
    wait::until("the pods to be in the inventory", Duration::from_secs(90), || {
        let pods = workloads(&installation, "kubernetes");
        wait::check(pods.len() == PODS.len(), || format!("{pods:#?}"))
    });
    let mut shell = Shell::new(&installation, None);
    shell.play(HELPERS);
    shell.play("Cloud-native: namespaces as environments");

    let namespaces = installation.list("k8s-namespaces");
    let prod = namespaces.iter().find(|namespace| namespace["name"] == "shop-prod").expect("the namespace is told");
    let path = format!("/api/v1/effective-environments?resourceType=k8s_namespace&resourceId={}", prod["id"]);
    wait::until("the namespace to have an environment", Duration::from_secs(90), || {
        let answer = installation.get(&path);
        let badge = &answer["items"][0]["environments"][0];
        wait::check(badge["code"] == "PROD" && badge["origin"] == "rule", || format!("{answer:#}"))
    });
}
