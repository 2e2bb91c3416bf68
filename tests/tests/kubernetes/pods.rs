//! The pods of one node, step by step.

use std::time::Duration;

use orchestrix_tests::{
    agent::AgentProcess,
    docker::RealDocker,
    installation::Installation,
    inventory::{Workload, workloads},
    kubernetes::{RealKubernetes, pod, pod_status},
    wait,
};
use serde_json::json;

/// A first picture that races with other reports waits for a heartbeat.
const SOON: Duration = Duration::from_secs(60);

/// The pods that the inventory believes in, by namespace and name, with their status.
fn believed(installation: &Installation) -> Vec<String> {
    let alive = workloads(installation, "kubernetes").into_iter().filter(|workload| !workload.has_ended());
    let told = alive.map(|pod| {
        format!("{}/{} {}", pod.0["isolationDetails"]["namespace"].as_str().unwrap_or("?"), pod.name(), pod.status())
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told
}

#[track_caller]
fn wait_for(installation: &Installation, wanted: &[&str]) {
    wait::until(&format!("the pods to be {wanted:?}"), SOON, || {
        let seen = believed(installation);
        wait::check(seen == wanted, || format!("{seen:#?}"))
    });
}

fn named(installation: &Installation, name: &str) -> Vec<Workload> {
    workloads(installation, "kubernetes").into_iter().filter(|workload| workload.name() == name).collect()
}

/// How often the history says that a pod changed.
fn changes(installation: &Installation) -> usize {
    let history = installation.list("history?limit=1000");
    history.iter().filter(|entry| entry["resourceType"] == "workload" && entry["source"] == "kubernetes").count()
}

#[test]
fn a_pod_is_seen_at_each_step_of_its_life() {
    let Some(mut cluster) = RealKubernetes::start() else { return };
    cluster.create_node("node-a", &json!({}));
    cluster.create_node("node-b", &json!({}));
    cluster.create_namespace("team-a", &json!({ "team": "a" }));
    cluster.run_pod("team-a", "web", "node-a", "aa11");
    cluster.run_pod("team-a", "elsewhere", "node-b", "bb22");
    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), "node-a");
    agent.start();
    wait_for(&installation, &["team-a/web Running"]);

    // Made, taken on, running, in a crash loop, running again.
    let pods = "/api/v1/namespaces/team-a/pods";
    cluster.create(pods, &pod("job", "node-a"));
    wait_for(&installation, &["team-a/job Pending", "team-a/web Running"]);
    let path = format!("{pods}/job");
    cluster.set_status(&path, &pod_status("Pending", "cc33", 0));
    wait_for(&installation, &["team-a/job ContainerCreating", "team-a/web Running"]);
    cluster.set_status(&path, &pod_status("Running", "cc33", 0));
    wait_for(&installation, &["team-a/job Running", "team-a/web Running"]);
    let mut crashing = pod_status("Running", "cc33", 3);
    crashing["containerStatuses"][0]["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
    cluster.set_status(&path, &crashing);
    wait_for(&installation, &["team-a/job CrashLoopBackOff", "team-a/web Running"]);
    cluster.set_status(&path, &pod_status("Running", "dd44", 4));
    wait_for(&installation, &["team-a/job Running", "team-a/web Running"]);

    let [job] = &named(&installation, "job")[..] else { panic!("one pod is one row") };
    let details = &job.0["isolationDetails"];
    assert_eq!(details["containers"][0]["restartCount"], 4, "{details}");
    assert_eq!(details["containers"][0]["containerId"], "dd44", "{details}");
    assert_eq!((&job.0["workloadType"], &job.0["isolationMethod"]), (&json!("k8s_pod"), &json!("k8s_namespace")));
    assert_eq!((&job.0["cpuCores"], &job.0["memoryMb"]), (&json!(0.2), &json!(128)));
    assert!(!job.0.to_string().contains("planted-secret"), "{}", job.0);

    // Moved: a pod of the same name appears on another node, and here it is gone.
    cluster.delete_pod("team-a", "job");
    cluster.run_pod("team-a", "job", "node-b", "ee55");
    wait_for(&installation, &["team-a/web Running"]);
    let ended = named(&installation, "job");
    assert!(ended.iter().all(|pod| pod.has_ended() && pod.0["endReason"] == "removed"), "{ended:?}");

    // The API server is killed: what was known stays, and is not called new afterwards.
    let before = changes(&installation);
    cluster.kill_apiserver();
    wait::until("the source to fail", SOON, || {
        let seen = orchestrix_tests::inventory::coverage(&installation, "kubernetes")?;
        wait::check(seen["health"] == "failing", || seen.to_string())
    });
    assert_eq!(believed(&installation), ["team-a/web Running"], "a failed look ends nothing");
    cluster.start_apiserver();
    cluster.delete_pod("team-a", "web");
    cluster.run_pod("team-a", "web", "node-a", "ff66");
    wait::until("the pod that was made again", Duration::from_secs(60), || {
        let [one, other] = &named(&installation, "web")[..] else {
            return Err(format!("{:?}", named(&installation, "web")));
        };
        let ended = [one, other].iter().filter(|pod| pod.has_ended()).count();
        wait::check(ended == 1 && believed(&installation) == ["team-a/web Running"], || format!("{one:?} {other:?}"))
    });
    let after = changes(&installation);
    assert!(after - before <= 6, "an outage of the API server is told once: {before} {after}");
    agent.stop();
}

#[test]
fn a_pod_names_who_made_it_and_how_its_host_knows_it() {
    let Some(cluster) = RealKubernetes::start() else { return };
    cluster.create_node("node-a", &json!({}));
    cluster.create_namespace("team-a", &json!({}));
    let template = json!({
        "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "main", "image": "web:1" }] },
    });
    let spec = json!({ "replicas": 0, "selector": { "matchLabels": { "app": "web" } }, "template": template });
    let apps = "/apis/apps/v1/namespaces/team-a";
    let deployment = json!({ "metadata": { "name": "web" }, "spec": spec });
    let deployment = cluster.create(&format!("{apps}/deployments"), &deployment);
    let owned_by = |kind: &str, owner: &serde_json::Value| {
        let (name, uid) = (&owner["metadata"]["name"], &owner["metadata"]["uid"]);
        json!([{ "apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": true }])
    };
    let owners = owned_by("Deployment", &deployment);
    let set = json!({ "metadata": { "name": "web-5d9", "ownerReferences": owners }, "spec": spec });
    let set = cluster.create(&format!("{apps}/replicasets"), &set);
    let mut owned = pod("web-5d9-x", "node-a");
    owned["metadata"]["ownerReferences"] = owned_by("ReplicaSet", &set);
    let pods = "/api/v1/namespaces/team-a/pods";
    cluster.create(pods, &owned);
    cluster.create(pods, &pod("job-1", "node-a"));
    cluster.set_status(&format!("{pods}/job-1"), &pod_status("Succeeded", "aa11", 0));
    let mut mirror = pod("proxy-node-a", "node-a");
    mirror["metadata"]["annotations"] = json!({ "kubernetes.io/config.mirror": "00112233445566778899aabbccddeeff" });
    cluster.create(pods, &mirror);

    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, None).of_node(&cluster.admin_kubeconfig(), "node-a");
    agent.start();
    wait_for(&installation, &["team-a/job-1 Completed", "team-a/proxy-node-a Pending", "team-a/web-5d9-x Pending"]);
    let details = |name: &str| named(&installation, name)[0].0["isolationDetails"].clone();
    let owners = json!([{ "kind": "ReplicaSet", "name": "web-5d9" }, { "kind": "Deployment", "name": "web" }]);
    assert_eq!(details("web-5d9-x")["owners"], owners);
    assert_eq!(details("proxy-node-a")["hostUid"], "00112233445566778899aabbccddeeff");
    assert_eq!(named(&installation, "job-1")[0].text("finishedAt"), "2024-05-01T10:05:00Z");
    agent.stop();
}

