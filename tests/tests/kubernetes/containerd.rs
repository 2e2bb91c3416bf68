//! A container that no engine tells of: containerd runs it, and its control group says which pod it is of.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    containerd::RealContainerd,
    installation::Installation,
    inventory::{Workload, workloads},
    kubernetes::{RealKubernetes, pod, pod_status},
    wait,
};
use serde_json::json;

const SOON: Duration = Duration::from_secs(60);

fn seen_by(pod: &Workload) -> Vec<String> {
    let looks = pod.0["seenBy"].as_array().cloned().unwrap_or_default();
    looks.iter().map(|look| format!("{} {}", look["source"], look["nativeId"]).replace('"', "")).collect()
}

/// An identifier as containerd's plugin for kubelets makes them.
fn identifier(digits: &str) -> String {
    digits.repeat(32)
}

#[test]
fn a_container_of_containerd_is_one_row_with_its_pod() {
    let Some(cluster) = RealKubernetes::start() else { return };
    let Some(mut containerd) = RealContainerd::start() else { return };
    cluster.create_node("node-a", &json!({}));
    cluster.create_namespace("team-a", &json!({}));
    let pods = "/api/v1/namespaces/team-a/pods";
    let made = cluster.create(pods, &pod("web", "node-a"));
    let uid = made["metadata"]["uid"].as_str().unwrap();
    let (main, helper, alone) = (identifier("a1"), identifier("b2"), identifier("c3"));
    let listen = |port: &'static str| ["httpd", "-f", "-p", port];
    let group = |id: &str| format!("/kubepods/burstable/pod{uid}/{id}");
    containerd.run(&main, &group(&main), &listen("8080"));
    containerd.run(&alone, &format!("/default/{alone}"), &listen("8082"));

    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), "node-a");
    agent.start();
    let rows = || {
        // Other programs of this host are in the inventory, too.
        let ours = |row: &Workload| {
            let text = row.0.to_string();
            row.text("workloadType") == "k8s_pod" || [&main, &helper, &alone].iter().any(|id| text.contains(*id))
        };
        let all = ["kubernetes", "process"].map(|source| workloads(&installation, source)).concat();
        all.into_iter().filter(|row| !row.has_ended() && ours(row)).collect::<Vec<_>>()
    };
    let joined = |ids: &[&str]| {
        wait::until(&format!("one row for the pod with {} containers", ids.len()), SOON, || {
            let rows = rows();
            let [pod, other] = &rows[..] else { return Err(format!("{rows:#?}")) };
            let evidence = seen_by(pod);
            let whole = ids.iter().all(|id| evidence.contains(&format!("process container:{id}")));
            let apart = seen_by(other) == [format!("process container:{alone}")];
            let containers = evidence.iter().filter(|look| look.starts_with("process")).count();
            wait::check(whole && apart && containers == ids.len(), || format!("{rows:#?}"))
        });
    };
    // Before its kubelet tells anything of the container, the control group does.
    joined(&[&main]);
    let mut status = pod_status("Running", &main, 0);
    status["containerStatuses"][0]["containerID"] = json!(format!("containerd://{main}"));
    cluster.set_status(&format!("{pods}/web"), &status);
    containerd.run(&helper, &group(&helper), &listen("8081"));
    joined(&[&main, &helper]);
    let row = rows().swap_remove(0);
    let ports = row.0["ports"].to_string();
    assert!(ports.contains("8080") && ports.contains("8081") && !ports.contains("8082"), "{ports}");
    assert_eq!(row.0["isolationDetails"]["containers"][0]["runtime"], "containerd", "{}", row.0);

    containerd.remove(&helper);
    joined(&[&main]);
    agent.stop();
}
