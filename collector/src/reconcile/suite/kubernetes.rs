//! What is believed of clusters: who may tell of them, and what becomes of what was told.

use orchestrix_common::model::{
    Change, ChangeKind, Entity, Evidence, Health, Report, SourceReport, SourceStatus,
    kubernetes::{Cluster, Namespace, Node, NodeAddress, Pod},
};

use super::*;

on_both! {
    a_cluster_is_told_by_whoever_got_the_lease_last,
    what_the_holder_before_told_is_the_next_ones_to_end,
    a_namespace_that_is_made_again_is_the_same,
    a_node_becomes_a_compute_and_its_agent_is_matched_to_it,
    a_pod_belongs_to_its_namespace_before_anybody_tells_of_that,
    an_agent_tells_of_no_other_cluster,
}

fn of(source: Source, native_id: &str, body: Body) -> Change {
    let evidence = vec![Evidence { source, native_id: native_id.to_owned() }];
    there(Entity { native_id: native_id.to_owned(), evidence, body })
}

fn claim(cluster: &str, lease_transitions: u64) -> Change {
    let body = Cluster { uid: cluster.into(), holder: "n".into(), lease_transitions, ..Cluster::default() };
    let body = Cluster { version: Some("v1.30.0".into()), ..body };
    of(Source::KubernetesCluster, "cluster", Body::KubernetesCluster(Box::new(body)))
}

fn namespace(cluster: &str, name: &str, uid: &str) -> Change {
    let labels = BTreeMap::from([("env".to_owned(), "staging".to_owned())]);
    let body =
        Namespace { cluster_uid: cluster.into(), name: name.into(), uid: uid.into(), labels, ..Namespace::default() };
    of(Source::KubernetesNamespaces, name, Body::KubernetesNamespace(Box::new(body)))
}

fn node(name: &str, machine_id: &str) -> Change {
    let body = Node {
        cluster_uid: "c1".into(),
        name: name.into(),
        uid: format!("uid-{name}"),
        status: "Ready".into(),
        machine_id: Some(format!("{machine_id:0<32}")),
        addresses: vec![NodeAddress { kind: "InternalIP".into(), address: "192.0.2.40".into() }],
        capacity: BTreeMap::from([("cpu".to_owned(), "4".to_owned()), ("memory".to_owned(), "8388608Ki".to_owned())]),
        region: Some("north".into()),
        zone: Some("north-1".into()),
        ..Node::default()
    };
    of(Source::KubernetesNodes, name, Body::KubernetesNode(Box::new(body)))
}

fn pod(namespace: &str, uid: &str) -> Change {
    let body = Pod {
        cluster_uid: "c1".into(),
        namespace: namespace.into(),
        name: "web".into(),
        uid: uid.into(),
        phase: "Running".into(),
        status: "Running".into(),
        ..Pod::default()
    };
    of(Source::Kubernetes, uid, Body::Pod(Box::new(body)))
}

impl Bench {
    async fn agent_of(&self, machine_id: &str) -> Agent {
        let id = self.enrol().await;
        let machine = Machine { hostname: machine_id.into(), addresses: Vec::new(), ..machine(machine_id) };
        self.open(id, machine).await
    }

    /// What is alive, by name.
    async fn namespaces(&self) -> Vec<String> {
        let rows = self.rows("SELECT name AS x FROM k8s_namespaces WHERE ended_at_us IS NULL ORDER BY name").await;
        rows.iter().map(|row| row.get("x").unwrap()).collect()
    }
}

async fn a_cluster_is_told_by_whoever_got_the_lease_last(db: &Db) {
    let bench = Bench::on(db);
    let (one, other) = (bench.agent_of("m1").await, bench.agent_of("m2").await);
    bench.apply(&one, 1, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&one, 2, Source::KubernetesNamespaces, vec![namespace("c1", "a", "u1")]).await;
    bench.apply(&other, 1, Source::Kubernetes, vec![pod("a", "p1")]).await;
    bench.apply(&other, 2, Source::KubernetesNamespaces, vec![namespace("c1", "stray", "u9")]).await;
    assert_eq!(bench.namespaces().await, ["a"], "it does not hold the Lease");
    bench.apply(&other, 3, Source::KubernetesCluster, vec![claim("c1", 1)]).await;
    bench.apply(&one, 3, Source::KubernetesNamespaces, vec![namespace("c1", "late", "u8")]).await;
    bench.apply(&one, 4, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&other, 4, Source::KubernetesNamespaces, vec![namespace("c1", "b", "u2")]).await;
    assert_eq!(bench.namespaces().await, ["a", "b"], "what the one before sends late is passed over");
    // It gives up; whoever is next begins, whatever the number.
    let status = SourceStatus {
        health: Health::Absent,
        completeness: orchestrix_common::model::Completeness::None,
        reason: "told by another agent".into(),
        since: now(),
        warnings: 0,
    };
    let sources = vec![SourceReport { source: Source::KubernetesCluster, status: Some(status), changes: Vec::new() }];
    let report = Report { sequence: 5, base: 4, recorded_at: now(), sources };
    bench.reconciler.apply(&other.key, report).await.unwrap();
    bench.apply(&one, 5, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&one, 6, Source::KubernetesNamespaces, vec![namespace("c1", "c", "u3")]).await;
    assert_eq!(bench.namespaces().await, ["a", "b", "c"]);
    assert_eq!(bench.count("k8s_clusters").await, 1);
}