#[test]
fn a_container_of_a_pod_is_told_of_once_with_all_its_evidence() {
    let Some(cluster) = RealKubernetes::start() else { return };
    let Some(docker) = RealDocker::start() else { return };
    cluster.create_node("node-a", &json!({}));
    cluster.create_namespace("team-a", &json!({}));
    let pods = "/api/v1/namespaces/team-a/pods";
    let made = cluster.create(pods, &pod("web", "node-a"));
    let label = format!("io.kubernetes.pod.uid={}", made["metadata"]["uid"].as_str().unwrap());
    let run = |name: &str| docker.run_sleeper(name, &["--network", "none", "--label", &label]);
    let (container, pause) = (run("k8s_main_web"), run("k8s_POD_web"));
    let alone = docker.run_sleeper("alone", &["--network", "none"]);
    let mut status = pod_status("Running", "", 0);
    status["containerStatuses"][0]["containerID"] = json!(format!("docker://{}", container.trim()));
    cluster.set_status(&format!("{pods}/web"), &status);

    let installation = Installation::on_sqlite();
    let mut agent = AgentProcess::prepare(&installation, Some(&docker)).of_node(&cluster.admin_kubeconfig(), "node-a");
    agent.start();
    let seen_by = |pod: &Workload| -> Vec<String> {
        let looks = pod.0["seenBy"].as_array().cloned().unwrap_or_default();
        looks.iter().map(|look| format!("{} {}", look["source"], look["nativeId"]).replace('"', "")).collect()
    };
    wait::until("one row for the pod and one for the container beside it", SOON, || {
        let engine: Vec<Workload> =
            workloads(&installation, "docker").into_iter().filter(|workload| !workload.has_ended()).collect();
        let names: Vec<&str> = engine.iter().map(Workload::name).collect();
        let evidence = named(&installation, "web").first().map(&seen_by).unwrap_or_default();
        let whole = [&container, &pause].iter().all(|id| evidence.contains(&format!("docker {}", id.trim())));
        wait::check(names == ["alone"] && whole, || format!("{names:?} {evidence:?}"))
    });
    assert!(!alone.is_empty());
    // Deleted, with its containers still there: what is left over is nobody's workload.
    docker.cli(&["kill", "k8s_main_web", "k8s_POD_web"]);
    cluster.delete_pod("team-a", "web");
    wait::until("the pod to be gone and nothing in its place", SOON, || {
        let all = installation.list("workloads");
        let named: Vec<String> = all.iter().map(|one| one["workloadName"].to_string()).collect();
        wait::check(!named.iter().any(|name| name.contains("web")), || format!("{named:?}"))
    });
    agent.stop();
}
