//! Enrolling by the service account of the agent's pod, without a secret lying around.

use std::time::Duration;

use orchestrix_tests::{agent::AgentProcess, installation::Installation, kubernetes::RealKubernetes, wait};
use serde_json::{Value, json};

const AUDIENCE: &str = "orchestrix";
const NAMESPACE: &str = "inventory";
const ACCOUNT: &str = "orchestrix-agent";
const SOON: Duration = Duration::from_secs(30);

/// A pod as the DaemonSet would make it.
fn agents_pod(cluster: &RealKubernetes, name: &str, account: &str) -> Value {
    let pod = json!({
        "metadata": { "name": name },
        "spec": { "nodeName": "node-a", "serviceAccountName": account, "containers": [{ "name": "agent", "image": "agent:1" }] },
    });
    cluster.create(&format!("/api/v1/namespaces/{NAMESPACE}/pods"), &pod)
}

fn make_account(cluster: &RealKubernetes, name: &str) {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/serviceaccounts");
    cluster.create(&path, &json!({ "metadata": { "name": name } }));
    cluster.wait_for_account(NAMESPACE, name);
}

#[test]
fn an_agent_enrols_by_its_pods_service_account() {
    let Some(cluster) = RealKubernetes::start() else { return };
    cluster.create_node("node-a", &json!({}));
    cluster.create_namespace(NAMESPACE, &json!({}));
    for account in [ACCOUNT, "somebody-else"] {
        make_account(&cluster, account);
    }
    let uid = cluster.done("GET", "/api/v1/namespaces/kube-system", None)["metadata"]["uid"].clone();
    let installation = Installation::configured(&format!(
        "[[kubernetes]]\ncluster_uid = {uid}\nkeys_file = {:?}\nissuer = {:?}\nnamespace = {NAMESPACE:?}\n",
        cluster.accounts_key(),
        RealKubernetes::ISSUER,
    ));
    let pin = installation.cli(&["token", "pin"]).ok();
    let agent = |token: &str| {
        AgentProcess::bare(installation.agents_address(), None)
            .of_node(&cluster.admin_kubeconfig(), "node-a")
            .by_service_account(token, pin.trim())
    };
    let enroll = |token: &str| agent(token).cli("enroll", Duration::from_secs(20));
    let pod = agents_pod(&cluster, "orchestrix-agent-1", ACCOUNT);

    // Not for this, not of this account, not of a pod.
    let other = agents_pod(&cluster, "other-1", "somebody-else");
    for (token, words) in [
        (cluster.account_token(NAMESPACE, ACCOUNT, &[], Some(&pod)), "audience"),
        (cluster.account_token(NAMESPACE, "somebody-else", &[AUDIENCE], Some(&other)), "another service account"),
        (cluster.account_token(NAMESPACE, ACCOUNT, &[AUDIENCE], None), "bound to no pod"),
        ("eyJhbGciOiJFUzI1NiJ9.e30.AAAA".to_owned(), "signed"),
    ] {
        let ran = enroll(&token);
        assert!(ran.code != Some(0) && ran.err.contains(words), "{words}: {ran:?}");
    }
    assert_eq!(installation.list("agents").len(), 0);

    let token = cluster.account_token(NAMESPACE, ACCOUNT, &[AUDIENCE], Some(&pod));
    let mut enrolled = agent(&token);
    enrolled.start();
    wait::until("the node's pods", SOON, || {
        let pods = orchestrix_tests::inventory::workloads(&installation, "kubernetes");
        wait::check(pods.len() == 2, || format!("{} pods", pods.len()))
    });
    let agents = installation.list("agents");
    assert_eq!((agents.len(), &agents[0]["hostname"], &agents[0]["state"]), (1, &json!("node-a"), &json!("ACTIVE")));
    // One pod, one agent: the same token gets nobody else in.
    let ran = enroll(&token);
    assert!(ran.code != Some(0) && ran.err.contains("enrolled an agent already"), "{ran:?}");
    assert_eq!(installation.list("agents").len(), 1);
    let told = installation.list("audit?action=agent.enrol");
    assert!(!Value::from(told).to_string().contains(&token), "the token is not kept");
    enrolled.stop();
}
