use serde_json::json;

use super::*;

fn name(namespace: &str, name: &str) -> Name {
    (namespace.to_owned(), name.to_owned())
}

#[test]
fn a_node_is_read_without_its_heartbeats() {
    let json = |heartbeat: &str, version: &str| {
        json!({
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": version,
                "labels": {
                    "node-role.kubernetes.io/worker": "", "topology.kubernetes.io/region": "north",
                    "failure-domain.beta.kubernetes.io/zone": "north-1",
                },
            },
            "spec": { "providerID": "test:///a", "unschedulable": true, "taints": [{ "key": "gpu", "value": "yes", "effect": "NoSchedule" }] },
            "status": {
                "capacity": { "cpu": "4" },
                "conditions": [{ "type": "Ready", "status": "False", "reason": "KubeletNotReady", "lastHeartbeatTime": heartbeat }],
                "addresses": [{ "type": "InternalIP", "address": "192.0.2.7" }],
                "nodeInfo": { "machineID": "00ff", "systemUUID": "11-22", "kubeletVersion": "v1.30.0", "bootID": "" },
            },
        })
    };
    let read = |heartbeat, version| node("c", &serde_json::from_value(json(heartbeat, version)).unwrap()).unwrap();
    let one = read("2024-05-01T10:00:00Z", "7");
    assert_eq!(one, read("2024-05-01T10:05:00Z", "8"), "a heartbeat is no change");
    assert_eq!(
        (one.status.as_str(), one.unschedulable, one.roles.as_slice()),
        ("NotReady", true, &["worker".to_owned()][..])
    );
    assert_eq!((one.region.as_deref(), one.zone.as_deref()), (Some("north"), Some("north-1")));
    assert_eq!(one.taints, ["gpu=yes:NoSchedule"]);
    assert_eq!((one.machine_id.as_deref(), one.system_uuid.as_deref()), (Some("00ff"), Some("11-22")));
}

#[test]
fn a_service_names_where_it_can_be_reached() {
    let object = serde_json::from_value(json!({
        "metadata": { "name": "web", "namespace": "team-a", "uid": "u" },
        "spec": {
            "type": "LoadBalancer", "clusterIP": "10.0.0.1", "externalIPs": ["192.0.2.9"], "selector": { "app": "web" },
            "ports": [{ "port": 443, "targetPort": "https", "nodePort": 30443 }, { "port": 80, "protocol": "UDP", "targetPort": 8080 }],
        },
        "status": { "loadBalancer": { "ingress": [{ "hostname": "lb.example" }, { "ip": "192.0.2.10" }] } },
    }));
    let service = service("c", &object.unwrap()).unwrap();
    assert_eq!(service.addresses, ["10.0.0.1", "192.0.2.9", "192.0.2.10"]);
    assert_eq!(service.hosts, ["lb.example"]);
    let ports: Vec<String> =
        service.ports.iter().map(|port| format!("{}/{} {:?}", port.port, port.protocol, port.target)).collect();
    assert_eq!(ports, ["80/udp Some(\"8080\")", "443/tcp Some(\"https\")"]);
    let headless = json!({ "metadata": { "name": "db", "uid": "v" }, "spec": { "clusterIP": "None" } });
    assert_eq!(
        super::service("c", &serde_json::from_value(headless).unwrap()).unwrap().addresses,
        Vec::<String>::new()
    );
}

#[test]
fn an_ingress_tells_its_hosts_and_not_its_secrets() {
    let object = serde_json::from_value(json!({
        "metadata": { "name": "shop", "namespace": "team-a", "uid": "u" },
        "spec": {
            "ingressClassName": "nginx", "tls": [{ "hosts": ["shop.example"], "secretName": "planted" }],
            "defaultBackend": { "service": { "name": "fallback", "port": { "number": 80 } } },
            "rules": [{ "host": "shop.example", "http": { "paths": [
                { "path": "/api", "backend": { "service": { "name": "api", "port": { "name": "http" } } } },
                { "path": "/files", "backend": { "resource": { "kind": "Bucket", "name": "files" } } },
            ] } }],
        },
    }));
    let ingress = ingress("c", &object.unwrap()).unwrap();
    assert_eq!(
        (ingress.hosts.as_slice(), ingress.tls_hosts.as_slice()),
        (&["shop.example".to_owned()][..], &["shop.example".to_owned()][..])
    );
    let rules: Vec<(Option<&str>, Option<&str>)> =
        ingress.rules.iter().map(|rule| (rule.path.as_deref(), rule.service.as_deref())).collect();
    assert_eq!(rules, [(None, Some("fallback")), (Some("/api"), Some("api")), (Some("/files"), None)]);
    assert!(!serde_json::to_string(&ingress).unwrap().contains("planted"));
}

#[test]
fn policies_and_limits_are_told_as_people_write_them() {
    let object = serde_json::from_value(json!({
        "metadata": { "name": "closed", "uid": "u" },
        "spec": {
            "podSelector": {
                "matchLabels": { "app": "db" },
                "matchExpressions": [
                    { "key": "tier", "operator": "In", "values": ["a", "b"] }, { "key": "canary", "operator": "DoesNotExist" },
                ],
            },
            "policyTypes": ["Ingress"], "ingress": [{ "from": [] }],
        },
    }));
    let policy = policy((&name("team-a", "closed"), &object.unwrap()));
    assert_eq!(policy.pods, "app=db,tier in (a, b),!canary");
    assert_eq!((policy.ingress_rules, policy.egress_rules), (1, 0));
    let object = serde_json::from_value(json!({
        "metadata": { "name": "defaults", "uid": "u" },
        "spec": { "limits": [{ "type": "Container", "max": { "cpu": "2" }, "default": { "cpu": "1", "memory": "1Gi" } }] },
    }));
    let limits = limits((&name("team-a", "defaults"), &object.unwrap()));
    let told: Vec<(&str, Option<&str>, Option<&str>)> = limits
        .iter()
        .map(|limit| (limit.resource.as_str(), limit.max.as_deref(), limit.default_limit.as_deref()))
        .collect();
    assert_eq!(told, [("cpu", Some("2"), Some("1")), ("memory", None, Some("1Gi"))]);
}

#[test]
fn only_the_objects_of_the_namespace_are_its_own() {
    let objects: BTreeMap<Name, u8> =
        [("team", "a"), ("team", "b"), ("team-a", "c"), ("sea", "d")].map(|(space, one)| (name(space, one), 0)).into();
    let own: Vec<&str> = within(&objects, "team").map(|((_, name), _)| name.as_str()).collect();
    assert_eq!(own, ["a", "b"]);
}
