//! Watches that break off: one that can go on where it was, and one whose past the server has forgotten (`410 Gone`).

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess, installation::Installation, inventory::workloads, kubernetes::RealKubernetes, proxy::Proxy,
    wait,
};
use serde_json::{Value, json};

const SOON: Duration = Duration::from_secs(60);
const PODS: &str = "/api/v1/namespaces/team-a/pods";

/// Pods and namespaces that the inventory believes in.
fn believed(installation: &Installation) -> Vec<String> {
    let pods = workloads(installation, "kubernetes").into_iter().filter(|pod| !pod.has_ended());
    let mut all: Vec<String> = pods.map(|pod| pod.name().to_owned()).collect();
    let namespaces = installation.list("k8s-namespaces");
    let teams = namespaces.iter().filter_map(|one| one["name"].as_str()).filter(|name| name.starts_with("team"));
    all.extend(teams.map(str::to_owned));
    all.sort();
    all
}

#[track_caller]
fn wait_for(installation: &Installation, wanted: &[&str]) {
    wait::until(&format!("the inventory to hold {wanted:?}"), SOON, || {
        let seen = believed(installation);
        wait::check(seen == wanted, || format!("{seen:?}"))
    });
}

#[track_caller]
fn wait_for_health(installation: &Installation, health: &str) {
    for source in ["kubernetes", "k8s-namespaces"] {
        orchestrix_tests::inventory::wait_for_health(installation, source, health, SOON);
    }
}

/// What ended, by name, and how often something appeared.
fn history(installation: &Installation) -> (Vec<String>, usize) {
    let all = installation.list("history?limit=1000");
    let of_kind = |kind: &'static str| {
        let told = all.iter().filter(move |entry| entry["changeKind"] == kind);
        // Of other programs of this host nothing is asked here.
        let of_cluster = ["kubernetes", "k8s-namespaces"];
        told.filter(move |entry| of_cluster.iter().any(|source| entry["source"] == *source))
    };
    let mut ended: Vec<String> =
        of_kind("ended").map(|entry| entry["resourceName"].as_str().unwrap_or_default().to_owned()).collect();
    ended.sort();
    (ended, of_kind("appeared").count())
}

/// What the server says to somebody who watches pods from this version on.
fn watched_from(cluster: &RealKubernetes, version: &Value) -> String {
    let version = version.as_str().unwrap();
    let path = format!("/api/v1/pods?watch=1&timeoutSeconds=2&resourceVersion={version}");
    cluster.request("GET", &path, None).map(|answer| format!("{} {}", answer.status, answer.body)).unwrap()
}

#[test]
fn a_watch_goes_on_after_a_break_and_lists_again_where_the_past_is_forgotten() {
    // Without its cache the server tells of changes as its store remembers them.
    let Some(cluster) = RealKubernetes::start_with(&["--watch-cache=false"]) else { return };
    cluster.create_node("node-a", &json!({}));
    for name in ["team-a", "team-b"] {
        cluster.create_namespace(name, &json!({}));
    }
    for name in ["goes", "stays"] {
        cluster.run_pod("team-a", name, "node-a", name);
    }
    let installation = Installation::on_sqlite();
    let way = Proxy::start(cluster.address());
    let kubeconfig = cluster.admin_kubeconfig_through(way.address());
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&kubeconfig, "node-a");
    agent.start();
    wait_for(&installation, &["goes", "stays", "team-a", "team-b"]);
    wait_for_health(&installation, "healthy");

    // A break: what happened meanwhile is told by the watch that goes on.
    way.sever();
    wait_for_health(&installation, "failing");
    cluster.run_pod("team-a", "meanwhile", "node-a", "meanwhile");
    way.restore();
    wait_for(&installation, &["goes", "meanwhile", "stays", "team-a", "team-b"]);
    wait_for_health(&installation, "healthy");
    assert!(!agent.process().log().contains("watch expired"), "nothing was forgotten yet");
    let appeared = history(&installation).1;

    // A longer one: the server forgets what happened meanwhile.
    let before = cluster.done("GET", PODS, None)["metadata"]["resourceVersion"].clone();
    way.sever();
    wait_for_health(&installation, "failing");
    cluster.delete_pod("team-a", "goes");
    cluster.run_pod("team-a", "comes", "node-a", "comes");
    cluster.create_namespace("team-c", &json!({}));
    cluster.forget_the_past();
    let said = watched_from(&cluster, &before);
    assert!(said.contains("410"), "the server was to forget: {said}");
    assert_eq!(believed(&installation), ["goes", "meanwhile", "stays", "team-a", "team-b"], "a break ends nothing");
    way.restore();
    wait_for(&installation, &["comes", "meanwhile", "stays", "team-a", "team-b", "team-c"]);
    wait_for_health(&installation, "healthy");
    let log = agent.process().log();
    for resource in ["pods", "namespaces"] {
        let told = log.lines().any(|line| line.contains("watch expired") && line.contains(resource));
        assert!(told, "the watch of {resource} was to expire:\n{log}");
    }
    assert_eq!(history(&installation), (vec!["goes".to_owned()], appeared + 2), "nothing else ended or came");
    agent.stop();
}
