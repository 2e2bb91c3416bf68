use serde_json::json;

use super::*;

fn read(json: serde_json::Value) -> Pod {
    let object: PodObject = serde_json::from_value(json).unwrap();
    pod("cluster", &object, Vec::new()).unwrap()
}

fn web() -> serde_json::Value {
    json!({
        "metadata": {
            "name": "web-1", "namespace": "team-a", "uid": "u-1", "creationTimestamp": "2024-05-01T10:00:00Z",
            "labels": { "app": "web", "db.password": "planted" },
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "planted" },
            "managedFields": [{ "fieldsV1": { "f:planted": {} } }]
        },
        "spec": {
            "nodeName": "a", "serviceAccountName": "web", "hostNetwork": null,
            "initContainers": [
                { "name": "mesh", "image": "mesh:1", "restartPolicy": "Always", "resources": { "requests": { "cpu": "50m" } } },
                { "name": "migrate", "image": "web:2", "resources": { "requests": { "cpu": "2", "memory": "64Mi" } } }
            ],
            "containers": [{
                "name": "web", "image": "web:2", "args": ["--password=planted"],
                "env": [{ "name": "TOKEN", "value": "planted" }],
                "ports": [{ "containerPort": 8080, "protocol": "TCP" }],
                "resources": { "requests": { "cpu": "500m", "memory": "128Mi" }, "limits": { "cpu": "1", "memory": "256Mi" } }
            }],
            "volumes": [{ "name": "planted", "secret": { "secretName": "planted" } }]
        },
        "status": {
            "phase": "Running", "qosClass": "Burstable", "podIP": "10.1.2.3", "podIPs": [{ "ip": "10.1.2.3" }],
            "startTime": "2024-05-01T10:00:01Z",
            "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": "2024-05-01T10:00:09Z" }],
            "initContainerStatuses": [
                { "name": "mesh", "ready": true, "restartCount": 0, "state": { "running": { "startedAt": "2024-05-01T10:00:02Z" } } },
                { "name": "migrate", "ready": true, "restartCount": 0, "state": { "terminated": { "exitCode": 0, "reason": "Completed" } } }
            ],
            "containerStatuses": [{
                "name": "web", "ready": true, "restartCount": 3, "imageID": "web@sha256:00", "containerID": "containerd://aa11",
                "state": { "running": { "startedAt": "2024-05-01T10:00:08Z" } }
            }]
        }
    })
}

#[test]
fn a_pod_is_read_with_its_containers_and_what_they_count() {
    let pod = read(web());
    assert_eq!((pod.status.as_str(), pod.ready, pod.phase.as_str()), ("Running", Some(true), "Running"));
    let roles: Vec<(&str, &str)> =
        pod.containers.iter().map(|container| (container.name.as_str(), container.role.as_str())).collect();
    assert_eq!(roles, [("mesh", SIDECAR), ("migrate", INIT), ("web", "main")]);
    let web = &pod.containers[2];
    assert_eq!((web.container_id.as_deref(), web.runtime.as_deref()), (Some("aa11"), Some("containerd")));
    assert_eq!((web.restart_count, web.state.as_deref()), (3, Some("running")));
    // The init container asks for more than what runs after it.
    assert_eq!((pod.cpu_request_millicores, pod.memory_request_bytes), (Some(2_000), Some(128 << 20)));
    assert_eq!(pod.cpu_limit_millicores, None, "the sidecar has no limit");
    assert_eq!(pod.addresses, ["10.1.2.3"]);
}

#[test]
fn nothing_secret_is_kept() {
    let text = serde_json::to_string(&read(web())).unwrap();
    assert!(!text.contains("planted"), "{text}");
}

#[test]
fn a_mirror_pod_names_the_uid_that_its_host_knows() {
    let mut json = web();
    json["metadata"]["annotations"]["kubernetes.io/config.mirror"] = json!("00ff");
    assert_eq!(read(json).host_uid.as_deref(), Some("00ff"));
}

#[test]
fn the_status_is_the_word_that_people_know() {
    let status = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut json = web();
        change(&mut json);
        read(json).status
    };
    let main = |state: serde_json::Value| {
        move |json: &mut serde_json::Value| {
            json["status"]["containerStatuses"][0]["state"] = state.clone();
        }
    };
    assert_eq!(status(&main(json!({ "waiting": { "reason": "CrashLoopBackOff" } }))), "CrashLoopBackOff");
    assert_eq!(status(&main(json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } }))), "OOMKilled");
    assert_eq!(status(&main(json!({ "terminated": { "exitCode": 3 } }))), "ExitCode:3");
    assert_eq!(status(&|json| json["metadata"]["deletionTimestamp"] = json!("2024-05-01T11:00:00Z")), "Terminating");
    assert_eq!(
        status(&|json| {
            json["status"]["phase"] = json!("Failed");
            json["status"]["reason"] = json!("Evicted");
        }),
        "Evicted"
    );
    assert_eq!(
        status(&|json| {
            json["status"]["phase"] = json!("Pending");
            json["status"]["initContainerStatuses"][1]["state"] = json!({ "waiting": { "reason": "PodInitializing" } });
        }),
        "Init:1/2"
    );
    let done = |json: &mut serde_json::Value| {
        json["status"]["phase"] = json!("Succeeded");
        json["status"]["containerStatuses"][0]["state"] =
            json!({ "terminated": { "exitCode": 0, "reason": "Completed", "finishedAt": "2024-05-01T10:05:00Z" } });
    };
    assert_eq!(status(&done), "Completed");
    let mut json = web();
    done(&mut json);
    assert_eq!(read(json).finished_at.map(|at| at.to_string()).as_deref(), Some("2024-05-01T10:05:00Z"));
}

#[test]
fn a_pod_that_nobody_took_on_yet_has_no_more_than_its_specification() {
    let mut json = web();
    json["status"] = json!({ "phase": "Pending" });
    let pod = read(json);
    assert_eq!((pod.status.as_str(), pod.ready, pod.started_at), ("Pending", None, None));
    assert!(pod.containers.iter().all(|container| container.state.is_none() && container.container_id.is_none()));
}