async fn what_the_holder_before_told_is_the_next_ones_to_end(db: &Db) {
    let bench = Bench::on(db);
    let (one, other) = (bench.agent_of("m1").await, bench.agent_of("m2").await);
    bench.apply(&one, 1, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    let both = vec![namespace("c1", "a", "u1"), namespace("c1", "b", "u2")];
    bench.apply(&one, 2, Source::KubernetesNamespaces, both.clone()).await;
    let before = bench.count("history").await;
    bench.apply(&other, 1, Source::KubernetesCluster, vec![claim("c1", 1)]).await;
    let ChangeKind::Upsert { entity, .. } = &both[0].kind else { panic!("it is there") };
    let listed = listed(std::slice::from_ref(entity));
    let wanted =
        bench.reconciler.compare_listing(&other.key, &Source::KubernetesNamespaces, listed, true).await.unwrap();
    assert_eq!(wanted, Vec::<String>::new(), "what is the same is not sent again");
    assert_eq!(bench.namespaces().await, ["a"], "what went meanwhile ends");
    assert_eq!(bench.count("history").await, before + 1);
}

async fn a_namespace_that_is_made_again_is_the_same(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent_of("m1").await;
    bench.apply(&agent, 1, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&agent, 2, Source::KubernetesNamespaces, vec![namespace("c1", "a", "u1")]).await;
    let tags = "SELECT CONCAT(tag_key, '=', tag_value) AS x FROM resource_tags WHERE resource_type = 'k8s_namespace'";
    assert_eq!(bench.text(tags).await, "env=staging");
    bench.apply(&agent, 3, Source::KubernetesNamespaces, vec![gone("a", Duration::ZERO)]).await;
    assert_eq!(bench.namespaces().await, Vec::<String>::new());
    bench.apply(&agent, 4, Source::KubernetesNamespaces, vec![namespace("c1", "a", "u2")]).await;
    assert_eq!(bench.count("k8s_namespaces").await, 1);
    let sql = "SELECT change_kind AS x FROM history WHERE resource_type = 'k8s_namespace' ORDER BY sequence";
    let told: Vec<String> = bench.rows(sql).await.iter().map(|row| row.get("x").unwrap()).collect();
    assert_eq!(told, ["appeared", "ended", "returned"]);
    assert_eq!(bench.text("SELECT uid AS x FROM k8s_namespaces").await, "u2");
}

async fn a_node_becomes_a_compute_and_its_agent_is_matched_to_it(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent_of("m1").await;
    bench.apply(&agent, 1, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&agent, 2, Source::KubernetesNodes, vec![node("m1", "m1"), node("m7", "m7")]).await;
    assert_eq!(bench.count("computes").await, 2, "the agent's own node is its compute");
    let sql = "SELECT CONCAT(c.name, ' ', c.orchestration_platform, ' ', c.cpu_cores, ' ', z.code) AS x FROM computes c \
               JOIN datacenters d ON d.id = c.datacenter_id \
               JOIN availability_zones z ON z.id = d.availability_zone_id WHERE c.name = 'm7'";
    assert_eq!(bench.text(sql).await, "m7 kubernetes 4 north-1");
    let later = bench.agent_of("m7").await;
    assert_eq!((later.opened.held_reason, bench.count("computes").await), (None, 2), "its agent is matched to it");
    let sql = "SELECT n.name AS x FROM k8s_nodes n JOIN agents a ON a.compute_id = n.compute_id ORDER BY n.name";
    let matched: Vec<String> = bench.rows(sql).await.iter().map(|row| row.get("x").unwrap()).collect();
    assert_eq!(matched, ["m1", "m7"]);
}

async fn a_pod_belongs_to_its_namespace_before_anybody_tells_of_that(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent_of("m1").await;
    bench.apply(&agent, 1, Source::Kubernetes, vec![pod("a", "p1")]).await;
    let sql = "SELECT CONCAT(n.name, ' ', w.workload_type, ' ', w.isolation_method) AS x FROM compute_workloads w \
               JOIN k8s_namespaces n ON n.id = w.k8s_namespace_id";
    assert_eq!(bench.text(sql).await, "a k8s_pod k8s_namespace");
    bench.apply(&agent, 2, Source::KubernetesCluster, vec![claim("c1", 0)]).await;
    bench.apply(&agent, 3, Source::KubernetesNamespaces, vec![namespace("c1", "a", "u1")]).await;
    assert_eq!(bench.count("k8s_namespaces").await, 1);
    bench.apply(&agent, 4, Source::Kubernetes, vec![gone("p1", Duration::from_secs(1))]).await;
    assert_eq!(bench.text("SELECT status AS x FROM compute_workloads").await, "ended");
}

async fn an_agent_tells_of_no_other_cluster(db: &Db) {
    let bench = Bench::on(db);
    let agent = bench.agent_of("m1").await;
    bench.apply(&agent, 1, Source::Kubernetes, vec![pod("a", "p1")]).await;
    bench.apply(&agent, 2, Source::KubernetesCluster, vec![claim("c2", 9)]).await;
    bench.apply(&agent, 3, Source::KubernetesNamespaces, vec![namespace("c2", "stolen", "u1")]).await;
    assert_eq!(bench.text("SELECT uid AS x FROM k8s_clusters").await, "c1");
    assert_eq!(bench.namespaces().await, ["a"], "the namespace of its own pod");
}
