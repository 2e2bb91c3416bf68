//! Two agents, one Lease: who tells of the cluster, and what happens when that one dies.

use std::time::{Duration, Instant};

use orchestrix_tests::{agent::AgentProcess, installation::Installation, kubernetes::RealKubernetes, wait};
use serde_json::{Value, json};

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases/orchestrix-agent-cluster";
/// The Lease is taken over within this time after its holder died, by the design.
const TAKE_OVER: Duration = Duration::from_secs(20);

fn holder(cluster: &RealKubernetes) -> Result<String, String> {
    let answer = cluster.request("GET", LEASE, None).map_err(|error| error.to_string())?;
    let holder = answer.json()["spec"]["holderIdentity"].as_str().map(str::to_owned);
    holder.ok_or(answer.body)
}

/// Changes of what only the holder tells.
fn told(installation: &Installation) -> Vec<Value> {
    let history = installation.list("history?limit=1000");
    let of_cluster = |entry: &Value| entry["resourceType"].as_str().is_some_and(|kind| kind.starts_with("k8s_"));
    history.into_iter().filter(of_cluster).collect()
}

#[test]
fn cluster_data_arrives_once_and_another_agent_takes_over() {
    let Some(cluster) = RealKubernetes::start() else { return };
    for node in ["node-a", "node-b"] {
        cluster.create_node(node, &json!({}));
    }
    for number in 0..6 {
        cluster.create_namespace(&format!("team-{number}"), &json!({}));
    }
    let installation = Installation::on_sqlite();
    let start = |node: &str| {
        let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), node);
        agent.start();
        agent
    };
    let mut agents = [("node-a", start("node-a")), ("node-b", start("node-b"))];
    let complete = |namespaces: usize| {
        wait::until("every namespace, node and service", Duration::from_secs(60), || {
            let seen = ["k8s-namespaces", "k8s-nodes", "k8s-services"].map(|list| installation.list(list).len());
            wait::check(seen == [namespaces, 2, services(&cluster)], || format!("{seen:?}"))
        });
    };
    // Four come with every cluster.
    let count = cluster.done("GET", "/api/v1/namespaces", None)["items"].as_array().unwrap().len();
    complete(count);
    let before = told(&installation);
    let appeared = |history: &[Value]| history.iter().filter(|entry| entry["changeKind"] == "appeared").count();
    assert_eq!(appeared(&before), count + 2 + 1 + services(&cluster), "each once: {before:#?}");

    let first = holder(&cluster).unwrap();
    let index = agents.iter().position(|(node, _)| *node == first).unwrap();
    agents[index].1.kill();
    let died = Instant::now();
    wait::until("the other agent to take over", TAKE_OVER, || {
        let now = holder(&cluster)?;
        wait::check(now != first, || now)
    });
    let after = died.elapsed();
    orchestrix_tests::part::measured(&format!(
        "kubernetes: Lease taken over {:.1} s after its holder died",
        after.as_secs_f32()
    ));

    // What happened meanwhile is seen, and nothing else is called a change.
    cluster.create_namespace("team-new", &json!({}));
    complete(count + 1);
    let clusters = installation.list("k8s-clusters");
    assert_eq!(clusters[0]["leaseTransitions"], 1, "{clusters:#?}");
    let later: Vec<Value> = told(&installation).into_iter().filter(|entry| !before.contains(entry)).collect();
    let names: Vec<&str> = later.iter().filter_map(|entry| entry["resourceName"].as_str()).collect();
    assert!(names.iter().all(|name| *name == "team-new"), "a new holder tells nothing twice: {later:#?}");

    // The first one comes back and leaves it at that.
    agents[index].1.start();
    wait::throughout("the Lease stays where it is", Duration::from_secs(10), || {
        let now = holder(&cluster)?;
        wait::check(now != first, || now)
    });
    assert_eq!(told(&installation).iter().filter(|entry| !before.contains(entry)).count(), later.len(), "no flapping");
    assert_eq!(installation.list("k8s-clusters").len(), 1);
}

fn services(cluster: &RealKubernetes) -> usize {
    cluster.done("GET", "/api/v1/services", None)["items"].as_array().unwrap().len()
}
